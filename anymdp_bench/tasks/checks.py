"""The checks that a tabular task passes before it exists."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.foundation.checks import check_integer
from anymdp_bench.foundation.compiling import elements, kernel
from anymdp_bench.foundation.errors import InvalidTask
from anymdp_bench.foundation.seeding import WEIGHT_TOTAL, check_seed
from anymdp_bench.tasks.tables import TaskTables

ARRAY_DTYPES: dict[str, type[np.generic]] = {
    "row_start": np.int64,
    "successor": np.int32,
    "weight": np.int64,
    "reward_sa": np.float64,
    "reward_next": np.float64,
    "noise_sa": np.float64,
    "noise_next": np.float64,
    "initial_weight": np.int64,
    "terminal": np.bool_,
    "state_ids": np.int32,
    "reward_outcome": np.float64,
    "score_outcome": np.float64,
    "emission_weight": np.int64,
}
NUMBERS = ("horizon", "n_observations", "n_actions", "action_tokens")
"""Fields that are integers of at least 1."""
LARGEST_REWARD = 2.0**40
"""Keeps rewards in units of 2**-20 inside int64."""
REWARD_SCALE = 2.0**20

NO_FAULT, ROW_BOUNDS, NO_SUCH_STATE, NOT_ASCENDING, WEIGHT_RANGE, LEAVES_TERMINAL, WRONG_SUM = range(7)


def cast(name: str, value: Any, dtype: type[np.generic]) -> NDArray[Any]:
    """Copy `value` to a C-ordered array of `dtype`.

    Raises:
        InvalidTask: it is not numeric, or integers would be changed by the cast.
    """
    given = np.asarray(value)
    if given.dtype == dtype:
        return np.array(given, order="C")
    legal = "biu" if dtype is not np.float64 else "biuf"
    if given.dtype.kind not in legal:
        raise InvalidTask(f"{name} has dtype {given.dtype}; give an array of {np.dtype(dtype)}.")
    array = np.array(given, dtype=dtype, order="C")
    if given.dtype.kind in "iu" and not np.array_equal(array, given):
        raise InvalidTask(f"{name} does not fit {np.dtype(dtype)}; largest value {given.max()}.")
    return array


def canonical_bytes(array: NDArray[Any]) -> bytes:
    """Little-endian int64 bytes with the shape in front; reals in units of 2**-20."""
    scaled = np.rint(array * REWARD_SCALE) if array.dtype.kind == "f" else array
    return repr(array.shape).encode() + scaled.astype("<i8").tobytes()


def check_task(task: TaskTables) -> None:
    """Raise InvalidTask unless the fields describe a Markov decision process."""
    _check_numbers(task)
    _check_shapes(task)
    _check_reals(task)
    _check_outcomes(task)
    _check_start(task)
    _check_observations(task)


def _fail(field: str, value: object, remedy: str) -> InvalidTask:
    return InvalidTask(f"{field}={value!r}: {remedy}")


def _check_numbers(task: TaskTables) -> None:
    for field in NUMBERS:
        check_integer(field, getattr(task, field), 1, error=InvalidTask)
    if not isinstance(task.family, str) or not task.family:
        raise _fail("family", task.family, "give a non-empty name.")
    if task.seed is not None:
        check_seed(task.seed)
    for key, value in task.config.items():
        if not isinstance(key, str) or not isinstance(value, str | int | float | bool | None):
            raise _fail(f"config[{key!r}]", value, "config holds JSON scalars under string keys.")


def _check_shapes(task: TaskTables) -> None:
    if task.terminal.ndim != 1 or len(task.terminal) == 0:
        raise _fail("terminal.shape", task.terminal.shape, "give one flag per inner state, at least one.")
    n, a, k = len(task.terminal), task.n_actions, task.successor.size
    tokens = 1 if task.emission_weight is None else len(task.emission_weight)
    expected: dict[str, tuple[int, ...]] = {
        "row_start": (n * a + 1,),
        "successor": (k,),
        "weight": (k,),
        "reward_sa": (n, a),
        "reward_next": (n,),
        "noise_sa": (n, a),
        "noise_next": (n,),
        "initial_weight": (n,),
        "state_ids": (n,),
        "reward_outcome": (k,),
        "score_outcome": (k,),
        "emission_weight": (tokens, n, task.n_observations),
    }
    for name, shape in expected.items():
        value = getattr(task, name)
        if value is not None and value.shape != shape:
            raise _fail(f"{name}.shape", value.shape, f"with {n} states and {a} actions it must be {shape}.")
    if task.emission_weight is not None and task.emission_weight.size == 0:
        raise _fail("emission_weight.shape", task.emission_weight.shape, "give at least one token.")


def _check_reals(task: TaskTables) -> None:
    for name in ("reward_sa", "reward_next", "reward_outcome", "score_outcome", "noise_sa", "noise_next"):
        value = getattr(task, name)
        if value is None or not value.size:
            continue
        if not np.abs(value).max() <= LARGEST_REWARD:
            where = tuple(int(i) for i in np.argwhere(~(np.abs(value) <= LARGEST_REWARD))[0])
            raise _fail(f"{name}[{where}]", float(value[where]), "give finite numbers of at most 2**40.")
        if name.startswith("noise") and value.min() < 0:
            raise _fail(f"{name} minimum", float(value.min()), "a standard deviation is at least 0.")


@kernel(work=elements)
def _find_fault(
    row_start: NDArray[np.int64],
    successor: NDArray[np.int32],
    weight: NDArray[np.int64],
    terminal: NDArray[np.bool_],
    n_actions: int,
) -> tuple[int, int]:
    """First fault of the outcomes as (fault, row or outcome)."""
    n = len(terminal)
    if row_start[0] != 0 or row_start[-1] != len(successor):
        return ROW_BOUNDS, 0
    for row in range(n * n_actions):
        if not row_start[row] <= row_start[row + 1] <= len(successor):
            return ROW_BOUNDS, row
        total = 0
        for k in range(row_start[row], row_start[row + 1]):
            if not 0 <= successor[k] < n:
                return NO_SUCH_STATE, k
            if k > row_start[row] and successor[k] <= successor[k - 1]:
                return NOT_ASCENDING, k
            if not 0 < weight[k] <= WEIGHT_TOTAL:
                return WEIGHT_RANGE, k
            total += weight[k]
        if terminal[row // n_actions]:
            if total != 0:
                return LEAVES_TERMINAL, row
        elif total != WEIGHT_TOTAL:
            return WRONG_SUM, row
    return NO_FAULT, 0


def _check_outcomes(task: TaskTables) -> None:
    fault, where = _find_fault(task.row_start, task.successor, task.weight, task.terminal, task.n_actions)
    if fault == NO_FAULT:
        return
    state, action = divmod(where, task.n_actions)
    if fault == ROW_BOUNDS:
        raise _fail(
            "row_start", task.row_start[[0, -1]].tolist(), "must rise from 0 to the number of outcomes."
        )
    if fault == NO_SUCH_STATE:
        raise _fail(
            f"successor[{where}]", int(task.successor[where]), f"inner states are 0..{task.n_states - 1}."
        )
    if fault == NOT_ASCENDING:
        raise _fail(f"successor[{where}]", int(task.successor[where]), "must ascend strictly within a row.")
    if fault == WEIGHT_RANGE:
        raise _fail(
            f"weight[{where}]", int(task.weight[where]), "weights lie in 1..2**30; drop impossible outcomes."
        )
    if fault == LEAVES_TERMINAL:
        raise _fail("terminal state", state, "has outgoing probability; a terminal state has none.")
    row_sum = task.weight[task.row_start[where] : task.row_start[where + 1]].sum() / WEIGHT_TOTAL
    raise _fail(
        f"probability sum of state {state}, action {action}",
        float(row_sum),
        "every row of a non-terminal state must sum to 1 (weights to 2**30).",
    )


def _is_distribution(weight: NDArray[np.int64]) -> bool:
    legal = ((weight >= 0) & (weight <= WEIGHT_TOTAL)).all()
    return bool(legal and (weight.sum(axis=-1) == WEIGHT_TOTAL).all())


def _check_start(task: TaskTables) -> None:
    if not _is_distribution(task.initial_weight):
        raise _fail(
            "initial",
            float(task.initial_weight.sum() / WEIGHT_TOTAL),
            "start probabilities must be at least 0 and sum to 1.",
        )
    starts_over = np.flatnonzero((task.initial_weight > 0) & task.terminal)
    if starts_over.size:
        raise _fail("initial", int(starts_over[0]), "this start state is terminal; episodes need a step.")


def _check_observations(task: TaskTables) -> None:
    if not 0 <= task.state_ids.min() <= task.state_ids.max() < task.n_observations:
        raise _fail(
            "state_ids", int(task.state_ids.max()), f"observation ids are 0..{task.n_observations - 1}."
        )
    if task.emission_weight is None:
        return
    if not _is_distribution(task.emission_weight):
        raise _fail(
            "emissions",
            float(task.emission_weight.sum(axis=2).min() / WEIGHT_TOTAL),
            "every state's observation law must be at least 0 and sum to 1 for every token.",
        )
