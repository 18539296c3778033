"""Scores: a record goes in, one row of columns comes out.

To add a column, write a function from `Scored` to named numbers and give it a line in `COLUMNS`.
"""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from anymdp_bench.records.record import Record
from anymdp_bench.scoring.asymptotic import asymptotic, optimum
from anymdp_bench.scoring.lived import lived, regret
from anymdp_bench.scoring.normalise import Scored, check_record, normalise
from anymdp_bench.scoring.performance import convergence, performance
from anymdp_bench.scoring.windows import windows

COLUMNS: dict[str, Callable[[Scored], dict[str, float]]] = {
    "performance": performance,
    "convergence": convergence,
    "asymptotic": asymptotic,
    "regret": regret,
    "optimum": optimum,
    "lived": lived,
    "windows": windows,
}

__all__ = ["COLUMNS", "Scored", "curve", "normalise", "score"]


def score(record: Record) -> dict[str, float]:
    """Compute every column of a finished evaluation.

    Raises:
        UndefinedScore: naming the task whose score cannot be computed.
    """
    scored = normalise(record)
    return {name: value for column in COLUMNS.values() for name, value in column(scored).items()}


def curve(record: Record) -> pd.DataFrame:
    """Learning curve in long form: one row per cell and evaluation point.

    Columns: task, run, steps, episodes, return, score.

    Raises:
        UndefinedScore: naming the task whose score cannot be computed.
    """
    check_record(record)
    random, oracle, _ = record.references
    n_points = len(record.points.episodes)
    returns = record.points.mean
    scores = (returns - random[:, None]) / (oracle - random)[:, None]
    return pd.DataFrame(
        {
            "task": record.task_index.repeat(n_points),
            "run": [cell.run for cell in record.cells for _ in range(n_points)],
            "steps": record.points.steps.ravel(),
            "episodes": list(record.points.episodes) * len(record.cells),
            "return": returns.ravel(),
            "score": scores.ravel(),
        }
    )
