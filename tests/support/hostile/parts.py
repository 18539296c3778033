"""A legal submission in memory, to be spoilt, and what every kind of attack uses."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from anymdp_bench.evaluation.sequence.score import KINDS
from anymdp_bench.foundation.digests import sha256
from anymdp_bench.leaderboard.submissions.metadata import ReadingMetadata
from anymdp_bench.leaderboard.submissions.parquet import write_columns
from anymdp_bench.leaderboard.submissions.reading import loss_columns, sequence_facts
from tests.support.synthetic import metadata_values, tables
from tests.support.tiny_board import FACTS, TINY

Random = np.random.Generator
READ = "anymdp-16x5-sequence-v0"
DIGEST = "0" * 64
"""In place of the digest of a file that is still to be written."""
TEXT_FIELDS = ("title", "authors", "description")


@dataclasses.dataclass
class Parts:
    """A legal submission in memory.

    Attributes:
        values: Content of ``submission.json``.
        tables: Columns by table.
        raw: Files whose bytes are given outright.
        folder_name: Name of the folder.
        board: Name of the board.
        place: Called with the written folder, to spoil the folder itself.
    """

    values: dict[str, Any]
    tables: dict[str, dict[str, np.ndarray]]
    raw: dict[str, bytes] = dataclasses.field(default_factory=dict)
    folder_name: str = "mine"
    board: str = TINY.name
    place: Callable[[Path], None] | None = None

    def files(self) -> dict[str, bytes]:
        """Content of every file."""
        found = {
            f"{name}.parquet": write_columns(columns) for name, columns in self.tables.items()
        } | self.raw
        values = dict(self.values)
        if isinstance(values.get("files"), dict):
            named = values["files"].items()
            values["files"] = {k: sha256(found[k]) if v == DIGEST and k in found else v for k, v in named}
        metadata = json.dumps(values).encode("utf-8", "surrogatepass")
        return {"submission.json": metadata} | found

    def write(self, root: Path) -> Path:
        """Write the folder."""
        folder = root / self.board / self.folder_name
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


def legal_reading(seed: int) -> Parts:
    """A legal submission of a sequence model."""
    facts = sequence_facts(READ)
    acting = metadata_values(FACTS, "mine", learner=False, n_tasks=2)
    known = {field.alias or name for name, field in ReadingMetadata.model_fields.items()}
    values = {name: acting[name] for name in acting if name in known}
    values |= {"segment": 512, "state_bytes": 1024, "board": dataclasses.asdict(facts.board)}
    values |= {"fingerprints": list(facts.fingerprints), "files": {"losses.parquet": DIGEST}}
    rng = np.random.default_rng(seed)
    losses = {kind: rng.uniform(0, 2, (facts.n_tasks, facts.n_blocks)) for kind in KINDS}
    return Parts(json.loads(json.dumps(values)), {"losses": dict(loss_columns(losses))}, board=READ)


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
