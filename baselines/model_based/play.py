"""Compiled play of a model-based agent: choose, learn, and whole episodes of training."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench import restart_row, step_row
from anymdp_bench.kernels import UNTAGGED, has_room, kernel, next_integer, next_unit
from baselines.model_based.memory import (
    PLAN,
    PLAYING,
    TEST_PLAN,
    TESTING,
    FloatArray,
    Memory,
    learn,
    meet,
)
from baselines.model_based.optimism import STEPS, plan_oim, plan_test, plan_ucbvi
from baselines.model_based.posterior import plan_psrl
from baselines.model_based.settings import OIM, PSRL, UCBVI, Rates

IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


class Tally(NamedTuple):
    """Finished episodes ``[n, E]``: scored returns, received returns, lengths."""

    scores: FloatArray
    rewards: FloatArray
    lengths: IntArray


@kernel(nogil=True, error_model="numpy")
def plan(memory: Memory, rates: Rates, i: int) -> None:
    """Plan row i anew, and say when it is due again."""
    if rates.kind == OIM:
        plan_oim(memory, rates, i)
    elif rates.kind == UCBVI:
        plan_ucbvi(memory, rates, i)
    else:
        plan_psrl(memory, rates, i)
    steps = memory.statistic.totals[i, STEPS]
    memory.due[i] = int(steps) + max(rates.every, int(rates.growth * steps))


@kernel(nogil=True, error_model="numpy")
def taught_action(memory: Memory, i: int, observation: int) -> int:
    """Action that the oracle took most often in an id, the lowest of equals; -1: none was tagged."""
    tagged = memory.statistic.tagged
    best, most = -1, 0
    for a in range(tagged.shape[2]):
        for tag in range(tagged.shape[3]):
            if tagged[i, observation, a, tag] > most:
                best, most = a, tagged[i, observation, a, tag]
    return best


@kernel(nogil=True, error_model="numpy")
def choose(memory: Memory, rates: Rates, i: int, observation: int) -> int:
    """Plan if that is due, and choose row i's action: the oracle's, or the plan's best, ties at random."""
    taught = taught_action(memory, i, observation)
    if taught >= 0:
        return taught
    meet(memory, i, observation)
    redrawn = rates.kind == PSRL and memory.begins[i]
    if redrawn or memory.statistic.totals[i, STEPS] >= memory.due[i]:
        plan(memory, rates, i)
    best, ties, top = 0, 0, -math.inf
    for a in range(memory.q.shape[3]):
        x = memory.q[i, PLAN, observation, a]
        if ties == 0 or x > top:
            best, ties, top = a, 1, x
        elif x == top:
            ties += 1
            if next_unit(memory.streams[i, PLAYING]) * ties < 1.0:
                best = a
    return best


@kernel(nogil=True, error_model="numpy")
def act_rows(memory: Memory, rates: Rates, observations: IntArray, active: BoolArray, out: IntArray) -> None:
    """Choose an action where `active`."""
    for i in range(len(active)):
        if active[i]:
            out[i] = choose(memory, rates, i, observations[i])


@kernel(nogil=True, error_model="numpy")
def plan_tests(memory: Memory, rates: Rates) -> None:
    """Plan every row for tests; what the oracle did is worth more than anything."""
    for i in range(len(memory.due)):
        plan_test(memory, rates, i)
        for s in range(memory.q.shape[2]):
            taught = taught_action(memory, i, s)
            if taught >= 0:
                memory.q[i, TEST_PLAN, s, taught] = math.inf


@kernel(nogil=True, error_model="numpy")
def act_frozen(
    memory: Memory, policy: IntArray, observations: IntArray, active: BoolArray, out: IntArray
) -> None:
    """Follow a policy ``[n, O]`` where `active`; uniformly where it is -1."""
    for i in range(len(active)):
        if active[i]:
            out[i] = policy[i, observations[i]]
            if out[i] < 0:
                out[i] = next_integer(memory.streams[i, TESTING], 0, memory.q.shape[3] - 1)


@kernel(nogil=True, error_model="numpy")
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


@kernel(nogil=True, error_model="numpy")
def study(
    memory: Memory,
    done: int,
    rows: IntArray,
    observations: IntArray,
    actions: IntArray,
    rewards: FloatArray,
    following: IntArray,
    terminated: BoolArray,
    truncated: BoolArray,
    tags: IntArray,
) -> int:
    """Take in recorded steps from number `done` on; return the first that found no room, or their number."""
    for k in range(done, len(rows)):
        i = rows[k]
        if not has_room(memory.statistic, i):
            return k
        learn(
            memory,
            i,
            observations[k],
            actions[k],
            rewards[k],
            following[k],
            terminated[k],
            truncated[k],
            tags[k],
        )
    return len(rows)


@kernel(nogil=True, error_model="numpy")
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
        episode, observation = at[1], at[2]
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
