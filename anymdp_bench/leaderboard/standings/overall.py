"""The overall board: mean score against fixed references over the rows of the paper's table.

It is version 1. Version 0 ordered by mean rank, so that anybody's place depended on who else had entered.

- Its rows are the online boards of `listed.paper_boards`.
- Every row counts on its first 16 tasks (all, where there are fewer), so that an entry which plays only a
  prefix takes part like any other.
- A row counts as the interquartile mean of the late scores, 0 at least; 0 is uniform play and 1 the oracle. A
  row that an agent has not entered, or that is not verified, counts as 0.
- Agents are ordered by the mean over the rows. Privileged and joint agents are left out. Agents all of whose
  rows are unverified stand below the line, without a rank.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from anymdp_bench.leaderboard.standings.entry import Entry
from anymdp_bench.leaderboard.standings.listed import paper_boards
from anymdp_bench.leaderboard.standings.ranking import RANKED

NAME = "overall-v1"
TASKS = 16
GROUPS = (*RANKED, "unverified")


@dataclass(frozen=True, slots=True)
class Total:
    """An agent's place on the overall board.

    Attributes:
        entry: Any of its entries, for its name and title.
        group: The lowest group among the rows that count.
        rank: 1 is best; None where nothing is verified.
        mean: Over all rows.
        rows: Its entries that count, in the order of `paper_boards`.
    """

    entry: Entry
    group: str
    rank: int | None
    mean: float
    rows: tuple[Entry, ...]

    @property
    def n_rows(self) -> int:
        """How many rows count."""
        return len(self.rows)


def row_score(entry: Entry) -> float:
    """Score of a row on its first `TASKS` tasks; negative ones are below uniform play."""
    return entry.late_mean(min(TASKS, entry.n_tasks))


def overall(entries: Mapping[str, Sequence[Entry]], track: str) -> list[Total]:
    """Order the agents of a track over all rows.

    Args:
        entries: Entries of each board, by name of the board.
        track: ``"in-context"`` or ``"learner"``.
    """
    boards = paper_boards()
    agents: dict[str, list[Entry]] = defaultdict(list)
    for name in boards:
        for entry in entries.get(name, ()):
            if entry.track == track and entry.scores and entry.group in GROUPS:
                agents[entry.name].append(entry)
    totals: list[Total] = []
    found = [_sum(rows, len(boards)) for rows in agents.values()]
    for group in GROUPS:
        mine = sorted((t for t in found if t[1] == group), key=lambda t: (-t[2], t[0].name))
        above = len(totals)
        for entry, _, mean, rows in mine:
            better = sum(other > mean for _, _, other, _ in mine)
            place = above + 1 + better if group in RANKED else None
            totals.append(Total(entry, group, place, mean, rows))
    return totals


def _sum(rows: Sequence[Entry], n_boards: int) -> tuple[Entry, str, float, tuple[Entry, ...]]:
    """Any entry, the group, the mean and the rows that count."""
    counted = tuple(entry for entry in rows if entry.group in RANKED) or tuple(rows)
    group = max((entry.group for entry in counted), key=GROUPS.index)
    scores = [max(0.0, row_score(entry)) for entry in counted]
    return counted[0], group, sum(scores) / n_boards, counted
