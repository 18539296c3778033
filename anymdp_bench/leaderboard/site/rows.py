"""What the templates show: plain values, each with the number that its column is sorted by."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from anymdp_bench.evaluation.paper import Figures
from anymdp_bench.leaderboard.site.data import curve_key
from anymdp_bench.leaderboard.standings.entry import Entry, Scores
from anymdp_bench.leaderboard.standings.listed import paper_figures
from anymdp_bench.leaderboard.standings.load import Standing
from anymdp_bench.leaderboard.standings.overall import Total
from anymdp_bench.leaderboard.standings.ranking import TRACKS, Ranking, Row
from anymdp_bench.leaderboard.standings.tables import (
    describe,
    percent,
    ranking_title,
    score_cells,
    status_words,
)
from anymdp_bench.leaderboard.verification.findings import FALLS, Remembered


class Value(NamedTuple):
    """A cell: what is read, and what it is sorted by (NaN stays last)."""

    text: str
    sort: float


class Column(NamedTuple):
    """A column's heading."""

    key: str
    label: str
    numeric: bool
    hint: str = ""


RANK = Column("rank", "rank", True, "= is a tie: the intervals overlap")
AGENT = Column("agent", "agent", False)
SCORES = (
    Column("iqm", "asymptotic IQM %", True, "interquartile mean over tasks, last tenth of the budget"),
    Column("interval", "95 % interval", True),
    Column("performance", "performance %", True, "best mean score within the budget"),
    Column("steps", "steps to 99 %", True),
    Column("episodes", "episodes to 99 %", True),
    Column("asymptotic", "asymptotic %", True, "mean over the last tenth of the budget"),
    Column("regret", "regret", True, "mean of 1 - score over the budget"),
    Column("optimum", "of optimum %", True, "share of the finite-horizon optimum"),
    Column("area", "area to 10K steps %", True, "mean score over the first 10,000 learning steps"),
    Column("oracle90", "steps to 90 % of oracle", True),
)
SORTED_BY = (
    "iqm",
    "iqm_low",
    "performance",
    "steps_to_99",
    "episodes_to_99",
    "asymptotic",
    "regret",
    "optimum_share",
    "area_10000",
    "steps_to_oracle_90",
)
"""Score column that each of `SCORES` is sorted by."""
STATUS = Column("status", "status", False)
BOARD_COLUMNS = (RANK, AGENT, *SCORES, STATUS)
AGENT_COLUMNS = (RANK, *SCORES, STATUS)
LINES = {
    "verified": "",
    "older rules": "Older rules: a part was run again, before the rules of today",
    "unverified": "Unverified: no rank",
    "foreign": "Under a claimed name whose key has not signed it, not ranked",
    "fell": "Fell on tasks that it could not know, not ranked",
    "refuted": "Not reproduced: a second run came out differently, not ranked",
    "privileged": "Privileged: reads the task, not ranked",
    "joint": "Joint: controls all players, not ranked",
    "published": "Published figures (arXiv 2502.02869), not ranked",
}
OWNED = {
    "owner": "signed by the key that owns it",
    "unclaimed": "unclaimed: no key owns it",
    "foreign": "claimed by a key that has not signed this",
}
GOOD, BAD = "yes", "bad"


def cells(scores: Scores) -> list[Value]:
    """Score cells of a row."""
    numbers = [scores.get(name, math.nan) for name in SORTED_BY]
    return [Value(text, number) for text, number in zip(score_cells(scores), numbers, strict=True)]


def rank_value(row: Row) -> Value:
    """A rank, with a sign where it is shared."""
    if row.rank is None:
        return Value("", math.nan)
    return Value(f"{'=' if row.tied else ''}{row.rank}", row.rank)


def tags(entry: Entry) -> list[dict[str, str]]:
    """Short words on an entry; only verdicts are coloured."""
    kinds = {"verified": GOOD, "not reproduced": BAD, "not by its owner": BAD}
    kinds |= {f"falls on {kind} tasks": BAD for kind in FALLS}
    return [{"text": word, "kind": kinds.get(word, "no")} for word in status_words(entry)]


def ranking_view(ranking: Ranking, standing: Standing) -> dict[str, Any]:
    """A ranking, its rows in groups with a line above each but the first."""
    groups = [
        {"name": name, "label": LINES[name], "rows": [_entry_row(row) for row in rows]}
        for name, rows in groupby(ranking.rows, key=lambda row: row.group)
    ]
    if ranking.n_tasks == standing.n_tasks:
        figures = paper_figures(standing.board, ranking.track)
        rows = [_published_row(method, figure) for method, figure in figures.items()]
        groups += [{"name": "published", "label": LINES["published"], "rows": rows}] if rows else []
    return {
        "track": ranking.track,
        "title": ranking_title(ranking, standing.n_tasks),
        "groups": groups,
    }


