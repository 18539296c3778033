"""Sorted stationary laws: how unevenly are states visited in AnyMDP and in Garnet?

References:
    arXiv 2502.02869, stationary distributions of AnyMDP and Garnet, sorted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from anymdp_bench.banks import load_bank
from anymdp_bench.foundation.types import FloatArray
from anymdp_bench.planning.diagnostics import plot_sorted_shares, sorted_shares
from anymdp_bench.reproduce.document import lines_of, pipe_table
from anymdp_bench.reproduce.figures import new_figure, save_figure
from anymdp_bench.tasks.protocol import Task

SIZES = (16, 64)
FAMILIES = {"AnyMDP": "anymdp-{}x5-v0", "Garnet b=2": "garnet-{}x5b2-v0"}
STATEMENT = (
    "The paper: sorted, the stationary distribution of AnyMDP falls off exponentially, that of Garnet is "
    "much flatter."
)
FIGURE = "![Sorted stationary laws](figures/e7.svg)"
NEVER = 1e-9
"""A smaller share is no visit at all: a deterministic policy never enters some states of Garnet."""


def law_tasks(n_tasks: int = 64) -> dict[tuple[int, str], list[Task]]:
    """First board tasks by (number of states, family)."""
    return {
        (size, family): load_bank(bank.format(size)).board_tasks(n_tasks)
        for size in SIZES
        for family, bank in FAMILIES.items()
    }


def laws_frame(tasks: Mapping[tuple[int, str], Sequence[Task]]) -> pd.DataFrame:
    """Mean sorted law of each size, family and policy.

    Returns:
        Columns: states, family, policy, tasks; largest, median and low (three quarters down) share; ``fold``,
        how many times smaller ``low`` is than ``largest``; ``log_r2`` of a line through the logarithms, 1 is
        exponential.
    """
    lines = []
    for (size, family), listed in tasks.items():
        shares = sorted_shares(listed).groupby(["policy", "position"])["share"].mean()
        for policy in ("oracle", "random"):
            law = shares[policy].to_numpy()
            low = law[3 * len(law) // 4]
            line = {"states": size, "family": family, "policy": policy, "tasks": len(listed)}
            shown = {"largest": law[0], "median": law[len(law) // 2], "low": low, "fold": law[0] / low}
            lines.append(line | shown | {"log_r2": _line_fit(np.log(law[law > NEVER]))})
    return pd.DataFrame(lines)


def _line_fit(logs: FloatArray) -> float:
    """Share of the variance that a line through equidistant points explains."""
    position = np.arange(len(logs))
    line = np.polyval(np.polyfit(position, logs, 1), position)
    return float(1 - ((logs - line) ** 2).sum() / ((logs - logs.mean()) ** 2).sum())


def laws_text(frame: pd.DataFrame) -> str:
    """The laws as a Markdown table, the paper's statement, and whether it holds here."""
    headers = {"states": "---:", "family": "---", "policy": "---", "tasks": "---:"}
    headers |= dict.fromkeys(("largest %", "median %", "low %", "fold", "R² of exponential"), "---:")
    rows = []
    for line in lines_of(frame):
        names = [str(line[name]) for name in ("states", "family", "policy", "tasks")]
        shares = [f"{100 * line[name]:.3g}" for name in ("largest", "median", "low")]
        rows.append([*names, *shares, fold_text(line["fold"]), f"{line['log_r2']:.3f}"])
    table = pipe_table([*headers.items()], rows)
    note = (
        "Long-run shares of visits, sorted from the largest within each task and averaged over tasks: the "
        "first, the one in the middle, the one three quarters down, and the ratio of first and third."
    )
    return "\n\n".join([table, note, STATEMENT, *_verdicts(frame), FIGURE]) + "\n"


def _verdicts(frame: pd.DataFrame) -> list[str]:
    texts = []
    for (size, policy), part in frame.groupby(["states", "policy"], sort=False):
        fold = part.set_index("family")["fold"]
        anymdp, garnet = fold["AnyMDP"], fold["Garnet b=2"]
        said = "holds" if anymdp > garnet else "does not hold"
        texts.append(
            f"Here, {size} states, {policy} play: {said}; the shares fall {fold_text(anymdp)}-fold in "
            f"AnyMDP, {fold_text(garnet)}-fold in Garnet."
        )
    return texts


def fold_text(value: float) -> str:
    """Three digits, or all before the point."""
    return f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def draw_laws(tasks: Mapping[tuple[int, str], Sequence[Task]], path: Path) -> None:
    """Draw the sorted laws, a panel for each size."""
    figure, panels = new_figure(len(SIZES))
    for axes, size in zip(panels, SIZES, strict=True):
        for family in FAMILIES:
            plot_sorted_shares(tasks[size, family], axes, label=family)
        axes.set_title(f"{size} states")
        axes.legend(fontsize="small")
    save_figure(figure, path)
