"""Columns at equal numbers of steps, for both tracks: what the last episodes scored, and the area below.

Tasks whose episodes are used up are carried forward, so every column is a mean over all tasks. Both columns
see blocks of ten episodes, which is what a submission holds: a run and its submission have equal columns.
"""

from __future__ import annotations

import numpy as np

from anymdp_bench.foundation.types import FloatArray, IntArray
from anymdp_bench.scoring.intervals import mean_interval
from anymdp_bench.scoring.lived import blocks_of
from anymdp_bench.scoring.normalise import Scored

RECENT_STEPS = (
    *(100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000),
    *(100_000, 200_000, 500_000, 1_000_000),
)
LAST = 10
"""Finished episodes that a value is averaged over: one alone says little."""
AREA_STEPS = 10_000


def recent(scored: Scored) -> dict[str, float]:
    """Mean score of each cell's last finished block of ten episodes at N learning steps."""
    blocks, ends = blocks_of(scored)
    return {
        f"recent_{steps}": float(last_scores(blocks, ends, steps, last=1).mean()) for steps in RECENT_STEPS
    }


def last_scores(lived: FloatArray, ends: IntArray, steps: int, last: int = LAST) -> FloatArray:
    """Mean of each cell's `last` episodes that ended within `steps`, float64 ``[C]``.

    Of fewer where fewer have ended; of the first episode where none has: it is the one under way.

    Args:
        lived: float64 ``[C, E]``, score of every episode.
        ends: int64 ``[C, E]``, cumulative steps at each episode's end.
        steps: Number of learning steps, at least 1.
        last: Number of episodes, at least 1.
    """
    finished = np.maximum((ends <= steps).sum(axis=1), 1)
    first = np.maximum(finished - last, 0)
    sums = np.cumsum(np.pad(lived, ((0, 0), (1, 0))), axis=1)
    rows = np.arange(len(lived))
    return np.asarray((sums[rows, finished] - sums[rows, first]) / (finished - first))


def area(scored: Scored) -> dict[str, float]:
    """Mean over the first 10,000 learning steps of the score of the block under way, with its interval."""
    values = areas(*blocks_of(scored), AREA_STEPS, last=1)
    low, high = mean_interval(values, scored.task_index)
    name = f"area_{AREA_STEPS}"
    return {name: float(values.mean()), f"{name}_low": low, f"{name}_high": high}


def areas(lived: FloatArray, ends: IntArray, steps: int, last: int = LAST) -> FloatArray:
    """Mean score per step over the first `steps`, float64 ``[C]``; arguments as for `last_scores`.

    The steps after a cell's last episode count with the mean of its `last` ones.
    """
    ends = np.minimum(ends, steps)
    weights = np.diff(ends, axis=1, prepend=0)
    carried = last_scores(lived, ends, steps, last) * (steps - ends[:, -1])
    return np.asarray(((lived * weights).sum(axis=1) + carried) / steps)
