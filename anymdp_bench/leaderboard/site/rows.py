"""What a board's page shows: plain values, each with the number that its column is sorted by."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from anymdp_bench.evaluation.paper import Figures
from anymdp_bench.leaderboard.site.data import curve_key
from anymdp_bench.leaderboard.site.names import plain_name
from anymdp_bench.leaderboard.standings.cells import DASH, percent, status_words
from anymdp_bench.leaderboard.standings.entry import Entry, Scores
from anymdp_bench.leaderboard.standings.listed import paper_figures
from anymdp_bench.leaderboard.standings.load import Standing
from anymdp_bench.leaderboard.standings.ranking import RANKED, TRACKS, Ranking, Row
from anymdp_bench.leaderboard.standings.tables import describe, ranking_title, score_cells
from anymdp_bench.leaderboard.standings.trust import Trusted
from anymdp_bench.leaderboard.verification.findings import FALLS


class Value(NamedTuple):
    """A cell: what is read, what it is sorted by (NaN stays last), and what stands below in small print."""

    text: str
    sort: float
    note: str = ""


class Column(NamedTuple):
    """A column's heading.

    Attributes:
        key: Name in the page.
        label: What is read.
        numeric: Right-aligned.
        hint: Shown on pointing at it.
        place: ``more`` is shown on demand, ``minor`` is left out on a phone.
    """

    key: str
    label: str
    numeric: bool
    hint: str = ""
    place: str = ""


MORE = "more"
RANK = Column("rank", "rank", True, "= is a tie: the intervals overlap")
AGENT = Column("agent", "agent", False)
SCORES = (
    Column(
        "iqm",
        "score\N{NO-BREAK SPACE}%",
        True,
        "interquartile mean over tasks, last tenth of the budget; below: its 95 % interval",
    ),
    Column("performance", "best point %", True, "performance: best mean score within the budget", MORE),
    Column(
        "steps", "steps to 99\N{NO-BREAK SPACE}%", True, "learning steps to 99 % of the best point", "minor"
    ),
    Column("episodes", "episodes to 99\N{NO-BREAK SPACE}%", True, "learning episodes, likewise", MORE),
    Column("asymptotic", "mean, last tenth %", True, "asymptotic: mean over the last tenth", MORE),
    Column("regret", "regret", True, "mean of 1 - score over the budget", MORE),
    Column("optimum", "of optimum %", True, "share of the finite-horizon optimum", MORE),
    Column("area", "area to 10K steps %", True, "mean score over the first 10,000 learning steps", MORE),
    Column("oracle90", "steps to 90 % of oracle", True, "learning steps", MORE),
)
"""Columns of scores; the first is the score that ranks are by."""
SORTED_BY = (
    "iqm",
    "performance",
    "steps_to_99",
    "episodes_to_99",
    "asymptotic",
    "regret",
    "optimum_share",
    "area_10000",
    "steps_to_oracle_90",
)
"""Score that each of `SCORES` is sorted by."""
STATUS = Column("status", "status", False)
PLOTTED = (*RANKED, "unverified")
LED = {("in-context", True): 3, ("in-context", False): 2, ("learner", True): 2, ("learner", False): 1}
"""How many leading entries of a track, ranked or unverified, are plotted at first."""
LINES = {
    "verified": "",
    "consistent": "Consistent: equal but for rounding on another machine",
    "older rules": "Older rules: a part was run again, before the rules of today",
    "unverified": "Unverified: no rank",
    "foreign": "Under a claimed name whose key has not signed it, not ranked",
    "fell": "Fell on tasks that it could not know, not ranked",
    "refuted": "Not reproduced: a second run came out differently, not ranked",
    "privileged": "Privileged: reads the task, not ranked",
    "joint": "Joint: controls all players, not ranked",
    "published": "Published figures (arXiv 2502.02869), not ranked",
}
GOOD, BAD = "yes", "bad"
UNIFORM = "uniform"
"""Name of the entry that plays uniformly: a reference, whose score is 0 but for chance."""


def cells(scores: Scores) -> list[Value]:
    """Score cells of a row."""
    score, interval, *others = score_cells(scores)
    numbers = [scores.get(name, math.nan) for name in SORTED_BY]
    first = Value(score, numbers[0], "" if interval == DASH else interval)
    return [first, *(Value(text, number) for text, number in zip(others, numbers[1:], strict=True))]


def rank_value(row: Row) -> Value:
    """A rank, with a sign where it is shared."""
    if row.rank is None:
        return Value("", math.nan)
    return Value(f"{'=' if row.tied else ''}{row.rank}", row.rank)


def tags(entry: Trusted) -> list[dict[str, str]]:
    """Short words on an entry; only verdicts are coloured.

    What a line above it says is left out, and that a name is unclaimed: its own page says so.
    """
    kinds = {"verified": GOOD, "not reproduced": BAD, "not by its owner": BAD}
    kinds |= {f"falls on {kind} tasks": BAD for kind in FALLS}
    said = ("unclaimed name", *(("privileged", "joint") if entry.group in ("privileged", "joint") else ()))
    return [{"text": word, "kind": kinds.get(word, "no")} for word in status_words(entry) if word not in said]


def leading(rows: Sequence[Row], track: str) -> set[str]:
    """Names of the entries of a ranking that are plotted at first."""
    places = ((row.entry.name, row.rank) for row in rows if row.group in PLOTTED)
    return first_names(places, track)


def first_names(places: Iterable[tuple[str, int | None]], track: str) -> set[str]:
    """First ranked and first other names of a track, from names and ranks in order; never uniform play."""
    known = [(name, rank is not None) for name, rank in places if name != UNIFORM]
    return {
        name
        for wanted in (True, False)
        for name in [name for name, ranked in known if ranked == wanted][: LED[track, wanted]]
    }


def ranking_view(ranking: Ranking, standing: Standing) -> dict[str, Any]:
    """A ranking, its rows in groups with a line above each but the first."""
    led = leading(ranking.rows, ranking.track)
    groups = [
        {"name": name, "label": LINES[name], "rows": [_entry_row(row, led) for row in rows]}
        for name, rows in groupby(ranking.rows, key=lambda row: row.group)
    ]
    if ranking.n_tasks == standing.n_tasks:
        figures = paper_figures(standing.board, ranking.track)
        rows = [_published_row(method, figure) for method, figure in figures.items()]
        groups += [{"name": "published", "label": LINES["published"], "rows": rows}] if rows else []
    return {
        "track": ranking.track,
        "n_tasks": ranking.n_tasks,
        "title": ranking_title(ranking, standing.n_tasks),
        "groups": groups,
    }


def shown_first(standing: Standing) -> int:
    """Tasks of the rankings that a board's page shows first: all, if half of its entries play them."""
    lengths = sorted({ranking.n_tasks for ranking in standing.rankings}, reverse=True)
    needed = len(standing.entries) / 2
    counts = {n: sum(entry.n_tasks >= n for entry in standing.entries) for n in lengths}
    return next(n for n in lengths if counts[n] >= needed)


