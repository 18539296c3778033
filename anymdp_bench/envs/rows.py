"""Environments of a batch, stepped one by one from inside another compiled kernel.

An agent that trains in a kernel of its own calls `restart_row` and `step_row` there. They work on the
arrays of the batch itself, so that episodes, draws and counters go on as if the batch had been stepped.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numba
import numpy as np
from numba.extending import overload
from numpy.typing import NDArray

from anymdp_bench.envs.episodes import Episodes, restart
from anymdp_bench.envs.intrinsics import count_slots
from anymdp_bench.envs.normals import CENTRAL
from anymdp_bench.envs.pendulum import PendulumConstants, PendulumVectorEnv
from anymdp_bench.envs.streams import ONE, KeyArray
from anymdp_bench.envs.tables import (
    EXTRA,
    EXTRA_SLOT,
    KIND_MASK,
    LIST_SLOT,
    LISTED,
    SIZE_SHIFT,
    WIDE_LISTED,
    WIDE_SLOT,
    WIDE_SPAN,
    StepTables,
)
from anymdp_bench.envs.vector import TabularVectorEnv
from anymdp_bench.foundation import exact
from anymdp_bench.foundation.compiling import kernel
from anymdp_bench.foundation.errors import InvalidConfig
from anymdp_bench.foundation.seeding import WEIGHT_TOTAL, draw, noise_offset, outcome_bits
from anymdp_bench.foundation.types import FloatArray
from anymdp_bench.worlds.pendulum.task import FIXED_START, draw_start, observe, step_once


class TabularRows(NamedTuple):
    """What a kernel needs to step tabular environments: the arrays of a `TabularVectorEnv`."""

    tables: StepTables
    episodes: Episodes
    n_actions: int


class PendulumRows(NamedTuple):
    """What a kernel needs to step pendulums: the arrays of a `PendulumVectorEnv`."""

    constants: PendulumConstants
    streams: KeyArray
    states: FloatArray
    elapsed: NDArray[np.int32]
    over: NDArray[np.bool_]


Rows: TypeAlias = TabularRows | PendulumRows
RowStep: TypeAlias = tuple[int, float, float, bool, bool]


def compiled_rows(env: Any) -> Rows | None:
    """Return what `restart_row` and `step_row` need to step the environments of a batch.

    Args:
        env: A batch that was reset. It may be stepped as usual before and afterwards.

    Returns:
        Arrays shared with `env`, or None if it cannot be stepped like this: several action tokens, drawn
        observations, another kind of environment, or a process that compiles nothing.

    Examples:
        >>> envs = batch_env([sample_task("garnet", seed=seed) for seed in range(2)])
        >>> observations, infos = envs.reset(seed=0)
        >>> compiled_rows(envs) is not None
        True
    """
    if numba.config.DISABLE_JIT:  # type: ignore[attr-defined]
        return None
    if isinstance(env, PendulumVectorEnv):
        return PendulumRows(env._constants, env._streams.table, env._states, env._elapsed, env._over)
    if type(env) is not TabularVectorEnv or env._tokens > 1 or env._emissions is not None:
        return None
    episodes = Episodes(env._streams.table, env._places, env._state, env._elapsed, env._horizons, env._over)
    return TabularRows(env._tables, episodes, env._n_actions)


def restart_row(rows: Rows, i: int) -> int:
    """Begin the next episode of environment i; return its first observation. Only for compiled callers.

    Args:
        rows: See `compiled_rows`.
        i: Number of the environment.

    Raises:
        InvalidConfig: when it is called from Python.

    Examples:
        >>> import numba
        >>> envs = batch_env([sample_task("garnet", seed=seed) for seed in range(2)])
        >>> observations, infos = envs.reset(seed=0)
        >>> start = numba.njit(lambda rows, i: restart_row(rows, i))
        >>> 0 <= start(compiled_rows(envs), 1) < 16
        True
    """
    raise _only_compiled()


def step_row(rows: Rows, i: int, action: int) -> RowStep:
    """Take one step in environment i. Only for compiled callers; nothing is checked.

    Args:
        rows: See `compiled_rows`.
        i: Number of the environment, in a running episode.
        action: Legal action.

    Returns:
        The next observation, the received reward, the expected scored reward, terminated, truncated.

    Raises:
        InvalidConfig: when it is called from Python.

    Examples:
        >>> import numba
        >>> envs = batch_env([sample_task("garnet", seed=seed) for seed in range(2)])
        >>> observations, infos = envs.reset(seed=0)
        >>> move = numba.njit(lambda rows, i, action: step_row(rows, i, action))
        >>> 0 <= move(compiled_rows(envs), 1, 3)[0] < 16
        True
    """
    raise _only_compiled()


def _only_compiled() -> InvalidConfig:
    return InvalidConfig(
        "restart_row and step_row are for numba.njit functions; in Python call env.restart and env.advance."
    )


@overload(restart_row, strict=False)
def _restart_row(rows: Any, i: Any) -> Any:
    return {TabularRows: _restart_tabular, PendulumRows: _restart_pendulum}.get(_kind_of(rows))


@overload(step_row, strict=False)
def _step_row(rows: Any, i: Any, action: Any) -> Any:
    return {TabularRows: _step_tabular, PendulumRows: _step_pendulum}.get(_kind_of(rows))


def _kind_of(rows: Any) -> Any:
    """Class of a named tuple, given its numba type."""
    return getattr(rows, "instance_class", None)


def _restart_tabular(rows: TabularRows, i: int) -> int:
    episodes = rows.episodes
    restart(i, rows.tables.starts, episodes)
    return int(np.int64(rows.tables.arrivals[episodes.places[0, i] + episodes.state[i]].tag >> 1))


def _step_tabular(rows: TabularRows, i: int, action: int) -> RowStep:
    tables, episodes = rows.tables, rows.episodes
    place = episodes.places[0, i]
    at = (place + episodes.state[i]) * rows.n_actions + action
    spent = episodes.elapsed[i] + 1
    bits = draw(episodes.streams[3, i], np.uint64(spent))
    k, following = _outcome(tables, at, np.uint32(outcome_bits(bits)))
    line, arrival = tables.lines[at], tables.arrivals[place + following]
    mean = line.reward + arrival.reward
    score = mean
    if line.marks & EXTRA:
        extra = np.int64(line.slots[EXTRA_SLOT]) - WEIGHT_TOTAL + k
        mean += tables.extra[extra, 0]
        score = tables.extra[extra, 1]
    reward = mean + (np.float64(line.noise) + np.float64(arrival.noise)) * _normal(bits)
    terminated = arrival.tag & 1 == 1
    truncated = not terminated and spent >= episodes.horizons[i]
    episodes.state[i] = following
    episodes.elapsed[i] = spent
    episodes.over[i] = terminated or truncated
    return int(np.int64(arrival.tag >> 1)), reward, score, terminated, truncated


@kernel(inner=True, nogil=True)
def _outcome(tables: StepTables, at: int, u: np.uint32) -> tuple[int, int]:
    """Index of the outcome that draw `u` selects in line `at`, and the next state."""
    line = tables.lines[at]
    kind = line.marks & KIND_MASK
    k = count_slots(tables.lines, at, u)
    if kind < WIDE_SPAN:
        following = line.first + k
        if kind == LISTED:
            following = int(np.int64(line.slots[LIST_SLOT + k])) - WEIGHT_TOTAL
        return k, following
    first = int(np.int64(line.slots[WIDE_SLOT])) - WEIGHT_TOTAL
    entry = first + k * (line.marks >> SIZE_SHIFT)
    while tables.wide[entry] <= u:
        entry += 1
    if kind == WIDE_LISTED:
        return entry - first, int(np.int64(tables.wide[entry + line.first]))
    return entry - first, line.first + entry - first


@kernel(inner=True, nogil=True)
def _normal(bits: np.uint64) -> float:
    """Standard normal of a draw."""
    q = noise_offset(bits)
    return exact.normal_central(q) if abs(q) <= CENTRAL else exact.normal_tail(q)


def _restart_pendulum(rows: PendulumRows, i: int) -> int:
    streams, constants = rows.streams, rows.constants
    streams[2, i] += ONE
    streams[3, i] = draw(streams[0, i], streams[2, i])
    streams[4, i] = draw(streams[1, i], streams[2, i])
    rows.elapsed[i] = 0
    rows.over[i] = False
    angle, speed = FIXED_START if constants.fixed[i] else draw_start(streams[3, i])
    rows.states[i, 0] = angle
    rows.states[i, 1] = speed
    return observe(angle, speed, constants.angle_bins[i], constants.speed_bins[i])


def _step_pendulum(rows: PendulumRows, i: int, action: int) -> RowStep:
    constants = rows.constants
    angle, speed, reward, score, observation = step_once(
        rows.states[i, 0],
        rows.states[i, 1],
        constants.torques[action],
        constants.g[i],
        constants.shaped[i],
        (constants.angle_bins[i], constants.speed_bins[i]),
    )
    rows.states[i, 0] = angle
    rows.states[i, 1] = speed
    rows.elapsed[i] += 1
    truncated = rows.elapsed[i] >= constants.horizons[i]
    rows.over[i] = truncated
    return observation, reward, score, False, truncated
