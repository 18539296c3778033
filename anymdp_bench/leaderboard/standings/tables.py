"""Tables of a board as Markdown and CSV: the same bytes from the same submissions, on every machine."""

from __future__ import annotations

import math
from collections.abc import Sequence

from anymdp_bench.evaluation.boards import Board
from anymdp_bench.evaluation.paper import Figures
from anymdp_bench.leaderboard.standings.cells import (
    DASH,
    as_csv,
    count,
    escape,
    head,
    line,
    linked_title,
    number,
    percent,
    status_words,
)
from anymdp_bench.leaderboard.standings.entry import Scores
from anymdp_bench.leaderboard.standings.listed import paper_figures
from anymdp_bench.leaderboard.standings.load import Standing, Standings
from anymdp_bench.leaderboard.standings.overall import NAME, TASKS, Total
from anymdp_bench.leaderboard.standings.ranking import Ranking, Row, interval
from anymdp_bench.leaderboard.standings.reading_tables import reading_csv, reading_markdown
from anymdp_bench.scoring.reached import SHARES
from anymdp_bench.scoring.recent import RECENT_STEPS

HEADERS = (
    "rank",
    "agent",
    "asymptotic IQM %",
    "95 % interval",
    "performance %",
    "steps to 99 %",
    "episodes to 99 %",
    "asymptotic %",
    "regret",
    "of optimum %",
    "area to 10K steps %",
    "steps to 90 % of oracle",
    "status",
)
N_SCORES = len(HEADERS) - 3
"""Columns that hold scores: all but rank, agent and status."""
CSV_SCORES = (
    *("iqm", "iqm_low", "iqm_high", "asymptotic", "asymptotic_low", "asymptotic_high"),
    *("performance", "performance_low", "performance_high", "steps_to_99", "episodes_to_99"),
    *("regret", "optimum_share"),
    *("lived_1000", "lived_2000", "lived_5000", "lived_10000", "lived_100000", "lived_1000000"),
    *("episodes_1_20", "episodes_181_200"),
    *(f"{unit}_to_oracle_{share}" for share in SHARES for unit in ("steps", "episodes")),
    *(f"recent_{steps}" for steps in RECENT_STEPS),
    *("area_10000", "area_10000_low", "area_10000_high"),
)
CSV_HEAD = ("track", "tasks", "rank", "agent", "group", "gradient_free")
TRACK_TITLES = {"in-context": "In-context agents", "learner": "Learners"}


def tables(standings: Standings) -> dict[str, str]:
    """Content of every file of ``leaderboards/tables`` by name; boards without an entry have none."""
    found = {}
    for name, standing in standings.boards.items():
        if standing.entries:
            found[f"{name}.md"] = board_markdown(standing)
            found[f"{name}.csv"] = board_csv(standing)
    for name, read in standings.readings.items():
        if read.rows:
            found[f"{name}.md"], found[f"{name}.csv"] = reading_markdown(read), reading_csv(read)
    found[f"{NAME}.md"] = overall_markdown(standings)
    found[f"{NAME}.csv"] = overall_csv(standings)
    return found


def board_markdown(standing: Standing) -> str:
    """All rankings of a board."""
    board = standing.board
    lines = [f"# {board.name}", "", describe(board, standing.n_tasks), ""]
    for ranking in standing.rankings:
        figures = paper_figures(board, ranking.track) if ranking.n_tasks == standing.n_tasks else {}
        if ranking.rows or figures:
            lines += [f"## {ranking_title(ranking, standing.n_tasks)}", "", *head(HEADERS), *_rows(ranking)]
            lines += [line(_published_cells(method, figure)) for method, figure in figures.items()]
            lines.append("")
    lines += [*LEGEND, ""]
    return "\n".join(lines)


LEGEND = (
    "0 % is uniform play, 100 % the oracle. Ranks are by the interquartile mean (IQM) over tasks of the mean",
    "score over the last tenth of the budget; `=` marks entries whose intervals overlap another's. Area is",
    "the mean score over the first 10,000 learning steps. Rows under *older rules* were verified by playing",
    "a part again; unverified ones have no rank. *Published* rows are the figures of arXiv 2502.02869,",
    "measured by its authors with their own tasks and protocol.",
)


