"""Studies in documents: tables between comments, and figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anymdp_bench import SequenceResult
from anymdp_bench.reproduce.document import lines_of, pipe_table
from anymdp_bench.reproduce.figures import COLORS, WIDTH, add_legend, new_figure, save_figure
from omnirl_reference.playing.validation import LEAST, MOST
from omnirl_reference.studies.mixers import EXACT, PAPER, POINTS, doubling_means

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BANK_HEIGHT = 0.55
"""Inches of a bank in the figure of domains."""
LEFT, RIGHT = "---", "---:"
CHANCE = math.log(5)
PAPER_GAINS = {
    ("100", "seen"): "81.0",
    ("1000", "seen"): "65.4",
    ("10000", "seen"): "86.6",
    ("endless", "seen"): "84.5",
    ("100", "unseen"): "17.9",
    ("1000", "unseen"): "38.0",
    ("10000", "unseen"): "84.4",
    ("endless", "unseen"): "84.8",
}
"""The paper's greatest gains in percent, without relabelling; its "endless" are 128K tasks."""


def scaling_text(table: pd.DataFrame) -> str:
    """Markdown of `scaling.summary`, the paper's gains beside ours."""
    headers = [
        ("tasks", RIGHT),
        ("names", LEFT),
        ("played", LEFT),
        ("max d %", RIGHT),
        ("paper", RIGHT),
        ("loss there", RIGHT),
        ("at update", RIGHT),
        ("least t", RIGHT),
        ("last loss", RIGHT),
        ("online score", RIGHT),
        ("minutes", RIGHT),
    ]
    rows = []
    order = pd.to_numeric(table["tasks"], errors="coerce").fillna(math.inf)
    for line in lines_of(table.assign(order=order).sort_values(["relabel", "order", "kind"])):
        paper = "-" if line["relabel"] else PAPER_GAINS.get((str(line["tasks"]), line["kind"]), "-")
        rows.append(
            [
                str(line["tasks"]),
                "new ones" if line["relabel"] else "kept",
                line["kind"],
                f"{100 * line['max d']:.1f}",
                paper,
                f"{line['loss']:.3f}",
                f"{line['at update']:.0f}",
                _or_dash(line["least t"], ".0f"),
                "-" if np.isnan(line["final"]) else f"{line['final']:.3f} ± {line['error']:.3f}",
                _or_dash(line["online"], ".3f"),
                _or_dash(line["minutes"], ".1f"),
            ]
        )
    threshold = table.attrs["threshold"]
    return f"{pipe_table(headers, rows)}\n\nleast t: first step of context at which d is {threshold:.0%}.\n"


def exact_text(table: pd.DataFrame) -> str:
    """Markdown of `exact_scaling.exact_summary`."""
    names = ("tasks", "loss, seen", "loss, unseen", "online score", "minutes")
    rows = [
        [
            str(line["tasks"]),
            *(_or_dash(line[name], ".4f") for name in ("seen", "unseen")),
            _or_dash(line["online"], ".3f"),
            f"{line['minutes']:.1f}",
        ]
        for line in lines_of(table)
    ]
    return pipe_table([(name, RIGHT) for name in names], rows) + "\n"


def ablations_text(table: pd.DataFrame) -> str:
    """Markdown of `ablations.ablation_summary`."""
    names = [str(name) for name in table.columns]
    scores = names[1:-1]
    rows = [
        [line["change"], *(_or_dash(line[name], ".3f") for name in scores), f"{line['minutes']:.1f}"]
        for line in lines_of(table)
    ]
    heads = [
        "change",
        *(f"online, steps {name}" for name in scores[:-1]),
        f"offline, own {scores[-1]}",
        "minutes",
    ]
    return pipe_table([(heads[0], LEFT), *((name, RIGHT) for name in heads[1:])], rows) + "\n"


