"""What every batched environment shares: seeding, options, autoreset modes, checks and infos.

A subclass says how episodes begin and how they advance; the rest of Gymnasium's vector interface is here.
Besides `step`, which resets by itself, a batch can be driven by `restart` and `advance`: the evaluation
protocols need every true last observation, and begin episodes when they choose to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from gymnasium.vector import AutoresetMode
from gymnasium.vector.utils import batch_space
from numpy.typing import ArrayLike, NDArray

from anymdp_bench.envs import options as given
from anymdp_bench.envs.infos import same_step_info
from anymdp_bench.envs.options import Spaces
from anymdp_bench.envs.streams import KeyArray, Streams
from anymdp_bench.envs.watched import StepBatch, WatchedVectorEnv
from anymdp_bench.foundation.errors import EpisodeOver, InvalidConfig
from anymdp_bench.foundation.seeding import check_seed
from anymdp_bench.foundation.types import BoolArray, FloatArray, IntArray
from anymdp_bench.tasks.protocol import Task

StepResult: TypeAlias = tuple[IntArray, FloatArray, BoolArray, BoolArray, dict[str, Any]]


class BatchEnv(WatchedVectorEnv):
    """Base of the vector environments that step all their tasks in one compiled call.

    Args:
        tasks: One task for each environment; their spaces must agree.
        autoreset_mode: ``"NextStep"``, ``"SameStep"`` or ``"Disabled"`` (or Gymnasium's member).
        info_level: ``"none"`` (empty infos), ``"score"`` (``score_reward``), or ``"full"`` (also
            ``reward_mean``, ``inner_state`` after the step, and what `_details` adds).
        render_mode: None, ``"ansi"`` or ``"rgb_array"``: what `render` returns.
        resample: Makes the n tasks of ``options={"task_seed": k}``; without it that option is refused.

    Raises:
        InvalidConfig: no task, an unknown mode or level, or tasks of different spaces.

    A subclass works on these arrays of n environments, and implements the methods below:
        _episode_keys, _emission_keys: uint64, keys of the running episodes' draws.
        _elapsed, _horizons: int32, steps taken and allowed.
        _over: bool, the episode has ended or was never begun.
        _means: float64, mean received reward of the last step; `_advance` sets it at level "full".

    Examples:
        >>> from anymdp_bench.envs.base import BatchEnv
        >>> isinstance(batch_env([sample_task("garnet", seed=7)]), BatchEnv)
        True
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        *,
        autoreset_mode: str | AutoresetMode = "NextStep",
        info_level: str = "none",
        render_mode: str | None = None,
        resample: Callable[[int], Sequence[Task]] | None = None,
    ) -> None:
        """See the class."""
        if len(tasks) == 0:
            raise InvalidConfig("tasks is empty: give one task for each environment.")
        given.check_task(tasks[0])
        self.num_envs = n = len(tasks)
        self._info_level = given.check_info_level(info_level)
        self._resample = resample
        self.autoreset_mode = self._mode = given.check_autoreset_mode(autoreset_mode)
        self._watch(render_mode)
        self._spaces = self._make_spaces(tasks[0])
        self.single_observation_space, self.single_action_space = self._spaces
        self.observation_space = batch_space(self.single_observation_space, n)
        self.action_space = batch_space(self.single_action_space, n)
        self._action_shape = (n, *(self.single_action_space.shape or ()))
        self._n_actions = given.smallest_size(self.single_action_space)
        self._streams = Streams(n)
        self._elapsed, self._means = np.zeros(n, np.int32), np.zeros(n)
        self._over, self._all = np.ones(n, np.bool_), np.ones(n, np.bool_)
        self._set_tasks(tasks)

    # --- what a subclass implements, besides `_advance`, `_observe` and `_inner` of `WatchedVectorEnv` ---

    def _make_spaces(self, task: Task) -> Spaces:
        """Return the observation and the action space of one environment."""
        return given.spaces_of(task)

    def _load(self, tasks: Sequence[Task]) -> None:
        """Prepare whatever stepping these tasks needs."""
        raise NotImplementedError

    def _begin(self, mask: BoolArray) -> None:
        """Put the environments of `mask` into a first state, drawn with counter 0 of their keys."""
        raise NotImplementedError

    def _details(self, before: NDArray[Any], actions: IntArray) -> dict[str, NDArray[Any]]:
        """Return further arrays ``[n, ...]`` about the step taken from the inner states `before`."""
        return {}

    # --- tasks, seeds and resets ---

    @property
    def _episode_keys(self) -> KeyArray:
        return self._streams.episode_keys

    @property
    def _emission_keys(self) -> KeyArray:
        return self._streams.emission_keys

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The task of each environment."""
        return self._tasks

    def _set_tasks(self, tasks: Sequence[Task]) -> None:
        if len(tasks) != self.num_envs:
            raise InvalidConfig(f"{len(tasks)} tasks given for {self.num_envs} environments; give one each.")
        for task in {id(task): task for task in tasks}.values():
            given.check_task(task)
            given.check_spaces(task, self._make_spaces(task), self._spaces)
        self._tasks = tuple(tasks)
        self._horizons = np.array([task.horizon for task in tasks], dtype=np.int32)
        self._load(self._tasks)

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[IntArray, dict[str, Any]]:
        """Begin an episode everywhere, or where ``options["reset_mask"]`` (bool ``[n]``) says.

        Args:
            seed: Environment i is seeded with ``seed + i``, or with ``seed[i]`` where that is not None.
                Without a seed the next episode of the current seed begins.
            options: ``{"task": t}``, ``{"tasks": [...]}`` or ``{"task_seed": k}`` switch the tasks;
                ``{"reset_mask": mask}`` leaves the other environments alone.

        Raises:
            InvalidConfig: an unknown option, or tasks of other spaces.
            InvalidSeed: a seed that is not an integer in [0, 2**64).
        """
        chosen = given.take_options(options, "task", "tasks", "task_seed", "reset_mask")
        seeds = given.check_seeds(seed, self.num_envs)
        mask = self._all
        if "reset_mask" in chosen:
            if len(chosen) > 1:
                raise InvalidConfig("reset_mask cannot be combined with a switch of tasks; reset all.")
            mask = given.check_mask("reset_mask", chosen["reset_mask"], self.num_envs)
        self._switch(chosen)
        super().reset(seed=next((s for s in seeds if s is not None), None))
        self._streams.seed(seeds, mask, self.np_random)
        self._start(mask)
        return self._observe(), self._reset_info(mask)

    def _switch(self, chosen: dict[str, Any]) -> None:
        if "task" in chosen:
            self._set_tasks([chosen["task"]] * self.num_envs)
        elif "tasks" in chosen:
            self._set_tasks(chosen["tasks"])
        elif "task_seed" in chosen:
            if self._resample is None:
                raise InvalidConfig("Option 'task_seed': this environment has no sampler; give 'tasks'.")
            self._set_tasks(self._resample(check_seed(chosen["task_seed"])))

    def _start(self, mask: BoolArray) -> None:
        self._elapsed[mask] = 0
        self._over[mask] = False
        self._begin(mask)
        self._film_start(mask)

    def restart(self, mask: BoolArray) -> IntArray:
        """Begin the next episode where `mask` (bool ``[n]``) is True; return all current observations.

        Raises:
            EpisodeOver: the environment was never reset.
        """
        self._require_reset()
        self._restart(given.check_mask("mask", mask, self.num_envs))
        return self._observe()

    def inner_states(self) -> NDArray[Any]:
        """Current inner states ``[n, ...]``, fresh: for teachers, who may see them, and never for agents."""
        return self._inner()

    def _restart(self, mask: BoolArray) -> None:
        self._streams.next_episode(mask)
        self._start(mask)

    # --- steps ---

    def advance(self, actions: ArrayLike, active: BoolArray | None = None) -> StepBatch:
        """Take one step without any reset; rows that are not active stay as they are.

        Args:
            actions: int ``[n]`` (``[n, tokens]`` for several tokens); ignored where not active.
            active: bool ``[n]``, default all. The other rows get reward 0, score 0, not done, and their
                current observation.

        Raises:
            InvalidAction: before anything has changed, an action of wrong type, shape or range.
            EpisodeOver: an active episode has ended.
        """
        rows = self._all if active is None else given.check_mask("active", active, self.num_envs)
        return self._move(self._check_step(actions, rows), rows)

    def step(self, actions: ArrayLike) -> StepResult:
        """Take one step, and reset ended episodes as the autoreset mode says.

        Raises:
            InvalidAction: before anything has changed, an action of wrong type, shape or range.
            EpisodeOver: never reset; or, in mode Disabled, an episode has ended.
        """
        if self._mode is AutoresetMode.NEXT_STEP:
            return self._step_next(actions)
        legal = self._check_step(actions, self._all)
        before = self._inner() if self._info_level == "full" else None
        batch = self._move(legal, self._all)
        info = self._step_info(batch.scores, self._all, before, legal)
        if self._mode is AutoresetMode.DISABLED or not self._over.any():
            return batch.observations, batch.rewards, batch.terminated, batch.truncated, info
        done = self._over.copy()
        observations = self.restart(done)
        info = same_step_info(info, batch.observations, done) | self._reset_info(self._all)
        return observations, batch.rewards, batch.terminated, batch.truncated, info

    def _step_next(self, actions: ArrayLike) -> StepResult:
        """Reset the episodes that ended in the last step, advance the others."""
        active = ~self._over
        legal = self._check_step(actions, active)
        before = self._inner() if self._info_level == "full" else None
        self._restart(~active)
        batch = self._move(legal, active)
        info = self._step_info(batch.scores, active, before, legal)
        return batch.observations, batch.rewards, batch.terminated, batch.truncated, info

    def _check_step(self, actions: ArrayLike, active: BoolArray) -> IntArray:
        self._require_reset()
        legal = given.check_actions(actions, self._action_shape)
        self._check_range(legal, active)
        ended = self._over & active
        if ended.any():
            raise EpisodeOver(
                f"The episode of environment {int(ended.argmax())} has ended: call restart(mask), or "
                "reset(options={'reset_mask': mask})."
            )
        return legal

    def _check_range(self, actions: IntArray, active: BoolArray) -> None:
        bad = given.first_illegal(actions.reshape(-1), active, self._n_actions)
        if bad >= 0:
            raise given.illegal_action(actions[bad].tolist(), self.single_action_space, row=bad)

    def _require_reset(self) -> None:
        if not self._streams.ready:
            raise EpisodeOver("No episode has begun: call reset() first.")

    # --- infos: arrays of n, each with Gymnasium's "_key" mask of the rows that it holds for ---

    def _reset_info(self, mask: BoolArray) -> dict[str, Any]:
        if self._info_level != "full":
            return {}
        return {"inner_state": self._inner(), "_inner_state": mask.copy()}

    def _step_info(
        self, scores: FloatArray, stepped: BoolArray, before: NDArray[Any] | None, actions: IntArray
    ) -> dict[str, Any]:
        if self._info_level == "none":
            return {}
        info: dict[str, Any] = {"score_reward": scores, "_score_reward": stepped.copy()}
        if before is not None:
            details = {"reward_mean": self._means.copy(), **self._details(before, actions)}
            for name, values in details.items():
                info |= {name: values, f"_{name}": stepped.copy()}
            info |= self._reset_info(self._all)
        return info
