"""Batches that can be looked at: the part of `BatchEnv` that keeps frames and renders them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

from anymdp_bench.envs import options as given
from anymdp_bench.envs.rendering.camera import Camera
from anymdp_bench.foundation.types import BoolArray, FloatArray, IntArray
from anymdp_bench.tasks.protocol import Task


class StepBatch(NamedTuple):
    """One transition of each environment, before any reset; all arrays are fresh.

    Attributes:
        observations: int64 ``[n, ...]``, the true next observations.
        rewards: float64 ``[n]``, received rewards, noise included.
        scores: float64 ``[n]``, expected scored reward of the transition taken.
        terminated: bool ``[n]``, a terminal state was reached.
        truncated: bool ``[n]``, the horizon was reached elsewhere.

    Examples:
        >>> envs = batch_env([sample_task("garnet", seed=7)] * 3)
        >>> observations, infos = envs.reset(seed=0)
        >>> envs.advance(np.zeros(3, int))._fields
        ('observations', 'rewards', 'scores', 'terminated', 'truncated')
    """

    observations: IntArray
    rewards: FloatArray
    scores: FloatArray
    terminated: BoolArray
    truncated: BoolArray


class WatchedVectorEnv(VectorEnv[IntArray, IntArray, NDArray[Any]]):
    """Base of `BatchEnv`: shows the last step of each environment.

    Nothing is kept unless a render mode was asked for.

    Examples:
        >>> envs = batch_env([sample_task("garnet", seed=7)] * 3)
        >>> observations, infos = envs.reset(seed=0)
        >>> envs.advance(np.zeros(3, int)).rewards.shape
        (3,)
    """

    _tasks: tuple[Task, ...]
    _mode: AutoresetMode

    def _watch(self, render_mode: str | None) -> None:
        self.render_mode = given.check_render_mode(render_mode)
        self._camera = None if render_mode is None else Camera(render_mode, self.num_envs)
        self.metadata = {
            "render_modes": list(given.RENDER_MODES),
            "render_fps": given.RENDER_FPS,
            "autoreset_mode": self._mode,
        }

    def _advance(self, actions: IntArray, active: BoolArray) -> StepBatch:
        """Take one step where `active`; actions and episodes are checked. Update `_elapsed`, `_over`."""
        raise NotImplementedError

    def _observe(self) -> IntArray:
        """Return the current observations in a fresh array."""
        raise NotImplementedError

    def _inner(self) -> NDArray[Any]:
        """Return the current inner states ``[n, ...]`` in a fresh array."""
        raise NotImplementedError

    def _film_start(self, mask: BoolArray) -> None:
        if self._camera is not None:
            inner, seen = self._inner(), self._observe()
            for row in np.flatnonzero(mask).tolist():
                self._camera.begin(row, inner[row], seen[row])

    def _move(self, actions: IntArray, active: BoolArray) -> StepBatch:
        """Take one step where `active`, and keep what it looks like."""
        if self._camera is None:
            return self._advance(actions, active)
        before, moves = self._inner(), actions.reshape(self.num_envs, -1)
        batch = self._advance(actions, active)
        inner, seen = self._inner(), batch.observations
        for row in np.flatnonzero(active).tolist():
            reward = float(batch.rewards[row])
            self._camera.step(row, before[row], moves[row].tolist(), reward, inner[row], seen[row])
        return batch

    def render(self) -> tuple[Any, ...] | None:
        """Show the last step of each environment; `envs.rendering.tile` makes one picture of many.

        Returns:
            One picture (uint8 ``[height, width, 3]``) or one text for each environment, as the render mode
            says; None without a render mode.

        Raises:
            EpisodeOver: no episode has begun.
        """
        return None if self._camera is None else self._camera.show(self._tasks)
