"""Tabular Q-learning with an upper-confidence bonus (TQL-UCB).

Algorithm 1 of Jin et al. (2018), Q-learning with UCB-Hoeffding, keeps for every step h of an episode a table
of optimistic Q, acts greedily on it, and after each step moves it by ``(H + 1) / (H + n)`` towards ``reward +
V(next) + c sqrt(H^3 log(SAT / p) / n)``, where n counts the visits of the pair and V is cut at H. It assumes
rewards in [0, 1], a known horizon H, and no discount. Here none of this is given, and the departures are:

- **One table, not one for each step.** Horizons are unknown and episodes up to hundreds of steps long, so
  the optimistic table is stationary and discounted (`explore_discount`); truncation is not an end: the next
  value is counted after it, and left out after termination only.
- **Two tables.** The same updates without bonus, at a discount near that of the score (`discount`), keep a
  plain estimate of Q. Tests and `policy_table` are greedy on it: a bonus that has not died out yet should
  not be scored. The optimistic table may look less far ahead, because looking for what is unknown pays
  even where looking ahead is cut short.
- **The scale of rewards is estimated.** Bonus and optimistic values are in units of the range of the rewards
  seen so far, 0 included. The bonus is ``bonus * range / sqrt(n)``: constants, horizon and logarithm are one
  tuned factor.
- **The optimistic start is a rule, not a number.** Untried actions are chosen first, and count in targets as
  ``(highest reward + optimism * range) / (1 - explore_discount)``, the value of living for ever on rewards
  better than any seen. No optimistic estimate exceeds this ceiling, as V is cut at H.
- **The learning rate keeps its form** ``(h + 1) / (h + n)``, with a tuned h (`lr_horizon`; 0 averages).
- **Some training episodes are greedy** on the plain estimate (`greedy_share`), so that what is tested is
  also practised.
- **A finished episode is replayed backwards** (`replays` times) through the same update, with unchanged
  counts: values travel back a whole episode at once. Steps beyond the last 2,048 are forgotten.
- **Returns may be traced** (`trace`). Where an id stands for many situations, a one-step target mixes them
  up. With a trace the plain estimate learns at the end of an episode, backwards, from Watkins's
  lambda-return: the return that was lived while the actions were the best known, and the largest estimate
  from there on.
- **Ties are broken at random** while training, by the lowest action in tests; a test plays uniformly where
  nothing was ever tried.

References:
    C. Jin, Z. Allen-Zhu, S. Bubeck, M. I. Jordan, Is Q-learning provably efficient? (NeurIPS 2018),
    Algorithm 1. C. J. C. H. Watkins, Learning from delayed rewards (1989), chapter 7.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
from gymnasium.spaces import Space
from numpy.typing import NDArray

from anymdp_bench import (
    AgentError,
    AgentInfo,
    Episodes,
    InvalidConfig,
    Task,
    child_seed,
    compiled_rows,
    discrete_sizes,
)
from baselines.families import DEFAULT_FAMILY, family_of_bank
from baselines.greedy import greedy_policy
from baselines.q_ucb import kernels

REMEMBERED_STEPS = 2048
"""Longest part of an episode that is replayed; the longest horizon of the AnyMDP banks is below 1,000."""
TUNED = "tuned/q_ucb.json"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What may be tuned.

    Attributes:
        discount: Of the plain estimate, in [0, 1).
        explore_discount: Of the optimistic estimate, in [0, 1).
        bonus: Bonus of a first visit in units of the reward range, at least 0.
        optimism: What untried actions may pay more than the best reward seen, in units of the reward
            range, at least 0.
        lr_horizon: h of the learning rate ``(h + 1) / (h + n)``, at least 0.
        greedy_share: Share of training episodes that are greedy on the plain estimate, in [0, 1).
        replays: How often a finished episode is replayed backwards, at least 0.
        trace: lambda of the plain estimate's returns, in [0, 1]; 0: one-step targets after each step.

    Raises:
        InvalidConfig: a setting is outside its range.
    """

    discount: float = 0.994
    explore_discount: float = 0.95
    bonus: float = 3.0
    optimism: float = 1.0
    lr_horizon: float = 20.0
    greedy_share: float = 0.2
    replays: int = 1
    trace: float = 0.0

    def __post_init__(self) -> None:
        """Check every field."""
        for name in ("discount", "explore_discount", "greedy_share"):
            value = getattr(self, name)
            if not 0 <= value < 1:
                raise InvalidConfig(f"{name}={value!r}: give a number in [0, 1).")
        if not 0 <= self.trace <= 1:
            raise InvalidConfig(f"trace={self.trace!r}: give a number in [0, 1].")
        for name in ("bonus", "optimism", "lr_horizon", "replays"):
            value = getattr(self, name)
            if not 0 <= value < np.inf:
                raise InvalidConfig(f"{name}={value!r}: give a finite number of at least 0.")

    def rates(self) -> kernels.Rates:
        """Settings as the kernels take them."""
        return kernels.Rates(
            discount=float(self.discount),
            explore_discount=float(self.explore_discount),
            bonus=float(self.bonus),
            optimism=float(self.optimism),
            lr_horizon=float(self.lr_horizon),
            greedy_share=float(self.greedy_share),
            replays=int(self.replays),
            trace=float(self.trace),
        )


