"""The order of entries on a board.

Within a track, entries are ranked by the interquartile mean over tasks of their asymptotic score. Two
entries whose intervals overlap are tied: a rank is 1 plus the number of entries whose whole interval lies
above. Verified entries stand first, then those that were verified by older rules; nobody's rank depends on a
lower group. Entries that are not verified, that a second run refuted or that fell on renamed or fresh tasks,
privileged and joint agents, and published figures are not ranked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from anymdp_bench.leaderboard.standings.entry import Entry, Scores

TRACKS = ("in-context", "learner")
RANKED = ("verified", "older rules")
"""Groups with ranks, the higher first."""


@dataclass(frozen=True, slots=True)
class Row:
    """An entry in a ranking.

    Attributes:
        entry: The entry.
        scores: Its columns on the ranking's tasks; empty where the board has no references.
        rank: 1 is best; None outside the ranking.
        tied: Another entry of its group cannot be told apart from it.
    """

    entry: Entry
    scores: Scores
    rank: int | None
    tied: bool

    @property
    def group(self) -> str:
        """`Entry.group`; entries without a score are never ranked, whatever it is."""
        return self.entry.group


@dataclass(frozen=True, slots=True)
class Ranking:
    """Entries of one track on the first `n_tasks` tasks of a board, in order."""

    track: str
    n_tasks: int
    rows: tuple[Row, ...]


def interval(scores: Scores) -> tuple[float, float]:
    """Interval that ties are judged by: that of the interquartile mean over tasks.

    On a board of one task it is that of the mean over runs, widened to hold the interquartile mean.
    """
    if not math.isnan(scores["iqm_low"]):
        return scores["iqm_low"], scores["iqm_high"]
    ends = [scores[name] for name in ("iqm", "asymptotic_low", "asymptotic_high")]
    known = [end for end in ends if not math.isnan(end)]
    return min(known), max(known)


def rank(entries: Iterable[Entry], track: str, n_tasks: int) -> Ranking:
    """Rank the entries of a track on the first `n_tasks` tasks; entries with fewer tasks are left out."""
    mine = [entry for entry in entries if entry.track == track and entry.n_tasks >= n_tasks]
    rows: list[Row] = []
    for group in RANKED:
        ranked = [entry for entry in mine if entry.group == group and n_tasks in entry.scores]
        rows += _rank_group(ranked, n_tasks, len(rows))
    placed = {row.entry.name for row in rows}
    others = [entry for entry in mine if entry.name not in placed]
    rows += [Row(entry, entry.scores.get(n_tasks, {}), None, False) for entry in _below(others, n_tasks)]
    return Ranking(track, n_tasks, tuple(rows))


def _in_order(entries: Iterable[Entry], n_tasks: int) -> list[Entry]:
    def key(entry: Entry) -> tuple[float, str]:
        scores = entry.scores.get(n_tasks)
        return (-scores["iqm"] if scores else math.inf, entry.name)

    return sorted(entries, key=key)


def _below(entries: Iterable[Entry], n_tasks: int) -> list[Entry]:
    """Those that are not ranked, group by group; the unverified first."""
    return sorted(_in_order(entries, n_tasks), key=lambda entry: (entry.outside is not None, entry.group))


def _rank_group(entries: Sequence[Entry], n_tasks: int, above: int) -> list[Row]:
    intervals = [interval(entry.scores[n_tasks]) for entry in entries]
    rows = {}
    for entry, (low, high) in zip(entries, intervals, strict=True):
        better = sum(other_low > high for other_low, _ in intervals)
        overlapping = sum(not (other_low > high or low > other_high) for other_low, other_high in intervals)
        rows[entry.name] = Row(entry, entry.scores[n_tasks], above + 1 + better, overlapping > 1)
    return [rows[entry.name] for entry in _in_order(entries, n_tasks)]
