"""Learning curves as figures; matplotlib comes with the extra ``[plot]``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from anymdp_bench.foundation.extras import require_extra

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_curve(curve: pd.DataFrame, *, label: str, ax: Axes | None = None) -> Axes:
    """Draw the mean score over the mean number of learning steps, with the middle half of the tasks.

    Args:
        curve: What `Result.curve` returns.
        label: Name in the legend.
        ax: Drawn into; default: a new figure.
    """
    require_extra("plot", "matplotlib", what="Figures")
    if ax is None:
        from matplotlib import pyplot

        ax = pyplot.subplots()[1]
    points = curve.groupby("episodes")
    steps = points["steps"].mean()
    (line,) = ax.plot(steps, points["score"].mean(), label=label)
    low, high = points["score"].quantile(0.25), points["score"].quantile(0.75)
    ax.fill_between(steps, low, high, color=line.get_color(), alpha=0.2, linewidth=0)
    ax.set_xscale("log")
    ax.set_xlabel("learning steps per task")
    ax.set_ylabel("score (0 uniform, 1 oracle)")
    ax.legend()
    return ax
