"""Learning curves of several runs beside the paper's points."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from anymdp_bench.evaluation.boards import BOARDS
from anymdp_bench.evaluation.paper import published
from anymdp_bench.evaluation.plots import plot_curve
from anymdp_bench.evaluation.result import Result
from anymdp_bench.foundation.extras import require_extra

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MARKERS = "x+1234"
"""Of the paper's methods, in the order of its table."""
PANEL = (6.4, 4.2)
"""Inches of one board's panel."""


def plot_results(results: Sequence[Result], *, by: str = "steps") -> Figure:
    """Draw the learning curves of several runs, one panel a board, beside the paper's points.

    Bands are 95 % intervals of the mean over tasks. On the boards of the paper's table, marks stand at the
    performance of its methods and at their steps (or episodes) to 99 % of it.

    Args:
        results: Finished evaluations; the figure keeps their order.
        by: ``"steps"`` or ``"episodes"``.

    Returns:
        A matplotlib figure, bound to no window.

    Raises:
        InvalidConfig: another `by`.
        MissingExtra: matplotlib is not installed.

    Examples:
        >>> from anymdp_bench.evaluation.curves import plot_results
        >>> plot_results([evaluate("uniform", "darkroom-6-v0", runs=2)]).savefig("curves.svg")
    """
    require_extra("plot", "matplotlib", what="Figures")
    from matplotlib.figure import Figure

    boards = list(dict.fromkeys(result.manifest.board.name for result in results))
    figure = Figure(figsize=(PANEL[0] * len(boards), PANEL[1]), layout="constrained")
    panels = figure.subplots(1, len(boards), squeeze=False)[0]
    for board, axes in zip(boards, panels, strict=True):
        for result in results:
            if result.manifest.board.name == board:
                plot_curve(result.curve(), label=result.manifest.agent.name, ax=axes, by=by, band="interval")
        _draw_paper(axes, board, by)
        axes.axhline(1.0, color="0.7", linewidth=0.8, zorder=0)
        axes.set_title(board)
        axes.legend(fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _draw_paper(axes: Axes, board: str, by: str) -> None:
    """Mark the paper's methods on the online boards, which follow its protocol."""
    spec = BOARDS.get(board)
    if spec is None or spec.protocol != "online":
        return
    methods = published().get(spec.bank, {}).items()
    for marker, (method, figures) in zip(MARKERS, methods, strict=False):
        place = figures.steps if by == "steps" else figures.episodes
        if math.isfinite(place) and math.isfinite(figures.performance):
            axes.plot(place, figures.performance, marker, color="0.3", label=f"paper: {method}")
