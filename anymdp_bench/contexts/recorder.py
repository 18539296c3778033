"""Teachers at play: episodes recorded in one batch.

Every episode has random numbers of its own, so what is recorded for a row does not depend on which
other rows are recorded with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.banks import BOARD_TASKS, Bank, load_bank
from anymdp_bench.contexts.context import STEP_ARRAYS, Context
from anymdp_bench.contexts.guides import Guide, guide
from anymdp_bench.contexts.learner import below
from anymdp_bench.contexts.teachers import RANDOM, Teacher, get_teacher
from anymdp_bench.envs import batch_env
from anymdp_bench.envs.base import BatchEnv
from anymdp_bench.foundation.checks import check_integer
from anymdp_bench.foundation.compiling import elements, kernel
from anymdp_bench.foundation.errors import InvalidConfig
from anymdp_bench.foundation.seeding import (
    AGENT_STREAM,
    WEIGHT_TOTAL,
    child_seed,
    draw,
    outcome_bits,
    stream_keys,
)
from anymdp_bench.foundation.types import IntArray
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.task import TabularTask

TEACHER_EPISODES = 100
"""Episodes of a teacher that boards hand over (OmniRL, arXiv 2502.02869, figure 6)."""
MOST_AT_ONCE = 1600
"""Episodes that are played at once; bounds the memory, and changes no result."""


def record_context(
    bank: str | Bank,
    teacher: str,
    *,
    split: str = "test",
    tasks: Sequence[int] | None = None,
    run: int = 0,
    seed: int = 0,
    n_episodes: int = TEACHER_EPISODES,
) -> Context:
    """Record a teacher on tasks of a bank; what boards hand over is recorded in this way.

    Args:
        bank: A bank or its name.
        teacher: Name of a teacher, see `TEACHERS`.
        split: ``"test"``, ``"validation"`` or ``"train"``.
        tasks: Indices of the tasks, one row each; default: the first 64, or all where there are fewer.
        run: Number of the run that it is for.
        seed: Root of all random numbers; boards use theirs.
        n_episodes: Episodes of each row.

    Raises:
        UnknownName: no such bank or teacher.
        InvalidConfig: no such split, no task, no episode, or a task that the teacher cannot play.
        IndexError: no such task.

    Examples:
        >>> record_context("darkroom-6-v0", "noisy-oracle-0.5", n_episodes=3).n_episodes
        3
    """
    source = load_bank(bank) if isinstance(bank, str) else bank
    known = source.split(split)
    indices = range(min(BOARD_TASKS, len(known))) if tasks is None else tasks
    seeds = [context_seed(seed, source.name, split, index, run, teacher) for index in indices]
    return record_episodes([known[index] for index in indices], teacher, seeds, n_episodes)


def context_seed(seed: int, bank: str, split: str, task: int, run: int, teacher: str) -> int:
    """Seed of one row of a context."""
    return child_seed(seed, "context", bank, split, task, run, teacher)


def record_episodes(
    tasks: Sequence[Task], teacher: str, seeds: Sequence[int], n_episodes: int = TEACHER_EPISODES
) -> Context:
    """Record a teacher on any tasks.

    Args:
        tasks: One for each row; all of the same spaces.
        teacher: Name of a teacher, see `TEACHERS`.
        seeds: One for each row, in [0, 2**64); a row is a function of its task, teacher and seed.
        n_episodes: Episodes of each row.

    Raises:
        UnknownName: no such teacher.
        InvalidConfig: no task, no episode, or a task that the teacher cannot play.

    Examples:
        >>> context = record_episodes([sample_task("garnet", seed=7)], "uniform", seeds=[0], n_episodes=3)
        >>> context.lengths.shape  # rows, episodes
        (1, 3)
    """
    if not tasks or len(tasks) != len(seeds):
        raise InvalidConfig(f"{len(tasks)} tasks and {len(seeds)} seeds: give one of each for every row.")
    n_episodes = check_integer("n_episodes", n_episodes, 1)
    who = get_teacher(teacher)
    step = max(1, MOST_AT_ONCE // n_episodes)
    parts = [
        _record(tasks[first : first + step], who, seeds[first : first + step], n_episodes)
        for first in range(0, len(tasks), step)
    ]
    lengths = np.concatenate([part.pop("lengths") for part in parts])
    return Context(
        n_rows=len(tasks),
        n_observations=max(task.n_observations for task in tasks),
        n_actions=tasks[0].n_actions,
        **{name: np.concatenate([part[name] for part in parts]) for name in STEP_ARRAYS},
        episode_start=np.concatenate([[0], np.cumsum(lengths)]),
        teachers=(teacher,) * len(lengths),
    )


def _record(
    tasks: Sequence[Task], teacher: Teacher, seeds: Sequence[int], n_episodes: int
) -> dict[str, NDArray[Any]]:
    """Play some rows; return the arrays of their steps, and ``lengths`` of their episodes."""
    guides = _guides(tasks, teacher, seeds)
    episode_seeds = [child_seed(seed, "episode", k) for seed in seeds for k in range(n_episodes)]
    env = batch_env([task for task in tasks for _ in range(n_episodes)], autoreset_mode="Disabled")
    log = play_episodes(env, [guide for guide in guides for _ in range(n_episodes)], episode_seeds)
    active = np.stack(log.pop("active"), axis=1)
    steps = {name: np.stack(arrays, axis=1)[active] for name, arrays in log.items()}
    return steps | {"lengths": active.sum(axis=1)}


def _guides(tasks: Sequence[Task], teacher: Teacher, seeds: Sequence[int]) -> list[Guide]:
    """Prepare the teacher for every row; planning is shared by equal tasks."""
    if teacher.learns:
        return [
            guide(task, teacher, child_seed(seed, "learner")) for task, seed in zip(tasks, seeds, strict=True)
        ]
    known = {id(task): guide(task, teacher, 0) for task in {id(task): task for task in tasks}.values()}
    return [known[id(task)] for task in tasks]


def play_episodes(
    env: BatchEnv, guides: Sequence[Guide], seeds: Sequence[int]
) -> dict[str, list[NDArray[Any]]]:
    """Play one episode in every environment; arrays of each step, inactive environments included."""
    n, shape = env.num_envs, env.single_action_space.shape or ()
    choice = _Choice(env, guides, stream_keys(seeds, AGENT_STREAM))
    log: dict[str, list[NDArray[Any]]] = {name: [] for name in (*STEP_ARRAYS, "active")}
    observations, _ = env.reset(seed=list(seeds))
    active = np.ones(n, dtype=np.bool_)
    while active.any():
        actions, tags = choice.act(len(log["active"]), observations)
        step = env.advance(actions.reshape(n, *shape), active)
        entry = (observations, actions.reshape(n, *shape), step.rewards, step.observations)
        values: tuple[NDArray[Any], ...] = (*entry, step.terminated, step.truncated, tags, active.copy())
        for name, value in zip(log, values, strict=True):
            log[name].append(value)
        observations = step.observations
        active &= ~(step.terminated | step.truncated)
    return log


class _Choice:
    """The actions of many guides at once."""

    def __init__(self, env: BatchEnv, guides: Sequence[Guide], keys: NDArray[np.uint64]) -> None:
        """Lay the guides' tables under each other."""
        self._env, self._keys = env, keys
        distinct = {id(guide): guide for guide in guides}
        first = dict(zip(distinct, np.cumsum([0, *map(_size, distinct.values())]), strict=False))
        self._actions = np.concatenate([guide.actions for guide in distinct.values()])
        self._first = np.array([first[id(guide)] for guide in guides])
        self._share = np.array([round(guide.epsilon * WEIGHT_TOTAL) for guide in guides])
        self._tag = np.array([guide.tag for guide in guides], dtype=np.uint8)
        self._tabular = isinstance(env.tasks[0], TabularTask)
        self._moves = (env.tasks[0].n_actions,) * int(np.prod(env.single_action_space.shape or (1,)))

    def act(self, step: int, observations: IntArray) -> tuple[IntArray, NDArray[np.uint8]]:
        """Actions int64 ``[n, moves]`` and their tags."""
        seen = self._env.inner_states() if self._tabular else observations
        actions = self._actions[self._first + seen]
        tags = self._tag.copy()
        n_actions = int(np.prod(self._moves))
        _randomise(self._keys, np.uint64(step), self._share, n_actions, actions, tags)
        return np.stack(np.unravel_index(actions, self._moves), axis=1), tags


def _size(guide: Guide) -> int:
    return len(guide.actions)


@kernel(work=elements)
def _randomise(
    keys: NDArray[np.uint64],
    step: np.uint64,
    share: IntArray,
    n_actions: int,
    actions: IntArray,
    tags: NDArray[np.uint8],
) -> None:
    """Replace actions by uniform ones, with probability `share` in units of 2**-30."""
    for i in range(len(keys)):
        bits = draw(keys[i], step)
        if np.int64(outcome_bits(bits)) < share[i]:
            actions[i] = below(bits, n_actions)
            tags[i] = RANDOM
