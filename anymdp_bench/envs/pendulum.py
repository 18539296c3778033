"""Discrete-Pendulum as a single and as a batched environment; same trajectories, bit for bit."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.envs import options as given
from anymdp_bench.envs.base import BatchEnv
from anymdp_bench.envs.options import Spaces
from anymdp_bench.envs.single import SingleEnv
from anymdp_bench.envs.watched import StepBatch
from anymdp_bench.foundation.checks import check_choice, check_integer
from anymdp_bench.foundation.compiling import elements, kernel
from anymdp_bench.foundation.errors import InvalidConfig
from anymdp_bench.foundation.seeding import draw
from anymdp_bench.foundation.types import BoolArray, FloatArray, IntArray
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.worlds.pendulum.task import FIXED_START, PendulumTask, draw_start, observe, step_once


class DiscretePendulumEnv(SingleEnv):
    """Swing up and balance a pendulum that is seen through bins.

    Description:
        The dynamics of Pendulum-v1 for any gravity; the agent sees bins of angle and speed and chooses among
        a few torques. The arguments are those of `PendulumTask`; ``reset(options={"task": t})`` switches to
        another pendulum of the same spaces.

    Observation Space:
        ``Discrete(angle_bins * speed_bins)``: ``speed_bins * angle_bin + speed_bin``, equal bins of the angle
        on [0, 2 pi) and of the speed on [-8, 8] rad/s. Upright and at rest is id 2 of 60.

    Action Space:
        ``Discrete(torques)``: action i is the torque ``-2 + 4 * i / (torques - 1)`` N m.

    Starting State:
        Uniform angle in (-pi, pi) and speed in (-1, 1), or the fixed state (1.1457..., -0.8923...).

    Rewards:
        Raw: ``-(angle^2 + 0.1 speed^2 + 0.001 torque^2)`` before the step, angle in [-pi, pi).
        Shaped: ``max(raw / 30 + 0.1, -0.1)``.

    Episode End:
        Truncated after the task's horizon, 200 steps; never terminated.

    Information:
        ``info_level="score"``: ``score_reward`` (the raw reward). ``"full"``: also ``reward_mean`` (the
        received one) and ``inner_state`` (angle, speed; float64 ``[2]``), the latter after a reset as well.

    Version History:
        v0: first version.
    """

    def __init__(
        self,
        g: float = 9.8,
        angle_bins: int = 12,
        speed_bins: int = 5,
        torques: int = 5,
        start: str = "random",
        reward: str = "raw",
        *,
        info_level: str = "none",
        render_mode: str | None = None,
    ) -> None:
        """See the class.

        Raises:
            InvalidTask: a setting of the pendulum is not legal.
            InvalidConfig: unknown info level or render mode.
        """
        task = PendulumTask(
            g=g, angle_bins=angle_bins, speed_bins=speed_bins, torques=torques, start=start, reward=reward
        )
        super().__init__(task, info_level=info_level, render_mode=render_mode)

    def _make_spaces(self, task: Task) -> Spaces:
        return given.spaces_of(_require_pendulum(task))

    def _load(self, task: Task) -> None:
        pendulum = _require_pendulum(task)
        self._torques: list[float] = pendulum.torque_values.tolist()
        self._bins = (pendulum.angle_bins, pendulum.speed_bins)
        self._g, self._horizon = pendulum.g, pendulum.horizon
        self._plain = self._info_level == "none" and self._camera is None
        self._fixed, self._shaped = pendulum.start == "fixed", pendulum.reward == "shaped"

    def _begin(self) -> tuple[int, dict[str, Any]]:
        key = np.uint64(draw(self._stream, np.uint64(self._episode)))
        self._angle, self._speed = FIXED_START if self._fixed else draw_start(key)
        self._elapsed = 0
        info = {"inner_state": self._inner()} if self._info_level == "full" else {}
        return observe(self._angle, self._speed, *self._bins), info

    def step(self, action: Any) -> tuple[int, float, bool, bool, dict[str, Any]]:
        """Apply one torque for 0.05 s.

        Raises:
            InvalidAction: not an integer in 0..torques - 1; nothing has changed.
            EpisodeOver: the episode has ended or was never begun.
        """
        index = self._check_action(action)
        torque = self._torques[index]
        if self._over:
            raise self._episode_over()
        self._angle, self._speed, reward, raw, observation = step_once(
            self._angle, self._speed, torque, self._g, self._shaped, self._bins
        )
        self._elapsed += 1
        self._over = self._elapsed >= self._horizon
        if self._plain:
            return observation, reward, False, self._over, {}
        if self._camera is not None:
            self._camera.step(0, None, [index], reward, self._inner(), observation)
        return observation, reward, False, self._over, self._info(reward, raw)

    def _check_action(self, action: Any) -> int:
        try:
            index = -1 if isinstance(action, bool) else operator.index(action)
        except TypeError:
            index = -1
        if not 0 <= index < len(self._torques):
            raise given.illegal_action(action, self.action_space)
        return index

    def _inner(self) -> FloatArray:
        return np.array([self._angle, self._speed])

    def _info(self, reward: float, raw: float) -> dict[str, Any]:
        if self._info_level == "none":
            return {}
        if self._info_level == "score":
            return {"score_reward": raw}
        return {"score_reward": raw, "reward_mean": reward, "inner_state": self._inner()}


def _require_pendulum(task: Task) -> PendulumTask:
    if not isinstance(task, PendulumTask):
        raise InvalidConfig(f"{task!r} is no pendulum: give a PendulumTask, or make another environment.")
    return task


class PendulumConstants(NamedTuple):
    """What the kernels need of n pendulums; `torques` is shared, because all have the same actions."""

    torques: FloatArray
    g: FloatArray
    shaped: BoolArray
    fixed: BoolArray
    angle_bins: IntArray
    speed_bins: IntArray
    horizons: NDArray[np.int32]


class PendulumVectorEnv(BatchEnv):
    """Many pendulums in one compiled call; see `DiscretePendulumEnv` and `BatchEnv`.

    Args:
        tasks: `PendulumTask` for each environment, with equal spaces.
        autoreset_mode, info_level, render_mode: As for `BatchEnv`; ``inner_state`` is float64 ``[n, 2]``.

    Raises:
        InvalidConfig: a task that is no pendulum, or of other spaces.
    """

    def _make_spaces(self, task: Task) -> Spaces:
        return given.spaces_of(_require_pendulum(task))

    def _load(self, tasks: Sequence[Task]) -> None:
        pendulums = [_require_pendulum(task) for task in tasks]
        self._constants = PendulumConstants(
            torques=pendulums[0].torque_values,
            g=np.array([task.g for task in pendulums]),
            shaped=np.array([task.reward == "shaped" for task in pendulums]),
            fixed=np.array([task.start == "fixed" for task in pendulums]),
            angle_bins=np.array([task.angle_bins for task in pendulums]),
            speed_bins=np.array([task.speed_bins for task in pendulums]),
            horizons=self._horizons,
        )
        self._states = np.zeros((len(pendulums), 2))

    def _begin(self, mask: BoolArray) -> None:
        _begin_all(mask, self._episode_keys, self._constants, self._states)

    def _observe(self) -> IntArray:
        observations: IntArray = _observe_all(self._states, self._constants)
        return observations

    def _inner(self) -> FloatArray:
        return self._states.copy()

    def _advance(self, actions: IntArray, active: BoolArray) -> StepBatch:
        observations = self._observe()
        self._means, scores = np.zeros(self.num_envs), np.zeros(self.num_envs)
        truncated = np.zeros(self.num_envs, np.bool_)
        _step_all(
            actions, active, self._constants, self._states, self._elapsed, observations, self._means, scores,
            truncated,
        )  # fmt: skip
        self._over |= truncated
        terminated = np.zeros(self.num_envs, np.bool_)
        return StepBatch(observations, self._means.copy(), scores, terminated, truncated)


def make_pendulum_vec(
    num_envs: int = 1,
    g: float = 9.8,
    angle_bins: int = 12,
    speed_bins: int = 5,
    torques: int = 5,
    start: str = "random",
    reward: str = "raw",
    *,
    tasks: str = "own",
    autoreset_mode: str = "NextStep",
    info_level: str = "none",
    render_mode: str | None = None,
) -> PendulumVectorEnv:
    """Make the vector environment of ``DiscretePendulum-v0``.

    Args:
        num_envs: Number of environments, at least 1.
        g: As for `PendulumTask`, like all settings up to `reward`.
        angle_bins: Number of angle bins.
        speed_bins: Number of speed bins.
        torques: Number of actions.
        start: ``"random"`` or ``"fixed"``.
        reward: ``"raw"`` or ``"shaped"``.
        tasks: ``"own"`` or ``"shared"``; the same here, because the settings leave nothing to draw.
        autoreset_mode: As for `BatchEnv`.
        info_level: As for `BatchEnv`.
        render_mode: As for `BatchEnv`.

    Raises:
        InvalidTask: a setting of the pendulum is not legal.
        InvalidConfig: another setting is not legal.
    """
    num_envs = check_integer("num_envs", num_envs, 1)
    check_choice("tasks", tasks, ("own", "shared"))
    task = PendulumTask(
        g=g, angle_bins=angle_bins, speed_bins=speed_bins, torques=torques, start=start, reward=reward
    )
    return PendulumVectorEnv(
        [task] * num_envs, autoreset_mode=autoreset_mode, info_level=info_level, render_mode=render_mode
    )


@kernel(work=elements)
def _begin_all(
    mask: BoolArray, keys: NDArray[np.uint64], constants: PendulumConstants, states: FloatArray
) -> None:
    for i in range(len(mask)):
        if mask[i]:
            states[i] = FIXED_START if constants.fixed[i] else draw_start(keys[i])


@kernel(work=elements)
def _observe_all(states: FloatArray, constants: PendulumConstants) -> IntArray:
    observations = np.empty(len(states), np.int64)
    for i in range(len(states)):
        observations[i] = observe(
            states[i, 0], states[i, 1], constants.angle_bins[i], constants.speed_bins[i]
        )
    return observations


@kernel(work=elements, nogil=True)
def _step_all(
    actions: IntArray,
    active: BoolArray,
    constants: PendulumConstants,
    states: FloatArray,
    elapsed: NDArray[np.int32],
    observations: IntArray,
    rewards: FloatArray,
    scores: FloatArray,
    truncated: BoolArray,
) -> None:
    for i in range(len(actions)):
        if active[i]:
            bins = (constants.angle_bins[i], constants.speed_bins[i])
            states[i, 0], states[i, 1], rewards[i], scores[i], observations[i] = step_once(
                states[i, 0],
                states[i, 1],
                constants.torques[actions[i]],
                constants.g[i],
                constants.shaped[i],
                bins,
            )
            elapsed[i] += 1
            truncated[i] = elapsed[i] >= constants.horizons[i]
