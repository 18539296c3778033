"""The exact memory as a reader of recorded play: what it expects, step by step.

The oracle's action is what the policy head says; the next id and the reward are what the counts say.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench import Answers, Segment
from anymdp_bench.kernels import Statistic, add_steps, make_statistic
from omnirl_reference.exact.acting import Acting
from omnirl_reference.exact.agent import new_rows, rules_of
from omnirl_reference.exact.features import N_TAGS
from omnirl_reference.exact.network import ExactNetwork
from omnirl_reference.exact.network_kernels import weights_of
from omnirl_reference.exact.play import Rows, refresh_rows

STATE_PRIOR, PAIR_PRIOR, REWARD_PRIOR = 2.0, 1.0, 1.0
"""Imagined visits: of a state that leads where all do, of a pair that leads where its state does, of a pair
that pays the mean reward."""
TEMPERATURE = 0.25
"""Best mean loss, but for one worse at first, of 1, 0.5, 0.35, 0.25 and 0.15 on other tasks (32 states)."""
NEVER = np.iinfo(np.int64).max


class Reading(NamedTuple):
    """State of n readings of O ids and A actions.

    Attributes:
        statistic: Counts of what was read.
        rows: Latest answers of the policy head, and when it is asked again.
        led: int32 ``[n, O, A, O]``, how often a pair led to an id, ends of episodes included.
        arrived: int64 ``[n, O]``, the same whatever came before.
        begins: bool ``[n]``, the next step is the first of an episode.
    """

    statistic: Statistic
    rows: Rows
    led: NDArray[np.int32]
    arrived: NDArray[np.int64]
    begins: NDArray[np.bool_]


class ExactReader:
    """Sequence model of `evaluate_sequence` for any number of ids and actions.

    Args:
        network: In evaluation mode.
        temperature: Of the policy head, whose labels were soft while boards score the oracle's one action.
    """

    def __init__(self, network: ExactNetwork, temperature: float = TEMPERATURE) -> None:
        """Keep the weights."""
        self._weights = weights_of(network)
        self._rules = rules_of(Acting(with_context=temperature), taught=True)._replace(headed=True)

    def begin(self, n: int, n_observations: int, n_actions: int) -> Reading:
        """State before the first step of n sequences."""
        rows = new_rows(n, n_observations, n_actions, range(n))
        rows.doubt[:] = NEVER
        return Reading(
            make_statistic(n, n_observations, n_actions, N_TAGS),
            rows,
            np.zeros((n, n_observations, n_actions, n_observations), np.int32),
            np.zeros((n, n_observations), np.int64),
            np.ones(n, np.bool_),
        )

    def answer(self, segment: Segment, state: Reading) -> tuple[Answers, Reading]:
        """Logits and expected rewards of a segment's steps, and the state after them."""
        policy, following, reward = [], [], []
        for t in range(segment.actions.shape[1]):
            now = Segment._make(x[:, t] for x in segment)
            policy.append(self._logits(now, state))
            following.append(_next_logits(now, state))
            reward.append(_expected_reward(now, state))
            state = _counted(now, state)
        return Answers(*(np.stack(x, axis=1) for x in (policy, following, reward))), state

    def _logits(self, now: Segment, state: Reading) -> NDArray[np.float64]:
        active = np.ones(len(now.actions), np.bool_)
        refresh_rows(state.statistic, state.rows, active, now.observations, self._rules, self._weights)
        logits: NDArray[np.float64] = state.rows.table[np.arange(len(active)), now.observations]
        return logits


def _next_logits(now: Segment, state: Reading) -> NDArray[np.float64]:
    """Logarithm of where the pair led, where its state led and where anything did, weighed by visits."""
    each = np.arange(len(now.actions))
    anywhere = (state.arrived + 1.0) / (state.arrived.sum(axis=1, keepdims=True) + state.arrived.shape[1])
    from_state = state.led[each, now.observations]
    from_pair = from_state[each, now.actions]
    chance = anywhere
    for counts, prior in ((from_state.sum(axis=1), STATE_PRIOR), (from_pair, PAIR_PRIOR)):
        chance = (counts + prior * chance) / (counts.sum(axis=1, keepdims=True) + prior)
    logits: NDArray[np.float64] = np.log(chance)
    return logits


def _expected_reward(now: Segment, state: Reading) -> NDArray[np.float64]:
    pair = np.arange(len(now.actions)), now.observations, now.actions
    visits, total = state.statistic.visits, state.statistic.reward_sum
    mean = total.sum(axis=(1, 2)) / np.maximum(visits.sum(axis=(1, 2)), 1)
    expected: NDArray[np.float64] = (total[pair] + REWARD_PRIOR * mean) / (visits[pair] + REWARD_PRIOR)
    return expected


def _counted(now: Segment, state: Reading) -> Reading:
    """The state after a step; an end at an id where nothing was ever done is taken for a termination."""
    each: NDArray[Any] = np.arange(len(now.actions))
    left = state.statistic.visits[each, now.next_observations].sum(axis=1) > 0
    statistic = add_steps(
        state.statistic,
        each,
        now.observations,
        now.actions,
        now.rewards.astype(np.float64),
        now.next_observations,
        now.ended & ~left,
        state.begins,
        now.tags,
    )
    state.led[each, now.observations, now.actions, now.next_observations] += 1
    state.arrived[each, now.next_observations] += 1
    state.rows.steps[:] += 1
    return state._replace(statistic=statistic, begins=now.ended.copy())
