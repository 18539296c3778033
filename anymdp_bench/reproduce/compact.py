"""A finished run in two small files: ``<agent>.json`` has every score, ``<agent>.parquet`` the curve.

Scores are those of the full records. The curve has one row per cell and evaluation point, returns as float32;
single training episodes are not kept, only their mean between two points.
"""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from anymdp_bench.evaluation.result import Result
from anymdp_bench.evaluation.run_folder import Manifest
from anymdp_bench.foundation.digests import check_seal, sealed, sha256
from anymdp_bench.foundation.errors import RecordsError
from anymdp_bench.foundation.files import write_bytes, write_text
from anymdp_bench.records.tables import decode, encode

VERSION = 1
KEYS = ("version", "scores", "seconds", "manifest", "curve")
HEAD = ("agent", "board", "track", "tasks", "runs")
"""Columns of `Result.scores` that are no scores."""


@dataclasses.dataclass(frozen=True, slots=True)
class Compact:
    """A finished run without its single episodes.

    Attributes:
        manifest: What was run.
        scores: Every score column.
        seconds: Time of all workers together.
        path: The JSON file.
        curve_digest: SHA-256 (hex) of the curve's file; None where an older version wrote it.
    """

    manifest: Manifest
    scores: dict[str, float]
    seconds: float
    path: Path
    curve_digest: str | None = None

    @property
    def n_tasks(self) -> int:
        """Tasks that were played."""
        return len(self.manifest.fingerprints)

    def reference(self, name: str) -> float:
        """Mean over tasks of the ``"random"``, ``"oracle"`` or ``"optimal"`` return."""
        return float(np.mean(self.manifest.references[name]))

    def curve(self) -> pd.DataFrame:
        """Learning curve: task, run, episodes, steps, return, score; learners also lived.

        ``lived`` is the mean score of the training episodes since the last point.

        Raises:
            RecordsError: the curve is missing or damaged.
        """
        path = curve_path(self.path)
        try:
            content = path.read_bytes()
            if self.curve_digest is not None and sha256(content) != self.curve_digest:
                raise OSError("it is not the curve that the scores were written with")
            frame: pd.DataFrame = decode(content).to_pandas()
        except (OSError, pa.ArrowException) as error:
            raise RecordsError(f"{path}: cannot be read ({error}). Run with --fresh.") from error
        known = {name: np.array(values, float) for name, values in self.manifest.references.items()}
        zero, one = known["random"][frame["task"]], known["oracle"][frame["task"]]
        frame["score"] = (frame["return"] - zero) / (one - zero)
        if "lived" in frame:
            frame["lived"] = (frame["lived"] - zero) / (one - zero)
        return frame


def save_compact(result: Result, folder: Path) -> Compact:
    """Write ``<folder>/<board>/<agent>.json`` and ``.parquet``; what was there is replaced.

    Raises:
        UndefinedScore: naming the task whose score cannot be computed.
    """
    row = result.scores().iloc[0].drop(list(HEAD))
    compact = Compact(
        manifest=result.manifest,
        scores={str(name): float(value) for name, value in row.items()},
        seconds=float(sum(shard.points.seconds[0, -1] for shard in result.shards)),
        path=compact_path(folder, result.manifest.board.name, result.manifest.agent.name),
    )
    compact.path.parent.mkdir(parents=True, exist_ok=True)
    curve = encode(_curve_table(result), level=19)
    write_bytes(curve_path(compact.path), curve)
    compact = dataclasses.replace(compact, curve_digest=sha256(curve))
    write_text(compact.path, json.dumps(sealed(_as_dict(compact)), allow_nan=False) + "\n")
    return compact


def load_compact(path: Path) -> Compact:
    """Read what `save_compact` wrote.

    Raises:
        RecordsError: the file is damaged or of another version.
    """
    try:
        values = check_seal(json.loads(path.read_text(encoding="utf-8")), KEYS)
        if values["version"] != VERSION:
            raise RecordsError(
                f"{path}: version {values['version']!r}; {VERSION} is read. Upgrade anymdp-bench."
            )
        scores = {name: math.nan if value is None else value for name, value in values["scores"].items()}
        manifest = Manifest.from_dict(values["manifest"])
        return Compact(manifest, scores, values["seconds"], path, values.get("curve"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, RecordsError):
            raise
        raise RecordsError(f"{path}: damaged ({type(error).__name__}: {error}). Run with --fresh.") from error


def compact_path(folder: Path, board: str, agent: str) -> Path:
    """Where an agent's compact result on a board lies."""
    return folder / board / f"{agent}.json"


def curve_path(path: Path) -> Path:
    """Where the curve of a compact result lies."""
    return path.with_name(f"{path.name.removesuffix('.json')}.parquet")


def _as_dict(compact: Compact) -> dict[str, Any]:
    scores = {name: value if math.isfinite(value) else None for name, value in compact.scores.items()}
    return {
        "version": VERSION,
        "scores": scores,
        "seconds": round(compact.seconds, 3),
        "manifest": compact.manifest.as_dict(),
        "curve": compact.curve_digest,
    }


def _curve_table(result: Result) -> pa.Table:
    record = result.record
    points = record.points
    n_cells, n_points = points.mean.shape
    columns: dict[str, Any] = {
        "task": np.repeat([cell.task for cell in record.cells], n_points).astype(np.int16),
        "run": np.repeat([cell.run for cell in record.cells], n_points).astype(np.int16),
        "episodes": np.tile(points.episodes, n_cells).astype(np.int32),
        "steps": points.steps.ravel().astype(np.int64),
        "return": points.mean.ravel().astype(np.float32),
    }
    if points.counts[0] > 0:
        columns["return_even"] = points.even.ravel().astype(np.float32)
        columns["return_odd"] = points.odd.ravel().astype(np.float32)
    if result.manifest.agent.learner:
        lived = record.lived.scores.reshape(n_cells, n_points, -1).mean(axis=2)
        columns["lived"] = lived.ravel().astype(np.float32)
    return pa.table(columns)
