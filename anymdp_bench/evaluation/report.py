"""Results as a table for the terminal, with the paper's figures beside them."""

from __future__ import annotations

import contextlib
import dataclasses
import math
from collections.abc import Mapping, Sequence

import pandas as pd
from rich import box
from rich.table import Table

from anymdp_bench.evaluation.boards import BOARDS, PLAYED_SPLITS, Board
from anymdp_bench.evaluation.paper import METHODS, Figures, published
from anymdp_bench.evaluation.result import Result
from anymdp_bench.foundation.errors import UndefinedScore
from anymdp_bench.scoring.windows import WINDOWS

DASH = "-"
TEST = PLAYED_SPLITS[0]
LEARNER_MARK = " *"
HEADERS = (
    *("performance %", "paper", "steps\nto 99%", "paper", "epi-\nsodes", "paper"),
    "asymp-\ntotic",
)

TAUGHT_HEADERS = tuple(
    header for first, last in WINDOWS for header in (f"episodes {first}-{last}\nscore %", "\nreturn")
)


def score_table(results: Sequence[Result]) -> Table:
    """Put the results of one board under each other; online, the paper's other methods too."""
    board = results[0].manifest.board
    if board.teacher is not None:
        return _taught_table(results)
    table = _empty_table(results[0], f"{_caption(board)}{_ranked(results)}", HEADERS)
    figures = published().get(board.bank, {}) if board.split == TEST else {}
    for result in results:
        table.add_row(*_row(result, figures))
    shown = {METHODS.get(result.manifest.agent.name) for result in results}
    for method, figure in figures.items():
        if method not in shown:
            steps, episodes = count_text(figure.steps), count_text(figure.episodes)
            table.add_row(method, "", percent_text(figure.performance), "", steps, "", episodes, style="dim")
    return table


def _taught_table(results: Sequence[Result]) -> Table:
    """The first and the last episodes of each agent that was given a teacher's."""
    table = _empty_table(results[0], _caption(results[0].manifest.board), TAUGHT_HEADERS)
    for result in results:
        returns = result.record.lived.scores
        raw = [f"{returns[:, first - 1 : last].mean():.4g}" for first, last in WINDOWS]
        try:
            scores = result.scores().iloc[0]
            cells = [interval_text(scores, f"episodes_{first}_{last}") for first, last in WINDOWS]
        except UndefinedScore:
            cells = [DASH] * len(WINDOWS)
        table.add_row(_name(result), *(text for pair in zip(cells, raw, strict=True) for text in pair))
    return table


def _empty_table(result: Result, caption: str, headers: Sequence[str]) -> Table:
    table = Table(
        title=_title(result),
        caption=caption,
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
    )
    table.add_column("agent", no_wrap=True)
    for header in headers:
        table.add_column(header, justify="right", no_wrap=True, style="dim" if header == "paper" else None)
    return table


def _name(result: Result) -> str:
    agent = result.manifest.agent
    return f"{agent.name}{LEARNER_MARK if agent.learner else ''}"


def _row(result: Result, figures: dict[str, Figures]) -> tuple[str, ...]:
    agent = result.manifest.agent
    name = _name(result)
    paper = figures.get(METHODS.get(agent.name, ""), Figures(math.nan, math.nan, math.nan))
    try:
        scores = result.scores().iloc[0]
    except UndefinedScore:
        return (name, f"return {result.record.points.mean[:, -1].mean():.4g}")
    return (
        name,
        interval_text(scores, "performance"),
        percent_text(paper.performance),
        count_text(scores["steps_to_99"]),
        count_text(paper.steps),
        count_text(scores["episodes_to_99"]),
        count_text(paper.episodes),
        percent_text(scores["asymptotic"]),
    )


def _title(result: Result) -> str:
    board, n_tasks = result.manifest.board, len(result.manifest.fingerprints)
    split = "" if board.split == TEST else f", {board.split} tasks"
    known = BOARDS.get(board.name, board)
    same = dataclasses.replace(board, split=TEST, n_tasks=known.n_tasks) == known
    changed = "" if same else ", changed"
    first = f"first {n_tasks} of {known.n_tasks}" if same and board.n_tasks < known.n_tasks else f"{n_tasks}"
    runs = f", {board.runs} runs each" if board.runs > 1 else ""
    given = "" if board.teacher is None else f", after {board.teacher_episodes} episodes of {board.teacher}"
    return f"{board.name}{split}{changed}: {first} task{'s' if n_tasks > 1 else ''}{runs}{given}"


def _caption(board: Board) -> str:
    return (
        "0 % is uniform play, 100 % the oracle, both exact; [95 % interval over tasks, or over the runs of a "
        f"single task].{LEARNER_MARK} learner: {board.train_episodes:,} training episodes; others live "
        f"{board.context_episodes:,}. paper: arXiv 2502.02869."
    )


def _ranked(results: Sequence[Result]) -> str:
    """What leaderboards rank by, which is no column of its own."""
    found = []
    for result in results:
        with contextlib.suppress(UndefinedScore):
            found.append(f"{result.manifest.agent.name} {percent_text(result.scores().iloc[0]['iqm'])}")
    return (
        f" Leaderboards rank by the interquartile mean of the last tenth, in %: {', '.join(found)}."
        if found
        else ""
    )


def percent_text(value: float) -> str:
    """Percent with one decimal; a dash for NaN."""
    return DASH if math.isnan(value) else f"{100 * value:.1f}"


def interval_text(scores: Mapping[str, float] | pd.Series, name: str) -> str:
    """Score in percent with its interval, where there is one."""
    low, high = scores[f"{name}_low"], scores[f"{name}_high"]
    interval = "" if math.isnan(low) else f" [{percent_text(low)}, {percent_text(high)}]"
    return f"{percent_text(scores[name])}{interval}"


def count_text(value: float) -> str:
    """Three significant digits, as the paper prints them: 297K, 1.10M."""
    if math.isnan(value):
        return DASH
    if value < 1000:
        return f"{value:.0f}"
    scale, unit = (1e6, "M") if value >= 999_500 else (1e3, "K")
    scaled = value / scale
    return f"{scaled:.{max(0, 3 - len(str(int(scaled))))}f}{unit}"
