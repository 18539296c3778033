"""The one kind of Parquet file that submissions use: flat columns of numbers, checked before decoding.

Nothing of a stranger's file reaches a general reader. The footer and every page header are read by
`thrift`, every size is compared with what the caller expects, and only then a page is decompressed into a
buffer of that size. So a file of few bytes cannot claim many rows, and no embedded schema is interpreted.

Any Parquet reader reads these files: one row group, required columns, plain encoding, zstd or no compression.

References:
    Apache Parquet format, parquet.thrift (field ids below).
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from anymdp_bench.leaderboard.submissions.problems import problem, refuse, shown
from anymdp_bench.leaderboard.submissions.thrift import Malformed, Reader, Struct

MAGIC = b"PAR1"
LARGEST_FOOTER = 1 << 14
LARGEST_PAGE_HEADER = 1 << 10
PHYSICAL_TYPES = {np.dtype(np.int32): 1, np.dtype(np.int64): 2, np.dtype(np.float64): 5}
REQUIRED, DATA_PAGE, PLAIN = 0, 0, 0
UNCOMPRESSED, ZSTD = 0, 6

Columns = dict[str, NDArray[Any]]
Kinds = Mapping[str, type[np.generic]]
"""Expected columns in order: name to int32, int64 or float64."""


def write_columns(columns: Mapping[str, NDArray[Any]]) -> bytes:
    """Encode columns of equal length; equal columns give equal bytes with the same version of pyarrow."""
    fields = [
        pa.field(name, pa.from_numpy_dtype(values.dtype), nullable=False) for name, values in columns.items()
    ]
    table = pa.Table.from_arrays([pa.array(values) for values in columns.values()], schema=pa.schema(fields))
    content = io.BytesIO()
    pq.write_table(
        table,
        content,
        compression="zstd",
        compression_level=9,
        use_dictionary=False,
        write_statistics=False,
        store_schema=False,
        row_group_size=max(1, table.num_rows),
    )
    return content.getvalue()


def read_columns(content: bytes, kinds: Kinds, n_rows: int, what: str) -> Columns:
    """Decode the columns of a file.

    Args:
        content: The whole file.
        kinds: Expected columns.
        n_rows: Expected rows.
        what: Name of the file, for messages.

    Raises:
        SubmissionRefused: anything is not exactly as expected.
    """
    try:
        chunks = _read_footer(content, kinds, n_rows)
        return {
            name: _read_chunk(content, chunk, np.dtype(kinds[name]), n_rows)
            for name, chunk in zip(kinds, chunks, strict=True)
        }
    except (Malformed, OSError, pa.ArrowException) as error:
        refuse(
            [problem("parquet", f"{what}: {shown(str(error))}. Write the file with `anymdp-bench submit`")]
        )
        raise


def _expect(value: object, expected: object, name: str) -> None:
    if value != expected:
        raise Malformed(f"{name} is {value!r}, not {expected!r}")


def _read_footer(content: bytes, kinds: Kinds, n_rows: int) -> list[Struct]:
    """Check the footer; return the metadata of each column's chunk."""
    if len(content) < 12 or content[:4] != MAGIC or content[-4:] != MAGIC:
        raise Malformed("it does not begin and end as a Parquet file")
    size = int.from_bytes(content[-8:-4], "little")
    if size > min(LARGEST_FOOTER, len(content) - 12):
        raise Malformed(f"a footer of {size} bytes")
    footer = Reader(content[-8 - size : -8]).struct()
    _expect(footer.get(3), n_rows, "number of rows")
    _expect(footer.keys() & {8, 9}, set(), "encryption")
    _check_schema(footer.get(2), kinds)
    groups = _list(footer.get(4), 1, "row groups")
    _expect(groups[0].get(3), n_rows, "number of rows of the row group")
    chunks = _list(groups[0].get(1), len(kinds), "columns of the row group")
    found: list[Struct] = []
    place = len(MAGIC)
    for name, chunk in zip(kinds, chunks, strict=True):
        metadata = chunk.get(3)
        if not isinstance(metadata, dict) or chunk.keys() & {1, 8, 9}:
            raise Malformed(f"column {name} lies in another file, is encrypted or has no metadata")
        _check_chunk(name, metadata, PHYSICAL_TYPES[np.dtype(kinds[name])], n_rows)
        _expect(metadata[9], place if n_rows else metadata[9], f"place of column {name}")
        place += metadata[7]
        found.append(metadata)
    _expect(place, len(content) - size - 8, "end of the columns")
    return found


