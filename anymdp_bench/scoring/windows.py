"""Columns over two windows of lived episodes: soon after a teacher's episodes, and much later."""

from __future__ import annotations

from anymdp_bench.scoring.intervals import mean_interval
from anymdp_bench.scoring.normalise import Scored

WINDOWS = ((1, 20), (181, 200))
"""First and last episode, counted from 1 (OmniRL, arXiv 2502.02869, the comparison with CQL)."""


def windows(scored: Scored) -> dict[str, float]:
    """Mean score of the lived episodes 1 to 20 and 181 to 200; NaN where fewer are lived."""
    found: dict[str, float] = {}
    for first, last in WINDOWS:
        name = f"episodes_{first}_{last}"
        if scored.lived.shape[1] < last:
            found |= dict.fromkeys((name, f"{name}_low", f"{name}_high"), float("nan"))
            continue
        values = scored.lived[:, first - 1 : last].mean(axis=1)
        low, high = mean_interval(values, scored.task_index)
        found |= {name: float(values.mean()), f"{name}_low": low, f"{name}_high": high}
    return found
