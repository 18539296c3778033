"""A finished evaluation: its columns, its curve, its records."""

from __future__ import annotations

import dataclasses
from os import PathLike
from typing import TYPE_CHECKING, Any

import pandas as pd

from anymdp_bench import scoring
from anymdp_bench.evaluation.run_folder import Manifest, RecordFolder
from anymdp_bench.records.record import Record, ShardRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclasses.dataclass(frozen=True, slots=True, repr=False)
class Result:
    """A finished evaluation.

    Attributes:
        manifest: What was run.
        shards: What each shard left behind.

    Examples:
        >>> result = evaluate("uniform", "darkroom-6-v0", runs=2)
        >>> isinstance(result, Result), len(result.scores())
        (True, 1)
    """

    manifest: Manifest
    shards: tuple[ShardRecord, ...]

    def __repr__(self) -> str:
        """Show what was run, not what came out."""
        manifest = self.manifest
        return (
            f"Result(agent={manifest.agent.name!r}, board={manifest.board.name!r}, track={manifest.track!r}, "
            f"tasks={len(manifest.fingerprints)}, runs={manifest.board.runs})"
        )

    @property
    def record(self) -> Record:
        """Returns, steps and references of all cells."""
        return self.manifest.record(list(self.shards))

    def scores(self) -> pd.DataFrame:
        """One row: agent, board, track, tasks, runs and every score column.

        Raises:
            UndefinedScore: naming the task whose score cannot be computed.
        """
        board, agent = self.manifest.board, self.manifest.agent
        head: dict[str, Any] = {
            "agent": agent.name,
            "board": board.name,
            "track": self.manifest.track,
            "tasks": len(self.manifest.fingerprints),
            "runs": board.runs,
        }
        return pd.DataFrame([head | scoring.score(self.record)])

    def curve(self, block: int | None = None) -> pd.DataFrame:
        """Learning curve in long form: task, run, steps, episodes, return, score.

        Args:
            block: None gives the evaluation points; a number the means of blocks of so many lived episodes
                (training episodes of a learner), 1 every single episode.

        Raises:
            InvalidConfig: the block is not an integer from 1 to the number of lived episodes.
            UndefinedScore: naming the task whose score cannot be computed.
        """
        return scoring.curve(self.record, block)

    def plot(self, ax: Axes | None = None, *, by: str = "steps", band: str = "interval") -> Axes:
        """Draw the mean score over learning (extra ``[plot]``); settings as for `plots.plot_curve`."""
        from anymdp_bench.evaluation.plots import plot_curve

        return plot_curve(self.curve(), label=self.manifest.agent.name, ax=ax, by=by, band=band)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the records to a folder, which must be new or hold the same run.

        Raises:
            RecordsError: the folder holds another run, or is in use.
        """
        with RecordFolder(path).claimed(self.manifest) as folder:
            for index, (cells, shard) in enumerate(zip(self.manifest.shards, self.shards, strict=True)):
                folder.write_shard(index, cells, shard)


def load_result(path: str | PathLike[str]) -> Result:
    """Read a finished run from its records folder.

    Args:
        path: The folder, which holds ``manifest.json``.

    Raises:
        RecordsError: it is no records folder, unfinished, or of an unknown schema.

    Examples:
        >>> result = evaluate("uniform", "darkroom-6-v0", runs=2, out="run")
        >>> load_result("run").scores().equals(result.scores())
        True
    """
    folder = RecordFolder(path)
    return Result(folder.manifest(), folder.shards())
