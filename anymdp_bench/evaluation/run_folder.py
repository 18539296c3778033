"""Records on disk: a folder that belongs to one run, and survives being killed.

``manifest.json`` says what the run is, and names every file of a finished shard with its SHA-256; it carries
its own. A shard is a pair of parquet files under ``shards/``. A live run holds a lock on ``lock`` that ends
with its process.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from anymdp_bench.agents.protocol import AgentInfo
from anymdp_bench.evaluation.boards import Board
from anymdp_bench.foundation.digests import check_seal, sealed, sha256
from anymdp_bench.foundation.errors import BenchError, RecordsError, RecordsWarning
from anymdp_bench.foundation.files import write_bytes, write_text
from anymdp_bench.records.record import Cell, CellReferences, Record, ShardRecord, join_shards
from anymdp_bench.records.tables import SCHEMA_VERSION, decode_shard, encode, lived_table, points_table

MANIFEST, LOCK, SHARDS = "manifest.json", "lock", "shards"
FILES = "files"
"""Manifest entry: SHA-256 of each file by its path; folders of older versions have none."""
KEYS = (
    *("schema", "board", "agent", "track", "code", "fingerprints", "references", "shards", "provenance"),
    FILES,
)
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
        return Record(self.cells, CellReferences(**columns), *joined)

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
        self._last_read: tuple[object, dict[str, Any]] | None = None

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
            self._write(values | {FILES: {}})
            return
        old = self._values()
        known = Manifest.from_dict(old).as_dict()
        differing = [name for name in values if name not in NOT_IDENTITY and values[name] != known[name]]
        if differing:
            raise RecordsError(
                f"{self.path} holds a different run ({_difference(differing[0], known, values)}). "
                "Choose another folder, or delete this one."
            )

    def _write(self, values: dict[str, Any]) -> None:
        write_text(self.path / MANIFEST, json.dumps(sealed(values), indent=1, allow_nan=False))

    def _values(self) -> dict[str, Any]:
        """Read the manifest's file, if it is another than last time; its digest and its keys are checked."""
        path = self.path / MANIFEST
        try:
            state = path.stat()
            which = state.st_ino, state.st_size, state.st_mtime_ns
            if self._last_read is None or self._last_read[0] != which:
                values = json.loads(path.read_text(encoding="utf-8"))
                schema = values.get("schema") if isinstance(values, dict) else None
                self._last_read = which, values if schema != SCHEMA_VERSION else check_seal(values, KEYS)
            return self._last_read[1]
        except FileNotFoundError as error:
            raise RecordsError(f"{self.path} is not a records folder: it has no {MANIFEST}.") from error
        except (OSError, ValueError, RecursionError) as error:
            raise _damaged(path, error) from error

    def manifest(self) -> Manifest:
        """Read the manifest.

        Raises:
            RecordsError: there is none, it is damaged, or of an unknown schema.
        """
        path = self.path / MANIFEST
        try:
            return Manifest.from_dict(self._values())
        except BenchError as error:
            text = str(error)
            raise RecordsError(text if text.startswith(str(self.path)) else f"{path}: {text}") from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise _damaged(path, error) from error

    def write_shard(self, index: int, cells: tuple[Cell, ...], shard: ShardRecord) -> None:
        """Keep a finished shard, and name its files with their digests in the manifest."""
        tables = points_table(shard.points, cells), lived_table(shard.lived, cells, shard.advantages)
        contents = dict(zip(_names(index), map(encode, tables), strict=True))
        for name, content in reversed(contents.items()):
            write_bytes(self.path / name, content)
        values = self._values()
        named = {name: sha256(content) for name, content in contents.items()}
        self._write(values | {FILES: values.get(FILES, {}) | named})

    def read_shard(self, index: int, cells: tuple[Cell, ...]) -> ShardRecord | None:
        """Read a shard; None where it is missing or damaged, so that it will be run again.

        A file that is not what the manifest names is told in a `RecordsWarning`.

        Raises:
            RecordsError: it is of an unknown schema, or holds other cells.
        """
        found = self._read_shard(index, cells, self._values().get(FILES))
        if isinstance(found, str):
            warnings.warn(f"{self.path / found} is damaged; its tasks are played again.", RecordsWarning, 2)
            return None
        return found

    def _read_shard(
        self, index: int, cells: tuple[Cell, ...], known: dict[str, str] | None
    ) -> ShardRecord | str | None:
        """Read a shard; None where there is none, the name of a file that is damaged."""
        names = _names(index)
        if known is not None and not known.keys() >= set(names):
            return None
        contents: list[bytes] = []
        for name in names:
            try:
                contents.append((self.path / name).read_bytes())
            except OSError:
                return None
            if known is not None and sha256(contents[-1]) != known[name]:
                return name
        try:
            return decode_shard(contents[0], contents[1], cells)
        except RecordsError as error:
            raise RecordsError(f"{self.path / names[0]}: {error}") from error
        except (OSError, pa.ArrowException, KeyError, ValueError):
            return names[0]

    def shards(self) -> tuple[ShardRecord, ...]:
        """Read all shards of a finished run.

        Raises:
            RecordsError: it is not finished; the message says how many shards are missing, and which files
                are damaged.
        """
        expected, known = self.manifest().shards, self._values().get(FILES)
        shards = [self._read_shard(i, cells, known) for i, cells in enumerate(expected)]
        finished = tuple(shard for shard in shards if isinstance(shard, ShardRecord))
        if len(finished) < len(shards):
            damaged = ", ".join(shard for shard in shards if isinstance(shard, str))
            raise RecordsError(
                f"{self.path}: {len(shards) - len(finished)} of {len(shards)} shards are missing"
                f"{f' or damaged ({damaged})' if damaged else ''}. Repeat the command that made the folder; "
                "it goes on where it stopped."
            )
        return finished


def _names(index: int) -> tuple[str, str]:
    """Files of a shard: its points and its lived episodes."""
    return f"{SHARDS}/points-{index:04d}.parquet", f"{SHARDS}/lived-{index:04d}.parquet"


def _damaged(path: Path, error: Exception) -> RecordsError:
    return RecordsError(
        f"{path}: damaged ({type(error).__name__}: {error}). Delete the folder and run again."
    )


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
