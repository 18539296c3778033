"""Score against environment steps, and how many of them an agent needs for shares of the oracle's score.

References:
    arXiv 2502.02869: "two orders of magnitude more sample-efficient" than canonical RL.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from anymdp_bench.evaluation.boards import get_board
from anymdp_bench.evaluation.paper import METHODS, environments, published
from anymdp_bench.evaluation.report import DASH, LEARNER_MARK, count_text
from anymdp_bench.foundation.types import FloatArray
from anymdp_bench.reproduce.compact import Compact
from anymdp_bench.reproduce.document import lines_of, pipe_table
from anymdp_bench.reproduce.figures import add_legend, new_figure, save_figure
from anymdp_bench.reproduce.runs import Cell
from anymdp_bench.reproduce.table import CANNOT_PLAY, LIMITS, NOT_RUN, Results, can_play, paper_cells
from anymdp_bench.scoring.intervals import CONFIDENCE, RESAMPLES, resampled_rows
from anymdp_bench.scoring.reached import SHARES, first_at, rising
from anymdp_bench.scoring.recent import RECENT_STEPS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BANKS = (
    "anymdp-16x5-v0",
    "anymdp-64x5-v0",
    "garnet-16x5b2-v0",
    "darkroom-10-v0",
    "frozenlake-slippery-v0",
    "pendulum-g1-fixed-v0",
)
FEW_RESAMPLES = RESAMPLES // 10
"""Resamples of an interval: each needs a fit of its own."""
FIGURE = "sample-efficiency.svg"
STEPS = (10, 1_000_000)
SCORES = (-0.25, 1.25)
"""What the figure shows of either axis."""
TEXT = (
    "Steps are environment steps used for learning, averaged over tasks, at the first evaluation point at "
    "which the rising fit of the mean score reaches the share of the oracle's. [95 % interval: tasks, or the "
    "runs of a single task, resampled; a dash where it is not reached.] At most: reached at the agent's "
    f"first evaluation point, after 10 lived or 100 training episodes.{LEARNER_MARK} learner, tested while "
    "frozen; others are scored on what they live. In the figure solid lines are evaluation points and "
    "dotted ones the last ten episodes lived at equal steps; crosses are the paper's performance at its "
    "steps to 99 %."
)


class Curve(NamedTuple):
    """A learning curve of n units (tasks, or the runs of a single task) at P points.

    Attributes:
        scores: float64 ``[n, P]``.
        steps: float64 ``[n, P]``, learning steps.
    """

    scores: FloatArray
    steps: FloatArray


def efficiency_cells(agents: Sequence[str], n_tasks: int | None = None) -> list[Cell]:
    """Every cell that can be filled, row by row; they are cells of the paper's table."""
    return [cell for cell in paper_cells(agents, n_tasks) if cell.bank in BANKS]


def efficiency_frame(results: Results, agents: Sequence[str]) -> pd.DataFrame:
    """One line for each row and agent: steps to each share of the oracle's score, and their interval."""
    return pd.DataFrame(
        [_line(bank, agent, results.get((bank, agent))) for bank in BANKS for agent in agents]
    )


def _line(bank: str, agent: str, found: Compact | None) -> dict[str, Any]:
    head: dict[str, Any] = {
        "environment": environments()[bank],
        "board": get_board(bank).name,
        "agent": agent,
    }
    if found is None:
        fits = can_play(agent, bank)
        return head | {"status": NOT_RUN if fits else f"{CANNOT_PLAY}: {LIMITS[agent].needs}"}
    head |= {"status": "run", "learner": found.manifest.agent.learner}
    curve = mean_curve(found)
    for share in SHARES:
        steps, first = steps_to(curve.scores, curve.steps, share / 100)
        low, high = steps_interval(curve, share / 100)
        name = f"steps_to_oracle_{share}"
        head |= {name: steps, f"{name}_low": low, f"{name}_high": high, f"first_{share}": first}
    return head


def mean_curve(found: Compact) -> Curve:
    """The kept curve by task; by run where there is one task."""
    frame = found.curve()
    unit = "task" if found.n_tasks > 1 else "run"
    mean = frame.groupby([unit, "episodes"])[["score", "steps"]].mean()
    shape = (frame[unit].nunique(), frame["episodes"].nunique())
    return Curve(mean["score"].to_numpy(float).reshape(shape), mean["steps"].to_numpy(float).reshape(shape))


