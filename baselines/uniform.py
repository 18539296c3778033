"""Uniform random play: the agent that scores 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Space
from numpy.typing import NDArray

from anymdp_bench import AgentInfo, Task, child_seed


class Uniform:
    """Draw every action uniformly; each row from a generator of its own."""

    info = AgentInfo(name="uniform", shard_size=64)
    BLOCK = 1024
    """Actions that are drawn at once."""

    def begin(
        self,
        n: int,
        observation_space: Space[Any],
        action_space: Space[Any],
        seed: int,
        context: Any = None,
        tasks: Sequence[Task] | None = None,
    ) -> None:
        """Seed one generator per row."""
        self._generators = [np.random.default_rng(child_seed(seed, i)) for i in range(n)]
        self._shape = action_space.shape or ()
        self._high: Any = getattr(action_space, "nvec", None)
        if self._high is None:
            self._high = action_space.n  # type: ignore[attr-defined]
        self._next = self.BLOCK

    def act(self, observations: NDArray[Any], active: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Draw an action for every row."""
        if self._next == self.BLOCK:
            size = (self.BLOCK, *self._shape)
            blocks = [generator.integers(self._high, size=size) for generator in self._generators]
            self._actions = np.stack(blocks, axis=1)
            self._next = 0
        self._next += 1
        actions: NDArray[np.int64] = self._actions[self._next - 1]
        return actions

    def observe(
        self,
        observations: NDArray[Any],
        actions: NDArray[Any],
        rewards: NDArray[np.float64],
        next_observations: NDArray[Any],
        terminated: NDArray[np.bool_],
        truncated: NDArray[np.bool_],
        active: NDArray[np.bool_],
    ) -> None:
        """Learn nothing."""