def _entry_row(row: Row) -> dict[str, Any]:
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
        "published": False,
    }


def _published_row(method: str, figure: Figures) -> dict[str, Any]:
    known = {
        "performance": figure.performance,
        "steps_to_99": figure.steps,
        "episodes_to_99": figure.episodes,
    }
    none = dict.fromkeys((*SORTED_BY, "iqm_high", "asymptotic_low", "asymptotic_high"), math.nan)
    return {
        "title": method,
        "rank": Value("", math.nan),
        "cells": cells(none | known),
        "tags": [{"text": "published", "kind": "no"}],
        "verified": 0,
        "gradient_free": 0,
        "curve": None,
        "published": True,
    }


def board_view(standing: Standing) -> dict[str, Any]:
    """Facts of a board."""
    board = standing.board
    return {
        "name": board.name,
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
    """First ranked row of a track, on as many tasks as any entry has played."""
    for ranking in standing.rankings:
        if ranking.track == track and ranking.rows and ranking.rows[0].rank:
            row = ranking.rows[0]
            value = row.scores["iqm"]
            metadata = row.entry.metadata
            return {
                "name": metadata.name,
                "title": metadata.title,
                "text": f"{percent(value)} %",
                "sort": value,
            }
    return {"name": None, "title": "", "text": "", "sort": math.nan}


def total_view(total: Total) -> dict[str, Any]:
    """A row of the overall board."""
    return {
        "name": total.entry.name,
        "title": total.entry.metadata.title,
        "rank": Value("", math.nan) if total.rank is None else Value(str(total.rank), total.rank),
        "mean_iqm": Value(percent(total.mean), total.mean),
        "n_rows": total.n_rows,
        "group": total.group,
        "kind": GOOD if total.group == "verified" else "no",
    }


def agent_view(rows: Sequence[tuple[Standing, Row]]) -> dict[str, Any]:
    """Everything about one agent, from its row on every board."""
    entries = [row.entry for _, row in rows]
    newest = max(entries, key=lambda entry: (entry.ownership != "foreign", entry.metadata.date)).metadata
    return {
        "agent": newest,
        "rows": [
            {
                "board": standing.board.name,
                "track": row.entry.track,
                "n_tasks": row.entry.n_tasks,
                "rank": rank_value(row),
                "cells": cells(row.scores),
                "tags": tags(row.entry),
                "curve": curve_key(row.entry),
                "details": list(_details(row.entry)),
            }
            for standing, row in rows
        ],
    }


def _details(entry: Entry) -> Iterable[tuple[str, object]]:
    """What was run, with what, and what came out of running it again."""
    metadata = entry.metadata
    yield "submitted", metadata.date
    yield "name", OWNED[entry.ownership]
    yield "gradient-free", "yes" if metadata.gradient_free else "no"
    yield "entry point", metadata.entry_point or "none"
    for name, value in metadata.agent.config.items():
        yield f"setting {name}", value
    yield "code of the agent", metadata.code.agent[:16]
    yield "code of the package", metadata.code.anymdp_bench[:16]
    yield "Python", metadata.machine.python
    yield "packages", ", ".join(f"{name} {number}" for name, number in metadata.machine.packages.items())
    yield "processor", f"{metadata.machine.processor or 'unknown'} ({metadata.machine.machine})"
    yield from _found(entry)
    older = entry.older
    if older is not None and older.reproduction is not None:
        again = older.reproduction
        yield "second run, older rules", f"{again.outcome}; {again.cells} runs on tasks repeated"


def _found(entry: Entry) -> Iterable[tuple[str, object]]:
    """What verification found, and what is missing."""
    findings = entry.findings
    missing = findings.missing(entry.needs)
    yield "verification", f"missing: {', '.join(missing)}" if missing else "complete"
    yield "signed by", findings.signer or "nobody"
    if findings.replays:
        yield "shards equal to the bit", f"{len(findings.equal_shards)} of {entry.needs.shards}"
    for test in findings.lines:
        if isinstance(test, Remembered):
            text = f"{test.chance:.2g} under {test.plays} plays on {test.tasks} renamed tasks"
            yield "chance to stand out so far", text
    for line in (*findings.again("renamed"), *findings.again("fresh")):
        drop = f"{percent(line.drop)} % [{percent(line.low)}, {percent(line.high)}]"
        names = "" if line.renamed or line.kind == "fresh" else ", ids as they are"
        text = f"{percent(line.found)} % on {line.tasks} tasks{names}, drop {drop} (99.9 % interval)"
        yield f"{line.kind} tasks, new seeds", text