def everyones(standing: Standing, track: str) -> Ranking | None:
    """The ranking of a track in which every entry stands: on the fewest tasks that any has played."""
    mine = [ranking for ranking in standing.rankings if ranking.track == track]
    return min(mine, key=lambda ranking: ranking.n_tasks, default=None)


def _entry_row(row: Row, led: Container[str]) -> dict[str, Any]:
    entry = row.entry
    return {
        "name": entry.name,
        "title": entry.metadata.title,
        "rank": rank_value(row),
        "cells": cells(row.scores),
        "tags": tags(entry),
        "verified": int(entry.verified),
        "gradient_free": int(entry.metadata.gradient_free),
        "curve": curve_key(entry),
        "led": entry.name in led,
        "published": False,
    }


def _published_row(method: str, figure: Figures) -> dict[str, Any]:
    known = {
        "performance": figure.performance,
        "steps_to_99": figure.steps,
        "episodes_to_99": figure.episodes,
    }
    none = dict.fromkeys((*SORTED_BY, "iqm_high", "asymptotic_low", "asymptotic_high"), math.nan)
    score, *others = cells(none | known)
    best = percent(figure.performance)
    return {
        "title": method,
        "rank": Value("", math.nan),
        "cells": [
            score._replace(note="" if best == DASH else f"best {best}"),
            *others,
        ],
        "tags": [{"text": "published", "kind": "no"}],
        "verified": 0,
        "gradient_free": 0,
        "curve": None,
        "led": False,
        "published": True,
    }


def board_view(standing: Standing) -> dict[str, Any]:
    """Facts of a board."""
    board = standing.board
    return {
        "name": board.name,
        "plain": plain_name(board.name).full,
        "protocol": board.protocol,
        "description": describe(board, standing.n_tasks),
        "partial": board.bank.startswith("anypomdp"),
        "n_tasks": standing.n_tasks,
        "n_entries": len(standing.entries),
        "fingerprint": board.fingerprint(),
        "fields": [(name, "none" if value is None else value) for name, value in board.as_dict().items()],
        "best": [_best(standing, track) for track in TRACKS],
    }


def _best(standing: Standing, track: str) -> dict[str, Any]:
    """First ranked row of a track, on the tasks that every entry has played; never uniform play."""
    ranking = everyones(standing, track)
    for row in ranking.rows if ranking else ():
        value = row.scores.get("iqm", math.nan)
        if ranking and row.rank and row.entry.name != UNIFORM and value > 0:
            prefix = f"first {ranking.n_tasks} tasks" if ranking.n_tasks < standing.n_tasks else ""
            title = row.entry.metadata.title
            return {
                "name": row.entry.name,
                "title": title,
                "text": f"{percent(value)} %",
                "sort": value,
                "note": prefix,
            }
    return {"name": None, "title": "", "text": "", "sort": math.nan, "note": ""}
