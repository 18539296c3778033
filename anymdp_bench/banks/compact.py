"""Many tabular tasks of one bank in one small npz: integers on the tasks' own grids, no pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.foundation.digests import SEAL
from anymdp_bench.foundation.errors import BenchError, TaskFileError
from anymdp_bench.foundation.files import replacing
from anymdp_bench.tasks.archive import META, UNREADABLE, content_digest, read_members, read_meta
from anymdp_bench.tasks.checks import ARRAY_DTYPES
from anymdp_bench.tasks.task import REWARD_UNIT, TabularTask

TASKS = "tasks"
SHAPE = "shape"
"""Suffix of the array that holds each task's shape of a field."""


def save_tasks(tasks: Sequence[TabularTask], path: str | PathLike[str]) -> None:
    """Write tasks whose reals lie on the grid of 2**-20, as sampled ones do.

    Raises:
        TaskFileError: a real is off the grid, so that the file would not hold the same task.
    """
    arrays: dict[str, NDArray[Any]] = {}
    for name in ARRAY_DTYPES:
        values = [getattr(task, name) for task in tasks]
        if values[0] is not None:
            arrays[name] = _narrow(np.concatenate([_to_integers(name, value).ravel() for value in values]))
            arrays[f"{name}.{SHAPE}"] = _narrow(np.array([value.shape for value in values]))
    meta = [
        {
            "family": task.family,
            "config": dict(task.config),
            "seed": task.seed,
            "horizon": task.horizon,
            "n_observations": task.n_observations,
            "n_actions": task.n_actions,
            "action_tokens": task.action_tokens,
        }
        for task in tasks
    ]
    sealed = {TASKS: meta, SEAL: content_digest({TASKS: meta}, arrays)}
    arrays[META] = np.frombuffer(json.dumps(sealed, sort_keys=True).encode(), np.uint8)
    with replacing(path) as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)


def load_tasks(path: str | PathLike[str]) -> list[TabularTask]:
    """Read the tasks that `save_tasks` wrote.

    Raises:
        TaskFileError: the file is missing, damaged or too large.
    """
    try:
        arrays = read_members(path, [f"{name}.{SHAPE}" for name in ARRAY_DTYPES])
        if arrays[META].tobytes().lstrip().startswith(b"["):  # as older versions wrote them, without a digest
            meta = json.loads(arrays.pop(META).tobytes())
        else:
            meta = read_meta(arrays)[TASKS]
        offsets = {name: 0 for name in ARRAY_DTYPES}
        return [TabularTask(**_fields(arrays, offsets, i), **meta[i]) for i in range(len(meta))]
    except (BenchError, *UNREADABLE) as error:
        raise TaskFileError(
            f"{path}: cannot be read as a bank ({type(error).__name__}: {error}). Install the package again."
        ) from error


def _fields(arrays: Mapping[str, NDArray[Any]], offsets: dict[str, int], i: int) -> dict[str, Any]:
    fields = {}
    for name, dtype in ARRAY_DTYPES.items():
        if name not in arrays:
            continue
        shape = tuple(int(size) for size in arrays[f"{name}.{SHAPE}"][i])
        end = offsets[name] + int(np.prod(shape))
        values = arrays[name][offsets[name] : end].reshape(shape)
        fields[name] = values * REWARD_UNIT if dtype is np.float64 else values.astype(dtype)
        offsets[name] = end
    return fields


def _to_integers(name: str, values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind != "f":
        return values
    integers = np.rint(values / REWARD_UNIT)
    if not np.array_equal(integers * REWARD_UNIT, values):
        raise TaskFileError(f"{name}: not on the grid of 2**-20; save such tasks one by one.")
    return integers.astype(np.int64)


def _narrow(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind == "b":
        return values
    return values.astype(np.result_type(np.min_scalar_type(values.min()), np.min_scalar_type(values.max())))
