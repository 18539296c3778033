"""Records on disk: a folder that belongs to one run, and survives being killed.

``manifest.json`` says what the run is; every finished shard is a pair of parquet files under ``shards/``,
of which the points come last. A live run holds a lock on ``lock`` that ends with its process.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from anymdp_bench.agents.protocol import AgentInfo
from anymdp_bench.evaluation.boards import Board
from anymdp_bench.foundation.errors import BenchError, RecordsError
from anymdp_bench.foundation.files import replacing
from anymdp_bench.records.record import Cell, CellReferences, Record, ShardRecord, join_shards
from anymdp_bench.records.tables import SCHEMA_VERSION, lived_table, points_table, read_shard, write_table

MANIFEST, LOCK, SHARDS = "manifest.json", "lock", "shards"
NOT_IDENTITY = ("provenance",)
"""Manifest entries in which two runs may differ and still be the same run."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a run is; everything but the provenance decides whether two runs are the same.

    Attributes:
        board: The specification.
        agent: What the agent declares.
        code: Hash of the package's and of the agent's source.
        fingerprints: Fingerprint of each task.
        references: ``random``, ``oracle`` and ``optimal`` return of each task; NaN where unknown.
        shards: The cells of each shard.
        provenance: Versions and machine.
    """

    board: Board
    agent: AgentInfo
    code: dict[str, str]
    fingerprints: list[str]
    references: dict[str, list[float]]
    shards: list[tuple[Cell, ...]]
    provenance: dict[str, Any]

    @property
    def track(self) -> str:
        """``"learner"`` or ``"in-context"``."""
        return "learner" if self.agent.learner else "in-context"

    @property
    def cells(self) -> tuple[Cell, ...]:
        """All cells, in order."""
        return tuple(cell for shard in self.shards for cell in shard)

    def record(self, shards: list[ShardRecord]) -> Record:
        """Join the shards of the finished run."""
        tasks = [cell.task for cell in self.cells]
        columns = {name: np.array(self.references[name], float)[tasks] for name in CellReferences._fields}
        joined = join_shards(shards)
        return Record(self.cells, CellReferences(**columns), joined.points, joined.lived)

    def as_dict(self) -> dict[str, Any]:
        """Return the manifest as it stands in the file."""
        agent = {name: getattr(self.agent, name) for name in AgentInfo.__slots__}
        missing_is_none = {
            k: [v if np.isfinite(v) else None for v in vs] for k, vs in self.references.items()
        }
        return {
            "schema": SCHEMA_VERSION,
            "board": self.board.as_dict(),
            "agent": agent | {"config": dict(self.agent.config)},
            "track": self.track,
            "code": self.code,
            "fingerprints": self.fingerprints,
            "references": missing_is_none,
            "shards": [[list(cell) for cell in shard] for shard in self.shards],
            "provenance": self.provenance,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Manifest:
        """Inverse of `as_dict`.

        Raises:
            RecordsError: another schema version.
        """
        if values.get("schema") != SCHEMA_VERSION:
            raise RecordsError(
                f"schema {values.get('schema')!r}; this version reads schema {SCHEMA_VERSION}. "
                "Upgrade anymdp-bench."
            )
        references = {k: [np.nan if v is None else v for v in vs] for k, vs in values["references"].items()}
        return cls(
            board=Board.from_dict(values["board"]),
            agent=AgentInfo(**values["agent"]),
            code=values["code"],
            fingerprints=values["fingerprints"],
            references=references,
            shards=[tuple(Cell(*cell) for cell in shard) for shard in values["shards"]],
            provenance=values["provenance"],
        )


class RecordFolder:
    """The folder of one run.

    Args:
        path: Created when the run is claimed.
    """

    def __init__(self, path: str | PathLike[str]) -> None:
        """Point to a folder; nothing is read or written yet."""
        self.path = Path(path)

    @contextlib.contextmanager
    def claimed(self, manifest: Manifest) -> Iterator[RecordFolder]:
        """Hold the folder for a run: create it, or go on with the same run's earlier one.

        Raises:
            RecordsError: a live process holds it, or it belongs to a different run.
        """
        (self.path / SHARDS).mkdir(parents=True, exist_ok=True)
        with (self.path / LOCK).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise RecordsError(
                    f"{self.path}: another process is running there. Wait for it, or choose another folder."
                ) from error
            self._take(manifest)
            yield self

    def _take(self, manifest: Manifest) -> None:
        values = manifest.as_dict()
        if not (self.path / MANIFEST).exists():
            with replacing(self.path / MANIFEST) as file:
                file.write(json.dumps(values, indent=1, allow_nan=False).encode())
            return
        old = self.manifest().as_dict()
        differing = [name for name in values if name not in NOT_IDENTITY and values[name] != old[name]]
        if differing:
            raise RecordsError(
                f"{self.path} holds a different run ({_difference(differing[0], old, values)}). "
                "Choose another folder, or delete this one."
            )

    def manifest(self) -> Manifest:
        """Read the manifest.

        Raises:
            RecordsError: there is none, it is damaged, or of an unknown schema.
        """
        path = self.path / MANIFEST
        try:
            return Manifest.from_dict(json.loads(path.read_text()))
        except BenchError as error:
            raise RecordsError(f"{path}: {error}") from error
        except FileNotFoundError as error:
            raise RecordsError(f"{self.path} is not a records folder: it has no {MANIFEST}.") from error
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise RecordsError(
                f"{path}: damaged ({type(error).__name__}: {error}). Delete the folder and run again."
            ) from error

    def write_shard(self, index: int, cells: tuple[Cell, ...], shard: ShardRecord) -> None:
        """Keep a finished shard."""
        points, lived = self._paths(index)
        write_table(lived_table(shard.lived, cells), lived)
        write_table(points_table(shard.points, cells), points)

    def read_shard(self, index: int, cells: tuple[Cell, ...]) -> ShardRecord | None:
        """Read a shard; None where it is missing or damaged, so that it will be run again.

        Raises:
            RecordsError: it is of an unknown schema, or holds other cells.
        """
        try:
            return read_shard(*self._paths(index), cells)
        except (OSError, pa.ArrowException, KeyError):
            return None

    def shards(self) -> tuple[ShardRecord, ...]:
        """Read all shards of a finished run.

        Raises:
            RecordsError: it is not finished; the message says how many shards are missing.
        """
        expected = self.manifest().shards
        shards = [self.read_shard(i, cells) for i, cells in enumerate(expected)]
        finished = tuple(shard for shard in shards if shard is not None)
        if len(finished) < len(shards):
            raise RecordsError(
                f"{self.path}: {len(shards) - len(finished)} of {len(shards)} shards are missing. Repeat the "
                "command that made the folder; it goes on where it stopped."
            )
        return finished

    def _paths(self, index: int) -> tuple[Path, Path]:
        folder = self.path / SHARDS
        return folder / f"points-{index:04d}.parquet", folder / f"lived-{index:04d}.parquet"


def _difference(name: str, old: dict[str, Any], new: dict[str, Any]) -> str:
    """Say where two manifests differ, down to the field."""
    was, now = old[name], new[name]
    if isinstance(was, dict) and isinstance(now, dict):
        inner = next(key for key in {**was, **now} if was.get(key) != now.get(key))
        return _difference_text(f"{name}.{inner}", was.get(inner), now.get(inner))
    return _difference_text(name, was, now)


def _difference_text(name: str, was: object, now: object) -> str:
    shown = [str(value) if len(str(value)) <= 40 else f"{str(value)[:37]}..." for value in (was, now)]
    return f"{name}: there {shown[0]}, here {shown[1]}"


def records_folders(folders: Sequence[Path]) -> list[Path]:
    """Records folders at or below each of `folders`; one that holds none is kept as it is."""
    found: list[Path] = []
    for folder in folders:
        inner = sorted(path.parent for path in folder.rglob(MANIFEST))
        found.extend(inner or [folder])
    return found
