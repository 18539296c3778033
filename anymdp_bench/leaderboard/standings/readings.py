"""Sequence models on a board of recorded play: their curves, and their order.

They are ranked by the mean loss of the oracle's action at the longest context of the tables, lower is better;
equal losses share a rank. Verified entries stand first, then those that were equal but for rounding on
another machine; nobody's rank depends on a lower group. All others have no rank.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from anymdp_bench.evaluation.sequence.boards import BLOCK, SequenceBoard
from anymdp_bench.evaluation.sequence.score import KINDS, POINTS, loss_at, saturation
from anymdp_bench.foundation.types import FloatArray
from anymdp_bench.leaderboard.standings.trust import Trusted
from anymdp_bench.leaderboard.submissions.metadata import ReadingMetadata
from anymdp_bench.leaderboard.submissions.reading import ALWAYS_SAID

RANKED = ("verified", "consistent")
"""Groups with ranks, the higher first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingEntry(Trusted):
    """A submission of a sequence model in the standings.

    Attributes:
        metadata: Who and what.
        curves: Mean losses over tasks by kind, float64 ``[n_blocks]``.
    """

    metadata: ReadingMetadata
    curves: Mapping[str, FloatArray]

    def loss(self, kind: str, point: int) -> float:
        """Mean loss at a number of steps of context; not a number where nothing was said."""
        return loss_at(self.curves[kind], point)

    @property
    def ranked_by(self) -> float:
        """Loss of the oracle's action at the longest context that the board has."""
        steps = BLOCK * len(self.curves[ALWAYS_SAID])
        return self.loss(ALWAYS_SAID, max((t for t in POINTS if t <= steps), default=POINTS[0]))

    @property
    def figures(self) -> dict[str, float]:
        """Every column: losses by kind and context, where the first is flat, memory."""
        losses = {f"{kind}@{t}": self.loss(kind, t) for kind in KINDS for t in POINTS}
        flat = saturation(self.curves[ALWAYS_SAID])
        return losses | {"saturation": flat, "state_bytes": float(self.metadata.state_bytes)}


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """An entry in its place; `rank` is 1 for the best, None outside the ranking."""

    entry: ReadingEntry
    rank: int | None


@dataclass(frozen=True, slots=True)
class ReadingStanding:
    """One board of recorded play, its entries in order."""

    board: SequenceBoard
    rows: tuple[ReadingRow, ...]


def rank_readings(entries: Iterable[ReadingEntry]) -> tuple[ReadingRow, ...]:
    """Put entries in order."""
    waiting = sorted(entries, key=lambda entry: (entry.ranked_by, entry.name))
    rows: list[ReadingRow] = []
    for group in RANKED:
        mine = [entry for entry in waiting if entry.group == group]
        above = len(rows)
        better = [sum(other.ranked_by < entry.ranked_by for other in mine) for entry in mine]
        rows += [ReadingRow(entry, above + 1 + n) for entry, n in zip(mine, better, strict=True)]
    others = [entry for entry in waiting if entry.group not in RANKED]
    others.sort(key=lambda entry: (entry.outside is not None, entry.group))
    return (*rows, *(ReadingRow(entry, None) for entry in others))
