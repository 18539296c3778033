"""Exact statistic of what n agents lived in n tasks with single ids: counts, kept as lists of successors.

In a Markov task with discrete ids it says all that a context says about the task: for every (id, action)
how often it was tried, what it paid, where it led and how often it ended the episode. Successors of a pair
are one block of a row's pool; a full block moves to the end of the pool with twice the room, so that memory
grows with the distinct transitions seen and not with the square of the ids. `grown` makes a larger pool.

The first axis of every array is the row: ``Statistic(*(array[rows] for array in statistic))`` takes rows out.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.foundation.compiling import kernel

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Counts = NDArray[np.int32]
Bools = NDArray[np.bool_]

FIRST_ROOM = 2
"""Successors that a new block has room for."""
UNTAGGED = -1
"""Tag of a step whose tag is not counted.

Examples:
    >>> UNTAGGED
    -1
"""
STEPS, EPISODES, REWARD, SQUARE, LOWEST, HIGHEST = range(6)
"""Columns of `Statistic.totals`."""


class Statistic(NamedTuple):
    """Counts of n rows over O ids and A actions.

    Attributes:
        visits: int32 ``[n, O, A]``, steps.
        terminations: int32 ``[n, O, A]``, steps that ended an episode by termination; they have no successor.
        reward_sum: float64 ``[n, O, A]``.
        reward_square: float64 ``[n, O, A]``, sum of squared rewards.
        tagged: int32 ``[n, O, A, K]``, steps by tag; K may be 0.
        first, room, degree: int32 ``[n, O, A]``, a pair's block in the pool: where it begins, for how many
            successors it has room, and how many it holds.
        successors: int32 ``[n, C]``, the pool: ids that followed.
        counts: int32 ``[n, C]``, how often each did; a planner also takes probabilities (float64) here.
        used: int64 ``[n]``, entries of the pool that are taken.
        order: int32 ``[n, O]``, ids in the order in which they were first seen.
        seen: bool ``[n, O]``.
        n_seen: int64 ``[n]``.
        starts: int32 ``[n, O]``, episodes that began in each id.
        totals: float64 ``[n, 6]``: steps, episodes begun, sum and square sum of the rewards, lowest and
            highest reward (0 before the first step).
    """

    visits: Counts
    terminations: Counts
    reward_sum: Floats
    reward_square: Floats
    tagged: Counts
    first: Counts
    room: Counts
    degree: Counts
    successors: Counts
    counts: NDArray[Any]
    used: Ints
    order: Counts
    seen: Bools
    n_seen: Ints
    starts: Counts
    totals: Floats


def make_statistic(n: int, n_observations: int, n_actions: int, n_tags: int = 0) -> Statistic:
    """Statistic of n rows that have lived nothing, for O ids, A actions and K = `n_tags` tags."""
    pairs = n, n_observations, n_actions
    pool = n, max(2 * n_observations, 64)
    return Statistic(
        visits=np.zeros(pairs, np.int32),
        terminations=np.zeros(pairs, np.int32),
        reward_sum=np.zeros(pairs),
        reward_square=np.zeros(pairs),
        tagged=np.zeros((*pairs, n_tags), np.int32),
        first=np.zeros(pairs, np.int32),
        room=np.zeros(pairs, np.int32),
        degree=np.zeros(pairs, np.int32),
        successors=np.zeros(pool, np.int32),
        counts=np.zeros(pool, np.int32),
        used=np.zeros(n, np.int64),
        order=np.zeros((n, n_observations), np.int32),
        seen=np.zeros((n, n_observations), np.bool_),
        n_seen=np.zeros(n, np.int64),
        starts=np.zeros((n, n_observations), np.int32),
        totals=np.zeros((n, 6)),
    )


def grown(statistic: Statistic) -> Statistic:
    """The same statistic with a pool of twice the size; all other arrays are shared."""
    pools = statistic.successors, statistic.counts
    successors, counts = (np.concatenate([pool, np.zeros_like(pool)], axis=1) for pool in pools)
    return statistic._replace(successors=successors, counts=counts)


@kernel(nogil=True)
def has_room(statistic: Statistic, i: int) -> bool:
    """Whether row i's pool takes any further step; if not, it must be `grown` before `record_step`."""
    left = statistic.successors.shape[1] - statistic.used[i]
    return bool(left >= max(statistic.seen.shape[1], FIRST_ROOM))


@kernel(nogil=True)
def see(statistic: Statistic, i: int, observation: int) -> None:
    """Take note that row i met an id."""
    if not statistic.seen[i, observation]:
        statistic.seen[i, observation] = True
        statistic.order[i, statistic.n_seen[i]] = observation
        statistic.n_seen[i] += 1


