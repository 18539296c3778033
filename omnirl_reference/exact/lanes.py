"""Lanes of own play: each lives in one task after another, counts what it sees and acts by a table (numba).

A lane's life begins now and then with episodes of a teacher. Its own steps come in ticks of a few percent of
its age; between two ticks the trainer looks at the statistic and writes new tables.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench import child_seed
from anymdp_bench.kernels import (
    Statistic,
    forget_row,
    grown,
    has_room,
    kernel,
    log,
    make_statistic,
    next_bits,
    next_integer,
    next_unit,
    noise_offset,
    normal_central,
    normal_tail,
    outcome_bits,
    record_step,
    see,
)
from omnirl_reference.config.stream import TAG_RANDOM, TAG_UNKNOWN
from omnirl_reference.exact.families import Family, Solution, solve
from omnirl_reference.exact.features import N_TAGS, Plans, new_plans
from omnirl_reference.exact.lives import (
    AGE,
    ELAPSED,
    END,
    EPSILON,
    KIND,
    NO_EPISODE,
    SAMPLED,
    SHOWN,
    STATE,
    TAG,
    TAUGHT,
    TEMPERATURE,
    UNIFORM,
    draw_life,
    tick_steps,
)
from omnirl_reference.playing.draws import new_streams
from omnirl_reference.stream.learners import Floats, Stream
from omnirl_reference.stream.simulate import CENTRAL
from omnirl_reference.stream.worlds import Ints, World


class LaneState(NamedTuple):
    """Where each of n lanes stands.

    Attributes:
        keys: uint64 ``[n]``, of the current tasks.
        streams: uint64 ``[n]``.
        whole: int64 ``[n, 9]``: state, steps of the episode (`NO_EPISODE` between two), own steps so far
            and at most, kind of play, quantile, steps that a teacher plays, its discount, whether its tags
            show.
        real: float64 ``[n, 3]``: temperature, kappa, the teacher's share of random actions.
        table: float64 ``[n, O, A]``, what the lane acts by.
        values: float64 ``[n, O]``, where its leaf plan stands.
    """

    keys: NDArray[np.uint64]
    streams: NDArray[np.uint64]
    whole: Ints
    real: Floats
    table: Floats
    values: Floats


@kernel(nogil=True)
def _choose(stream: Stream, whole: Ints, real: Floats, table: Floats, s: int) -> int:
    n_actions = table.shape[1]
    if whole[KIND] == UNIFORM:
        return next_integer(stream, 0, n_actions - 1)
    best, chosen = -np.inf, 0
    for a in range(n_actions):
        x = table[s, a]
        if whole[KIND] == SAMPLED:
            x = x / real[TEMPERATURE] - log(-log(next_unit(stream)))
        else:
            x += 1e-9 * (1.0 + abs(x)) * next_unit(stream)
        if x > best:
            best, chosen = x, a
    return chosen


@kernel(nogil=True)
def _begin_state(stream: Stream, world: World) -> int:
    left = np.int64(outcome_bits(next_bits(stream)))
    s = 0
    while left >= world.initial_weight[s]:
        left -= world.initial_weight[s]
        s += 1
    return s


@kernel(nogil=True)
def live(
    statistic: Statistic,
    i: int,
    lanes: LaneState,
    world: World,
    solution: Solution,
    steps: int,
    teacher: bool,
) -> int:
    """Let lane i live up to so many steps, by its teacher or by itself; return how many it made.

    It makes fewer only where the statistic needs more room.
    """
    stream, whole, real = lanes.streams[i : i + 1], lanes.whole[i], lanes.real[i]
    n_actions = lanes.table.shape[2]
    for step in range(steps):
        if not has_room(statistic, i):
            return step
        begins = whole[ELAPSED] == NO_EPISODE
        if begins:
            whole[STATE], whole[ELAPSED] = _begin_state(stream, world), 0
            see(statistic, i, whole[STATE])
        s, tag = whole[STATE], TAG_UNKNOWN
        if not teacher:
            a = _choose(stream, whole, real, lanes.table[i], s)
        elif next_unit(stream) < real[EPSILON]:
            a, tag = next_integer(stream, 0, n_actions - 1), TAG_RANDOM
        else:
            a, tag = solution.oracle_actions[whole[TAG], s], whole[TAG]
        bits = next_bits(stream)
        left = np.int64(outcome_bits(bits))
        k = world.outcomes.row_start[s * n_actions + a]
        while left >= world.weight[k]:
            left -= world.weight[k]
            k += 1
        q = noise_offset(bits)
        normal = normal_central(q) if abs(q) <= CENTRAL else normal_tail(q)
        following = world.outcomes.successor[k]
        whole[ELAPSED] += 1
        over = world.terminal[following]
        shown = tag if whole[SHOWN] else TAG_UNKNOWN
        reward = world.mean[k] + world.noise[k] * normal
        record_step(statistic, i, s, a, reward, following, over, begins, shown)
        whole[STATE] = following
        if over or whole[ELAPSED] >= world.horizon:
            whole[ELAPSED] = NO_EPISODE
    return steps


class Lanes:
    """n lanes of one family.

    Args:
        family: Where their tasks come from.
        n: How many.
        life: Own steps in a task, at most.
        temperature: Of the labels; see `worlds.label_table`.
        seed: Root of all random numbers.
        own_play: Whether they act by what the network says, and not at random.

    Attributes:
        statistic, plans: What they saw, and the fixed plans on it.
        state: Where they stand.
        q: float64 ``[n, O, A]``, Q of the current tasks' oracle.
        labels: float64 ``[n, O, A]``; 0 where no action is ever taken.
    """

    def __init__(
        self, family: Family, n: int, life: int, temperature: float, seed: int, *, own_play: bool = True
    ) -> None:
        """Begin a life in every lane, of random length, so that they do not all end at once."""
        ids, a = family.n_observations, family.n_actions
        self.family, self.n, self.life, self.temperature = family, n, life, temperature
        self.own_play = own_play
        self.statistic, self.plans = make_statistic(n, ids, a, N_TAGS), new_plans(n, ids, a)
        seeds = [child_seed(seed, "lane", i) for i in range(n)]
        self.state = LaneState(
            keys=np.zeros(n, np.uint64),
            streams=new_streams(seeds),
            whole=np.zeros((n, 9), np.int64),
            real=np.zeros((n, 3)),
            table=np.zeros((n, ids, a)),
            values=np.zeros((n, ids)),
        )
        self.q, self.labels = np.zeros((2, n, ids, a))
        self.worlds: list[World] = []
        self.solutions: list[Solution] = []
        for i in range(n):
            self.state.keys[i] = family.key(next_bits(self.state.streams[i : i + 1]))
            self._enter(i)
            self._begin(i)

    def _enter(self, i: int) -> None:
        """Take in the task of lane i's key."""
        world = self.family.world(self.state.keys[i])
        solution = solve(world, self.family.n_actions, self.temperature)
        if i < len(self.worlds):
            self.worlds[i], self.solutions[i] = world, solution
        else:
            self.worlds.append(world)
            self.solutions.append(solution)
        n = min(len(world.terminal), self.family.n_observations)
        self.q[i], self.labels[i] = 0.0, 0.0
        self.q[i, :n], self.labels[i, :n] = solution.q[:n], solution.labels[:n]
        self.labels[i, :n][world.terminal[:n]] = 0.0

    def _begin(self, i: int) -> None:
        """Begin a life in lane i's task: draw how, forget, and let the teacher play."""
        state = self.state
        forget_row(self.statistic, i)
        for array in (self.plans.values, self.plans.q, state.table, state.values):
            array[i] = 0.0
        stream, whole, real = state.streams[i : i + 1], state.whole[i], state.real[i]
        draw_life(stream, whole, real, self.worlds[i].horizon, self.life)
        self._live(i, int(whole[TAUGHT]), teacher=True)
        whole[ELAPSED] = NO_EPISODE

    def _live(self, i: int, steps: int, *, teacher: bool) -> None:
        while steps > 0:
            world, solution = self.worlds[i], self.solutions[i]
            steps -= live(self.statistic, i, self.state, world, solution, steps, teacher)
            if steps > 0:
                self.statistic = grown(self.statistic)

    def tick(self) -> None:
        """Let every lane live on; those whose life is over begin another in a new task."""
        state = self.state
        for i in range(self.n):
            if state.whole[i, AGE] >= state.whole[i, END]:
                state.keys[i] = self.family.key(next_bits(state.streams[i : i + 1]))
                self._enter(i)
                self._begin(i)
            steps = tick_steps(state.streams[i : i + 1], state.whole[i], state.real[i])
            if not self.own_play:
                state.whole[i, KIND] = UNIFORM
            self._live(i, steps, teacher=False)
            state.whole[i, AGE] += steps

    def tensors(self) -> dict[str, NDArray[Any]]:
        """All that determines how the lanes go on, by name."""
        records = {
            "statistic": self.statistic._asdict(),
            "plans": self.plans._asdict(),
            "state": self.state._asdict(),
        }
        return {f"{part}.{name}": x for part, record in records.items() for name, x in record.items()}

    def restore(self, tensors: dict[str, NDArray[Any]]) -> None:
        """Inverse of `tensors`."""
        self.statistic = Statistic(*(tensors[f"statistic.{name}"] for name in Statistic._fields))
        self.plans = Plans(*(tensors[f"plans.{name}"] for name in Plans._fields))
        self.state = LaneState(*(tensors[f"state.{name}"] for name in LaneState._fields))
        for i in range(self.n):
            self._enter(i)
