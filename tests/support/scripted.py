"""Agents and tasks with known answers, for the tests of the evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from anymdp_bench.agents.protocol import AgentInfo
from anymdp_bench.evaluation.boards import Board
from anymdp_bench.evaluation.protocols.shards import play_shard
from anymdp_bench.records.record import Cell
from anymdp_bench.tasks.build import build_task
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.task import TabularTask

N_STATES = 3
BOARD = Board(
    name="test",
    bank="none",
    context_episodes=20,
    train_episodes=40,
    test_every=10,
    test_episodes=2,
    shard_size=2,
)


def corridor(*, horizon: int = 5, gain: float = 1.0, noise: float = 0.0) -> TabularTask:
    """Two rooms and an exit: action 1 moves on for `gain`, action 0 stays; the exit ends the episode."""
    transition = np.zeros((N_STATES, 2, N_STATES))
    transition[[0, 1], 0, [0, 1]] = 1
    transition[[0, 1], 1, [1, 2]] = 1
    reward = np.zeros((N_STATES, 2))
    reward[:2, 1] = gain
    spread = np.full((N_STATES, 2), noise)
    return build_task(
        transition, initial=[1, 0, 0], horizon=horizon, reward_sa=reward, noise_sa=spread, family="corridor"
    )


class Scripted:
    """Plays fixed actions for each step of an episode (the last one from there on), and logs all calls."""

    def __init__(self, script: Sequence[int] = (1,), info: AgentInfo | None = None) -> None:
        self.info = info or AgentInfo(name="scripted")
        self.script = list(script)

    def begin(
        self,
        n: int,
        observation_space: Any,
        action_space: Any,
        seed: int,
        context: Any = None,
        tasks: Sequence[Task] | None = None,
    ) -> None:
        self.n, self.seed, self.tasks, self.context = n, seed, tasks, context
        self.spaces = observation_space, action_space
        self.step = np.zeros(n, dtype=np.int64)
        self.log: list[tuple[Any, ...]] = []

    def act(self, observations: Any, active: Any) -> Any:
        self.log.append(("act", observations.tolist(), active.tolist()))
        actions = np.array(self.script)[np.minimum(self.step, len(self.script) - 1)]
        self.step += active
        return actions

    def observe(self, observations: Any, actions: Any, rewards: Any, after: Any, *flags: Any) -> None:
        terminated, truncated, active = flags
        self.log.append(("observe", rewards.tolist(), after.tolist(), (terminated | truncated).tolist()))
        self.step[active & (terminated | truncated)] = 0


class ScriptedLearner(Scripted):
    """Stays put until it has seen `slow` training steps, then always moves on; tested by its table."""

    def __init__(self, slow: int = 20, name: str = "learner") -> None:
        super().__init__((0,), AgentInfo(name=name, learner=True))
        self.slow = slow

    def begin(self, *args: Any, **kwargs: Any) -> None:
        super().begin(*args, **kwargs)
        self.seen = np.zeros(self.n, dtype=np.int64)
        self.frozen = False

    def act(self, observations: Any, active: Any) -> Any:
        return (self.seen >= self.slow).astype(np.int64)

    def observe(self, *transition: Any) -> None:
        if not self.frozen:
            self.seen += transition[-1]

    def freeze(self) -> None:
        self.frozen = True

    def unfreeze(self) -> None:
        self.frozen = False


class TabledLearner(ScriptedLearner):
    def policy_table(self) -> np.ndarray:
        assert self.frozen
        return np.eye(2)[(self.seen >= self.slow).astype(int)][:, None, :].repeat(self.spaces[0].n, axis=1)


def ignore(n_episodes: int) -> None:
    pass


def play(agent: Any, *tasks: Any, board: Board = BOARD, n_cells: int | None = None) -> Any:
    cells = [Cell(i, 0) for i in range(len(tasks))]
    return play_shard(agent, board, cells, dict(enumerate(tasks)), n_cells or len(tasks), ignore)
