"""Two agents on the same fresh tasks: is one better than the other, and by how much?

A board's 64 tasks differ more from one another than good agents do, so that intervals of scores overlap
where differences of scores on the same tasks are clear. Tasks are of the bank's kind and in none of its
splits.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from anymdp_bench.banks import BANKS
from anymdp_bench.banks.sampled import SampledSource
from anymdp_bench.evaluation.boards import get_board
from anymdp_bench.evaluation.evaluate import evaluate
from anymdp_bench.evaluation.result import Result
from anymdp_bench.foundation.errors import InvalidConfig
from anymdp_bench.foundation.registry import lookup
from anymdp_bench.foundation.types import IntArray
from anymdp_bench.leaderboard.verification.again import fresh_tasks
from anymdp_bench.reproduce.document import lines_of, pipe_table
from anymdp_bench.scoring.intervals import t_interval
from anymdp_bench.tasks.task import TabularTask

OnAgent = Callable[[str, str], None]
"""Told (agent, bank) before it is played."""


@dataclasses.dataclass(frozen=True)
class Comparison:
    """What is played, and where in a life it is looked at.

    Attributes:
        bank: A sampled one.
        n_tasks: Fresh tasks.
        windows: First and last step of each; episodes that lie between them count.
    """

    bank: str
    n_tasks: int
    windows: tuple[tuple[int, int], ...]


LIVES = (50, 100, 200, 500, 1000, 3000, 10000)
"""Numbers of episodes that a life may have; multiples of what a point of a learning curve rests on."""
MARGIN = 1.5
LEAST, MOST = -1.0, 1.2
"""What a task's mean score is clipped to, so that no single task decides."""
SMALL = ((500, 1000), (2000, 5000))
LARGE = ((2000, 4000), (8000, 20000))
COMPARISONS = (
    Comparison("anymdp-16x5-v0", 256, SMALL),
    Comparison("anymdp-32x5-v0", 256, SMALL),
    Comparison("anymdp-64x5-v0", 64, LARGE),
    Comparison("anymdp-128x5-v0", 64, LARGE),
)


def play_comparison(
    comparison: Comparison,
    agents: Sequence[str],
    *,
    seed: int,
    out: Path,
    jobs: int = 1,
    on_agent: OnAgent = lambda agent, bank: None,
) -> dict[str, list[Result]]:
    """Play fresh tasks with every agent; finished shards are kept in `out`.

    Lives are as many episodes as the windows take: tasks are parted by how long their episodes are.

    Returns:
        Results of each agent, one for each number of episodes.

    Raises:
        InvalidConfig: the bank's tasks are hand-made.
    """
    source = lookup("bank", BANKS, comparison.bank)
    if not isinstance(source, SampledSource):
        raise InvalidConfig(f"bank={comparison.bank!r} is not legal: give one of sampled tasks.")
    tasks = fresh_tasks(source, seed, comparison.n_tasks)
    wanted = episodes_for(tasks, comparison)
    found: dict[str, list[Result]] = {}
    for agent in agents:
        on_agent(agent, comparison.bank)
        for episodes in np.unique(wanted):
            board = dataclasses.replace(get_board(comparison.bank), context_episodes=int(episodes), seed=seed)
            part = [tasks[k] for k in np.flatnonzero(wanted == episodes)]
            folder = out / f"{comparison.bank}-{seed}" / agent / str(episodes)
            found.setdefault(agent, []).append(evaluate(agent, board, tasks=part, jobs=jobs, out=folder))
    return found


def episodes_for(tasks: Sequence[TabularTask], comparison: Comparison) -> IntArray:
    """How many episodes each task is played for: enough for the last window, of `LIVES`.

    Lengths are those of the shorter of uniform play's and the oracle's episodes, ten of each.
    """
    board = dataclasses.replace(get_board(comparison.bank), context_episodes=10)
    played = [evaluate(agent, board, tasks=tasks).record.lived.lengths for agent in ("uniform", "oracle")]
    length = np.min([lengths.mean(axis=1) for lengths in played], axis=0)
    needed = MARGIN * comparison.windows[-1][1] / length
    return np.asarray(np.take(LIVES, np.searchsorted(LIVES[:-1], needed)))


def window_scores(curve: pd.DataFrame, window: tuple[int, int]) -> pd.Series[float]:
    """Mean score of every task's episodes that lie in a window, clipped to [`LEAST`, `MOST`].

    Args:
        curve: From `whole_curve`.
        window: First and last step.

    Returns:
        By task; those without such an episode are left out.
    """
    begins = curve.groupby("task")["steps"].shift(fill_value=0)
    inside = (begins >= window[0]) & (curve["steps"] <= window[1])
    means = curve[inside].groupby("task")["score"].mean()
    return cast("pd.Series[float]", means.clip(LEAST, MOST))


def whole_curve(results: Sequence[Result]) -> pd.DataFrame:
    """Every episode of an agent; tasks are numbered through its results."""
    parts, before = [], 0
    for result in results:
        part = result.curve(block=1)
        parts.append(part.assign(task=part["task"] + before))
        before += len(result.manifest.fingerprints)
    return pd.concat(parts, ignore_index=True)


def paired_frame(played: Sequence[tuple[Comparison, dict[str, list[Result]]]]) -> pd.DataFrame:
    """Mean scores, and the first agent's lead over each other with its 95 % interval over tasks.

    Returns:
        Columns: bank, steps, tasks, agent, other, score, other_score, difference, low, high.
    """
    lines = []
    for comparison, found in played:
        curves = {agent: whole_curve(results) for agent, results in found.items()}
        first, *others = curves
        for window in comparison.windows:
            for other in others:
                pair = [window_scores(curves[agent], window) for agent in (first, other)]
                scores = pd.concat(pair, axis=1, join="inner").to_numpy()
                difference = scores[:, 0] - scores[:, 1]
                low, high = t_interval(np.asarray(difference))
                mine, theirs = scores.mean(axis=0)
                lines.append(
                    {
                        "bank": comparison.bank,
                        "steps": f"{window[0]:,}-{window[1]:,}",
                        "tasks": len(scores),
                        "agent": first,
                        "other": other,
                        "score": mine,
                        "other_score": theirs,
                        "difference": difference.mean(),
                        "low": low,
                        "high": high,
                    }
                )
    return pd.DataFrame(lines)


def paired_text(frame: pd.DataFrame) -> str:
    """The frame as a Markdown table."""
    headers = {"bank": "---", "steps": "---:", "tasks": "---:", "agent": "---", "score %": "---:"}
    headers |= {"against": "---", "its score %": "---:", "difference": "---:", "95 % interval": "---:"}
    rows = [
        [
            *(str(line[name]) for name in ("bank", "steps", "tasks", "agent")),
            f"{100 * line['score']:.1f}",
            line["other"],
            f"{100 * line['other_score']:.1f}",
            f"{100 * line['difference']:+.1f}",
            f"{100 * line['low']:+.1f} to {100 * line['high']:+.1f}",
        ]
        for line in lines_of(frame)
    ]
    note = (
        "Means over tasks of the mean score of the episodes between the steps, clipped to "
        f"[{100 * LEAST:.0f}, {100 * MOST:.0f}] %; the same fresh tasks for both agents."
    )
    return f"{pipe_table([*headers.items()], rows)}\n\n{note}\n"
