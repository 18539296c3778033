"""Shards: the groups of cells that one copy of an agent plays together.

Which cells form a shard depends on the board (and the agent's declared shard size) alone, and every cell
has random streams of its own, so results are the same for any number of workers.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np

from anymdp_bench.agents.handling import copy_agent
from anymdp_bench.agents.protocol import Agent, AgentInfo
from anymdp_bench.contexts import Context
from anymdp_bench.envs import batch_env
from anymdp_bench.envs.base import BatchEnv
from anymdp_bench.evaluation.boards import Board
from anymdp_bench.evaluation.isolation.host import IsolatedAgent
from anymdp_bench.evaluation.protocols.frozen import ExactTest, FrozenTest, SampledTest, has_exact_test
from anymdp_bench.evaluation.protocols.player import Player
from anymdp_bench.evaluation.protocols.rollout import OnEpisodes
from anymdp_bench.evaluation.protocols.team import seat_team
from anymdp_bench.evaluation.protocols.tracks import live_in_context, train_and_test
from anymdp_bench.foundation.errors import AgentError
from anymdp_bench.foundation.seeding import child_seed
from anymdp_bench.records.record import Cell, ShardRecord
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.task import TabularTask, require_tabular

Shape: TypeAlias = tuple[str, int, int, int, int]
MIN_TEST_EPISODES = 100
"""Fewest test episodes, over all cells, of a sampled point."""


def cells_of(board: Board, n_tasks: int) -> tuple[Cell, ...]:
    """Cells of a board: tasks ascending, the runs of a task together."""
    return tuple(Cell(task, run) for task in range(n_tasks) for run in range(board.runs))


def shards_of(board: Board, info: AgentInfo, tasks: Sequence[Task]) -> list[tuple[Cell, ...]]:
    """Cut a board's cells into shards, see `shards_by_shape`."""
    return shards_by_shape(board, info.shard_size, [shape_of(task) for task in tasks])


def shards_by_shape(board: Board, shard_size: int | None, shapes: Sequence[Shape]) -> list[tuple[Cell, ...]]:
    """Cut a board's cells into shards; the last of each shape may be smaller.

    Tasks of different shapes never share a shard, because one batch has one observation and one action
    space. Shapes come in the order of their first tasks; inside a shape tasks ascend.
    """
    size = shard_size or board.shard_size
    by_shape: dict[Shape, list[Cell]] = {}
    for cell in cells_of(board, len(shapes)):
        by_shape.setdefault(shapes[cell.task], []).append(cell)
    return [
        tuple(cells[first : first + size])
        for cells in by_shape.values()
        for first in range(0, len(cells), size)
    ]


def shape_of(task: Task) -> Shape:
    """What tasks of one batch have in common: kind, observations, actions, and tokens of both."""
    tokens = (task.observation_tokens, task.action_tokens) if isinstance(task, TabularTask) else (1, 1)
    return type(task).__name__, task.n_observations, task.n_actions, *tokens


def full_information(tasks: Sequence[Task]) -> list[Task]:
    """The same tasks with the inner state observed; equal objects stay equal objects."""
    n_states = [task.n_states for task in tasks if isinstance(task, TabularTask)]
    views: dict[int, Task] = {}
    for task in tasks:
        if isinstance(task, TabularTask) and id(task) not in views:
            identity = np.arange(task.n_states, dtype=np.int32)
            views[id(task)] = dataclasses.replace(
                task, n_observations=max(n_states), state_ids=identity, emission_weight=None
            )
    return [views.get(id(task), task) for task in tasks]


def play_shard(
    agent: Agent,
    board: Board,
    cells: Sequence[Cell],
    tasks: Mapping[int, Task],
    n_cells: int,
    on_episodes: OnEpisodes,
    *,
    controls: bool = False,
) -> ShardRecord:
    """Let a fresh copy of `agent` play one shard; arguments and errors are those of `play_with`."""
    seated = copy_agent(agent)
    try:
        return play_with(seated, board, cells, tasks, n_cells, on_episodes, controls=controls)
    finally:
        if isinstance(seated, IsolatedAgent):
            seated.close()


def play_with(
    agent: Agent,
    board: Board,
    cells: Sequence[Cell],
    tasks: Mapping[int, Task],
    n_cells: int,
    on_episodes: OnEpisodes,
    *,
    controls: bool = False,
) -> ShardRecord:
    """Let `agent` itself play one shard.

    Args:
        agent: Told to begin; what it did before must not matter.
        board: The specification.
        cells: The shard.
        tasks: The shard's tasks by index.
        n_cells: Cells of the whole evaluation; fixes the number of sampled test episodes.
        on_episodes: Told how many learning episodes have just ended.
        controls: Whether to keep the exact advantages of what an in-context agent does, where there are any.

    Raises:
        AgentError: the agent raised or answered illegally; names agent, task and step.
    """
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
    privileged = agent.info.privileged
    seen = [tasks[cell.task] for cell in cells]
    seen = full_information(seen) if privileged else seen
    player = Player(seat_team(agent, seen), cells)
    env = _seeded_env(board, cells, seen, "env")
    first = cells[0]
    seed = child_seed(board.seed, "agent", first.task, first.run)
    player.begin(env, seed, seen if privileged else None, _taught(board, cells, seen))
    if agent.info.learner:
        test = _make_test(player, board, seen, n_cells)
        record = train_and_test(player, env, board, test, on_episodes)
    else:
        record = live_in_context(player, env, board, on_episodes, controls)
    player.finish(agent)
    return record


def _taught(board: Board, cells: Sequence[Cell], tasks: Sequence[Task]) -> Context | None:
    """What the board's teacher recorded in each cell."""
    if board.teacher is None:
        return None
    from anymdp_bench.contexts.recorder import context_seed, record_episodes

    seeds = [
        context_seed(board.seed, board.bank, board.split, cell.task, cell.run, board.teacher)
        for cell in cells
    ]
    return record_episodes(tasks, board.teacher, seeds, board.teacher_episodes)


def _seeded_env(board: Board, cells: Sequence[Cell], tasks: Sequence[Task], purpose: str) -> BatchEnv:
    env: BatchEnv = batch_env(tasks, autoreset_mode="Disabled")
    env.reset(seed=[child_seed(board.seed, purpose, cell.task, cell.run) for cell in cells])
    return env


def _make_test(player: Player, board: Board, tasks: Sequence[Task], n_cells: int) -> FrozenTest:
    for method in ("freeze", "unfreeze"):
        if not hasattr(player.agent, method):
            raise AgentError(
                f"Agent {player.agent.info.name!r} declares learner=True but has no {method}(); "
                "add it, or declare learner=False."
            )
    if hasattr(player.agent, "policy_table") and all(has_exact_test(task) for task in tasks):
        return ExactTest([require_tabular(task) for task in tasks])
    wanted = max(board.test_episodes, -(-MIN_TEST_EPISODES // n_cells))
    return SampledTest(_seeded_env(board, player.cells, tasks, "test"), wanted + wanted % 2)
