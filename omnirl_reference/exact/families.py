"""Fresh tasks to train on, by family, solved and labelled: a pure function of a key."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench import sample_task
from anymdp_bench.kernels import Drawn, draw, draw_anymdp, kernel, myopic_actions, policy_iteration
from omnirl_reference.config.stream import DISCOUNTS
from omnirl_reference.stream.grids import grid_shapes, grid_world
from omnirl_reference.stream.learners import Floats
from omnirl_reference.stream.simulate import MOST_TRIES
from omnirl_reference.stream.worlds import Ints, World, anymdp_world, garnet_world, label_table

FAMILIES = ("anymdp", "garnet", "bandit", "grid")
DISCOUNT_TABLE = np.array(DISCOUNTS)


class Solution(NamedTuple):
    """What is known of a task of n inner states.

    Attributes:
        oracle_actions: int64 ``[D, n]``, greedy actions of the oracles by discount.
        q: float64 ``[n, A]``, of the last discount.
        labels: float64 ``[n, A]``, distributions; see `worlds.label_table`.
    """

    oracle_actions: Ints
    q: Floats
    labels: Floats


@kernel(nogil=True)
def solve(world: World, n_actions: int, temperature: float) -> Solution:
    """Solve a world for every discount of `config.DISCOUNTS`; the last one labels."""
    n = len(world.terminal)
    reward = np.zeros(n * n_actions)
    for row in range(n * n_actions):
        for k in range(world.outcomes.row_start[row], world.outcomes.row_start[row + 1]):
            reward[row] += world.outcomes.probability[k] * world.mean[k]
    q = np.empty((n, n_actions))
    actions = np.zeros(n, dtype=np.int64)
    oracle_actions = np.empty((len(DISCOUNT_TABLE), n), dtype=np.int64)
    for d in range(len(DISCOUNT_TABLE)):
        if d == 0:
            myopic_actions(world.outcomes, reward, DISCOUNT_TABLE[d], actions, q)
        policy_iteration(world.outcomes, reward, DISCOUNT_TABLE[d], actions, q)
        oracle_actions[d] = actions
    return Solution(oracle_actions, q, label_table(q, world.terminal, temperature))


@kernel(nogil=True)
def _anymdp(key: np.uint64, n_states: int, n_actions: int) -> World:
    verdicts = np.zeros(16, dtype=np.int64)
    drawn = draw_anymdp(key, MOST_TRIES, n_states, n_actions, n_states, False, False, 0, verdicts)
    return anymdp_world(drawn, n_actions)


def _bandit(key: np.uint64, n_actions: int) -> World:
    task = sample_task("anymdp", seed=int(key), n_states=1, n_actions=n_actions)
    return anymdp_world(Drawn(*(getattr(task, name) for name in Drawn._fields)), n_actions)


class FewTasks(NamedTuple):
    """A limit to the tasks that there are.

    Attributes:
        n_tasks: Number of distinct tasks.
        root: Key that they are drawn from, in [0, 2**64).
    """

    n_tasks: int
    root: int


@dataclasses.dataclass(frozen=True)
class Family:
    """Where the tasks of a lane come from.

    Attributes:
        name: One of `FAMILIES`.
        n_states: Inner states of AnyMDP and Garnet tasks; cells of a grid at most; 1 for a bandit.
        n_actions: Number of actions; 4 or 5 in grids.
        few: The tasks that there are; None: a new one for every key.
    """

    name: str
    n_states: int
    n_actions: int
    few: FewTasks | None = None

    def key(self, bits: np.uint64) -> np.uint64:
        """Key of the task that random bits choose."""
        if self.few is None:
            return bits
        return np.uint64(draw(np.uint64(self.few.root), np.uint64(int(bits) % self.few.n_tasks)))

    def world(self, key: np.uint64) -> World:
        """Task of a key."""
        if self.name == "anymdp":
            return _anymdp(key, self.n_states, self.n_actions)
        if self.name == "garnet":
            return garnet_world(key, self.n_states, self.n_actions)
        if self.name == "grid":
            return grid_world(key, self._shapes, self.n_actions)
        return _bandit(key, self.n_actions)

    @property
    def _shapes(self) -> NDArray[np.int64]:
        return grid_shapes(self.n_states)

    @property
    def n_observations(self) -> int:
        """Ids that a lane needs: inner states, the end of a bandit included."""
        return 2 if self.name == "bandit" else self.n_states
