"""Records as parquet tables: one row per cell and point, one row per cell and lived episode."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from anymdp_bench.agents.protocol import Episodes
from anymdp_bench.foundation.errors import RecordsError
from anymdp_bench.foundation.types import FloatArray
from anymdp_bench.records.record import Cell, Points, ShardRecord

SCHEMA_VERSION = 1
SCHEMA_KEY = b"anymdp_bench_schema"
ADVANTAGES = ("oracle_advantage", "uniform_advantage")
"""Columns of the lived table that only some records have."""


def points_table(points: Points, cells: Sequence[Cell]) -> pa.Table:
    """Points in long form, cells in order, points ascending."""
    n_cells, n_points = points.mean.shape
    columns: dict[str, NDArray[Any]] = {
        "task": np.repeat([cell.task for cell in cells], n_points).astype(np.int32),
        "run": np.repeat([cell.run for cell in cells], n_points).astype(np.int32),
        "episodes": np.tile(points.episodes, n_cells).astype(np.int32),
        "steps": points.steps.ravel(),
        "count": np.tile(points.counts, n_cells).astype(np.int32),
        "return": points.mean.ravel(),
        "return_even": points.even.ravel(),
        "return_odd": points.odd.ravel(),
        "seconds": points.seconds.ravel(),
    }
    return _table(columns)


def lived_table(lived: Episodes, cells: Sequence[Cell], advantages: FloatArray | None = None) -> pa.Table:
    """Lived episodes in long form, cells in order, episodes ascending; `advantages` where they are known."""
    n_episodes = lived.scores.shape[1]
    columns: dict[str, NDArray[Any]] = {
        "task": np.repeat([cell.task for cell in cells], n_episodes).astype(np.int32),
        "run": np.repeat([cell.run for cell in cells], n_episodes).astype(np.int32),
        "return": lived.scores.ravel(),
        "received": lived.rewards.ravel(),
        "length": lived.lengths.ravel().astype(np.int32),
    }
    if advantages is not None:
        columns |= {name: advantages[:, :, k].ravel() for k, name in enumerate(ADVANTAGES)}
    return _table(columns)


def _table(columns: dict[str, NDArray[Any]]) -> pa.Table:
    return pa.table(columns, metadata={SCHEMA_KEY: str(SCHEMA_VERSION).encode()})


def encode(table: pa.Table, level: int | None = None) -> bytes:
    """A table as a parquet file. Python opens all files: pyarrow would read some paths as addresses."""
    content = io.BytesIO()
    pq.write_table(table, content, compression="zstd", compression_level=level)
    return content.getvalue()


def decode(content: bytes) -> pa.Table:
    """Inverse of `encode`.

    Raises:
        OSError, pyarrow.ArrowException: the content is damaged.
    """
    return pq.ParquetFile(io.BytesIO(content)).read()


def decode_shard(points_file: bytes, lived_file: bytes, cells: Sequence[Cell]) -> ShardRecord:
    """Inverse of `points_table` and `lived_table`, from the contents of their files.

    Raises:
        RecordsError: a file is of another schema, or holds other cells.
        OSError, pyarrow.ArrowException, KeyError, ValueError: a file is damaged.
    """
    points, lived = _columns("points", points_file, cells), _columns("lived", lived_file, cells)
    shape = (len(cells), -1)
    first = points["episodes"].reshape(shape)[0], points["count"].reshape(shape)[0]
    return ShardRecord(
        Points(
            episodes=first[0].astype(np.int64),
            steps=points["steps"].reshape(shape),
            counts=first[1].astype(np.int64),
            mean=points["return"].reshape(shape),
            even=points["return_even"].reshape(shape),
            odd=points["return_odd"].reshape(shape),
            seconds=points["seconds"].reshape(shape),
        ),
        Episodes(
            lived["return"].reshape(shape),
            lived["received"].reshape(shape),
            lived["length"].reshape(shape).astype(np.int64),
        ),
        _advantages(lived, shape),
    )


def _advantages(lived: dict[str, NDArray[Any]], shape: tuple[int, int]) -> FloatArray | None:
    if not lived.keys() >= set(ADVANTAGES):
        return None
    return np.stack([lived[name].reshape(shape) for name in ADVANTAGES], axis=2)


def _columns(kind: str, content: bytes, cells: Sequence[Cell]) -> dict[str, NDArray[Any]]:
    table = decode(content)
    found = (table.schema.metadata or {}).get(SCHEMA_KEY)
    if found != str(SCHEMA_VERSION).encode():
        raise RecordsError(
            f"{kind}: schema {found!r}; this version reads schema {SCHEMA_VERSION}. Upgrade anymdp-bench."
        )
    columns = {name: table[name].to_numpy() for name in table.column_names}
    expected = np.array(cells, dtype=np.int64)
    held = np.stack([columns["task"], columns["run"]], axis=1)
    if not len(held) or len(held) % len(cells) or (held != expected.repeat(len(held) // len(cells), 0)).any():
        raise RecordsError(
            f"the {kind} do not hold the cells {list(cells)}. Delete the file; they will be run again."
        )
    return columns
