"""A board's own tasks under other names: ids of observations and actions are permuted, row by row.

What an agent can learn is the same; what it knows by heart is not.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Space
from numpy.typing import NDArray

from anymdp_bench.agents.protocol import Actions, Agent, AgentInfo, Observations
from anymdp_bench.contexts import Context
from anymdp_bench.envs.options import smallest_size
from anymdp_bench.foundation.types import BoolArray, FloatArray
from anymdp_bench.tasks.protocol import Task


class Renamed:
    """Stands between the protocol and an agent, and translates.

    In tests of a frozen learner rewards are told as 0, for nothing may be learnt there.

    Args:
        agent: Not privileged.
        secret: Draws the permutations; the agent is not told.
    """

    def __init__(self, agent: Agent, secret: int) -> None:
        """Draw nothing yet."""
        self._agent: Any = agent
        self._secret = secret
        self._frozen = False
        self.info: AgentInfo = agent.info
        if hasattr(agent, "freeze"):
            self.freeze = self._freeze
        if hasattr(agent, "unfreeze"):
            self.unfreeze = self._unfreeze
        if hasattr(agent, "policy_table"):
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
        """Draw the names, and begin with the context told in them."""
        rng = np.random.Generator(np.random.PCG64([self._secret, seed]))
        identity = [
            np.tile(np.arange(smallest_size(space)), (n, 1)) for space in (observation_space, action_space)
        ]
        self._ids, self._moves = (rng.permuted(rows, axis=1) for rows in identity)
        self._true_moves = np.argsort(self._moves, axis=1)
        self._frozen = False
        told = None if context is None else self._context(context)
        self._agent.begin(n, observation_space, action_space, seed, context=told, tasks=None)

    def act(self, observations: Observations, active: BoolArray) -> Actions:
        """Ask under the given names; an illegal answer stays illegal."""
        answer = np.asarray(self._agent.act(_named(self._ids, observations), active))
        n_moves = self._moves.shape[1]
        if answer.dtype.kind not in "iu" or answer.shape[:1] != active.shape:
            return answer
        legal = (answer >= 0) & (answer < n_moves)
        return np.where(legal, _named(self._true_moves, answer.clip(0, n_moves - 1)), answer)

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
        """Tell the transition under the given names."""
        self._agent.observe(
            _named(self._ids, observations),
            _named(self._moves, actions),
            np.zeros_like(rewards) if self._frozen else rewards,
            _named(self._ids, next_observations),
            terminated,
            truncated,
            active,
        )

    def _freeze(self) -> None:
        self._frozen = True
        self._agent.freeze()

    def _unfreeze(self) -> None:
        self._frozen = False
        self._agent.unfreeze()

    def _policy_table(self) -> FloatArray:
        """Translate the agent's table back, float64 ``[n, O, A]``."""
        table = np.asarray(self._agent.policy_table())
        rows = np.arange(len(table))[:, None, None]
        policy: FloatArray = table[rows, self._ids[:, :, None], self._moves[:, None, :]]
        return policy

    def _context(self, context: Context) -> Context:
        rows = np.repeat(np.arange(context.n_rows), np.diff(context.row_start))
        names = {"observations": self._ids, "next_observations": self._ids, "actions": self._moves}
        told = {name: _named(to[rows], getattr(context, name)) for name, to in names.items()}
        return dataclasses.replace(context, **told)  # type: ignore[arg-type]


def _named(names: NDArray[np.int64], values: NDArray[Any]) -> NDArray[np.int64]:
    """Translate values ``[n]``, or tokens ``[n, T]``, by the names ``[n, size]`` of each row."""
    flat = values.reshape(len(values), -1)
    named: NDArray[np.int64] = np.take_along_axis(names, flat, axis=1).reshape(values.shape)
    return named
