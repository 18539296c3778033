"""Tables of a board of recorded play as Markdown and CSV."""

from __future__ import annotations

import math
from itertools import groupby

from anymdp_bench.evaluation.sequence.boards import SequenceBoard
from anymdp_bench.evaluation.sequence.score import KINDS, POINTS
from anymdp_bench.leaderboard.standings.cells import (
    DASH,
    as_csv,
    count,
    head,
    line,
    linked_title,
    number,
    status_words,
)
from anymdp_bench.leaderboard.standings.readings import ReadingRow, ReadingStanding
from anymdp_bench.leaderboard.submissions.reading import ALWAYS_SAID

SHOWN = {
    **{f"{ALWAYS_SAID}@{t}": f"action at {t:,}" for t in POINTS},
    f"{KINDS[1]}@{POINTS[-1]}": "next id",
    f"{KINDS[2]}@{POINTS[-1]}": "reward",
    "saturation": "saturation",
    "state_bytes": "state, bytes",
}
"""Figures that tables show, and their headings."""
HEADERS = ("rank", "agent", *SHOWN.values(), "status")
LEGEND = (
    "Losses at so many steps of context, means over the tasks, lower is better: cross-entropy in nats of the",
    f"oracle's action and, at {POINTS[-1]:,}, of the next id; squared error of the reward, in units of its",
    "variance. Saturation is the context from which the action's loss no longer falls. Ranks are by the",
    f"action's loss at {POINTS[-1]:,}. *Consistent* rows were equal but for rounding on another machine;",
    "those of other groups have no rank.",
)


def reading_markdown(standing: ReadingStanding) -> str:
    """All entries of a board."""
    lines = [f"# {standing.board.name}", "", describe_reading(standing.board), "", *head(HEADERS)]
    for group, rows in groupby(standing.rows, key=lambda row: row.entry.group):
        if group != "verified":
            lines.append(line(["", f"**{group}**", *[""] * (len(HEADERS) - 2)]))
        lines += [line(_cells(row)) for row in rows]
    return "\n".join([*lines, "", *LEGEND, ""])


def describe_reading(board: SequenceBoard) -> str:
    """One sentence on what is read."""
    return (
        f"Sequence protocol; recorded play on {board.n_tasks} test tasks of {board.bank}, "
        f"{board.steps:,} steps each."
    )


def figure_cells(row: ReadingRow) -> list[str]:
    """Cells of the figures that are shown."""
    figures = row.entry.figures
    return [_cell(name, figures[name]) for name in SHOWN]


def _cell(name: str, value: float) -> str:
    if "@" not in name:
        return count(value)
    return DASH if math.isnan(value) else f"{value:.3f}"


def _cells(row: ReadingRow) -> list[str]:
    rank = "" if row.rank is None else str(row.rank)
    return [rank, linked_title(row.entry), *figure_cells(row), ", ".join(status_words(row.entry))]


def reading_csv(standing: ReadingStanding) -> str:
    """All entries of a board with every column."""
    names = [f"{kind}@{t}" for kind in KINDS for t in POINTS] + ["saturation", "state_bytes"]
    rows: list[list[object]] = [["rank", "agent", "group", *names]]
    for row in standing.rows:
        figures = [number(row.entry.figures[name]) for name in names]
        rows.append([row.rank or "", row.entry.name, row.entry.group, *figures])
    return as_csv(rows)
