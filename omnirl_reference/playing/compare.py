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
from scipy import stats

from anymdp_bench import Agent, InvalidConfig
from omnirl_reference.playing.validation import TEACHERS, Plan, Watch, play, unwatched

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
ORDER = (("dpd",), ("omnirl-16-no-prior", "dpt"), ("ad", "ad-eps"))
"""The paper's order in all three panels of its figure, best first; a group's members are not ranked."""
STATEMENT = "The paper: OmniRL > without prior information, DPT > AD, AD^eps; online, offline and imitation."
CONFIDENCE = 0.95


def curves(
    agents: Sequence[Agent],
    plan: Plan,
    watcher: Callable[[str, str], Watch] = lambda name, protocol: unwatched,
) -> pd.DataFrame:
    """Play every agent by every protocol, on the same tasks.

    Args:
        agents: Told apart by their names.
        plan: Bank, split, tasks, seed, and own episodes, a multiple of 10; its protocol is not read.
        watcher: Asked before each (agent, protocol) who is told of its progress.

    Returns:
        One row for each point and task: agent, protocol, episodes (own ones up to its end), task, score.

    Raises:
        InvalidConfig: two agents have the same name.
    """
    names = [agent.info.name for agent in agents]
    if len(set(names)) < len(names):
        raise InvalidConfig(f"agents {', '.join(names)}: give every one a name of its own.")
    parts = []
    for agent in agents:
        name = agent.info.name
        for protocol in TEACHERS:
            lived = play(agent, dataclasses.replace(plan, protocol=protocol), watcher(name, protocol))
            episodes = (lived.number // BLOCK + 1) * BLOCK
            frame = pd.DataFrame({"episodes": episodes, "task": lived.task, "score": lived.score})
            means = frame.groupby(["episodes", "task"], as_index=False).mean()
            parts.append(means.assign(agent=name, protocol=protocol))
    return pd.concat(parts, ignore_index=True)[["agent", "protocol", "episodes", "task", "score"]]


def points(frame: pd.DataFrame) -> pd.DataFrame:
    """Curves over all tasks: agent, protocol, episodes, score (mean), low and high (quartiles)."""
    by_point = frame.groupby(["agent", "protocol", "episodes"], sort=False)["score"]
    columns = {"score": by_point.mean(), "low": by_point.quantile(0.25), "high": by_point.quantile(0.75)}
    return pd.DataFrame(columns).reset_index()


def verdicts(frame: pd.DataFrame) -> list[str]:
    """The paper's order, and for each protocol which of its pairs these curves bear out.

    A pair is borne out where the 95 % interval of the paired difference between its agents' last points,
    over tasks, lies above 0; contradicted where it lies below.
    """
    last = frame[frame["episodes"] == frame["episodes"].max()]
    texts = [STATEMENT]
    for protocol in TEACHERS:
        part = last[last["protocol"] == protocol]
        scores = part.pivot_table(index="task", columns="agent", values="score")
        texts.append(_verdict(protocol, scores))
    return texts


def _verdict(protocol: str, scores: pd.DataFrame) -> str:
    found: dict[str, list[str]] = {"borne out": [], "not separated": [], "contradicted": []}
    for better, worse in _pairs():
        if better in scores and worse in scores:
            difference = stats.ttest_rel(scores[better], scores[worse])
            low, high = difference.confidence_interval(CONFIDENCE)
            said = "borne out" if low > 0 else "contradicted" if high < 0 else "not separated"
            found[said].append(f"{better} > {worse} [{low:+.3f}, {high:+.3f}]")
    parts = [f"{said}: {', '.join(pairs)}" for said, pairs in found.items() if pairs]
    return f"Ours, {protocol}: {'; '.join(parts) or 'nothing to compare'}."


def _pairs() -> list[tuple[str, str]]:
    """Every pair that the paper's order ranks, the better first."""
    return [
        (better, worse)
        for place, group in enumerate(ORDER)
        for lower in ORDER[place + 1 :]
        for better in group
        for worse in lower
    ]


def last_points(frame: pd.DataFrame) -> pd.DataFrame:
    """Score at the end of every curve of `points`: agents by protocols, the paper's figure beside each."""
    last = frame[frame["episodes"] == frame["episodes"].max()]
    table = last.pivot_table(index="agent", columns="protocol", values="score", sort=False)
    for protocol in TEACHERS:
        table[f"{protocol}, paper"] = [PAPER.get(name, {}).get(protocol, np.nan) for name in table.index]
    columns = [name for protocol in TEACHERS for name in (protocol, f"{protocol}, paper")]
    found: pd.DataFrame = table[columns]
    return found


def draw(frame: pd.DataFrame, path: Path) -> None:
    """Draw `points`, a panel for each protocol, quartiles shaded; needs matplotlib (extra ``[plot]``)."""
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
    figure.supxlabel(STATEMENT, fontsize="small")
    figure.savefig(path)