def _list(value: Any, length: int, name: str) -> list[Struct]:
    if (
        not isinstance(value, list)
        or len(value) != length
        or not all(isinstance(item, dict) for item in value)
    ):
        raise Malformed(f"{name}: {length} are expected")
    return value


def _check_schema(value: Any, kinds: Kinds) -> None:
    root, *leaves = _list(value, len(kinds) + 1, "schema elements")
    _expect(root.get(5), len(kinds), "number of columns")
    _expect([leaf.get(4) for leaf in leaves], [name.encode() for name in kinds], "column names")
    for leaf, (name, kind) in zip(leaves, kinds.items(), strict=True):
        _expect(leaf.get(1), PHYSICAL_TYPES[np.dtype(kind)], f"type of column {name}")
        _expect(leaf.get(3), REQUIRED, f"repetition of column {name}")
        _expect(leaf.get(5, 0), 0, f"children of column {name}")


def _check_chunk(name: str, chunk: Struct, kind: int, n_rows: int) -> None:
    _expect(chunk.get(1), kind, f"type of column {name}")
    _expect(chunk.get(3), [name.encode()], f"path of column {name}")
    _expect(chunk.get(5), n_rows, f"values of column {name}")
    _expect(chunk.keys() & {11}, set(), f"dictionary of column {name}")
    if chunk.get(4) not in (UNCOMPRESSED, ZSTD):
        raise Malformed(f"column {name} has compression {chunk.get(4)!r}; zstd or none is read")
    if not all(isinstance(chunk.get(field), int) and chunk[field] >= 0 for field in (7, 9)):
        raise Malformed(f"column {name} has no place in the file")


def _read_chunk(content: bytes, chunk: Struct, dtype: np.dtype[Any], n_rows: int) -> NDArray[Any]:
    """Decode the pages of one column."""
    position, end = chunk[9], chunk[9] + chunk[7]
    if end > len(content):
        raise Malformed("a column reaches beyond the end of the file")
    parts: list[NDArray[Any]] = []
    missing = n_rows
    while missing:
        reader = Reader(content[position : min(end, position + LARGEST_PAGE_HEADER)])
        header = reader.struct()
        n_values = _check_page(header, missing, dtype.itemsize)
        first = position + reader.position
        position = first + header[3]
        if position > end:
            raise Malformed("a page reaches beyond the end of its column")
        values = _decompress(content[first:position], n_values * dtype.itemsize, chunk[4])
        parts.append(np.frombuffer(values, dtype.newbyteorder("<")))
        missing -= n_values
    _expect(position, end, "end of the pages of a column")
    return np.concatenate(parts).astype(dtype) if parts else np.zeros(0, dtype)


def _check_page(header: Struct, missing: int, itemsize: int) -> int:
    """Check a page's header; return its number of values."""
    details = header.get(5)
    _expect(header.get(1), DATA_PAGE, "kind of a page")
    if not isinstance(details, dict) or not isinstance(details.get(1), int):
        raise Malformed("a page without a header")
    n_values: int = details[1]
    if not 0 < n_values <= missing:
        raise Malformed(f"a page of {n_values} values where {missing} are missing")
    _expect(details.get(2), PLAIN, "encoding of a page")
    _expect(header.get(2), n_values * itemsize, "size of a page")
    if not isinstance(header.get(3), int) or header[3] < 0:
        raise Malformed("a page of no size")
    return n_values


def _decompress(content: bytes, size: int, codec: int) -> bytes:
    """Decompress a page, at most one byte beyond its size: a bomb is noticed there."""
    values = content
    if codec == ZSTD:
        with pa.CompressedInputStream(pa.BufferReader(content), "zstd") as stream:
            values = stream.read(size + 1)
    _expect(len(values), size, "size of a page")
    return values
