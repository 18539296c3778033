"""Attacks on the readers of parquet and JSON: other columns, forged footers, bombs, damaged bytes."""

from __future__ import annotations

import contextlib
import json
import pickle
import zipfile
from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from anymdp_bench.leaderboard.submissions.parquet import write_columns
from anymdp_bench.leaderboard.submissions.thrift import Malformed, Reader
from tests.support.hostile.parts import (
    Parts,
    Random,
    a_table,
)

WRONG_NUMBERS = ("NaN", "Infinity", "1e999", "9" * 5000)


def other_columns(parts: Parts, rng: Random) -> None:
    columns = a_table(parts, rng)
    name = str(rng.choice(list(columns)))
    choice = int(rng.integers(4))
    if choice == 0:
        del columns[name]
    elif choice == 1:
        columns["extra"] = columns[name]
    elif choice == 2:
        columns["renamed"] = columns.pop(name)
    else:
        first = dict(reversed(columns.items()))
        columns.clear()
        columns |= first


def other_dtypes(parts: Parts, rng: Random) -> None:
    columns = a_table(parts, rng)
    name = str(rng.choice(list(columns)))
    kinds = [kind for kind in (np.int32, np.int64, np.float32, np.float64) if kind != columns[name].dtype]
    with np.errstate(all="ignore"):
        columns[name] = columns[name].astype(kinds[int(rng.integers(len(kinds)))])


def general_parquet(parts: Parts, rng: Random) -> None:
    """Files that a general reader would take: strings, nulls, lists, dictionaries, pickles, other codecs."""
    name = str(rng.choice(list(parts.tables)))
    arrays: dict[str, Any] = {key: pa.array(values) for key, values in parts.tables.pop(name).items()}
    n = len(arrays["task"])
    key = str(rng.choice(list(arrays)))
    spoilt = [
        pa.array(["x" * 100] * n),
        pa.array([None] * n, pa.float64()),
        pa.array([[1.0]] * n),
        pa.array([{"a": 1}] * n),
        pa.array([pickle.dumps(print)] * n, pa.binary()),
        pa.array([1.0] * n, pa.float64()),
        None,
    ][int(rng.integers(7))]
    if spoilt is not None:
        arrays[key] = spoilt
    options: dict[str, Any] = {"compression": str(rng.choice(["snappy", "gzip", "zstd", "none"]))}
    options |= {"use_dictionary": bool(rng.random() < 0.5), "row_group_size": int(rng.choice([5, 1000]))}
    content = BytesIO()
    pq.write_table(pa.table(arrays), content, **options)
    parts.raw[f"{name}.parquet"] = content.getvalue()


def _varint(value: int) -> bytes:
    found = b""
    while value > 127:
        found += bytes([value & 127 | 128])
        value >>= 7
    return found + bytes([value])


def _counts(footer: bytes) -> list[int]:
    """Every number of rows or values that a footer claims."""
    fields = Reader(footer).struct()
    group = fields[4][0]
    return [fields[3], group[3], *(chunk[3][5] for chunk in group[1])]


def _forged_footers(footer: bytes, n: int, claim: int) -> list[bytes]:
    """Footers in which one claimed number of rows or values is another."""
    true, false = _varint(n << 1), _varint(claim << 1)
    found = []
    for at in range(len(footer)):
        if footer[at : at + len(true)] == true:
            forged = footer[:at] + false + footer[at + len(true) :]
            with contextlib.suppress(Malformed, LookupError, TypeError):
                found += [forged] * (_counts(forged) != _counts(footer))
    return found


def claimed_rows(parts: Parts, rng: Random) -> None:
    """A footer that claims up to 2^31 rows or values."""
    name = str(rng.choice(list(parts.tables)))
    content = parts.files()[f"{name}.parquet"]
    n = len(parts.tables[name]["task"])
    start = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    forged = _forged_footers(content[start:-8], n, int(rng.choice([10**9, 2**31 - 1, n + 1])))
    footer = forged[int(rng.integers(len(forged)))]
    parts.raw[f"{name}.parquet"] = content[:start] + footer + len(footer).to_bytes(4, "little") + b"PAR1"


def bomb(parts: Parts, rng: Random) -> None:
    """Few bytes that decompress to very many: in a page, or as the file itself."""
    name = str(rng.choice(list(parts.tables)))
    n = int(rng.choice([10**5, 10**6]))
    if rng.random() < 0.5:
        zeros = {key: np.zeros(n, values.dtype) for key, values in parts.tables.pop(name).items()}
        parts.raw[f"{name}.parquet"] = write_columns(zeros)
    else:
        content = BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr(f"{name}.parquet", bytes(n))
        parts.raw[f"{name}.parquet"] = content.getvalue()


def another_format(parts: Parts, rng: Random) -> None:
    """A pickle, an npz with objects, JSON, or nothing where a table is expected."""
    name = str(rng.choice(list(parts.tables)))
    objects = BytesIO()
    np.savez(objects, task=np.array([print], dtype=object), allow_pickle=True)
    contents = [
        pickle.dumps({"x": print}),
        objects.getvalue(),
        b"{}",
        b"",
        b"PAR1PAR1",
        b"PAR1" + bytes(8) + b"PAR1",
    ]
    parts.raw[f"{name}.parquet"] = contents[int(rng.integers(len(contents)))]


def truncated(parts: Parts, rng: Random) -> None:
    name = str(rng.choice(list(parts.files())))
    content = parts.files()[name]
    parts.raw[name] = content[: int(rng.integers(len(content)))]


def hostile_json(parts: Parts, rng: Random) -> None:
    text = json.dumps(parts.values)
    deep = int(rng.integers(10, 20_000))
    choices = [
        "[" * deep + "]" * deep,
        '{"a":' * deep + "1" + "}" * deep,
        "[" * deep,
        *(text.replace(number, wrong) for number in ("0.5", "0.15") for wrong in WRONG_NUMBERS),
        text.replace('"title"', '"name": "mine", "title"'),
        text.replace('"config": {', '"config": {' + ",".join(f'"k{i}": {i}' for i in range(100)) + ","),
        text[:-1] + ',"x":"' + "y" * 400_000 + '"}',
        "[" + text + "]",
        '"text"',
        "1",
        '"' + '\\"' * 100_000,
        "\ufeff" + text,
    ]
    changed = [choice for choice in choices if choice != text]
    parts.raw["submission.json"] = changed[int(rng.integers(len(changed)))].encode()


def not_utf8(parts: Parts, rng: Random) -> None:
    content = parts.files()["submission.json"]
    at = content.index(b"Agent")
    parts.raw["submission.json"] = content[:at] + bytes([int(rng.integers(0x80, 0xC0))]) + content[at:]


def flipped_bytes(parts: Parts, rng: Random) -> None:
    name = str(rng.choice(list(parts.files())))
    content = bytearray(parts.files()[name])
    for _ in range(int(rng.integers(1, 5))):
        content[int(rng.integers(len(content)))] = int(rng.integers(256))
    parts.raw[name] = bytes(content)
