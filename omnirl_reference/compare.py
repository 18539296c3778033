"""Several models side by side: learning curves online, offline and by imitation, next to the paper's figures.

References:
    arXiv 2502.02869, figure 6: OmniRL and its rivals on one backbone, on T(16, 5).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from omnirl_reference.agent import OmniRLAgent
from omnirl_reference.validation import TEACHERS, Plan, play

BLOCK = 10
"""Episodes of a point of a curve."""
PAPER: dict[str, dict[str, float]] = {
    "dpd": {"online": 0.620, "imitation": 1.019, "offline": 0.628},
    "omnirl-16-no-prior": {"online": 0.298, "imitation": 0.914, "offline": 0.346},
    "dpt": {"online": 0.284, "imitation": 0.880, "offline": 0.323},
    "ad": {"online": -0.234, "imitation": 0.660, "offline": 0.013},
    "ad-eps": {"online": -0.030, "imitation": 0.552, "offline": -0.010},
}
"""Scores of the paper's models, read off its figure: own episodes 190-200 online, 41-50 after a context."""
ORDER = "the paper's order: OmniRL > without prior information, DPT > AD, AD^eps"


def curves(
    agents: Sequence[OmniRLAgent], plan: Plan, on_curve: Callable[[str, str], None] = lambda name, how: None
) -> pd.DataFrame:
    """Play every agent by every protocol, on the same tasks.

    Args:
        agents: Told apart by their names.
        plan: Bank, split, tasks, seed, and own episodes, a multiple of 10; its protocol is not read.
        on_curve: Told (agent, protocol) before each.

    Returns:
        One row for each point: agent, protocol, episodes (own ones up to its end), score (mean over tasks),
        low and high (quartiles over tasks).
    """
    rows = []
    for agent in agents:
        for protocol in TEACHERS:
            on_curve(agent.info.name, protocol)
            lived = play(agent, dataclasses.replace(plan, protocol=protocol))
            block = lived.number // BLOCK
            for k in range(int(block.max()) + 1):
                inside = block == k
                tasks, places = np.unique(lived.task[inside], return_inverse=True)
                means = np.bincount(places, lived.score[inside]) / np.bincount(places, minlength=len(tasks))
                low, high = np.quantile(means, [0.25, 0.75])
                rows.append((agent.info.name, protocol, (k + 1) * BLOCK, means.mean(), low, high))
    return pd.DataFrame(rows, columns=["agent", "protocol", "episodes", "score", "low", "high"])


def last_points(frame: pd.DataFrame) -> pd.DataFrame:
    """Score at the end of every curve: agents by protocols, the paper's figure in a column beside each."""
    last = frame[frame["episodes"] == frame["episodes"].max()]
    table = last.pivot_table(index="agent", columns="protocol", values="score", sort=False)
    for protocol in TEACHERS:
        table[f"{protocol}, paper"] = [PAPER.get(name, {}).get(protocol, np.nan) for name in table.index]
    columns = [name for protocol in TEACHERS for name in (protocol, f"{protocol}, paper")]
    found: pd.DataFrame = table[columns]
    return found


def draw(frame: pd.DataFrame, path: Path) -> None:
    """Draw one panel for each protocol, quartiles shaded; needs matplotlib, of the extra ``[plot]``."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained")
    panels = figure.subplots(1, len(TEACHERS), sharey=True)
    for panel, protocol in zip(panels, TEACHERS, strict=True):
        part = frame[frame["protocol"] == protocol]
        for name, curve in part.groupby("agent", sort=False):
            (line,) = panel.plot(curve["episodes"], curve["score"], label=name)
            panel.fill_between(
                curve["episodes"],
                curve["low"],
                curve["high"],
                color=line.get_color(),
                alpha=0.12,
                linewidth=0,
            )
        panel.set(title=protocol, xlabel="own episodes")
        panel.axhline(0.0, color="grey", linewidth=0.5)
        panel.axhline(1.0, color="grey", linewidth=0.5)
    panels[0].set_ylabel("score (0 uniform, 1 oracle)")
    panels[0].legend()
    figure.supxlabel(ORDER, fontsize="small")
    figure.savefig(path)