def tuned_settings(family: str) -> Settings:
    """Settings that `python -m baselines.tuning q-ucb` chose for a family of tasks."""
    families = json.loads((files("baselines") / TUNED).read_text(encoding="utf-8"))["families"]
    return Settings(**families[family]["settings"])


def make(bank: str | None = None) -> QUCB:
    """Make the agent with the settings tuned for the family of a bank, or for AnyMDP."""
    family = DEFAULT_FAMILY if bank is None else family_of_bank(bank)
    return QUCB(tuned_settings(family))


def with_settings(settings: Mapping[str, Any]) -> QUCB:
    """Make the agent with settings by name; the rest keeps its default."""
    return QUCB(Settings(**settings))


class QUCB:
    """Tabular Q-learning with an upper-confidence bonus; see the module.

    Args:
        settings: What may be tuned.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        """See the class."""
        self.settings = settings or Settings()
        self.info = AgentInfo(name="q-ucb", learner=True, config=dataclasses.asdict(self.settings))
        self._rates = self.settings.rates()
        self._frozen = False

    def begin(
        self,
        n: int,
        observation_space: Space[Any],
        action_space: Space[Any],
        seed: int,
        context: Any = None,
        tasks: Sequence[Task] | None = None,
    ) -> None:
        """Forget everything.

        Raises:
            AgentError: a space is not Discrete, or a recorded context is given.
        """
        if context is not None:
            raise AgentError("Q-learning with a UCB bonus takes no recorded context; use an online board.")
        sizes = n, *discrete_sizes(self.info.name, observation_space, action_space)
        self._frozen = False
        self._tables = kernels.Tables(
            optimistic=np.zeros(sizes),
            value=np.zeros(sizes),
            visits=np.zeros(sizes, np.int64),
            reward_range=np.zeros((n, 2)),
            streams=_streams(n, seed),
            is_greedy=np.zeros(n, np.bool_),
            length=np.zeros(n, np.int64),
            ids=np.zeros((n, REMEMBERED_STEPS, 3), np.int64),
            rewards=np.zeros((n, REMEMBERED_STEPS)),
            ends=np.zeros((n, REMEMBERED_STEPS), np.bool_),
        )

    def act(self, observations: NDArray[Any], active: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Choose an action in every active row."""
        actions = np.zeros(len(active), np.int64)
        kernels.act_rows(self._tables, self._rates, self._frozen, observations, active, actions)
        return actions

    def observe(
        self,
        observations: NDArray[Any],
        actions: NDArray[Any],
        rewards: NDArray[np.float64],
        next_observations: NDArray[Any],
        terminated: NDArray[np.bool_],
        truncated: NDArray[np.bool_],
        active: NDArray[np.bool_],
    ) -> None:
        """Learn from the step of every active row, unless frozen."""
        if self._frozen:
            return
        kernels.learn_rows(
            self._tables,
            self._rates,
            observations,
            actions,
            rewards,
            next_observations,
            terminated,
            truncated,
            active,
        )

    def learn_episodes(self, env: Any, n_episodes: int) -> Episodes | None:
        """Live `n_episodes` episodes in every row of `env` inside one kernel; None if that is impossible."""
        rows = compiled_rows(env)
        if rows is None:
            return None
        shape = (env.num_envs, n_episodes)
        tally = kernels.Tally(np.zeros(shape), np.zeros(shape), np.zeros(shape, np.int64))
        kernels.train(self._tables, self._rates, rows, tally)
        return Episodes(*tally)

    def freeze(self) -> None:
        """Play greedily on the plain estimate, and learn nothing."""
        self._frozen = True

    def unfreeze(self) -> None:
        """Go on learning."""
        self._frozen = False

    def policy_table(self) -> NDArray[np.float64]:
        """Greedy policy on the plain estimate, ``[n, O, A]``; uniform where nothing was ever tried."""
        return greedy_policy(self._tables.value, self._tables.visits > 0)


def _streams(n: int, seed: int) -> NDArray[np.uint64]:
    """Two random streams for each row, uint64 ``[n, 2, 1]``."""
    purposes = "training", "testing"
    states = [[[child_seed(seed, i, purpose)] for purpose in purposes] for i in range(n)]
    return np.array(states, dtype=np.uint64)
