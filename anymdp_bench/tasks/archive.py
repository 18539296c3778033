"""The npz file of a task: plain arrays and one JSON text, never a pickle."""

from __future__ import annotations

import io
import json
import zipfile
import zlib
from collections.abc import Collection, Mapping
from os import PathLike
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.foundation.digests import SEAL, sha256
from anymdp_bench.foundation.errors import TaskFileError
from anymdp_bench.foundation.files import replacing
from anymdp_bench.tasks.checks import ARRAY_DTYPES

FORMAT = 1
LARGEST_FILE = 1 << 28
"""Uncompressed bytes that a task file may claim (a 2,048-state dense task needs about 100 MiB)."""
META = "meta"
UNREADABLE = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
    IndexError,
    EOFError,
    OverflowError,
    RuntimeError,  # encrypted members; deep JSON; unknown compression (its subclasses)
    zipfile.BadZipFile,
    zlib.error,
)
"""What the readers of zip, npy and JSON raise on broken files."""


def write_task(path: str | PathLike[str], kind: str, fields: Mapping[str, Any]) -> None:
    """Write a task's fields; an existing file is replaced only by a complete one.

    Args:
        path: Of the npz file.
        kind: Key of `anymdp_bench.tasks.file.TASK_KINDS`.
        fields: Constructor arguments by name; arrays and JSON values.
    """
    arrays = {name: value for name, value in fields.items() if isinstance(value, np.ndarray)}
    meta = {n: v for n, v in fields.items() if n not in arrays and v is not None}
    meta |= {"config": dict(fields["config"]), "kind": kind, "format": FORMAT}
    meta = json.loads(json.dumps(meta, allow_nan=False))
    text = json.dumps(meta | {SEAL: content_digest(meta, arrays)}, sort_keys=True).encode()
    with replacing(path) as file:
        np.savez_compressed(file, allow_pickle=False, **{META: np.frombuffer(text, np.uint8)}, **arrays)


def content_digest(meta: Any, arrays: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256 (hex) of a file's JSON value and of its arrays: names, types, shapes and numbers."""
    parts = [json.dumps(meta, sort_keys=True, allow_nan=False).encode()]
    for name, array in sorted(arrays.items()):
        parts += [f"{name} {array.dtype.str} {array.shape}".encode(), np.ascontiguousarray(array).tobytes()]
    return sha256(b"\0".join(parts))


def read_meta(arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Take the JSON object out of a file's arrays, and check that all have the digest that it names.

    Raises:
        TaskFileError: they have not. A file of an older version names none.
        Exception: one of `UNREADABLE` where it is no JSON object.
    """
    meta: dict[str, Any] = json.loads(arrays.pop(META).tobytes().decode())
    digest = meta.pop(SEAL, None)
    if digest is not None and digest != content_digest(meta, arrays):
        raise TaskFileError("the content does not have the SHA-256 that the file names; it is damaged.")
    return meta


def read_members(path: str | PathLike[str], others: Collection[str] = ()) -> dict[str, Any]:
    """Arrays of a task file by name.

    Args:
        path: Of the npz file.
        others: Names that it may hold besides a task's.

    Raises:
        TaskFileError: too large, or with other members than a task has.
        Exception: one of `UNREADABLE` where the file is broken.
    """
    legal = {f"{name}.npy" for name in (META, *ARRAY_DTYPES, *others)}
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
