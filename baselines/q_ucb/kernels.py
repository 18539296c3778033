"""Compiled parts of tabular Q-learning with a UCB bonus; `q_ucb` says what they compute and why.

Both ways of training call `choose` and `learn` with the same arguments in the same order, which is why
they give the same tables, bit for bit.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench import restart_row, step_row
from anymdp_bench.kernels import kernel, next_unit

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

TRAINING, TESTING = range(2)
"""Random streams of a row: frozen play does not shift what training draws."""


class Rates(NamedTuple):
    """Settings of the update; see `q_ucb.Settings`."""

    discount: float
    explore_discount: float
    bonus: float
    optimism: float
    lr_horizon: float
    greedy_share: float
    replays: int
    trace: float


class Tables(NamedTuple):
    """What n rows have learnt.

    Attributes:
        optimistic: float64 ``[n, O, A]``, estimate with bonus at the explore discount.
        value: float64 ``[n, O, A]``, plain estimate.
        visits: int64 ``[n, O, A]``.
        reward_range: float64 ``[n, 2]``, lowest and highest reward seen, 0 included.
        streams: uint64 ``[n, 2, 1]``, random streams for training and for frozen play.
        is_greedy: bool ``[n]``, the running episode follows the plain estimate.
        length: int64 ``[n]``, steps of the running episode; 0 if its first action is due.
        ids: int64 ``[n, C, 3]``, observation, action, next observation of the episode's last C steps.
        rewards: float64 ``[n, C]``.
        ends: bool ``[n, C]``, the step terminated the episode.
    """

    optimistic: FloatArray
    value: FloatArray
    visits: IntArray
    reward_range: FloatArray
    streams: NDArray[np.uint64]
    is_greedy: BoolArray
    length: IntArray
    ids: IntArray
    rewards: FloatArray
    ends: BoolArray


class Tally(NamedTuple):
    """Finished episodes ``[n, E]``: scored returns, received returns, lengths."""

    scores: FloatArray
    rewards: FloatArray
    lengths: IntArray


@kernel(nogil=True, error_model="numpy")
def choose(tables: Tables, rates: Rates, i: int, observation: int) -> int:
    """Choose the training action of row i.

    In an optimistic episode untried actions come first, then the largest optimistic estimate; in a greedy
    one the largest plain estimate among the tried. Ties are broken at random.
    """
    if tables.length[i] == 0:
        share = rates.greedy_share
        tables.is_greedy[i] = share > 0.0 and next_unit(tables.streams[i, TRAINING]) < share
    if tables.is_greedy[i]:
        return _best(tables.value, tables.visits, i, observation, -math.inf, tables.streams)
    return _best(tables.optimistic, tables.visits, i, observation, math.inf, tables.streams)


@kernel(nogil=True, error_model="numpy")
def _best(
    estimate: FloatArray,
    visits: IntArray,
    i: int,
    observation: int,
    untried: float,
    streams: NDArray[np.uint64],
) -> int:
    # Elements are indexed one by one: views of rows would double the time of a step.
    best, ties, top = 0, 0, -math.inf
    for a in range(visits.shape[2]):
        x = estimate[i, observation, a] if visits[i, observation, a] > 0 else untried
        if ties == 0 or x > top:
            best, ties, top = a, 1, x
        elif x == top:
            ties += 1
            if next_unit(streams[i, TRAINING]) * ties < 1.0:
                best = a
    return best


@kernel(nogil=True, error_model="numpy")
def choose_frozen(tables: Tables, i: int, observation: int) -> int:
    """Choose the greedy action of row i on the plain estimate; uniform where nothing was ever tried."""
    best, n_actions = -1, tables.visits.shape[2]
    for a in range(n_actions):
        if tables.visits[i, observation, a] > 0 and (
            best < 0 or tables.value[i, observation, a] > tables.value[i, observation, best]
        ):
            best = a
    if best < 0:
        return int(next_unit(tables.streams[i, TESTING]) * n_actions)
    return best


@kernel(nogil=True, error_model="numpy")
def learn(
    tables: Tables,
    rates: Rates,
    i: int,
    observation: int,
    action: int,
    reward: float,
    following: int,
    terminated: bool,
    truncated: bool,
) -> None:
    """Take in one step of row i; after the last one of an episode, replay it backwards."""
    tables.reward_range[i, 0] = min(tables.reward_range[i, 0], reward)
    tables.reward_range[i, 1] = max(tables.reward_range[i, 1], reward)
    tables.visits[i, observation, action] += 1
    if tables.visits[i, observation, action] == 1:
        # Counts from now on as tried; a first step that leads back to its own start still needs the ceiling.
        tables.optimistic[i, observation, action] = _ceiling(tables, rates, i)
    capacity = tables.rewards.shape[1]
    at = tables.length[i] & (capacity - 1)
    tables.ids[i, at, 0], tables.ids[i, at, 1], tables.ids[i, at, 2] = observation, action, following
    tables.rewards[i, at] = reward
    tables.ends[i, at] = terminated
    tables.length[i] += 1
    _update(tables, rates, i, at)
    if terminated or truncated:
        last = tables.length[i] - 1
        if rates.trace > 0.0:
            _trace_back(tables, rates, i, last)
        for _ in range(rates.replays):
            for step in range(last, last - min(last + 1, capacity), -1):
                _update(tables, rates, i, step & (capacity - 1))
        tables.length[i] = 0


@kernel(nogil=True, error_model="numpy")
def _update(tables: Tables, rates: Rates, i: int, at: int) -> None:
    """Move the estimates of a remembered step towards their targets; a traced one waits for the end."""
    observation, action = tables.ids[i, at, 0], tables.ids[i, at, 1]
    reward, ceiling = tables.rewards[i, at], _ceiling(tables, rates, i)
    optimistic_next, value_next = 0.0, 0.0
    if not tables.ends[i, at]:
        optimistic_next, value_next = _next_values(tables, i, tables.ids[i, at, 2], ceiling)
    n = tables.visits[i, observation, action]
    rate = (rates.lr_horizon + 1.0) / (rates.lr_horizon + n)
    optimistic, value = tables.optimistic[i, observation, action], tables.value[i, observation, action]
    bonus = rates.bonus * (tables.reward_range[i, 1] - tables.reward_range[i, 0]) / math.sqrt(n)
    target = reward + bonus + rates.explore_discount * optimistic_next
    tables.optimistic[i, observation, action] = min(optimistic + rate * (target - optimistic), ceiling)
    if rates.trace == 0.0:
        target = reward + rates.discount * value_next
        tables.value[i, observation, action] = value + rate * (target - value)


@kernel(nogil=True, error_model="numpy")
def _trace_back(tables: Tables, rates: Rates, i: int, last: int) -> None:
    """Move the plain estimate towards the episode's lambda-returns, from its last step to its first."""
    capacity = tables.rewards.shape[1]
    lived, share = 0.0, 0.0
    for step in range(last, last - min(last + 1, capacity), -1):
        at = step & (capacity - 1)
        observation, action = tables.ids[i, at, 0], tables.ids[i, at, 1]
        best = 0.0 if tables.ends[i, at] else _next_values(tables, i, tables.ids[i, at, 2], 0.0)[1]
        value = tables.value[i, observation, action]
        is_best = value >= _next_values(tables, i, observation, 0.0)[1]
        lived = tables.rewards[i, at] + rates.discount * (best + share * (lived - best))
        n = tables.visits[i, observation, action]
        rate = (rates.lr_horizon + 1.0) / (rates.lr_horizon + n)
        tables.value[i, observation, action] = value + rate * (lived - value)
        share = rates.trace if is_best else 0.0


