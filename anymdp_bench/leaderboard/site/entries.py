"""What an agent's page shows: its row on every board, how to run it, and what verification found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from anymdp_bench.leaderboard.site.data import curve_key
from anymdp_bench.leaderboard.site.names import plain_name
from anymdp_bench.leaderboard.site.rows import cells, rank_value, tags
from anymdp_bench.leaderboard.standings.entry import Entry
from anymdp_bench.leaderboard.standings.load import Standing
from anymdp_bench.leaderboard.standings.listed import paper_boards
from anymdp_bench.leaderboard.standings.overall import Total
from anymdp_bench.leaderboard.standings.ranking import Row
from anymdp_bench.leaderboard.standings.cells import percent
from anymdp_bench.leaderboard.standings.trust import Trusted
from anymdp_bench.leaderboard.verification.findings import Remembered

OWNED = {
    "owner": "signed by the key that owns it",
    "unclaimed": "unclaimed: no key owns it",
    "foreign": "claimed by a key that has not signed this",
}
CHARACTER, PADDING = 6.1, 14
"""Pixels of a badge's letter, on average, and around a text."""


def agent_view(rows: Sequence[tuple[Standing, Row]], total: Total | None = None) -> dict[str, Any]:
    """Everything about one agent, from its row on every board and its place on the overall one."""
    entries = [row.entry for _, row in rows]
    newest = max(entries, key=lambda entry: (entry.ownership != "foreign", entry.metadata.date)).metadata
    first = rows[0][0].board.bank
    return {
        "agent": newest,
        "run": f"anymdp-bench run {newest.entry_point} --board {first} --out runs"
        if newest.entry_point
        else None,
        "total": total,
        "badge": badge_text(total, len(rows)),
        "rows": [_row(standing, row) for standing, row in rows],
    }


def _row(standing: Standing, row: Row) -> dict[str, Any]:
    entry = row.entry
    return {
        "board": entry.board,
        "plain": plain_name(entry.board).full,
        "track": entry.track,
        "n_tasks": entry.n_tasks,
        "rank": rank_value(row),
        "cells": cells(row.scores),
        "tags": tags(entry),
        "curve": curve_key(entry),
        "submission": f"leaderboards/submissions/{entry.board}/{entry.name}",
        "verdict": verdict_date(entry),
        "found": list(_found(entry)),
        "details": list(_details(entry)),
    }


def badge_text(total: Total | None, n_boards: int) -> str:
    """What an agent's badge says."""
    if total is None:
        return f"{n_boards} board{'s' * (n_boards > 1)}"
    return f"{percent(total.mean)} % over {total.n_rows} of {len(paper_boards())} rows, {total.group}"


def badge_view(text: str, verified: bool) -> dict[str, Any]:
    """Sizes and texts of a badge, in pixels."""
    left, right = (round(CHARACTER * len(words)) + PADDING for words in ("AnyMDP", text))
    return {"text": text, "left": left, "right": right, "width": left + right, "verified": verified}


def verdict_date(entry: Trusted) -> str:
    """Day of the newest finding; the older rules' verdicts have none."""
    return max((line.date for line in entry.findings.lines), default="")


def _found(entry: Entry) -> Iterator[str]:
    """What was replayed and what came out, and what is missing; sentences."""
    findings, needs = entry.findings, entry.needs
    if findings.replays:
        yield f"{len(findings.equal_shards)} of {needs.shards} shards were played again, equal to the bit."
    for line in (*findings.again("renamed"), *findings.again("fresh")):
        where = f"{line.tasks} {line.kind} tasks with new seeds"
        names = "" if line.renamed or line.kind == "fresh" else ", ids as they are"
        drop = f"drop {percent(line.drop)} % [{percent(line.low)}, {percent(line.high)}], 99.9 % interval"
        ranked = "" if line.chance is None else f"; chance that an honest rank stands out so: {line.chance:.2g}"
        yield f"On {where}{names}: {percent(line.found)} %, {drop}{ranked}."
    yield from found_remembered(entry)
    older = entry.older
    if older is not None and older.reproduction is not None:
        again = older.reproduction
        since = f"on {entry.metadata.date} or later, for these rules kept no day"
        yield f"Under the older rules {again.cells} runs on tasks were repeated, {since}: {again.outcome}."
    yield from found_last(entry)


def found_remembered(entry: Trusted) -> Iterator[str]:
    """What a test for tasks that are known by heart said, if there was one."""
    for test in entry.findings.lines:
        if isinstance(test, Remembered):
            chance = f"{test.chance:.2g} for an agent that knows none by heart"
            yield f"Against {test.plays} plays on {test.tasks} renamed tasks it stands out: chance {chance}."


def found_last(entry: Trusted) -> Iterator[str]:
    """What is missing, and whose word it is."""
    findings = entry.findings
    missing = findings.missing(entry.needs)
    if missing:
        yield f"Missing today: {', '.join(missing)}."
    yield f"Signed by {findings.signer}." if findings.signer else "Signed by nobody."


def _details(entry: Entry) -> Iterable[tuple[str, object]]:
    """What was run, and with what."""
    yield "gradient-free", "yes" if entry.metadata.gradient_free else "no"
    for name, value in entry.metadata.agent.config.items():
        yield f"setting {name}", value
    yield from origin(entry)


def origin(entry: Trusted) -> Iterable[tuple[str, object]]:
    """Whose an entry is, and with what it was made."""
    metadata = entry.metadata
    yield "submitted", metadata.date
    yield "name", OWNED[entry.ownership]
    yield "entry point", metadata.entry_point or "none"
    yield "code of the agent", metadata.code.agent[:16]
    yield "code of the package", metadata.code.anymdp_bench[:16]
    yield "Python", metadata.machine.python
    yield "packages", ", ".join(f"{name} {number}" for name, number in metadata.machine.packages.items())
    yield "processor", f"{metadata.machine.processor or 'unknown'} ({metadata.machine.machine})"
