"""Compiled play of a model-based agent: choose, learn, and whole episodes of training."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from anymdp_bench import restart_row, step_row
from anymdp_bench.kernels import UNTAGGED, has_room, next_unit
from baselines.model_based.memory import FloatArray, Memory, learn, meet
from baselines.model_based.plans import PSRL, STEPS, Rates, plan

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


class Tally(NamedTuple):
    """Finished episodes ``[n, E]``: scored returns, received returns, lengths."""

    scores: FloatArray
    rewards: FloatArray
    lengths: IntArray


@numba.njit(cache=True, nogil=True, error_model="numpy")
def choose(memory: Memory, rates: Rates, i: int, observation: int) -> int:
    """Plan if that is due, and choose row i's action: the best of the plan, ties at random."""
    meet(memory, i, observation)
    fresh = rates.kind == PSRL and memory.begins[i]
    if memory.statistic.totals[i, STEPS] >= memory.due[i] or fresh:
        plan(memory, rates, i)
    best, ties, top = 0, 0, -math.inf
    for a in range(memory.q.shape[2]):
        x = memory.q[i, observation, a]
        if ties == 0 or x > top:
            best, ties, top = a, 1, x
        elif x == top:
            ties += 1
            if next_unit(memory.streams[i]) * ties < 1.0:
                best = a
    return best


@numba.njit(cache=True, nogil=True, error_model="numpy")
def act_rows(memory: Memory, rates: Rates, observations: IntArray, active: BoolArray, out: IntArray) -> None:
    """Choose an action where `active`."""
    for i in range(len(active)):
        if active[i]:
            out[i] = choose(memory, rates, i, observations[i])


@numba.njit(cache=True, nogil=True)
def have_room(memory: Memory) -> bool:
    """Whether every row takes a further step."""
    for i in range(len(memory.due)):
        if not has_room(memory.statistic, i):
            return False
    return True


@numba.njit(cache=True, nogil=True, error_model="numpy")
def learn_rows(
    memory: Memory,
    observations: IntArray,
    actions: IntArray,
    rewards: FloatArray,
    following: IntArray,
    terminated: BoolArray,
    truncated: BoolArray,
    active: BoolArray,
) -> None:
    """Take in one step where `active`; all rows have room."""
    for i in range(len(active)):
        if active[i]:
            learn(
                memory,
                i,
                observations[i],
                actions[i],
                rewards[i],
                following[i],
                terminated[i],
                truncated[i],
                UNTAGGED,
            )


@numba.njit(cache=True, nogil=True, error_model="numpy")
def train(memory: Memory, rates: Rates, rows: Any, tally: Tally, at: IntArray) -> bool:
    """Live and learn as many new episodes in every row as `tally` has room for.

    Args:
        memory: What is learnt.
        rates: Settings.
        rows: Environments, see `compiled_rows`.
        tally: Written.
        at: int64 ``[3]``, where to go on: row, episode, and observation of the open episode (-1: none).

    Returns:
        False if the pool of a row was full: call again with more room.
    """
    n, n_episodes = tally.scores.shape
    while at[0] < n:
        i = at[0]
        if at[1] == n_episodes:
            at[0], at[1], at[2] = i + 1, 0, -1
            continue
        if at[2] < 0:
            at[2] = restart_row(rows, i)
        if not has_room(memory.statistic, i):
            return False
        observation, episode = at[2], at[1]
        action = choose(memory, rates, i, observation)
        following, reward, score, terminated, truncated = step_row(rows, i, action)
        learn(memory, i, observation, action, reward, following, terminated, truncated, UNTAGGED)
        tally.scores[i, episode] += score
        tally.rewards[i, episode] += reward
        tally.lengths[i, episode] += 1
        at[2] = following
        if terminated or truncated:
            at[1], at[2] = episode + 1, -1
    return True
