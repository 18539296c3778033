"""What a user may hand to an environment, checked: options, levels, modes, seeds and masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from gymnasium.spaces import Discrete, MultiDiscrete, Space
from gymnasium.vector import AutoresetMode
from numpy.typing import ArrayLike, NDArray

from anymdp_bench.foundation.checks import check, plain
from anymdp_bench.foundation.compiling import elements, kernel
from anymdp_bench.foundation.errors import InvalidAction, InvalidConfig, UnsupportedSetting
from anymdp_bench.foundation.seeding import check_seed
from anymdp_bench.foundation.types import IntArray
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.task import TabularTask

BoolArray: TypeAlias = NDArray[np.bool_]
Spaces: TypeAlias = tuple[Space[Any], Space[Any]]

INFO_LEVELS = ("none", "score", "full")
RENDER_MODES = ("ansi", "rgb_array")
RENDER_FPS = 4
"""Frames a second of a video or a window: slow enough to follow an episode."""


def check_task(task: Any) -> Task:
    """Return `task` if it is one.

    Raises:
        InvalidConfig: it is not.
    """
    # The first check is quick; the second asks for every member of the protocol.
    if isinstance(task, TabularTask) or isinstance(task, Task):
        return task
    raise InvalidConfig(f"{task!r} ({type(task).__name__}) is no task: give a TabularTask or PendulumTask.")


def spaces_of(task: Task) -> Spaces:
    """Observation and action space of a task: Discrete, or MultiDiscrete for several tokens."""
    return (
        _space(task.n_observations, getattr(task, "observation_tokens", 1)),
        _space(task.n_actions, getattr(task, "action_tokens", 1)),
    )


def _space(size: int, tokens: int) -> Space[Any]:
    return Discrete(size) if tokens == 1 else MultiDiscrete([size] * tokens)


def smallest_size(space: Space[Any]) -> int:
    """Number of values that every entry of a Discrete or MultiDiscrete space may take."""
    return int(space.nvec.min() if isinstance(space, MultiDiscrete) else space.n)  # type: ignore[attr-defined]


def check_spaces(task: Task, found: Spaces, expected: Spaces) -> None:
    """Raise InvalidConfig unless a task's spaces are those that the environment was made with."""
    if found != expected:
        raise InvalidConfig(
            f"{task!r} has spaces {found}; this environment was made for {expected}. "
            "Give a task of the same shape, or make another environment."
        )


def check_info_level(level: str) -> str:
    """Return `level` if it is ``"none"``, ``"score"`` or ``"full"``.

    Raises:
        InvalidConfig: it is not.
    """
    if level not in INFO_LEVELS:
        raise InvalidConfig(f"info_level={level!r}: give one of {list(INFO_LEVELS)}.")
    return level


def check_render_mode(mode: str | None) -> str | None:
    """Return `mode` if it is None, ``"ansi"`` or ``"rgb_array"``.

    Raises:
        UnsupportedSetting: it is not; a window is opened by Gymnasium around ``"rgb_array"``.
    """
    legal = "None, 'ansi' or 'rgb_array' (gymnasium.make alone takes 'human')"
    check(mode is None or mode in RENDER_MODES, "render_mode", mode, legal, UnsupportedSetting)
    return mode


def check_autoreset_mode(mode: str | AutoresetMode) -> AutoresetMode:
    """Return Gymnasium's member of that name.

    Raises:
        InvalidConfig: there is none.
    """
    try:
        return AutoresetMode(mode)
    except ValueError as error:
        legal = [member.value for member in AutoresetMode]
        raise InvalidConfig(f"autoreset_mode={mode!r}: give one of {legal}.") from error


def take_options(options: dict[str, Any] | None, *legal: str) -> dict[str, Any]:
    """Copy the options that `reset` was given.

    Raises:
        InvalidConfig: an unknown name, or several switches of the task at once.
    """
    given = dict(options or {})
    unknown = sorted(map(str, set(given) - set(legal)))
    if unknown:
        raise InvalidConfig(f"Unknown reset option {unknown[0]!r}: this environment knows {list(legal)}.")
    switching = sorted(set(given) & {"task", "tasks", "task_seed"})
    if len(switching) > 1:
        raise InvalidConfig(f"Options {switching} exclude each other; give one of them.")
    return given


def check_seeds(seed: Any, n: int) -> Sequence[int | None]:
    """One seed, or None, for each of n environments; an integer s stands for s, s + 1, ...

    Raises:
        InvalidSeed: not integers in [0, 2**64).
        InvalidConfig: a sequence of another length.
    """
    if seed is None:
        return [None] * n
    seed = plain(seed)
    if isinstance(seed, list | tuple | range | np.ndarray):
        if len(seed) != n:
            raise InvalidConfig(f"{len(seed)} seeds given for {n} environments; give one each.")
        return [None if s is None else check_seed(s) for s in seed]
    first = check_seed(seed)
    check_seed(first + n - 1)
    return range(first, first + n)


def check_mask(name: str, mask: Any, n: int) -> BoolArray:
    """Return `mask` if it is a bool array ``[n]``.

    Raises:
        InvalidConfig: it is not.
    """
    if not (isinstance(mask, np.ndarray) and mask.dtype == np.bool_ and mask.shape == (n,)):
        raise InvalidConfig(f"{name}={mask!r}: give a NumPy bool array of shape ({n},).")
    return mask if mask.flags.writeable else mask.copy()


def check_actions(actions: ArrayLike, shape: tuple[int, ...]) -> IntArray:
    """Return actions as int64 of the given shape; their range is not checked.

    Raises:
        InvalidAction: not integers, or of another shape.
    """
    array = np.asarray(actions)
    if array.dtype == np.int64 and array.shape == shape and array.flags.carray:
        return array
    if array.dtype.kind not in "iu" or array.shape != shape:
        raise InvalidAction(
            f"Actions have dtype {array.dtype} and shape {array.shape}; give integers of shape {shape}."
        )
    return np.array(array, dtype=np.int64, order="C")


@kernel(work=elements)
def first_illegal(actions: IntArray, active: BoolArray, n_actions: int) -> int:
    """Row of the first action outside 0..n_actions-1 where `active`, or -1."""
    outside = 0
    for i in range(len(actions)):
        outside += int(np.uint64(actions[i]) >= np.uint64(n_actions))
    if outside == 0:
        return -1
    tokens = len(actions) // len(active)
    for i in range(len(actions)):
        if active[i // tokens] and not 0 <= actions[i] < n_actions:
            return i // tokens
    return -1


def illegal_action(action: object, space: Space[Any], *, row: int | None = None) -> InvalidAction:
    """Build the error for an action outside the action space, of environment `row` of a batch."""
    where = "" if row is None else f" of environment {row}"
    return InvalidAction(
        f"Action {action!r} ({type(action).__name__}){where} is not in {space}: "
        f"give integers in 0..{smallest_size(space) - 1}."
    )