def draw_scaling(frame: pd.DataFrame, path: Path) -> None:
    """Draw losses of `scaling.gains` by update, seen and unseen tasks, names kept and new ones."""
    late = frame[frame["step"] > frame["step"].max() // 2]
    figure = _scaling_panels(late, "update", "loss")
    for axes in figure.axes:
        axes.axhline(CHANCE, color="grey", linewidth=0.5)
        axes.set(xlabel="updates", ylabel="loss, second half of the context", ylim=(0, 2 * CHANCE))
    save_figure(figure, path)


def draw_gains(frame: pd.DataFrame, path: Path) -> None:
    """Draw gains d of `scaling.gains` by length of context, after the last update."""
    figure = _scaling_panels(frame[frame["update"] == frame["update"].max()], "step", "d")
    for axes in figure.axes:
        axes.axhline(0.0, color="grey", linewidth=0.5)
        axes.set(xlabel="steps of context", ylabel="gain d after the last update", ylim=(-0.2, 1.0))
    save_figure(figure, path)


def _scaling_panels(frame: pd.DataFrame, across: str, up: str) -> Figure:
    """Curves for each number of tasks: seen and unseen tasks side by side, kept names above new ones."""
    figure, panels = new_figure(4, columns=2)
    kinds = [(relabel, kind) for relabel in (False, True) for kind in ("seen", "unseen")]
    for axes, (relabel, kind) in zip(panels, kinds, strict=True):
        part = frame[(frame["relabel"] == relabel) & (frame["kind"] == kind)]
        for tasks in sorted(part["tasks"].unique(), key=lambda n: n or math.inf):
            curve = part[part["tasks"] == tasks].groupby(across)[up].mean()
            axes.plot(curve.index, curve, marker=".", label=f"{tasks:,} tasks" if tasks else "endless")
        axes.set(title=f"{kind} tasks, {'new names' if relabel else 'names kept'}")
        axes.legend(fontsize="small")
    return figure


def draw_exact(table: pd.DataFrame, path: Path) -> None:
    """Draw losses and online scores of `exact_scaling.exact_summary` by number of training tasks."""
    figure, (losses, scores) = new_figure(2)
    names = [str(tasks) for tasks in table["tasks"]]
    for kind in ("seen", "unseen"):
        losses.plot(names, table[kind], marker="o", label=f"{kind} tasks")
    losses.set(ylabel="loss (Kullback-Leibler, nats)", ylim=(0, None))
    losses.legend(fontsize="small")
    scores.plot(names, table["online"], marker="o")
    scores.set(ylabel="online score, unseen tasks", ylim=(0, 1.05))
    for axes in (losses, scores):
        axes.set(xlabel="training tasks")
    save_figure(figure, path)


def mixers_text(table: pd.DataFrame) -> str:
    """Markdown of `mixers.summary`, a table for each board, the paper's losses beside ours."""
    headers = [
        ("model", LEFT),
        *((f"{point:,}", RIGHT) for point in POINTS),
        ("paper, 100", RIGHT),
        ("paper, 1,000", RIGHT),
        ("next id", RIGHT),
        ("reward", RIGHT),
        ("flat from", RIGHT),
        ("parameters", RIGHT),
        ("state, bytes", RIGHT),
        ("ms for 1,000", RIGHT),
        ("minutes", RIGHT),
    ]
    parts = []
    for board, part in table.groupby("board", sort=False):
        rows = []
        for line in lines_of(part.sort_values("policy, last", kind="stable")):
            name = line["model"]
            paper = PAPER.get(name, (math.nan, math.nan))
            rows.append(
                [
                    f"`{name}`",
                    *(_or_dash(line[f"policy@{point}"], ".3f") for point in POINTS),
                    *(_or_dash(loss, ".2f") for loss in paper),
                    _or_dash(line["next_observation, last"], ".3f"),
                    _or_dash(line["reward, last"], ".3f"),
                    _or_dash(line["saturation"], ",.0f"),
                    "-" if name == EXACT else _or_dash(line["parameters"], ",.0f"),
                    f"{line['state_bytes']:,}",
                    f"{1000 * line['seconds_per_1000_steps']:.0f}",
                    "-" if name == EXACT else _or_dash(line["minutes"], ".1f"),
                ]
            )
        parts.append(f"`{board}`:\n\n{pipe_table(headers, rows)}\n")
    return "\n".join(parts)


def draw_mixers(results: Sequence[SequenceResult], path: Path) -> None:
    """Draw the policy's loss against the length of context, a panel for each board."""
    boards = list(dict.fromkeys(result.board.name for result in results))
    figure, panels = new_figure(len(boards))
    for axes, board in zip(panels, boards, strict=True):
        for result in results:
            if result.board.name == board:
                (line,) = axes.plot(*doubling_means(result, "policy"), label=result.model)
                if result.model == EXACT:
                    line.set(color="black", linestyle="--")
        axes.axhline(CHANCE, color="grey", linewidth=0.5)
        axes.set(title=board, xlabel="steps of context", ylabel="cross-entropy to the oracle", xscale="log")
    add_legend(figure, panels)
    save_figure(figure, path)


def domains_text(frame: pd.DataFrame, held_out: Sequence[str] = ()) -> str:
    """Markdown of `domains.play_domains`: early and late scores of every agent, bank by bank.

    Args:
        frame: The scores.
        held_out: Banks that are called so.
    """
    agents = list(dict.fromkeys(frame["agent"]))
    rows = []
    for bank, part in frame.groupby("bank", sort=False):
        of = part.set_index("agent")
        name = f"`{bank}`, held out" if bank in held_out else f"`{bank}`"
        rows.append([name, *(_two(of.loc[agent, "early"], of.loc[agent, "late"]) for agent in agents)])
    return pipe_table([("bank", LEFT), *((f"`{name}`", RIGHT) for name in agents)], rows) + "\n"


def draw_domains(frame: pd.DataFrame, path: Path, held_out: Sequence[str] = ()) -> None:
    """Draw the scores of `domains_text`: from early, a ring, to late, a disc."""
    banks, agents = (list(dict.fromkeys(frame[column])) for column in ("bank", "agent"))
    figure, (axes,) = new_figure()
    figure.set_size_inches(WIDTH, 1.0 + BANK_HEIGHT * len(banks))
    for k, (agent, color) in enumerate(zip(agents, COLORS, strict=False)):
        of = frame[frame["agent"] == agent].set_index("bank").reindex(banks)
        height = np.arange(len(banks)) + 0.8 * ((k + 0.5) / len(agents) - 0.5)
        axes.hlines(height, of["early"], of["late"], color=color)
        axes.plot(of["early"], height, "o", color=color, markerfacecolor="white", markersize=4)
        axes.plot(of["late"], height, "o", color=color, markersize=4, label=agent)
    for level in (0.0, 1.0):
        axes.axvline(level, color="grey", linewidth=0.5)
    names = [f"{bank}\n(held out)" if bank in held_out else bank for bank in banks]
    axes.set_yticks(np.arange(len(banks)), names, fontsize="small")
    axes.invert_yaxis()
    axes.set(xlabel="score (0 uniform, 1 oracle): ring early, disc late", xlim=(LEAST - 0.05, MOST + 0.05))
    add_legend(figure, [axes])
    save_figure(figure, path)


def _two(early: float, late: float) -> str:
    return "-" if np.isnan(late) else f"{early:.2f} → {late:.2f}"


EPISODE_BLOCKS = ((0, 1), (1, 5), (5, 10), (10, 20), (20, 50), (50, 100))
"""Episodes of a trial that stand in a table, from 0."""


def rl2_text(curves: Mapping[str, NDArray[np.float64]], steps: int) -> str:
    """Markdown of scores by episode of a trial, of `rl2` and of agents beside it."""
    last = min(map(len, curves.values()))
    blocks = [(a, min(b, last)) for a, b in EPISODE_BLOCKS if a < last]
    headers = [(f"{a + 1}" if b == a + 1 else f"{a + 1} to {b}", RIGHT) for a, b in blocks]
    rows = [
        [f"`{name}`", *(f"{scores[a:b].mean():.3f}" for a, b in blocks)] for name, scores in curves.items()
    ]
    return f"{pipe_table([('episodes', LEFT), *headers], rows)}\n\n`rl2` after {steps:,} steps of training.\n"


def draw_rl2(curves: Mapping[str, NDArray[np.float64]], path: Path) -> None:
    """Draw the score of each episode of a trial."""
    figure, (axes,) = new_figure()
    for name, scores in curves.items():
        axes.plot(np.arange(1, len(scores) + 1), scores, label=name)
    axes.legend(fontsize="x-small")
    for level in (0.0, 1.0):
        axes.axhline(level, color="grey", linewidth=0.5)
    axes.set(xlabel="episode of the trial", ylabel="score (0 uniform, 1 oracle)")
    save_figure(figure, path)


def _or_dash(value: float, how: str) -> str:
    return "-" if value is None or np.isnan(value) else format(value, how)
