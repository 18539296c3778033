"""A test of whether ids are Markov: does the id before say more about what follows than the pair alone?

If they are, all steps from a pair (id, action) lead on alike, and what follows now equals what followed the
last time *after the same previous id* exactly as often as it equals what followed any earlier time. Each
step whose context is remembered adds the difference between the two, which is 0 on average. The sum over
the root of the sum of squares is near standard normal for Markov ids, and grows with the root of the steps
where an id stands for several situations.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.kernels import Statistic, draw, kernel

SLOTS = 4096
"""Contexts that a row remembers, a power of two; a new one replaces the one that had its slot."""
DIFFERENCE, SQUARE, OPEN = range(3)
"""Columns of `History.evidence`: sum of the differences, of their squares, and of what pairs leave open."""
DEVIATIONS, SHARE = 4.0, 0.02
"""Ids count as aliased from so many standard deviations on, if so much of what is open is explained."""


class History(NamedTuple):
    """What n rows remember of their steps' contexts.

    Attributes:
        previous: int64 ``[n]``, id of the step before; O at an episode's start.
        keys: int64 ``[n, SLOTS]``, context of each slot; -1: none.
        followed: int32 ``[n, SLOTS]``, what followed it last; O: the end.
        evidence: float64 ``[n, 3]``.
    """

    previous: NDArray[np.int64]
    keys: NDArray[np.int64]
    followed: NDArray[np.int32]
    evidence: NDArray[np.float64]


def make_history(n: int, n_observations: int) -> History:
    """History of n rows that have lived nothing."""
    return History(
        previous=np.full(n, n_observations),
        keys=np.full((n, SLOTS), -1),
        followed=np.zeros((n, SLOTS), np.int32),
        evidence=np.zeros((n, 3)),
    )


@kernel(nogil=True, error_model="numpy")
def compare_step(
    history: History,
    statistic: Statistic,
    i: int,
    observation: int,
    action: int,
    following: int,
    terminated: bool,
    ends: bool,
) -> None:
    """Take in a step of row i, before the statistic counts it."""
    n_observations, n_actions = statistic.visits.shape[1], statistic.visits.shape[2]
    outcome = n_observations if terminated else following
    key = (history.previous[i] * n_observations + observation) * n_actions + action
    slot = np.int64(draw(np.uint64(key), np.uint64(0)) & np.uint64(SLOTS - 1))
    if history.keys[i, slot] == key:
        share = _share(statistic, i, observation, action, outcome)
        difference = (1.0 if history.followed[i, slot] == outcome else 0.0) - share
        history.evidence[i, DIFFERENCE] += difference
        history.evidence[i, SQUARE] += difference * difference
        history.evidence[i, OPEN] += 1.0 - share
    history.keys[i, slot] = key
    history.followed[i, slot] = outcome
    history.previous[i] = n_observations if ends else observation


@kernel(nogil=True, error_model="numpy")
def _share(statistic: Statistic, i: int, observation: int, action: int, outcome: int) -> float:
    """Share of the pair's earlier steps that led to the outcome."""
    count = 0
    if outcome == statistic.visits.shape[1]:
        count = statistic.terminations[i, observation, action]
    else:
        begin = statistic.first[i, observation, action]
        for k in range(begin, begin + statistic.degree[i, observation, action]):
            if statistic.successors[i, k] == outcome:
                count = statistic.counts[i, k]
    return float(count / statistic.visits[i, observation, action])


@kernel(nogil=True, error_model="numpy")
def is_aliased(history: History, i: int) -> bool:
    """Whether row i's ids stand for several situations, beyond what chance explains."""
    evidence = history.evidence[i]
    significant = evidence[DIFFERENCE] > DEVIATIONS * math.sqrt(evidence[SQUARE])
    return bool(significant and evidence[DIFFERENCE] > SHARE * evidence[OPEN])
