"""What the first page and the overall board show: leaders of each row with their curves, and the heat map."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from anymdp_bench.foundation.types import FloatArray
from anymdp_bench.leaderboard.site.data import rounded, script_text
from anymdp_bench.leaderboard.site.names import plain_name
from anymdp_bench.leaderboard.site.rows import (
    GOOD,
    LINES,
    PLOTTED,
    Value,
    cells,
    everyones,
    first_names,
    leading,
    rank_value,
    tags,
)
from anymdp_bench.leaderboard.standings.entry import Entry
from anymdp_bench.leaderboard.standings.listed import paper_boards
from anymdp_bench.leaderboard.standings.load import Standing
from anymdp_bench.leaderboard.standings.overall import NAME, TASKS, Total, row_score
from anymdp_bench.leaderboard.standings.ranking import TRACKS, Row
from anymdp_bench.leaderboard.standings.cells import percent
from anymdp_bench.scoring.intervals import interquartile_mean

MOST_LEADERS = 20
"""Agents of a track that the first page shows."""
CURVE_POINTS = 40
HEAT_STEPS = 10


def leaders_of_all(overall: Mapping[str, Sequence[Total]]) -> dict[str, Any]:
    """Leading agents of the overall board, in the form that `leaders_script` hands to the page."""
    rows = []
    for track in TRACKS:
        totals = list(overall.get(track, ()))
        led = first_names(((total.entry.name, total.rank) for total in totals), track)
        rows += [_total_row(total, track, total.entry.name in led) for total in totals[:MOST_LEADERS]]
    note = f"Mean over {len(paper_boards())} rows, each on its first {TASKS} tasks."
    return {"key": NAME, "title": f"All {len(paper_boards())} rows", "note": note, "rows": rows}


def leaders_of_row(standing: Standing) -> dict[str, Any]:
    """Leading agents of one board, on the tasks that every entry has played."""
    rows = []
    fewest = standing.n_tasks
    for track in TRACKS:
        ranking = everyones(standing, track)
        if ranking is not None:
            led = leading(ranking.rows, track)
            mine = [row for row in ranking.rows if row.group in PLOTTED and row.scores]
            rows += [_board_row(row, row.entry.name in led) for row in mine[:MOST_LEADERS]]
            fewest = min(fewest, ranking.n_tasks)
    tasks = f"first {fewest} of {standing.n_tasks}" if fewest < standing.n_tasks else str(standing.n_tasks)
    note = f"Ranked on {tasks} task{'s' * (standing.n_tasks > 1)}."
    name = standing.board.name
    return {"key": name, "title": plain_name(name).full, "note": note, "rows": rows}


def leaders_script(view: Mapping[str, Any]) -> str:
    """Script that hands leaders and their curves to the page."""
    values = {**view, "rows": [_plain(row) for row in view["rows"]]}
    return f"leaders({script_text(view['key'])}, {script_text(values)});\n"


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    rank, score = row["rank"], row["score"]
    return {**row, "rank": rank.text, "score": score.text, "interval": score.note}


def _total_row(total: Total, track: str, led: bool) -> dict[str, Any]:
    row = {
        "name": total.entry.name,
        "title": total.entry.metadata.title,
        "track": track,
        "rank": Value("", math.nan) if total.rank is None else Value(str(total.rank), total.rank),
        "score": Value(percent(total.mean), total.mean, f"{total.n_rows} of {len(paper_boards())} rows"),
        "tags": [{"text": total.group, "kind": GOOD if total.group == "verified" else "no"}],
        "led": led,
    }
    return row | _points(*_mean_curve(total.rows))


def _board_row(row: Row, led: bool) -> dict[str, Any]:
    entry = row.entry
    curve = entry.curve
    kept = _kept(len(curve.steps))
    view = {
        "name": entry.name,
        "title": entry.metadata.title,
        "track": entry.track,
        "rank": rank_value(row),
        "score": cells(row.scores)[0],
        "tags": tags(entry),
        "led": led,
    }
    return view | _points(curve.steps[kept], curve.mean[kept], curve.low[kept], curve.high[kept])


def _kept(n_points: int) -> Any:
    """Points of a compact curve: evenly spaced on a logarithmic axis."""
    count = min(CURVE_POINTS, n_points)
    return np.unique(np.geomspace(1, n_points, count).round().astype(np.int64)) - 1


def _points(steps: FloatArray, *lines: FloatArray) -> dict[str, Any]:
    names = ("y", "low", "high")[: len(lines)]
    return {"x": rounded(steps), **{name: rounded(line) for name, line in zip(names, lines, strict=True)}}


def _mean_curve(rows: Sequence[Entry]) -> tuple[FloatArray, FloatArray]:
    """Steps and overall score after so many, for the entries that count.

    Each row is its interquartile mean over the first tasks, 0 at least. The curve starts where every row has
    its first point; a row whose budget is over keeps its last value.
    """
    steps = [entry.curve.steps[entry.curve.task_points] for entry in rows]
    start, end = max(line[0] for line in steps), max(line[-1] for line in steps)
    grid = np.geomspace(max(start, 1.0), max(end, 1.0), CURVE_POINTS if end > start else 1)
    total = np.zeros(len(grid))
    for entry, line in zip(rows, steps, strict=True):
        scores = np.maximum(interquartile_mean(entry.curve.tasks[:TASKS].T), 0)
        total += np.interp(grid, line, scores)
    return grid, total / len(paper_boards())


def heat_view(overall: Mapping[str, Sequence[Total]], most: int | None = None) -> dict[str, Any]:
    """Agents by rows of the paper, with a step of the colours for every score; None where none counts."""
    names = {board: plain_name(board) for board in paper_boards()}
    families = [
        (family, len(list(group))) for family, group in groupby(names.values(), lambda name: name.family)
    ]
    tracks = [{"track": track, "groups": _heat_groups(totals[:most], names)} for track, totals in overall.items()]
    columns = [{"board": board, "short": name.short, "full": name.full} for board, name in names.items()]
    return {"families": families, "columns": columns, "tracks": tracks}


def _heat_groups(totals: Sequence[Total], boards: Iterable[str]) -> list[dict[str, Any]]:
    """Rows in groups, each with the line above it; none is above verified ones."""
    return [
        {"label": LINES[name], "rows": [_heat_row(total, boards) for total in members]}
        for name, members in groupby(totals, lambda total: total.group)
    ]


def _heat_row(total: Total, boards: Iterable[str]) -> dict[str, Any]:
    scores = {entry.board: row_score(entry) for entry in total.rows}
    return {
        "name": total.entry.name,
        "title": total.entry.metadata.title,
        "rank": Value("", math.nan) if total.rank is None else Value(str(total.rank), total.rank),
        "mean": Value(percent(total.mean), total.mean),
        "cells": [_heat_cell(scores[board]) if board in scores else None for board in boards],
    }


def _heat_cell(score: float) -> dict[str, Any]:
    step = round(min(max(score, 0.0), 1.0) * HEAT_STEPS)
    return {"text": f"{round(100 * score)}", "sort": score, "step": step}
