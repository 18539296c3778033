"""The two tables of a submission: curves per task, compact and complete enough for every score column.

``points.parquet`` has one row per cell and evaluation point. ``lived.parquet``, for learners only, has one
row per cell and block of ten training episodes; an in-context agent's points say what it lived.
"""

from __future__ import annotations

import numpy as np

from anymdp_bench.agents.protocol import Episodes
from anymdp_bench.foundation.types import FloatArray, IntArray
from anymdp_bench.leaderboard.submissions.parquet import Columns, Kinds
from anymdp_bench.records.record import Cell, CellReferences, Points, Record

POINTS, LIVED = "points.parquet", "lived.parquet"
POINT_KINDS: Kinds = {
    "task": np.int32,
    "run": np.int32,
    "episodes": np.int32,
    "steps": np.int64,
    "count": np.int32,
    "return": np.float64,
    "return_even": np.float64,
    "return_odd": np.float64,
}
LIVED_KINDS: Kinds = {
    "task": np.int32,
    "run": np.int32,
    "episodes": np.int32,
    "steps": np.int64,
    "return": np.float64,
}
BLOCK = 10
"""Training episodes in a row of the lived table; `steps` and `episodes` are counted at its end."""


def points_columns(record: Record) -> Columns:
    """Rows of ``points.parquet``: cells in order, points ascending."""
    points = record.points
    n_cells, n_points = points.mean.shape
    return {
        **_cell_columns(record.cells, n_points),
        "episodes": np.tile(points.episodes, n_cells).astype(np.int32),
        "steps": points.steps.ravel().astype(np.int64),
        "count": np.tile(points.counts, n_cells).astype(np.int32),
        "return": points.mean.ravel(),
        "return_even": points.even.ravel(),
        "return_odd": points.odd.ravel(),
    }


def lived_columns(record: Record) -> Columns:
    """Rows of ``lived.parquet``: cells in order, blocks ascending."""
    n_cells, n_episodes = record.lived.scores.shape
    n_blocks = n_episodes // BLOCK
    scores = record.lived.scores.reshape(n_cells, n_blocks, BLOCK).mean(axis=2)
    steps = np.cumsum(record.lived.lengths, axis=1)[:, BLOCK - 1 :: BLOCK]
    return {
        **_cell_columns(record.cells, n_blocks),
        "episodes": np.tile(np.arange(1, n_blocks + 1) * BLOCK, n_cells).astype(np.int32),
        "steps": steps.ravel().astype(np.int64),
        "return": scores.ravel(),
    }


def _cell_columns(cells: tuple[Cell, ...], n_rows: int) -> Columns:
    return {
        "task": np.repeat([cell.task for cell in cells], n_rows).astype(np.int32),
        "run": np.repeat([cell.run for cell in cells], n_rows).astype(np.int32),
    }


def record_of(
    cells: tuple[Cell, ...], references: CellReferences, points: Columns, lived: Columns | None
) -> Record:
    """Build the record that scores are computed from.

    Within a block every episode gets the block's mean return and an equal share of its steps. The tables must
    have passed the checks; wall times are not in them and become NaN, and so do received rewards.
    """
    shape = (len(cells), -1)
    mean, steps = points["return"].reshape(shape), points["steps"].reshape(shape)
    episodes = points["episodes"].reshape(shape)[0].astype(np.int64)
    blocks = (mean, steps, int(episodes[0])) if lived is None else _blocks(lived, shape)
    return Record(
        cells=cells,
        references=references,
        points=Points(
            episodes=episodes,
            steps=steps,
            counts=points["count"].reshape(shape)[0].astype(np.int64),
            mean=mean,
            even=points["return_even"].reshape(shape),
            odd=points["return_odd"].reshape(shape),
            seconds=np.full(mean.shape, np.nan),
        ),
        lived=_spread(*blocks),
    )


def _blocks(lived: Columns, shape: tuple[int, int]) -> tuple[FloatArray, IntArray, int]:
    return lived["return"].reshape(shape), lived["steps"].reshape(shape), BLOCK


def _spread(means: FloatArray, steps: IntArray, block: int) -> Episodes:
    """Episodes of equal return and nearly equal length, whose blocks have the given means and ends."""
    lengths = np.diff(steps, axis=1, prepend=0)
    shares = np.repeat(lengths // block, block, axis=1)
    shares[:, block - 1 :: block] += lengths % block
    scores = np.repeat(means, block, axis=1)
    return Episodes(scores, np.full(scores.shape, np.nan), shares)


def first_tasks(record: Record, n: int) -> Record:
    """The record of the first `n` tasks alone."""
    rows = np.array([cell.task < n for cell in record.cells])
    points = record.points
    return Record(
        cells=tuple(cell for cell in record.cells if cell.task < n),
        references=CellReferences(*(values[rows] for values in record.references)),
        points=points._replace(
            **{name: getattr(points, name)[rows] for name in ("steps", "mean", "even", "odd", "seconds")}
        ),
        lived=Episodes(*(values[rows] for values in record.lived)),
    )
