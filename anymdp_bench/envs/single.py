"""What every unbatched environment shares: seeds, options and the task."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.envs.registration import EnvSpec

from anymdp_bench.envs import options as given
from anymdp_bench.envs.rendering.camera import Camera
from anymdp_bench.envs.streams import FRESH_SEEDS
from anymdp_bench.foundation.errors import EpisodeOver, InvalidConfig
from anymdp_bench.foundation.seeding import EMISSION_STREAM, ENV_STREAM, check_seed, stream_keys
from anymdp_bench.tasks.protocol import Task


class SingleEnv(gymnasium.Env[Any, Any]):
    """Base of the environments that step one task in Python.

    Args:
        task: What is played; `reset` may switch it for another of the same spaces.
        info_level: ``"none"`` (empty infos), ``"score"`` (``score_reward``, the expected scored reward of
            the transition taken), or ``"full"`` (also ``reward_mean``, ``inner_state`` after the step, and
            what else the environment knows).
        resample: Makes the task for ``options={"task_seed": k}``; without it that option is refused.
        render_mode: None, ``"ansi"`` or ``"rgb_array"``: what `render` returns.

    Raises:
        InvalidConfig: an unknown level.
        UnsupportedSetting: an unknown render mode.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "render_modes": list(given.RENDER_MODES),
        "render_fps": given.RENDER_FPS,
    }
    OPTIONS: ClassVar[tuple[str, ...]] = ("task", "task_seed")
    """What `reset` takes as options."""

    def __init__(
        self,
        task: Task,
        *,
        info_level: str = "none",
        resample: Callable[[int], Task] | None = None,
        render_mode: str | None = None,
    ) -> None:
        """See the class."""
        self.render_mode = given.check_render_mode(render_mode)
        self._camera = None if render_mode is None else Camera(render_mode)
        self._info_level = given.check_info_level(info_level)
        self._resample = resample
        given.check_task(task)
        self._spaces = self._make_spaces(task)
        self.observation_space, self.action_space = self._spaces
        self._spec: EnvSpec | None = None
        self._stream = self._emission_stream = np.uint64(0)
        self._seeded = False
        self._episode = 0
        self._over = True
        self._task = task
        self._load(task)

    def _make_spaces(self, task: Task) -> given.Spaces:
        """Return the observation and the action space."""
        return given.spaces_of(task)

    def _load(self, task: Task) -> None:
        """Prepare whatever stepping the task needs."""
        raise NotImplementedError

    def _begin(self) -> tuple[Any, dict[str, Any]]:
        """Begin episode `_episode` of `_stream`; return the first observation and info."""
        raise NotImplementedError

    def _inner(self) -> Any:
        """Return the current inner state."""
        raise NotImplementedError

    @property
    def spec(self) -> EnvSpec | None:
        """What Gymnasium made the environment from, with the current task's horizon as its step limit.

        The environment ends its episodes by itself; Gymnasium puts its own limit, at the same step, only on
        one that is made again from this specification.
        """
        if self._spec is None or self._spec.max_episode_steps is not None:
            return self._spec
        spec = copy.deepcopy(self._spec)
        spec.max_episode_steps = self._task.horizon
        return spec

    @spec.setter
    def spec(self, spec: EnvSpec | None) -> None:
        self._spec = spec

    @property
    def task(self) -> Task:
        """The current task."""
        return self._task

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: Begins the first episode of this seed; without it the next episode begins.
            options: ``{"task": t}`` or ``{"task_seed": k}`` switch the task.

        Raises:
            InvalidConfig: an unknown option, or a task of other spaces.
            InvalidSeed: a seed that is not an integer in [0, 2**64).
        """
        if seed is not None:
            seed = check_seed(seed)
        if options:
            self._switch(given.take_options(options, *self.OPTIONS))
        if seed is not None or not self._seeded:
            super().reset(seed=seed)
            self._seed_streams(int(self.np_random.integers(FRESH_SEEDS)) if seed is None else seed)
        else:
            self._episode += 1
        self._over = False
        if self._camera is None:
            return self._begin()
        observation, info = self._begin()
        self._camera.begin(0, self._inner(), observation)
        return observation, info

    def render(self) -> Any:
        """Show the last step.

        Returns:
            A text, or a picture (uint8 ``[height, width, 3]``), as the render mode says; None without one.

        Raises:
            EpisodeOver: no episode has begun.
        """
        if self._camera is None:
            gymnasium.logger.warn(
                f"Nothing is shown: make the environment with render_mode= one of {list(given.RENDER_MODES)}."
            )
            return None
        return self._camera.show([self._task])[0]

    def get_keys_to_action(self) -> dict[str, Any]:
        """Return the keyboard of `gymnasium.utils.play`; see `rendering.keys.keys_of`."""
        from anymdp_bench.envs.rendering.keys import keys_of

        return keys_of(self._task, self.action_space.shape or ())

    def _seed_streams(self, seed: int) -> None:
        self._seeded = True
        self._stream = stream_keys([seed], ENV_STREAM)[0]
        self._emission_stream = stream_keys([seed], EMISSION_STREAM)[0]
        self._episode = 0

    def _switch(self, chosen: dict[str, Any]) -> None:
        task = chosen.get("task")
        if "task_seed" in chosen:
            if self._resample is None:
                raise InvalidConfig("Option 'task_seed': this environment has no sampler; give 'task'.")
            task = self._resample(check_seed(chosen["task_seed"]))
        task = given.check_task(task)
        given.check_spaces(task, self._make_spaces(task), self._spaces)
        self._load(task)
        self._task = task

    def _episode_over(self) -> EpisodeOver:
        return EpisodeOver("The episode has ended, or was never begun: call reset() before step().")
