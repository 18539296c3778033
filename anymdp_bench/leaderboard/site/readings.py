"""What pages of recorded play show: a board's table and curves, and a model's page."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from anymdp_bench.evaluation.sequence.boards import BLOCK
from anymdp_bench.foundation.types import FloatArray
from anymdp_bench.leaderboard.site.entries import found_last, found_remembered, origin, verdict_date
from anymdp_bench.leaderboard.site.names import plain_name
from anymdp_bench.leaderboard.site.rows import AGENT, LINES, RANK, STATUS, Column, Value, tags
from anymdp_bench.leaderboard.standings.load import Standings
from anymdp_bench.leaderboard.standings.reading_tables import SHOWN, describe_reading, figure_cells
from anymdp_bench.leaderboard.standings.readings import ReadingEntry, ReadingRow, ReadingStanding
from anymdp_bench.leaderboard.submissions.reading import ALWAYS_SAID

COLUMNS = (RANK, AGENT, *(Column(name, label, True) for name, label in SHOWN.items()), STATUS)
MODEL_COLUMNS = (RANK, Column("board", "board", False), *COLUMNS[2:])
MOST_CURVES, CURVE_POINTS = 8, 60
WIDTH, HEIGHT, LEFT, BELOW = 640, 300, 44, 34
"""Of a chart, and of its margins, in its own units."""
GRID_LINES = 5


def reading_view(standing: ReadingStanding) -> dict[str, Any]:
    """A board of recorded play: its entries in groups with a line above each, and their curves."""
    board = standing.board
    best = next((row for row in standing.rows if row.rank == 1), None)
    return {
        "name": board.name,
        "plain": plain_name(board.name).full,
        "description": describe_reading(board),
        "n_entries": len(standing.rows),
        "best": best and {"name": best.entry.name, "title": best.entry.metadata.title},
        "groups": [
            {"label": LINES[group], "rows": [_row(row) for row in rows]}
            for group, rows in groupby(standing.rows, key=lambda row: row.entry.group)
        ],
        "chart": chart([row.entry for row in standing.rows[:MOST_CURVES]]),
        "fields": list(board.as_dict().items()),
    }


def model_views(standings: Standings) -> dict[str, dict[str, Any]]:
    """Everything about each sequence model, by name: its row on every board."""
    rows: dict[str, list[ReadingRow]] = defaultdict(list)
    for standing in standings.readings.values():
        for row in standing.rows:
            rows[row.entry.name].append(row)
    return {
        name: {"agent": mine[0].entry.metadata, "rows": [_row(row) for row in mine]}
        for name, mine in sorted(rows.items())
    }


def _row(row: ReadingRow) -> dict[str, Any]:
    entry, figures = row.entry, row.entry.figures
    return {
        "name": entry.name,
        "title": entry.metadata.title,
        "board": entry.board,
        "plain": plain_name(entry.board).full,
        "rank": Value("", math.nan) if row.rank is None else Value(str(row.rank), row.rank),
        "cells": [Value(text, figures[key]) for text, key in zip(figure_cells(row), SHOWN, strict=True)],
        "tags": tags(entry),
        "verdict": verdict_date(entry),
        "found": list(_found(entry)),
        "details": [("steps of a segment", entry.metadata.segment), *origin(entry)],
        "submission": f"leaderboards/submissions/{entry.board}/{entry.name}",
    }


def _found(entry: ReadingEntry) -> Iterator[str]:
    """What was read again and what came out, and what is missing; sentences."""
    findings = entry.findings
    for replay in findings.replays:
        apart = "" if replay.outcome == "equal" else f", losses differ by up to {replay.difference:.2g}"
        yield f"All {replay.cells} sequences were read again: {replay.outcome}{apart}."
    for steps in findings.steps:
        apart = f"mean losses differ by up to {steps.difference:.2g}"
        yield f"{len(steps.blocks)} blocks were read step by step, with nothing told ahead: {apart}."
    for line in (*findings.again("renamed"), *findings.again("fresh")):
        rise = f"rise {line.drop:.3f} [{line.low:.3f}, {line.high:.3f}], 99.9 % interval"
        losses = f"loss {line.found:.3f}, submitted {line.submitted:.3f}"
        yield f"First steps of new play on {line.tasks} {line.kind} tasks: {losses}, {rise}."
    yield from found_remembered(entry)
    yield from found_last(entry)


def chart(entries: Sequence[ReadingEntry]) -> dict[str, Any] | None:
    """Loss of the oracle's action by steps of context, on a logarithmic axis; None without entries."""
    if not entries:
        return None
    lines = [_points(entry.curves[ALWAYS_SAID]) for entry in entries]
    top = math.ceil(10 * max(float(losses.max()) for _, losses in lines)) / 10 or 1.0
    first, last = lines[0][0][0], lines[0][0][-1]

    def x(steps: float) -> float:
        share = math.log(steps / first) / math.log(last / first) if last > first else 0.5
        return round(LEFT + share * (WIDTH - LEFT - 8), 1)

    def y(loss: float) -> float:
        return round((1 - loss / top) * (HEIGHT - BELOW - 8) + 8, 1)

    decades = [10**k for k in range(1, 7) if first <= 10**k <= last]
    levels = [top * k / GRID_LINES for k in range(GRID_LINES + 1)]
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "left": LEFT,
        "bottom": HEIGHT - BELOW,
        "x": [(x(steps), f"{steps:,}") for steps in decades],
        "y": [(y(loss), f"{loss:.2f}") for loss in levels],
        "lines": [
            {"title": entry.metadata.title, "colour": colour, "path": _path(map(x, steps), map(y, losses))}
            for colour, (entry, (steps, losses)) in enumerate(zip(entries, lines, strict=True))
        ],
    }


def _points(curve: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Steps of context and mean losses of stretches that are equally long on a logarithmic axis."""
    ends = np.unique(np.geomspace(1, len(curve), CURVE_POINTS).round().astype(np.int64))
    parts = [curve[a:b].mean() for a, b in itertools.pairwise([0, *ends.tolist()])]
    return BLOCK * ends.astype(np.float64), np.array(parts)


def _path(xs: Iterable[float], ys: Iterable[float]) -> str:
    return "M" + "L".join(f"{a} {b}" for a, b in zip(xs, ys, strict=True))
