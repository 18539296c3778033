"""An agent at play: every call is checked, and every failure names agent, task and step.

An agent is given copies of the protocol's arrays, and its answers are copied: whatever it writes into them,
the protocol goes by its own.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.agents.handling import as_array, as_episodes
from anymdp_bench.agents.protocol import Actions, Agent, Episodes, Observations
from anymdp_bench.contexts import Context
from anymdp_bench.envs import batch_env
from anymdp_bench.envs.base import BatchEnv
from anymdp_bench.envs.watched import StepBatch
from anymdp_bench.evaluation.isolation.host import IsolatedAgent
from anymdp_bench.foundation.errors import AgentError, InvalidAction
from anymdp_bench.foundation.types import BoolArray, FloatArray
from anymdp_bench.records.record import Cell
from anymdp_bench.tasks.protocol import Task

POLICY_TOLERANCE = 1e-6
T = TypeVar("T")


class Player:
    """One copy of an agent that plays one shard.

    Attributes:
        agent: The agent itself.
        cells: The task and run that each row plays.
        steps: int64 ``[n]``, steps that each row has taken; the rollout counts them.
    """

    def __init__(self, agent: Agent, cells: Sequence[Cell]) -> None:
        """Seat `agent` before the rows of `cells`."""
        self.agent = agent
        self.cells = tuple(cells)
        self.steps = np.zeros(len(self.cells), dtype=np.int64)
        self._steps_told = self.steps
        self._own = _same if isinstance(agent, IsolatedAgent) else np.copy

    def begin(
        self, env: BatchEnv, seed: int, tasks: Sequence[Task] | None, context: Context | None = None
    ) -> None:
        """Make the agent forget everything, and hand it what teachers recorded."""
        self.steps[:] = 0
        spaces = copy.deepcopy((env.single_observation_space, env.single_action_space))
        self._call("begin", self.agent.begin, len(self.cells), *spaces, seed, context=context, tasks=tasks)

    def act(self, observations: Observations, active: BoolArray) -> Actions:
        """Ask for actions, int64 where they are integers at all; `advance` checks them."""
        return self._call("act", self._answer, self._own(observations), self._own(active))

    def _answer(self, observations: Observations, active: BoolArray) -> Actions:
        wanted = f"an integer array of {len(self.cells)} rows"
        answer = self._own(as_array(self.agent.act(observations, active), wanted))
        return answer.astype(np.int64, copy=False) if answer.dtype.kind in "iu" else answer

    def advance(self, env: BatchEnv, actions: Actions, active: BoolArray) -> StepBatch:
        """Step the environment with the agent's actions.

        Raises:
            AgentError: an action has a wrong type or shape, or is outside the action space.
        """
        try:
            return env.advance(actions, active)
        except InvalidAction as error:
            row = _illegal_row(actions, env, active)
            raise self._failure("act", f"illegal actions: {error}", row) from error

    def observe(
        self, observations: Observations, actions: Actions, step: StepBatch, active: BoolArray
    ) -> None:
        """Tell the agent what its actions led to."""
        own = self._own
        self._steps_told = self.steps.copy()
        self._call(
            "observe",
            self.agent.observe,
            own(observations),
            own(actions),
            own(step.rewards),
            own(step.observations),
            own(step.terminated),
            own(step.truncated),
            own(active),
        )

    def finish(self, agent: Agent) -> None:
        """Let the agent that was seated here take in what it has not been told yet."""
        if isinstance(agent, IsolatedAgent):
            self._call("observe", agent.finish)

    def freeze(self) -> None:
        """Stop learning."""
        self._call("freeze", self.agent.freeze)  # type: ignore[attr-defined]

    def unfreeze(self) -> None:
        """Go on learning."""
        self._call("unfreeze", self.agent.unfreeze)  # type: ignore[attr-defined]

    def policy_table(self, n_observations: int, n_actions: int) -> FloatArray:
        """Return the frozen policy, float64 ``[n, O, A]``.

        Raises:
            AgentError: wrong shape, not finite, negative, or a row that does not sum to 1.
        """
        answer = self._call("policy_table", self.agent.policy_table)  # type: ignore[attr-defined]
        table = self._call("policy_table", as_array, answer, "a float64 array")
        shape = (len(self.cells), n_observations, n_actions)
        if table.shape != shape or table.dtype.kind not in "fiu":
            message = f"answered {table.dtype} {table.shape}; the table is float64 {shape}."
            raise self._failure("policy_table", message)
        table = table.astype(np.float64)
        wrong = ~((table >= 0).all(axis=2) & (np.abs(table.sum(axis=2) - 1) <= POLICY_TOLERANCE))
        if wrong.any():
            row, observation = (int(i) for i in np.argwhere(wrong)[0])
            message = f"observation {observation}: {table[row, observation]} is not a distribution."
            raise self._failure("policy_table", message, row)
        return table

    def learn_episodes(self, env: BatchEnv, n_episodes: int) -> Episodes | None:
        """Let the agent train by itself, if it can; None if it cannot.

        Raises:
            AgentError: the episodes have a wrong shape, or numbers that cannot be.
        """
        name = "learn_on_copies" if hasattr(self.agent, "learn_on_copies") else "learn_episodes"
        method = getattr(self.agent, name, None)
        if method is None:
            return None
        where = partial(_copies, env) if name == "learn_on_copies" else env
        answer = self._call(name, method, where, n_episodes)
        if answer is None:
            return None
        horizons = np.array([task.horizon for task in env.tasks])
        episodes = self._call(name, as_episodes, answer, len(self.cells), n_episodes, horizons)
        self.steps += episodes.lengths.sum(axis=1)
        return episodes

    def _call(self, name: str, method: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        try:
            return method(*args, **kwargs)
        except Exception as error:
            if isinstance(error, AgentError):
                raise self._failure(error.call or name, str(error), error.row) from error
            raise self._failure(name, f"{type(error).__name__}: {error}") from error

    def _failure(self, name: str, message: str, row: int | None = None) -> AgentError:
        steps = self._steps_told if name == "observe" else self.steps
        if row is None and len(self.cells) == 1:
            row = 0
        if row is None:
            tasks = sorted({cell.task for cell in self.cells})
            where = f"tasks {tasks[0]}..{tasks[-1]}, step {steps.max()}"
        else:
            where = f"task {self.cells[row].task}, run {self.cells[row].run}, step {steps[row]}"
        return AgentError(f"Agent {self.agent.info.name!r}, {where}, in {name}: {message}", row)


def _same(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array itself: an agent in another process has copies anyway."""
    return array


def _copies(env: BatchEnv, row: int, n: int) -> BatchEnv:
    """Make a new batch of `n` copies of one row's task."""
    copies: BatchEnv = batch_env([env.tasks[row]] * n, autoreset_mode="Disabled")
    return copies


def _illegal_row(actions: Actions, env: BatchEnv, active: BoolArray) -> int | None:
    """Return the first active row whose action is outside its space; None if the array itself is wrong."""
    array = np.asarray(actions)
    if array.shape != env.action_space.shape or array.dtype.kind not in "iu":
        return None
    legal = [env.single_action_space.contains(action) for action in array.astype(np.int64)]
    bad = np.flatnonzero(active & ~np.array(legal))
    return int(bad[0]) if bad.size else None