@kernel(nogil=True)
def record_step(
    statistic: Statistic,
    i: int,
    observation: int,
    action: int,
    reward: float,
    following: int,
    terminated: bool,
    begins: bool,
    tag: int,
) -> None:
    """Count one step of row i, which `has_room`.

    Args:
        statistic: What is counted.
        i: Row.
        observation: Id before the action.
        action: What was done.
        reward: Received.
        following: Id after the action; not read after termination.
        terminated: The step ended the episode by termination.
        begins: The step was the first one of an episode.
        tag: Who chose the action; not counted outside 0..K - 1, e.g. `UNTAGGED`.
    """
    see(statistic, i, observation)
    statistic.visits[i, observation, action] += 1
    statistic.reward_sum[i, observation, action] += reward
    statistic.reward_square[i, observation, action] += reward * reward
    if 0 <= tag < statistic.tagged.shape[3]:
        statistic.tagged[i, observation, action, tag] += 1
    if terminated:
        statistic.terminations[i, observation, action] += 1
    else:
        see(statistic, i, following)
        _count_successor(statistic, i, observation, action, following)
    totals = statistic.totals
    if totals[i, STEPS] == 0.0:
        totals[i, LOWEST] = totals[i, HIGHEST] = reward
    totals[i, LOWEST] = min(totals[i, LOWEST], reward)
    totals[i, HIGHEST] = max(totals[i, HIGHEST], reward)
    totals[i, STEPS] += 1.0
    totals[i, REWARD] += reward
    totals[i, SQUARE] += reward * reward
    if begins:
        statistic.starts[i, observation] += 1
        totals[i, EPISODES] += 1.0


@kernel(nogil=True)
def _count_successor(statistic: Statistic, i: int, observation: int, action: int, following: int) -> None:
    begin = statistic.first[i, observation, action]
    degree = statistic.degree[i, observation, action]
    for k in range(begin, begin + degree):
        if statistic.successors[i, k] == following:
            statistic.counts[i, k] += 1
            return
    if degree == statistic.room[i, observation, action]:
        room = FIRST_ROOM if degree == 0 else min(2 * degree, statistic.seen.shape[1])
        moved = statistic.used[i]
        statistic.used[i] += room
        for k in range(degree):
            statistic.successors[i, moved + k] = statistic.successors[i, begin + k]
            statistic.counts[i, moved + k] = statistic.counts[i, begin + k]
        statistic.first[i, observation, action] = moved
        statistic.room[i, observation, action] = room
        begin = moved
    statistic.successors[i, begin + degree] = following
    statistic.counts[i, begin + degree] = 1
    statistic.degree[i, observation, action] = degree + 1


@kernel(nogil=True)
def forget_row(statistic: Statistic, i: int) -> None:
    """Let row i have lived nothing; its pool is used again."""
    for array in (
        statistic.visits,
        statistic.terminations,
        statistic.first,
        statistic.room,
        statistic.degree,
    ):
        array[i] = 0
    statistic.reward_sum[i] = 0.0
    statistic.reward_square[i] = 0.0
    statistic.tagged[i] = 0
    statistic.used[i] = 0
    statistic.seen[i] = False
    statistic.n_seen[i] = 0
    statistic.starts[i] = 0
    statistic.totals[i] = 0.0


def add_steps(
    statistic: Statistic,
    rows: Ints,
    observations: Ints,
    actions: Ints,
    rewards: Floats,
    following: Ints,
    terminated: Bools,
    begins: Bools,
    tags: Ints | None = None,
) -> Statistic:
    """Count T steps, in order.

    Args:
        statistic: What is counted, in place as long as its pool suffices.
        rows: int64 ``[T]``, whose step it is.
        observations: int64 ``[T]``; these and the following as in `record_step`.
        actions: ``[T]``.
        rewards: float64 ``[T]``.
        following: ``[T]``.
        terminated: bool ``[T]``.
        begins: bool ``[T]``.
        tags: int64 ``[T]``, or None: steps without tags.

    Returns:
        The statistic, with a larger pool if it needed one.
    """
    whose = np.full(len(rows), UNTAGGED) if tags is None else np.asarray(tags, dtype=np.int64)
    done = 0
    while done < len(rows):
        done = _record_steps(
            statistic, done, rows, observations, actions, rewards, following, terminated, begins, whose
        )
        if done < len(rows):
            statistic = grown(statistic)
    return statistic


@kernel(nogil=True)
def _record_steps(
    statistic: Statistic,
    done: int,
    rows: Ints,
    observations: Ints,
    actions: Ints,
    rewards: Floats,
    following: Ints,
    terminated: Bools,
    begins: Bools,
    tags: Ints,
) -> int:
    """Count steps from number `done` on; return the number of the first one that found no room, or T."""
    for k in range(done, len(rows)):
        i = rows[k]
        if not has_room(statistic, i):
            return k
        record_step(
            statistic,
            i,
            observations[k],
            actions[k],
            rewards[k],
            following[k],
            terminated[k],
            begins[k],
            tags[k],
        )
    return len(rows)
