"""The overall board: mean rank and mean interquartile mean over the rows of the paper's table.

It was defined before anyone was ranked, and is version 0:

- Its rows are the online boards of `listed.paper_boards`.
- Every row counts on its first 16 tasks (all, where there are fewer), so that an entry which plays only a
  prefix takes part like any other.
- In each row the entries of a track are ranked by interquartile mean; equal values share the mean of their
  ranks. A row that an agent has not entered counts as the rank after the last, and as a score of 0, which is
  what uniform play gets.
- Agents are ordered by mean rank, then by mean interquartile mean. Privileged and joint agents are left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from anymdp_bench.leaderboard.standings.entry import Entry
from anymdp_bench.leaderboard.standings.listed import paper_boards

NAME = "overall-v0"
TASKS = 16


@dataclass(frozen=True, slots=True)
class Total:
    """An agent's place on the overall board.

    Attributes:
        entry: Any of its entries, for its name and title.
        mean_rank: Over all rows.
        mean_iqm: Over all rows.
        n_rows: Rows that it has entered.
        verified: Whether all of these are verified.
    """

    entry: Entry
    mean_rank: float
    mean_iqm: float
    n_rows: int
    verified: bool


def overall(entries: Mapping[str, Sequence[Entry]], track: str) -> list[Total]:
    """Order the agents of a track over all rows.

    Args:
        entries: Entries of each board, by name of the board.
        track: ``"in-context"`` or ``"learner"``.
    """
    rows = [_row(entries.get(name, ()), track) for name in paper_boards()]
    names = sorted({name for row in rows for name in row})
    totals = []
    for name in names:
        ranks = [row[name][1] if name in row else len(row) + 1.0 for row in rows]
        values = [row[name][2] if name in row else 0.0 for row in rows]
        mine = [row[name][0] for row in rows if name in row]
        verified = all(entry.verified for entry in mine)
        totals.append(Total(mine[0], float(np.mean(ranks)), float(np.mean(values)), len(mine), verified))
    return sorted(totals, key=lambda total: (total.mean_rank, -total.mean_iqm, total.entry.name))


def _row(entries: Sequence[Entry], track: str) -> dict[str, tuple[Entry, float, float]]:
    """Entry, rank and score of each agent in one row."""
    mine = [entry for entry in entries if entry.track == track and not entry.outside and entry.scores]
    values = [entry.late_mean(min(TASKS, entry.n_tasks)) for entry in mine]
    ranks = stats.rankdata([-value for value in values], method="average")
    return {
        entry.name: (entry, float(place), value)
        for entry, place, value in zip(mine, ranks, values, strict=True)
    }
