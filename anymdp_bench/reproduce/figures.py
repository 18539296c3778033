"""Figures: learning curves of a row, and how a figure is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anymdp_bench.evaluation.paper import METHODS, environments, published
from anymdp_bench.evaluation.plots import plot_curve
from anymdp_bench.reproduce.compact import Compact

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 6.0, 3.6
"""Inches of a panel that stands alone."""
BESIDE_WIDTH, BESIDE_HEIGHT = 4.4, 3.0
"""Inches of one among others: two fit a page without being shrunk, so that their letters stay legible."""
CROSSES = {"TQL-UCB": "x", "PPO": "+", "OmniRL (AnyMDP)": "X", "OmniRL (Garnet)": "P"}
"""Markers of the paper's methods."""
DOTTED = "dotted: training episodes"
"""What a learner's dotted line is, in the legend of a row."""
_TABLEAU = "blue", "orange", "green", "red", "purple", "brown", "pink", "gray", "olive", "cyan"
COLORS = (*(f"tab:{name}" for name in _TABLEAU), "black", "navy", "gold", "magenta")
"""One for each agent of a row."""
MOST_BANDS, FAINT = 3, 0.06
"""Bands of more curves than this are drawn fainter, so that the curves are seen."""
LEGEND_ENTRY, LEGEND_LINE = 1.9, 0.22
"""Inches that an entry of a legend takes, and a line of entries."""


def new_figure(n_panels: int = 1, columns: int | None = None) -> tuple[Figure, list[Axes]]:
    """Make a figure with panels side by side, at most `columns` in a row, drawn without a display."""
    from matplotlib.figure import Figure

    across = n_panels if columns is None else min(columns, n_panels)
    down = -(-n_panels // across)
    width, height = (WIDTH, HEIGHT) if n_panels == 1 else (BESIDE_WIDTH, BESIDE_HEIGHT)
    figure = Figure(figsize=(width * across, height * down), layout="constrained")
    return figure, list(figure.subplots(down, across, squeeze=False).ravel()[:n_panels])


def add_legend(figure: Figure, panels: Sequence[Axes], dotted: str = "") -> None:
    """Write one legend below all panels, where it covers no curve; `dotted` says what dotted lines are.

    The figure grows by what the legend takes.
    """
    from matplotlib.lines import Line2D

    found: dict[str, Any] = {}
    for axes in panels:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
        if (own := axes.get_legend()) is not None:
            own.remove()
    if dotted:
        found[dotted] = Line2D([], [], color="0.3", linestyle=":")
    width, height = figure.get_size_inches()
    columns = max(1, int(width / LEGEND_ENTRY))
    figure.set_size_inches(width, height + LEGEND_LINE * (1 + -(-len(found) // columns)))
    figure.legend([*found.values()], [*found], fontsize="small", loc="outside lower center", ncols=columns)


def save_figure(figure: Figure, path: Path) -> None:
    """Write an SVG that is the same for the same data."""
    import matplotlib

    path.parent.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context({"svg.hashsalt": path.stem, "svg.fonttype": "none"}):
        figure.savefig(path, format="svg", metadata={"Date": None})


def draw_rows(results: Mapping[tuple[str, str], Compact], agents: Sequence[str], folder: Path) -> None:
    """Draw every row of the paper's table for which there is a result; see `draw_row`."""
    for bank, environment in environments().items():
        found = [results[bank, agent] for agent in agents if (bank, agent) in results]
        if found:
            draw_row(environment, found, folder / f"{bank}.svg")


def curve_links(folder: Path) -> str:
    """Markdown links to the learning curves that have been drawn; empty if there are none."""
    links = [
        f"[{environment}](figures/{bank}.svg)"
        for bank, environment in environments().items()
        if (folder / f"{bank}.svg").is_file()
    ]
    return f"\nLearning curves: {', '.join(links)}.\n" if links else ""


def draw_row(title: str, results: Sequence[Compact], path: Path) -> None:
    """Draw the learning curves of one row, and where the paper's learners stand.

    Solid lines are the scores of evaluation points with the middle half of the tasks, dotted ones those of
    training episodes; a black cross is the paper's performance at its steps to 99 %.
    """
    figure, (axes,) = new_figure()
    axes.set_prop_cycle(color=COLORS)
    dotted = ""
    for result in results:
        curve, name = result.curve(), result.manifest.agent.name
        plot_curve(curve, label=name, ax=axes)
        color = axes.lines[-1].get_color()
        if "lived" in curve:
            dotted = DOTTED
            points = curve.groupby("episodes")
            axes.plot(points["steps"].mean(), points["lived"].mean(), ":", color=color, linewidth=1)
    if len(results) > MOST_BANDS:
        for band in axes.collections:
            band.set_alpha(FAINT)
    _draw_published(axes, results)
    axes.set_title(title)
    add_legend(figure, [axes], dotted)
    save_figure(figure, path)


def _draw_published(axes: Axes, results: Sequence[Compact]) -> None:
    """A cross for each of the paper's methods that one of the agents stands for."""
    known = published().get(results[0].manifest.board.bank, {})
    methods = dict.fromkeys(METHODS.get(result.manifest.agent.name, "") for result in results)
    for method in methods:
        if (figures := known.get(method)) is not None:
            cross = CROSSES[method]
            axes.plot(figures.steps, figures.performance, cross, color="black", label=f"paper: {method}")