def steps_to(scores: FloatArray, steps: FloatArray, level: float) -> tuple[float, bool]:
    """Mean steps at which the rising fit of the mean score is at `level` (NaN if never).

    Args:
        scores: float64 ``[n, P]``.
        steps: float64 ``[n, P]``.
        level: Share of the oracle's score.

    Returns:
        The steps, and whether that is the first point of the curve already.
    """
    point = first_at(rising(scores.mean(axis=0)), level)
    return (math.nan, False) if point is None else (float(steps[:, point].mean()), point == 0)


def steps_interval(curve: Curve, level: float) -> tuple[float, float]:
    """Percentile bootstrap interval of `steps_to` over tasks (or runs); NaN where an end is never reached."""
    rows = resampled_rows(len(curve.scores))[:FEW_RESAMPLES]
    found = [steps_to(curve.scores[chosen], curve.steps[chosen], level)[0] for chosen in rows]
    tail = (1 - CONFIDENCE) / 2
    ends = np.quantile(np.nan_to_num(found, nan=np.inf), [tail, 1 - tail], method="nearest")
    low, high = (float(end) if np.isfinite(end) else math.nan for end in ends)
    return low, high


def efficiency_text(frame: pd.DataFrame) -> str:
    """The steps as a Markdown table, a row of the paper's table after the other."""
    headers = [("environment", "---"), ("agent", "---")]
    headers += [(f"steps to {share} % of the oracle", "---:") for share in SHARES]
    rows = []
    for line in lines_of(frame):
        if line["status"] == "run":
            cells = [_steps_text(line, share) for share in SHARES]
        else:
            cells = [str(line["status"]), *[""] * (len(SHARES) - 1)]
        mark = LEARNER_MARK if line.get("learner") is True else ""
        rows.append([str(line["environment"]), f"{line['agent']}{mark}", *cells])
    link = f"![Score against environment steps](figures/{FIGURE})"
    return "\n\n".join([pipe_table(headers, rows), TEXT, link]) + "\n"


def _steps_text(line: Mapping[str, Any], share: int) -> str:
    name = f"steps_to_oracle_{share}"
    steps, low, high = (line[f"{name}{end}"] for end in ("", "_low", "_high"))
    if math.isnan(steps):
        return DASH
    at_most = "at most " if line[f"first_{share}"] else ""
    return f"{at_most}{count_text(steps)} [{count_text(low)}, {count_text(high)}]"


def draw_efficiency(results: Results, agents: Sequence[str], path: Path) -> None:
    """Draw a panel for each row: solid lines are evaluation points, dotted ones what was lived.

    Dotted are the columns ``recent_...``; where a result was kept before there were any, a learner's training
    episodes between two points. Crosses are the paper's performance at its steps to 99 %, in the colour of
    the agent that stands for the method, grey where none does.
    """
    figure, panels = new_figure(len(BANKS), columns=2)
    for axes, bank in zip(panels, BANKS, strict=True):
        colors: dict[str, str] = {}
        for number, agent in enumerate(agents):
            color = f"C{number}"
            colors.setdefault(METHODS.get(agent, agent), color)
            if (bank, agent) in results:
                _draw(results[bank, agent], axes, color)
        for method, figures in published().get(bank, {}).items():
            color = colors.get(method, "grey")
            axes.plot(figures.steps, figures.performance, "x", color=color, label=f"paper: {method}")
        axes.axhline(1, color="black", linewidth=0.5)
        axes.set(xscale="log", xlim=STEPS, ylim=SCORES, title=environments()[bank])
        axes.set(xlabel="environment steps per task", ylabel="score (0 uniform, 1 oracle)")
    add_legend(figure, panels, "dotted: lived at equal steps")
    save_figure(figure, path)


def _draw(found: Compact, axes: Axes, color: str) -> None:
    curve = found.curve().groupby("episodes")
    steps = curve["steps"].mean()
    axes.plot(steps, curve["score"].mean(), color=color, label=found.manifest.agent.name)
    recent = {number: found.scores.get(f"recent_{number}", math.nan) for number in RECENT_STEPS}
    if not any(map(math.isnan, recent.values())):
        axes.plot([*recent], [*recent.values()], ":", color=color, linewidth=1)
    elif found.manifest.agent.learner:
        axes.plot(steps, curve["lived"].mean(), ":", color=color, linewidth=1)
