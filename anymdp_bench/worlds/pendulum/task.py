"""Discrete-Pendulum: Gymnasium's Pendulum-v1 seen through bins and moved by a few torques.

Its inner state is continuous, so a task holds constants instead of tables. The dynamics are the float
operations of Pendulum-v1 in the same order, with a sine that has the same bits on every processor.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from os import PathLike
from types import MappingProxyType
from typing import Any

import numpy as np

from anymdp_bench.foundation import exact
from anymdp_bench.foundation.checks import Number, check, check_choice, check_integer, plain
from anymdp_bench.foundation.compiling import elements, kernel
from anymdp_bench.foundation.errors import InvalidTask
from anymdp_bench.foundation.seeding import ONE, RESET_COUNTER, check_seed, draw, unit
from anymdp_bench.foundation.types import FloatArray, JsonScalar
from anymdp_bench.tasks.archive import write_task

MAX_SPEED = 8.0
MAX_TORQUE = 2.0
TIME_STEP = 0.05
TWO_PI = 2 * math.pi
FIXED_START = (float.fromhex("0x1.254fe86c98160p+0"), float.fromhex("-0x1.c8e32491a0d26p-1"))
"""(angle, speed) = (1.1457..., -0.8923...): what ``reset(seed=123)`` of Pendulum-v1 draws."""

STARTS = ("random", "fixed")
REWARDS = ("raw", "shaped")
LARGEST_COUNT = 10_000
LONGEST_HORIZON = 100_000
"""The angle grows by at most 0.4 a step and must stay below the 1e5 that `exact.sin_cos` covers."""
GRAVITY = Number(0, 1000)
SIZES = {
    "angle_bins": (1, LARGEST_COUNT),
    "speed_bins": (1, LARGEST_COUNT),
    "torques": (2, LARGEST_COUNT),
    "horizon": (1, LONGEST_HORIZON),
}
"""Least and largest value of each size."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PendulumTask:
    """A pendulum of gravity `g`, observed through ``angle_bins * speed_bins`` ids.

    The id is ``speed_bins * angle_bin + speed_bin``, with equal bins of the angle on [0, 2 pi) (0 is upright,
    and the border between the last and the first bin) and of the speed on [-8, 8] rad/s. Action i is
    torque ``-2 + 4 * i / (torques - 1)`` N m. The raw reward is Pendulum-v1's; the shaped one is
    ``max(raw / 30 + 0.1, -0.1)``. The score always counts the raw one.

    Attributes:
        g: Gravity in m/s^2, 0..1000.
        angle_bins: Number of angle bins, 1..10,000.
        speed_bins: Number of speed bins, 1..10,000.
        torques: Number of actions, 2..10,000.
        start: ``"random"``: uniform angle in (-pi, pi) and speed in (-1, 1), as in Pendulum-v1.
            ``"fixed"``: the one start of OmniRL's public code, `FIXED_START`.
        reward: What the agent receives, ``"raw"`` or ``"shaped"``.
        horizon: Steps per episode, 1..100,000.
        seed: None, or the seed that the constants were drawn with.
        config: JSON scalars; the settings above are added to what is given.

    Raises:
        InvalidTask: naming the field, the value and the remedy.

    References:
        Gymnasium, Pendulum-v1. Bins and shaping: OmniRL's Discrete-Pendulum.

    Examples:
        >>> from anymdp_bench.worlds.pendulum.task import PendulumTask
        >>> task = PendulumTask(g=5.0)
        >>> task.n_observations, task.n_actions, task.horizon
        (60, 5, 200)
    """

    g: float = 9.8
    angle_bins: int = 12
    speed_bins: int = 5
    torques: int = 5
    start: str = "random"
    reward: str = "raw"
    horizon: int = 200
    seed: int | None = None
    config: Mapping[str, JsonScalar] = dataclasses.field(default_factory=dict, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Check, and complete `config`."""
        check(GRAVITY.accepts(self.g), "g", self.g, f"{GRAVITY} (m/s^2)", InvalidTask)
        object.__setattr__(self, "g", float(self.g))
        for name, (low, high) in SIZES.items():
            size = check_integer(name, getattr(self, name), low, high, InvalidTask)
            object.__setattr__(self, name, size)
        for name, legal in (("start", STARTS), ("reward", REWARDS)):
            check_choice(name, getattr(self, name), legal, InvalidTask)
        if self.seed is not None:
            object.__setattr__(self, "seed", check_seed(self.seed))
        config = {name: plain(value) for name, value in self.config.items()}
        object.__setattr__(self, "config", MappingProxyType(config | self._settings()))

    def _settings(self) -> dict[str, Any]:
        names = ("g", "angle_bins", "speed_bins", "torques", "start", "reward", "horizon")
        return {name: getattr(self, name) for name in names}

    def _fields(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild through the constructor; a read-only mapping cannot be pickled."""
        values = self._fields()
        return _rebuild, (values | {"config": dict(self.config)},)

    def __deepcopy__(self, memo: dict[int, Any]) -> PendulumTask:
        """Return the task itself: it cannot change."""
        return self

    @property
    def family(self) -> str:
        """``"pendulum"``."""
        return "pendulum"

    @property
    def n_observations(self) -> int:
        """Number of observation ids."""
        return self.angle_bins * self.speed_bins

    @property
    def n_actions(self) -> int:
        """Number of torques."""
        return self.torques

    @property
    def torque_values(self) -> FloatArray:
        """Torque of each action in N m, float64 ``[torques]``."""
        return np.linspace(-MAX_TORQUE, MAX_TORQUE, self.torques)

    def fingerprint(self) -> str:
        """SHA-256 (hex) over everything that an agent can experience; gravity enters exactly."""
        settings = self._settings() | {"g": self.g.hex()}
        return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()

    def save(self, path: str | PathLike[str]) -> None:
        """Write the task as npz without pickled objects; see `load_task`."""
        write_task(path, "pendulum", self._fields())


def _rebuild(values: dict[str, Any]) -> PendulumTask:
    return PendulumTask(**values)


@kernel(work=elements)
def draw_start(episode_key: np.uint64) -> tuple[float, float]:
    """Random (angle, speed). The steps draw nothing, so counter 1 is free for the speed."""
    angle = -math.pi + TWO_PI * unit(draw(episode_key, RESET_COUNTER))
    return angle, -1.0 + 2.0 * unit(draw(episode_key, ONE))


@kernel(work=elements)
def swing(angle: float, speed: float, torque: float, g: float) -> tuple[float, float, float]:
    """One step of Pendulum-v1 with unit mass and length.

    Args:
        angle: In rad, not wrapped, 0 upright.
        speed: In rad/s, -8..8.
        torque: In N m, -2..2.
        g: Gravity in m/s^2.

    Returns:
        The next angle, the next speed, and the raw reward.
    """
    wrapped = (angle + math.pi) % TWO_PI - math.pi
    reward = -(wrapped * wrapped + 0.1 * (speed * speed) + 0.001 * (torque * torque))
    sine, _ = exact.sin_cos(angle)
    next_speed = speed + (3.0 * g / 2.0 * sine + 3.0 * torque) * TIME_STEP
    next_speed = min(max(next_speed, -MAX_SPEED), MAX_SPEED)
    return angle + next_speed * TIME_STEP, next_speed, reward


@kernel(work=elements)
def observe(angle: float, speed: float, angle_bins: int, speed_bins: int) -> int:
    """Observation id of an inner state."""
    angle_bin = int((angle % TWO_PI) / TWO_PI * angle_bins)
    speed_bin = int((speed + MAX_SPEED) / (2.0 * MAX_SPEED) * speed_bins)
    # Rounding can lift an angle just below 2 pi to the upper border; the top speed 8 is in the last bin.
    return speed_bins * min(angle_bin, angle_bins - 1) + min(speed_bin, speed_bins - 1)


@kernel(work=elements)
def shape_reward(raw: float) -> float:
    """Shaped reward of a raw one."""
    return max(raw / 30.0 + 0.1, -0.1)


@kernel(work=elements)
def step_once(
    angle: float, speed: float, torque: float, g: float, shaped: bool, bins: tuple[int, int]
) -> tuple[float, float, float, float, int]:
    """One step as an agent meets it.

    Args:
        angle: In rad, not wrapped, 0 upright.
        speed: In rad/s, -8..8.
        torque: In N m, -2..2.
        g: Gravity in m/s^2.
        shaped: Whether the shaped reward is received.
        bins: Number of angle and of speed bins.

    Returns:
        The next angle, the next speed, the received reward, the raw reward, and the next observation id.
    """
    angle, speed, raw = swing(angle, speed, torque, g)
    return angle, speed, shape_reward(raw) if shaped else raw, raw, observe(angle, speed, bins[0], bins[1])