def describe(board: Board, n_tasks: int) -> str:
    """One sentence on what is played."""
    tasks = f"{n_tasks} task{'s' if n_tasks > 1 else ''}"
    runs = f", {board.runs} runs each" if board.runs > 1 else ""
    taught = f" after {board.teacher_episodes} episodes of {board.teacher}" if board.teacher else ""
    return (
        f"{board.protocol.capitalize()} protocol{taught}; bank {board.bank}, {tasks}{runs}; in-context "
        f"agents live {board.context_episodes:,} episodes, learners train for {board.train_episodes:,}."
    )


def ranking_title(ranking: Ranking, n_tasks: int) -> str:
    """Title of a ranking."""
    title = TRACK_TITLES[ranking.track]
    return title if ranking.n_tasks == n_tasks else f"{title}, first {ranking.n_tasks} tasks"


def _rows(ranking: Ranking) -> list[str]:
    lines = []
    group = None
    for row in ranking.rows:
        if row.group != group and (group is not None or row.group != "verified"):
            lines.append(line(["", f"**{row.group}**", *[""] * (len(HEADERS) - 2)]))
        group = row.group
        lines.append(line(_cells(row)))
    return lines


def _cells(row: Row) -> list[str]:
    rank = "" if row.rank is None else f"{'=' if row.tied else ''}{row.rank}"
    return [rank, linked_title(row.entry), *score_cells(row.scores), ", ".join(status_words(row.entry))]


def score_cells(scores: Scores) -> list[str]:
    """Cells from the interquartile mean to the steps to 90 %; a dash for what is not known."""
    if not scores:
        return [DASH] * N_SCORES
    return [
        percent(scores["iqm"]),
        DASH if math.isnan(scores["iqm"]) else " to ".join(map(percent, interval(scores))),
        percent(scores["performance"]),
        count(scores["steps_to_99"]),
        count(scores["episodes_to_99"]),
        percent(scores["asymptotic"]),
        DASH if math.isnan(scores["regret"]) else f"{scores['regret']:.3f}",
        percent(scores["optimum_share"]),
        percent(scores["area_10000"]),
        count(scores["steps_to_oracle_90"]),
    ]


def _published_cells(method: str, figure: Figures) -> list[str]:
    numbers = [percent(figure.performance), count(figure.steps), count(figure.episodes)]
    return ["", f"*{escape(method)}*", DASH, DASH, *numbers, *[DASH] * (N_SCORES - 5), "*published*"]


def board_csv(standing: Standing) -> str:
    """All rankings of a board with every column."""
    rows: list[Sequence[object]] = [(*CSV_HEAD, *CSV_SCORES)]
    for ranking in standing.rankings:
        for row in ranking.rows:
            head = (ranking.track, ranking.n_tasks, row.rank or "", row.entry.name, row.group)
            values = [number(row.scores.get(name, math.nan)) for name in CSV_SCORES]
            rows.append((*head, row.entry.metadata.gradient_free, *values))
    return as_csv(rows)


def overall_markdown(standings: Standings) -> str:
    """The overall board."""
    headers = ("rank", "agent", "mean IQM %", "rows", "status")
    lines = [f"# {NAME}", "", OVERALL_LEGEND, ""]
    for track, totals in standings.overall.items():
        lines += [f"## {TRACK_TITLES[track]}", ""]
        if totals:
            lines += head(headers)
            lines += [line(_total_cells(total)) for total in totals]
        else:
            lines.append("No entry yet.")
        lines.append("")
    return "\n".join(lines)


OVERALL_LEGEND = (
    f"Mean over the rows of the paper's table, each on its first {TASKS} tasks, of the interquartile mean "
    "(IQM) of late scores; below 0 counts as 0, and so does a row without a verified entry. Agents without "
    "any verified entry have no rank; those whose entries were verified under older rules stand below those "
    "of today's, whatever their mean."
)


def _total_cells(total: Total) -> list[str]:
    rank = "" if total.rank is None else str(total.rank)
    title = escape(total.entry.metadata.title)
    return [rank, title, percent(total.mean), str(total.n_rows), total.group]


def overall_csv(standings: Standings) -> str:
    """The overall board with every column."""
    rows: list[Sequence[object]] = [("track", "rank", "agent", "mean_iqm", "rows", "group")]
    for track, totals in standings.overall.items():
        for total in totals:
            name, mean = total.entry.name, number(total.mean)
            rows.append((track, total.rank or "", name, mean, total.n_rows, total.group))
    return as_csv(rows)
