"""The stand-in for an agent that lives in a process of its own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from gymnasium.spaces import Discrete, Space
from numpy.typing import NDArray

from anymdp_bench.agents.protocol import Actions, Observations
from anymdp_bench.contexts import Context
from anymdp_bench.evaluation.isolation.messages import HEADER, Kind
from anymdp_bench.evaluation.isolation.process import Limits
from anymdp_bench.evaluation.isolation.remote import Remote
from anymdp_bench.evaluation.isolation.settings import AgentSource, Beginning, Description
from anymdp_bench.evaluation.isolation.turns import HAS_LOOK, HAS_STEP, Layout
from anymdp_bench.foundation.errors import AgentError
from anymdp_bench.foundation.types import BoolArray, FloatArray
from anymdp_bench.tasks.protocol import Task


class IsolatedAgent(Remote):
    """Plays as the agent that `source` names would play in this process, to the bit.

    The process is started by the first `begin` and ended by `close`. An exception, a wrong answer, an exit or
    a silence there is an `AgentError` here. Ways to train by itself (`learn_episodes`, `learn_on_copies`) are
    not used: every step is taken, and counted, here.

    Args:
        source: How to make the agent.
        limits: What its process may use.
        description: What it said about itself; default: a process is started, asked, and ended.

    Raises:
        AgentError: the agent cannot be made, or is privileged and would have to be given the tasks.
    """

    def __init__(
        self, source: AgentSource, limits: Limits | None = None, description: Description | None = None
    ) -> None:
        """Ask the agent what it is, unless that is known."""
        super().__init__(source, limits)
        self._step_waits = False
        self.description = self._described() if description is None else description
        self.info, self.code = self.description.info, self.description.code
        if self.info.privileged:
            raise AgentError(
                f"Agent {self.info.name!r} is privileged: it reads the tasks, which stay in this process. "
                "Run it without isolation."
            )
        if "freeze" in self.description.offered:
            self.freeze = partial(self._plain, Kind.FREEZE)
        if "unfreeze" in self.description.offered:
            self.unfreeze = partial(self._plain, Kind.UNFREEZE)
        if "policy_table" in self.description.offered:
            self.policy_table = self._policy_table

    def __reduce__(self) -> tuple[Any, ...]:
        """Copies and pickles have no process yet."""
        return type(self), (self._source, self._limits, self.description)

    def begin(
        self,
        n: int,
        observation_space: Space[Any],
        action_space: Space[Any],
        seed: int,
        context: Context | None = None,
        tasks: Sequence[Task] | None = None,
    ) -> None:
        """Begin in the agent's process; start it, if this is the first time."""
        self._n, self._step_waits = n, False
        if self._process is None and self._make() != self.description:
            raise AgentError("declares something else than when it was asked first.")
        self._spaces = observation_space, action_space
        self._layout = Layout(n, observation_space.shape or (), action_space.shape or ())
        self._frame, self._turn = self._layout.new_frame()
        self._answer, self._actions = self._layout.new_answer()
        beginning = Beginning(n, observation_space, action_space, seed, context)
        self._ask(Kind.BEGIN, beginning.encode(), seconds=self._limits.start_seconds)

    def act(self, observations: Observations, active: BoolArray) -> Actions:
        """Tell the last transition, if one waits, and ask for actions."""
        turn = self._turn
        turn.flags[0] = HAS_LOOK | HAS_STEP * self._step_waits
        turn.seen[...] = observations
        turn.active[...] = active
        self._step_waits = False
        self._exchange(self._frame, self._answer)
        return self._actions.copy()

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
        """Keep the transition; it travels with the next request."""
        self._flush()
        turn = self._turn
        turn.observations[...] = observations
        turn.actions[...] = actions
        turn.rewards[...] = rewards
        turn.next_observations[...] = next_observations
        turn.terminated[...] = terminated
        turn.truncated[...] = truncated
        turn.stepped[...] = active
        self._step_waits = True

    def finish(self) -> None:
        """Tell a transition that still waits."""
        if self._process is not None:
            self._flush()

    def _policy_table(self) -> NDArray[np.float64]:
        if not all(isinstance(space, Discrete) for space in self._spaces):
            raise AgentError("offers a policy table, and its spaces are not Discrete.")
        shape = self._n, *(int(space.n) for space in self._spaces)  # type: ignore[attr-defined]
        frame = self._ask(Kind.TABLE, np.array(shape, np.int64).tobytes(), 8 * int(np.prod(shape)))
        return np.ndarray(shape, np.float64, frame, HEADER.size)

    def _plain(self, kind: Kind) -> None:
        self._ask(kind)

    def _described(self) -> Description:
        try:
            return self._make()
        finally:
            self.close()

    def _make(self) -> Description:
        return self._start(Kind.MAKE, Description.decode)

    def _flush(self) -> None:
        if self._step_waits:
            self._turn.flags[0] = HAS_STEP
            self._step_waits = False
            self._exchange(self._frame, bytearray(HEADER.size))

    def _ask(
        self, kind: Kind, payload: bytes = b"", size: int = 0, seconds: float | None = None
    ) -> bytearray:
        """Tell what waits, then ask."""
        self._flush()
        return super()._ask(kind, payload, size, seconds)
