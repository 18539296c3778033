"""A legal submission in memory, to be spoilt, and what every kind of attack uses."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from anymdp_bench.leaderboard.submissions.parquet import write_columns
from tests.support.synthetic import metadata_values, tables
from tests.support.tiny_board import FACTS, TINY

Random = np.random.Generator
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


def leaf_paths(values: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(values, dict | list):
        items = values.items() if isinstance(values, dict) else enumerate(values)
        return [leaf for key, value in items for leaf in leaf_paths(value, (*path, key))]
    return [path]


def parent_of(values: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        values = values[key]
    return values


def a_table(parts: Parts, rng: Random) -> dict[str, np.ndarray]:
    return parts.tables[str(rng.choice(list(parts.tables)))]


def a_column(columns: dict[str, np.ndarray], rng: Random, kind: str = "if") -> str:
    return str(rng.choice([name for name, values in columns.items() if values.dtype.kind in kind]))


def insert(text: str, piece: str, rng: Random) -> str:
    at = int(rng.integers(len(text) + 1))
    return text[:at] + piece + text[at:]
