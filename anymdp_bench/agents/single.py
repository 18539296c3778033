"""Agents written for one task, played on many."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from gymnasium.spaces import Space

from anymdp_bench.agents.handling import as_array
from anymdp_bench.agents.protocol import Actions, AgentInfo, Observations
from anymdp_bench.contexts import Context
from anymdp_bench.foundation.errors import AgentError
from anymdp_bench.foundation.seeding import child_seed
from anymdp_bench.foundation.types import BoolArray, FloatArray
from anymdp_bench.tasks.protocol import Task


class SingleAgent(Protocol):
    """An agent written for one task; `SingleTask` plays many tasks with copies of it.

    Examples:
        >>> class First:
        ...     def begin(self, observation_space, action_space, seed): ...
        ...     def act(self, observation): return 0
        ...     def observe(self, *step): ...
        >>> agent: SingleAgent = First()
    """

    def begin(self, observation_space: Space[Any], action_space: Space[Any], seed: int) -> None:
        """Forget everything and get ready for one unseen task."""
        ...

    def act(self, observation: Any) -> Any:
        """Choose an action."""
        ...

    def observe(
        self,
        observation: Any,
        action: Any,
        reward: float,
        next_observation: Any,
        terminated: bool,
        truncated: bool,
    ) -> None:
        """Take in the transition that followed `act`."""
        ...


class SingleTask:
    """Play n tasks with n independent copies of an agent that is written for one.

    The copies' optional `freeze`, `unfreeze` and `policy_table` (``[O, A]``) are passed on.

    Args:
        make_agent: Called without arguments, once per task; a class will do.
        info: What the agent declares; default: the copies' own `info`, else the maker's name.

    Examples:
        >>> class First:
        ...     def begin(self, observation_space, action_space, seed): ...
        ...     def act(self, observation): return 0
        ...     def observe(self, *step): ...
        >>> SingleTask(First, AgentInfo(name="first")).info.name
        'first'
    """

    def __init__(self, make_agent: Callable[[], Any], info: AgentInfo | None = None) -> None:
        """Make one copy, to see what it declares and offers."""
        self.make_agent = make_agent
        model = make_agent()
        name = getattr(make_agent, "__name__", type(model).__name__)
        self.info: AgentInfo = info or getattr(model, "info", None) or AgentInfo(name=name)
        self._agents: list[Any] = []
        if hasattr(model, "policy_table"):
            self.policy_table = self._policy_table

    def begin(
        self,
        n: int,
        observation_space: Space[Any],
        action_space: Space[Any],
        seed: int,
        context: Context | None = None,
        tasks: Sequence[Task] | None = None,
    ) -> None:
        """Make `n` new copies; copy i is seeded ``child_seed(seed, i)``.

        What teachers recorded is passed on as ``context``, one row for each copy.
        """
        self._action_shape = action_space.shape or ()
        self._agents = [self.make_agent() for _ in range(n)]
        for i, agent in enumerate(self._agents):
            extra: dict[str, Any] = {} if tasks is None else {"task": tasks[i]}
            if context is not None:
                extra["context"] = context.rows([i])
            self._call(i, agent.begin, observation_space, action_space, child_seed(seed, i), **extra)

    def act(self, observations: Observations, active: BoolArray) -> Actions:
        """Ask every active copy."""
        actions = np.zeros((len(self._agents), *self._action_shape), dtype=np.int64)
        for i in np.flatnonzero(active).tolist():
            answer = self._call(i, self._agents[i].act, observations[i])
            array = self._call(i, as_array, answer, "an integer")
            if array.shape != self._action_shape or array.dtype.kind not in "iu":
                raise AgentError(f"answered {answer!r}; an action is an integer {self._action_shape}.", i)
            actions[i] = array
        return actions

    def observe(
        self,
        observations: Observations,
        actions: Actions,
        rewards: FloatArray,
        next_observations: Observations,
        terminated: BoolArray,
        truncated: BoolArray,
        active: BoolArray,
    ) -> None:
        """Tell every active copy its own transition."""
        for i in np.flatnonzero(active).tolist():
            self._call(
                i,
                self._agents[i].observe,
                observations[i],
                actions[i],
                float(rewards[i]),
                next_observations[i],
                bool(terminated[i]),
                bool(truncated[i]),
            )

    def freeze(self) -> None:
        """Freeze every copy."""
        for i, agent in enumerate(self._agents):
            self._call(i, agent.freeze)

    def unfreeze(self) -> None:
        """Let every copy learn again."""
        for i, agent in enumerate(self._agents):
            self._call(i, agent.unfreeze)

    def _policy_table(self) -> FloatArray:
        tables = [self._call(i, agent.policy_table) for i, agent in enumerate(self._agents)]
        return np.array(tables, dtype=np.float64)

    def _call(self, row: int, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except AgentError as error:
            raise AgentError(str(error), row) from error
        except Exception as error:
            raise AgentError(f"{type(error).__name__}: {error}", row) from error
