"""Scores: a record goes in, one row of columns comes out.

To add a column, write a function from `Scored` to named numbers and give it a line in `COLUMNS`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from anymdp_bench.foundation.checks import check_integer
from anymdp_bench.foundation.types import FloatArray, IntArray
from anymdp_bench.records.record import Record
from anymdp_bench.scoring.asymptotic import asymptotic, optimum
from anymdp_bench.scoring.controlled import controlled
from anymdp_bench.scoring.lived import lived, regret
from anymdp_bench.scoring.normalise import Scored, check_record, normalise
from anymdp_bench.scoring.performance import convergence, performance
from anymdp_bench.scoring.reached import reached
from anymdp_bench.scoring.recent import area, recent
from anymdp_bench.scoring.windows import windows

COLUMNS: dict[str, Callable[[Scored], dict[str, float]]] = {
    "performance": performance,
    "convergence": convergence,
    "reached": reached,
    "asymptotic": asymptotic,
    "regret": regret,
    "optimum": optimum,
    "lived": lived,
    "recent": recent,
    "area": area,
    "windows": windows,
    "controlled": controlled,
}

__all__ = ["COLUMNS", "Scored", "curve", "normalise", "score"]


def score(record: Record) -> dict[str, float]:
    """Compute every column of a finished evaluation.

    Raises:
        UndefinedScore: naming the task whose score cannot be computed.
    """
    scored = normalise(record)
    return {name: value for column in COLUMNS.values() for name, value in column(scored).items()}


def curve(record: Record, block: int | None = None) -> pd.DataFrame:
    """Learning curve in long form: task, run, steps, episodes, return, score.

    Args:
        record: A finished evaluation.
        block: None gives one row per cell and evaluation point. A number gives one row per cell and block
            of so many lived episodes (training episodes of a learner), with their mean return; 1 is every
            single episode. `steps` and `episodes` count to its end; an incomplete last block is left out.

    Raises:
        InvalidConfig: the block is not an integer from 1 to the number of lived episodes.
        UndefinedScore: naming the task whose score cannot be computed.
    """
    check_record(record)
    episodes, steps, returns = _points(record) if block is None else _blocks(record, block)
    random, oracle, _ = record.references
    scores = (returns - random[:, None]) / (oracle - random)[:, None]
    n_points = len(episodes)
    return pd.DataFrame(
        {
            "task": record.task_index.repeat(n_points),
            "run": np.repeat([cell.run for cell in record.cells], n_points),
            "steps": steps.ravel(),
            "episodes": np.tile(episodes, len(record.cells)),
            "return": returns.ravel(),
            "score": scores.ravel(),
        }
    )


def _points(record: Record) -> tuple[IntArray, IntArray, FloatArray]:
    return record.points.episodes, record.points.steps, record.points.mean


def _blocks(record: Record, block: int) -> tuple[IntArray, IntArray, FloatArray]:
    n_cells, n_episodes = record.lived.scores.shape
    size = check_integer("block", block, 1, n_episodes)
    n_blocks = n_episodes // size
    returns = record.lived.scores[:, : n_blocks * size].reshape(n_cells, n_blocks, size).mean(axis=2)
    steps = np.cumsum(record.lived.lengths, axis=1)[:, size - 1 :: size]
    return np.arange(1, n_blocks + 1) * size, steps, returns