@kernel(nogil=True, error_model="numpy")
def _ceiling(tables: Tables, rates: Rates, i: int) -> float:
    """Largest optimistic estimate: life without end on rewards better than any seen in row i."""
    low, high = tables.reward_range[i, 0], tables.reward_range[i, 1]
    ceiling: float = (high + rates.optimism * (high - low)) / (1.0 - rates.explore_discount)
    return ceiling


@kernel(nogil=True, error_model="numpy")
def _next_values(tables: Tables, i: int, following: int, ceiling: float) -> tuple[float, float]:
    """Largest optimistic value (untried: the ceiling) and largest plain value among the tried (none: 0)."""
    top, best, tried = -math.inf, -math.inf, False
    for a in range(tables.visits.shape[2]):
        if tables.visits[i, following, a] > 0:
            tried = True
            top = max(top, tables.optimistic[i, following, a])
            best = max(best, tables.value[i, following, a])
        else:
            top = max(top, ceiling)
    return top, best if tried else 0.0


@kernel(nogil=True, error_model="numpy")
def act_rows(
    tables: Tables, rates: Rates, frozen: bool, observations: IntArray, active: BoolArray, out: IntArray
) -> None:
    """Choose an action where `active`."""
    for i in range(len(active)):
        if active[i]:
            if frozen:
                out[i] = choose_frozen(tables, i, observations[i])
            else:
                out[i] = choose(tables, rates, i, observations[i])


@kernel(nogil=True, error_model="numpy")
def learn_rows(
    tables: Tables,
    rates: Rates,
    observations: IntArray,
    actions: IntArray,
    rewards: FloatArray,
    following: IntArray,
    terminated: BoolArray,
    truncated: BoolArray,
    active: BoolArray,
) -> None:
    """Take in one step where `active`."""
    for i in range(len(active)):
        if active[i]:
            learn(
                tables,
                rates,
                i,
                observations[i],
                actions[i],
                rewards[i],
                following[i],
                terminated[i],
                truncated[i],
            )


@kernel(nogil=True, error_model="numpy")
def train(tables: Tables, rates: Rates, rows: Any, tally: Tally) -> None:
    """Live and learn as many new episodes in every row as `tally` has room for."""
    n, n_episodes = tally.scores.shape
    for i in range(n):
        for episode in range(n_episodes):
            observation = restart_row(rows, i)
            over = False
            while not over:
                action = choose(tables, rates, i, observation)
                following, reward, score, terminated, truncated = step_row(rows, i, action)
                learn(tables, rates, i, observation, action, reward, following, terminated, truncated)
                tally.scores[i, episode] += score
                tally.rewards[i, episode] += reward
                tally.lengths[i, episode] += 1
                observation = following
                over = terminated or truncated
