"""Tasks as npz files: plain arrays and one JSON text, never a pickle."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import IO, Any

import numpy as np

from anymdp_bench.errors import BenchError, TaskFileError, UnknownName
from anymdp_bench.registry import load_object, lookup
from anymdp_bench.task import TabularTask, Task
from anymdp_bench.task_checks import ARRAY_DTYPES

FORMAT = 1
LARGEST_FILE = 1 << 28
"""Uncompressed bytes that a task file may claim (a 2,048-state dense task needs about 100 MiB)."""
META = "meta"
UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    OverflowError,
    RuntimeError,  # encrypted members; deep JSON; unknown compression (its subclasses)
    zipfile.BadZipFile,
    zlib.error,
)
"""What the readers of zip, npy and JSON raise on broken files."""

TASK_KINDS = {
    "tabular": "anymdp_bench.task:TabularTask",
    "pendulum": "anymdp_bench.pendulum:PendulumTask",
}


@contextlib.contextmanager
def replacing(path: str | PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a temporary file beside `path` that replaces it when the block succeeds."""
    target = Path(path)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, 0o666 & ~_umask())
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def save_task(task: Task, path: str | PathLike[str]) -> None:
    """Write `task`; an existing file is replaced only by a complete one."""
    kind = "tabular" if isinstance(task, TabularTask) else "pendulum"
    fields = {f.name: getattr(task, f.name) for f in dataclasses.fields(task)}  # type: ignore[arg-type]
    arrays = {name: value for name, value in fields.items() if isinstance(value, np.ndarray)}
    meta = {n: v for n, v in fields.items() if n not in arrays and v is not None}
    meta |= {"config": dict(task.config), "kind": kind, "format": FORMAT}
    text = json.dumps(meta, sort_keys=True, allow_nan=False).encode()
    with replacing(path) as file:
        np.savez_compressed(file, allow_pickle=False, **{META: np.frombuffer(text, np.uint8)}, **arrays)


def load_task(path: str | PathLike[str]) -> Task:
    """Read a task that `save_task` wrote; nothing in the file is executed.

    Raises:
        TaskFileError: missing, truncated, too large, pickled, or with other members than a task has.
        InvalidTask: its arrays do not describe a task.
    """
    try:
        arrays = _read_members(path)
        meta = json.loads(arrays.pop(META).tobytes().decode())
        if not isinstance(meta, dict) or meta.pop("format", None) != FORMAT:
            raise TaskFileError(f"{path}: not of task format {FORMAT}.")
        make = load_object(lookup("task kind", TASK_KINDS, str(meta.pop("kind", None))))
        task: Task = make(**arrays, **meta)
    except BenchError as error:
        if isinstance(error, UnknownName):
            raise TaskFileError(f"{path}: {error}") from error
        raise
    except UNREADABLE as error:
        raise TaskFileError(
            f"{path}: cannot be read as a task ({type(error).__name__}: {error}). "
            "Give a file that Task.save wrote."
        ) from error
    return task


def _read_members(path: str | PathLike[str]) -> dict[str, Any]:
    legal = {f"{name}.npy" for name in (META, *ARRAY_DTYPES)}
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        names = [member.filename for member in members]
        if len(set(names)) != len(names) or not set(names) <= legal:
            raise TaskFileError(f"{path}: members {sorted(set(names) - legal) or names} are not a task's.")
        if sum(member.file_size for member in members) > LARGEST_FILE:
            raise TaskFileError(f"{path}: claims more than {LARGEST_FILE} bytes.")
        return {m.filename[:-4]: _read_array(archive, m) for m in members}


def _read_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Any:
    with archive.open(member) as file:
        content = io.BytesIO(file.read(member.file_size + 1))
    version = np.lib.format.read_magic(content)
    if version != (1, 0):
        raise TaskFileError(f"{member.filename}: npy version {version}; version (1, 0) is expected.")
    shape, _, dtype = np.lib.format.read_array_header_1_0(content)
    if dtype.hasobject or int(np.prod(shape, dtype=np.float64)) * dtype.itemsize > member.file_size:
        raise TaskFileError(f"{member.filename}: claims {dtype}{list(shape)}, more than the file holds.")
    content.seek(0)
    return np.lib.format.read_array(content, allow_pickle=False)
