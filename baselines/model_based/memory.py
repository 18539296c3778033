"""What a model-based agent keeps of n rows, and how a step enters it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench import child_seed
from anymdp_bench.kernels import Statistic, grown, has_room, kernel, make_statistic, record_step, see
from baselines.model_based.history import History, compare_step, make_history

FloatArray = NDArray[np.float64]

PLAYING, TESTING = range(2)
"""Random streams of a row: frozen play does not shift what play draws."""
PLAN, TEST_PLAN = range(2)
"""Plans of a row: the one that acts, and the certainty-equivalent one of tests (`optimism.plan_test`)."""


class Memory(NamedTuple):
    """What n rows have lived, and what they have planned.

    Attributes:
        statistic: Counts of all steps.
        history: Evidence against Markov ids.
        plain: float64 ``[n, O]``, values of the plan that sets the height of the optimistic leaf.
        plain_q: float64 ``[n, O, A]``.
        values: float64 ``[n, 2, O]``, values of the plan that acts, and of the one of tests.
        q: float64 ``[n, 2, O, A]``.
        streams: uint64 ``[n, 2, 1]``, random streams of play and of tests.
        due: int64 ``[n]``, steps from which on the row plans again.
        begins: bool ``[n]``, the next step begins an episode.
    """

    statistic: Statistic
    history: History
    plain: FloatArray
    plain_q: FloatArray
    values: FloatArray
    q: FloatArray
    streams: NDArray[np.uint64]
    due: NDArray[np.int64]
    begins: NDArray[np.bool_]


def make_memory(n: int, n_observations: int, n_actions: int, seed: int, n_tags: int) -> Memory:
    """Memory of n rows that have lived nothing; row i draws from streams of its own."""
    states, pairs = (n, n_observations), (n, n_observations, n_actions)
    purposes = "playing", "testing"
    streams = [[[child_seed(seed, i, purpose)] for purpose in purposes] for i in range(n)]
    return Memory(
        statistic=make_statistic(*pairs, n_tags),
        history=make_history(*states),
        plain=np.zeros(states),
        plain_q=np.zeros(pairs),
        values=np.zeros((n, 2, n_observations)),
        q=np.zeros((n, 2, n_observations, n_actions)),
        streams=np.array(streams, dtype=np.uint64),
        due=np.zeros(n, np.int64),
        begins=np.ones(n, np.bool_),
    )


def with_more_room(memory: Memory) -> Memory:
    """The same memory with a larger pool of successors."""
    return memory._replace(statistic=grown(memory.statistic))


@kernel(nogil=True)
def have_room(memory: Memory) -> bool:
    """Whether every row takes a further step."""
    for i in range(len(memory.due)):
        if not has_room(memory.statistic, i):
            return False
    return True


@kernel(nogil=True, error_model="numpy")
def meet(memory: Memory, i: int, observation: int) -> None:
    """Take note of the id that row i acts in next; one never seen before is planned for at once."""
    if not memory.statistic.seen[i, observation]:
        see(memory.statistic, i, observation)
        memory.due[i] = 0


@kernel(nogil=True, error_model="numpy")
def learn(
    memory: Memory,
    i: int,
    observation: int,
    action: int,
    reward: float,
    following: int,
    terminated: bool,
    truncated: bool,
    tag: int,
) -> None:
    """Take in one step of row i, which has room."""
    ends = terminated or truncated
    compare_step(memory.history, memory.statistic, i, observation, action, following, terminated, ends)
    n_seen = memory.statistic.n_seen[i]
    begins = memory.begins[i]
    record_step(memory.statistic, i, observation, action, reward, following, terminated, begins, tag)
    if memory.statistic.n_seen[i] > n_seen:
        memory.due[i] = 0
    memory.begins[i] = ends
