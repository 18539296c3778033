"""Ways to spoil a legal submission, in named classes: functions of the folder's parts and a source of chance.

`REFUSED` classes must be refused, whatever chance says. `HARMLESS` ones may be accepted: then the score must
be that of the spoilt records.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from anymdp_bench.leaderboard.submissions.parquet import write_columns
from anymdp_bench.leaderboard.submissions.thrift import Malformed, Reader
from tests.support.synthetic import metadata_values, tables
from tests.support.tiny_board import FACTS, TINY

Random = np.random.Generator
INVISIBLE = (
    "\u202e\u202d\u2066\u2067\u200b\u200c\u200d\u2060\ufeff\u00ad\u0000\u001b\u0085\u2028\u2029\ud800\u0301"
)
SCRIPTS = ("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "</td><b>", "`x`", "<!--")
BAD_LINKS = (
    "javascript:alert(1)",
    "data:text/html,x",
    "http://example.org",
    "https://",
    "https://example.org:99999/",
    "https://a@b.org/",
    "https://[::1/",
    'https://example.org/"onmouseover="x',
    "https://example.org/\u202e",
    "file:///etc/passwd",
    "//example.org",
    "https://" + "a" * 300 + ".org",
)
BAD_NAMES = (
    "..",
    ".",
    "../x",
    "a/b",
    "/etc",
    "a\\b",
    "a--b",
    "-a",
    "a-",
    "A",
    "a b",
    "",
    "con.",
    "\u0430gent",
    "x" * 41,
)
TEXT_FIELDS = ("title", "authors", "description")


@dataclasses.dataclass
class Parts:
    """A legal submission in memory.

    Attributes:
        values: Content of ``submission.json``.
        tables: Columns by table.
        raw: Files whose bytes are given outright.
        folder_name: Name of the folder.
        place: Called with the written folder, to spoil the folder itself.
    """

    values: dict[str, Any]
    tables: dict[str, dict[str, np.ndarray]]
    raw: dict[str, bytes] = dataclasses.field(default_factory=dict)
    folder_name: str = "mine"
    place: Callable[[Path], None] | None = None

    def files(self) -> dict[str, bytes]:
        """Content of every file."""
        found = {"submission.json": json.dumps(self.values).encode("utf-8", "surrogatepass")}
        found |= {f"{name}.parquet": write_columns(columns) for name, columns in self.tables.items()}
        return found | self.raw

    def write(self, root: Path) -> Path:
        """Write the folder."""
        folder = root / TINY.name / self.folder_name
        folder.mkdir(parents=True)
        for name, content in self.files().items():
            (folder / name).write_bytes(content)
        if self.place is not None:
            self.place(folder)
        return folder


def legal(learner: bool, seed: int) -> Parts:
    """A legal submission."""
    values = metadata_values(FACTS, "mine", learner=learner, n_tasks=2)
    content = tables(FACTS, learner=learner, n_tasks=2, level=0.7, seed=seed)
    return Parts(
        json.loads(json.dumps(values)), {n: {k: v.copy() for k, v in c.items()} for n, c in content.items()}
    )


def _leaves(values: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(values, dict | list):
        items = values.items() if isinstance(values, dict) else enumerate(values)
        return [leaf for key, value in items for leaf in _leaves(value, (*path, key))]
    return [path]


def _parent(values: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        values = values[key]
    return values


def _table(parts: Parts, rng: Random) -> dict[str, np.ndarray]:
    return parts.tables[str(rng.choice(list(parts.tables)))]


def _column(columns: dict[str, np.ndarray], rng: Random, kind: str = "if") -> str:
    return str(rng.choice([name for name, values in columns.items() if values.dtype.kind in kind]))


def _insert(text: str, piece: str, rng: Random) -> str:
    at = int(rng.integers(len(text) + 1))
    return text[:at] + piece + text[at:]


def invisible_text(parts: Parts, rng: Random) -> None:
    field = str(rng.choice(TEXT_FIELDS))
    parts.values[field] = _insert(
        parts.values[field] or "text", INVISIBLE[int(rng.integers(len(INVISIBLE)))], rng
    )


def right_to_left_text(parts: Parts, rng: Random) -> None:
    field = str(rng.choice(TEXT_FIELDS))
    letter = chr(
        int(rng.integers(0x05D0, 0x05EB)) if rng.random() < 0.5 else int(rng.integers(0x0628, 0x063B))
    )
    parts.values[field] = _insert(parts.values[field] or "text", letter, rng)


def script_text(parts: Parts, rng: Random) -> None:
    field = str(rng.choice(TEXT_FIELDS))
    parts.values[field] = _insert(parts.values[field] or "text", str(rng.choice(SCRIPTS)), rng)


def script_setting(parts: Parts, rng: Random) -> None:
    parts.values["agent"]["config"] = {"x": str(rng.choice(SCRIPTS))} if rng.random() < 0.5 else {"<b>": 1}


def bad_link(parts: Parts, rng: Random) -> None:
    parts.values[str(rng.choice(["url", "paper"]))] = str(rng.choice(BAD_LINKS))


def bad_name(parts: Parts, rng: Random) -> None:
    parts.values["name"] = str(rng.choice(BAD_NAMES))


def bad_entry_point(parts: Parts, rng: Random) -> None:
    parts.values["entry_point"] = str(
        rng.choice(["os.system('x')", "a:b:c", "../x:y", "a:", ":b", "a b:c", "__import__"])
    )


def bad_board_name(parts: Parts, rng: Random) -> None:
    parts.values["board"]["name"] = str(
        rng.choice(["../..", "/etc", "nope-v0", "tiny-online-v1", "\u202e", ""])
    )


def wrong_type(parts: Parts, rng: Random) -> None:
    leaves = [path for path in _leaves(parts.values) if path[:2] != ("agent", "config")]
    path = leaves[int(rng.integers(len(leaves)))]
    parent = _parent(parts.values, path)
    wrong = [{"x": 1}, [1], [[]], True, 1.5, "x\u0000"]
    kind = type(parent[path[-1]])
    choices = [value for value in wrong if type(value) is not kind and not (kind is float and value == 1.5)]
    parent[path[-1]] = choices[int(rng.integers(len(choices)))]


def missing_field(parts: Parts, rng: Random) -> None:
    top = [key for key in parts.values if key != "board"]
    inner = [("agent", key) for key in parts.values["agent"]] + [
        ("machine", key) for key in parts.values["machine"]
    ]
    paths = [(key,) for key in top] + inner + [("board", "name"), ("board", "bank")]
    path = paths[int(rng.integers(len(paths)))]
    del _parent(parts.values, path)[path[-1]]


def added_field(parts: Parts, rng: Random) -> None:
    where = [parts.values, parts.values["agent"], parts.values["board"], parts.values["machine"]][
        int(rng.integers(4))
    ]
    where[str(rng.choice(["score", "__class__", "py/object", "\u200b", "performance"]))] = 1.0


def another_specification(parts: Parts, rng: Random) -> None:
    board = parts.values["board"]
    field = str(rng.choice([name for name in board if name not in ("name", "n_tasks")]))
    board[field] = {int: 10**9, str: "x", type(None): "x"}[type(board[field])]


def other_tasks(parts: Parts, rng: Random) -> None:
    prints = parts.values["fingerprints"]
    choice = int(rng.integers(4))
    if choice == 0:
        prints[int(rng.integers(2))] = f"{int(rng.integers(2**62)):064x}"
    elif choice == 1:
        prints.reverse()
    elif choice == 2:
        prints.pop()
    else:
        prints.append(prints[0])


def other_references(parts: Parts, rng: Random) -> None:
    name = str(rng.choice(["random", "oracle", "optimal"]))
    task = int(rng.integers(2))
    values = parts.values["references"][name]
    values[task] = (
        None if rng.random() < 0.3 else values[task] + float(rng.choice([-1, 1]) * 10 ** rng.uniform(-5, 5))
    )


def another_track(parts: Parts, rng: Random) -> None:
    parts.values["agent"]["learner"] = not parts.values["agent"]["learner"]


def not_finite(parts: Parts, rng: Random) -> None:
    columns = _table(parts, rng)
    values = columns[_column(columns, rng, "f")]
    values[int(rng.integers(len(values)))] = float(rng.choice([np.nan, np.inf, -np.inf]))


def beyond_the_limits(parts: Parts, rng: Random) -> None:
    columns = _table(parts, rng)
    values = columns[_column(columns, rng, "f")]
    row = int(rng.integers(len(values)))
    task = columns["task"][row]
    past = 10 ** rng.uniform(-4, 300)
    values[row] = FACTS.high[task] + past if rng.random() < 0.5 else FACTS.low[task] - past


def beyond_the_optimum(parts: Parts, rng: Random) -> None:
    points = parts.tables["points"]
    task = points["task"]
    share = float(rng.uniform(0.8, 1.0))
    value = FACTS.ceiling[task] + share * (FACTS.high - FACTS.ceiling)[task]
    points |= {name: value.copy() for name in ("return", "return_even", "return_odd")}


def other_counts(parts: Parts, rng: Random) -> None:
    count = parts.tables["points"]["count"]
    rows = slice(None) if rng.random() < 0.5 else int(rng.integers(len(count)))
    count[rows] = int(rng.choice([-1, 1, 2, 11, 1000, 2**31 - 1]))


def other_rows(parts: Parts, rng: Random) -> None:
    columns = _table(parts, rng)
    n = len(columns["task"])
    order = np.arange(n)
    choice = int(rng.integers(4))
    if choice == 0:
        order = np.delete(order, rng.integers(n))
    elif choice == 1:
        order = np.insert(order, int(rng.integers(n)), rng.integers(n))
    elif choice == 2:
        one, other = rng.choice(n, 2, replace=False)
        order[[one, other]] = order[[other, one]]
    else:
        order = np.tile(order, 2)
    columns |= {name: values[order] for name, values in columns.items()}


def relabelled_rows(parts: Parts, rng: Random) -> None:
    columns = _table(parts, rng)
    name = str(rng.choice(["task", "run", "episodes"]))
    row = int(rng.integers(len(columns[name])))
    old = columns[name][row]
    columns[name][row] = rng.choice([value for value in (-1, 0, 1, 2, 15, 2**31 - 1) if value != old])


def other_steps(parts: Parts, rng: Random) -> None:
    columns = _table(parts, rng)
    row = int(rng.integers(len(columns["steps"])))
    columns["steps"][row] = int(rng.choice([-1, 0, 1, 10**7, 2**62, -(2**63)]))


def other_halves(parts: Parts, rng: Random) -> None:
    points = parts.tables["points"]
    row = int(rng.integers(len(points["task"])))
    name = str(rng.choice(["return_even", "return_odd"]))
    task = points["task"][row]
    points[name][row] += float(rng.choice([-1, 1])) * 0.01 * (FACTS.high - FACTS.low)[task]


def other_columns(parts: Parts, rng: Random) -> None:
    columns = _table(parts, rng)
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
    columns = _table(parts, rng)
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
        text.replace("0.5", "NaN"),
        text.replace("0.5", "Infinity"),
        text.replace("0.5", "1e999"),
        text.replace("0.5", "9" * 5000),
        text.replace('"title"', '"name": "mine", "title"'),
        text.replace('"config": {', '"config": {' + ",".join(f'"k{i}": {i}' for i in range(100)) + ","),
        text[:-1] + ',"x":"' + "y" * 400_000 + '"}',
        "[" + text + "]",
        '"text"',
        "1",
        '"' + '\\"' * 100_000,
        "\ufeff" + text,
    ]
    parts.raw["submission.json"] = choices[int(rng.integers(len(choices)))].encode()


def not_utf8(parts: Parts, rng: Random) -> None:
    content = parts.files()["submission.json"]
    at = content.index(b"Agent")
    parts.raw["submission.json"] = content[:at] + bytes([int(rng.integers(0x80, 0xC0))]) + content[at:]


def stray_file(parts: Parts, rng: Random) -> None:
    parts.raw[
        str(rng.choice(["x.pkl", "agent.py", "records.npz", ".hidden", "POINTS.parquet", "submission.json~"]))
    ] = b"x"


def missing_file(parts: Parts, rng: Random) -> None:
    name = str(rng.choice(list(parts.files())))
    parts.place = lambda folder: (folder / name).unlink()


def link(parts: Parts, rng: Random) -> None:
    """A link, a folder or a pipe in place of a file, or a link in place of the folder."""
    name = str(rng.choice(list(parts.files())))
    choice = int(rng.integers(4))

    def place(folder: Path) -> None:
        path = folder / name
        content = path.read_bytes()
        if choice == 0:
            outside = folder.parent.parent / "outside"
            outside.write_bytes(content)
            path.unlink()
            path.symlink_to(outside)
        elif choice == 1:
            path.unlink()
            path.mkdir()
        elif choice == 2:
            path.unlink()
            os.mkfifo(path)
        else:
            elsewhere = folder.parent.parent / "elsewhere"
            folder.rename(elsewhere)
            folder.symlink_to(elsewhere)

    parts.place = place


def another_folder(parts: Parts, rng: Random) -> None:
    parts.folder_name = str(rng.choice(["other", "mine-2", "Mine"]))


REFUSED = (
    invisible_text,
    right_to_left_text,
    script_text,
    script_setting,
    bad_link,
    bad_name,
    bad_entry_point,
    bad_board_name,
    wrong_type,
    missing_field,
    added_field,
    another_specification,
    other_tasks,
    other_references,
    another_track,
    not_finite,
    beyond_the_limits,
    beyond_the_optimum,
    other_counts,
    other_rows,
    relabelled_rows,
    other_steps,
    other_halves,
    other_columns,
    other_dtypes,
    general_parquet,
    claimed_rows,
    bomb,
    another_format,
    truncated,
    hostile_json,
    not_utf8,
    stray_file,
    missing_file,
    link,
    another_folder,
)


def flipped_bytes(parts: Parts, rng: Random) -> None:
    name = str(rng.choice(list(parts.files())))
    content = bytearray(parts.files()[name])
    for _ in range(int(rng.integers(1, 5))):
        content[int(rng.integers(len(content)))] = int(rng.integers(256))
    parts.raw[name] = bytes(content)


def other_legal_returns(parts: Parts, rng: Random) -> None:
    points = parts.tables["points"]
    row = int(rng.integers(len(points["task"])))
    task = points["task"][row]
    value = float(rng.uniform(FACTS.low[task], FACTS.ceiling[task]))
    for name in ("return", "return_even", "return_odd"):
        points[name] = points[name].copy()
        points[name][row] = value


def strange_text(parts: Parts, rng: Random) -> None:
    letters = [chr(int(code)) for code in rng.integers(1, 0xD7FF, int(rng.integers(1, 60)))]
    parts.values[str(rng.choice(TEXT_FIELDS))] = "".join(letters)


HARMLESS = (flipped_bytes, other_legal_returns, strange_text)
