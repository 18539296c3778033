"""Learning curves as figures; matplotlib comes with the extra ``[plot]``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from anymdp_bench.foundation.checks import check_choice
from anymdp_bench.foundation.extras import require_extra
from anymdp_bench.scoring.intervals import mean_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BY = {"steps": "learning steps per task", "episodes": "learning episodes per task"}
"""What a curve may be drawn over, and the words below the axis."""
BANDS = ("middle half", "interval")


def plot_curve(
    curve: pd.DataFrame,
    *,
    label: str,
    ax: Axes | None = None,
    by: str = "steps",
    band: str = "middle half",
) -> Axes:
    """Draw the mean score over what was learnt from, with a band around it.

    Args:
        curve: What `Result.curve` returns.
        label: Name in the legend.
        ax: Drawn into; default: a new figure.
        by: ``"steps"`` (their mean over tasks) or ``"episodes"``.
        band: ``"middle half"`` of the tasks, or the 95 % ``"interval"`` of the mean over tasks.

    Raises:
        InvalidConfig: another `by` or `band`.
        MissingExtra: matplotlib is not installed.

    Examples:
        >>> from anymdp_bench.evaluation.plots import plot_curve
        >>> curve = evaluate("uniform", "darkroom-6-v0", runs=2).curve()
        >>> plot_curve(curve, label="uniform").get_xlabel() != ""
        True
    """
    require_extra("plot", "matplotlib", what="Figures")
    check_choice("by", by, BY)
    check_choice("band", band, BANDS)
    if ax is None:
        from matplotlib import pyplot

        ax = pyplot.subplots()[1]
    points = curve.groupby("episodes")
    steps = points[by].mean()
    (line,) = ax.plot(steps, points["score"].mean(), label=label)
    if band == "interval":
        limits = np.array([mean_interval(p["score"].to_numpy(), p["task"].to_numpy()) for _, p in points]).T
    else:
        limits = np.array([points["score"].quantile(share).to_numpy() for share in (0.25, 0.75)])
    ax.fill_between(steps, limits[0], limits[1], color=line.get_color(), alpha=0.2, linewidth=0)
    ax.set_xscale("log")
    ax.set_xlabel(BY[by])
    ax.set_ylabel("score (0 uniform, 1 oracle)")
    ax.legend()
    return ax
