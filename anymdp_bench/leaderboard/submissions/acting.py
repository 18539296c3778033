"""Entries of agents that act: their curves, and what must be true of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from anymdp_bench.foundation.errors import SubmissionRefused
from anymdp_bench.leaderboard.submissions import curves
from anymdp_bench.leaderboard.submissions.checks import (
    METADATA_CHECKS,
    TABLE_CHECKS,
    Claim,
    n_blocks,
    n_points,
)
from anymdp_bench.leaderboard.submissions.facts import BoardFacts
from anymdp_bench.leaderboard.submissions.metadata import FILE, Metadata
from anymdp_bench.leaderboard.submissions.parquet import Columns, Kinds
from anymdp_bench.records.record import CellReferences, Record

FactsOf = Callable[[str], BoardFacts]


@dataclass(frozen=True, slots=True)
class Submission:
    """A submission that has passed every check; no score in it is claimed, all are computed from `record`.

    Attributes:
        metadata: Who and what.
        facts: The board.
        points, lived: The tables; see `curves`.
        digest: SHA-256 (hex) of its files; a verdict names it.
    """

    metadata: Metadata
    facts: BoardFacts
    points: Columns
    lived: Columns | None
    digest: str

    @property
    def n_tasks(self) -> int:
        """Tasks that were played: all of the board's, or a prefix."""
        return len(self.metadata.fingerprints)

    @property
    def record(self) -> Record:
        """The record that scores are computed from; references are the board's own."""
        cells = Claim(self.metadata, self.facts, None, None).cells
        tasks = [cell.task for cell in cells]
        references = CellReferences(*(values[tasks] for values in self.facts.references))
        return curves.record_of(cells, references, self.points, self.lived)


class Acting:
    """What is peculiar to these entries; see `kinds.Kind`.

    Args:
        facts_of: Facts of a board by name.
    """

    files = frozenset({FILE, curves.POINTS, curves.LIVED})
    main = curves.POINTS
    metadata = Metadata
    metadata_checks = METADATA_CHECKS
    table_checks = TABLE_CHECKS

    def __init__(self, facts_of: FactsOf) -> None:
        """Keep where facts come from."""
        self.facts_of = facts_of

    def tables(self, metadata: Metadata, facts: BoardFacts) -> dict[str, tuple[Kinds, int]]:
        """Columns of each table that must be there, and how many rows it has for each task."""
        runs = facts.board.runs
        tables: dict[str, tuple[Kinds, int]] = {
            curves.POINTS: (curves.POINT_KINDS, runs * n_points(metadata, facts))
        }
        if metadata.agent.learner:
            tables[curves.LIVED] = curves.LIVED_KINDS, runs * n_blocks(facts)
        return tables

    def claim(self, metadata: Metadata, facts: BoardFacts, tables: Mapping[str, Columns]) -> Claim:
        """What is checked."""
        return Claim(metadata, facts, tables.get(curves.POINTS), tables.get(curves.LIVED))

    def submission(self, claim: Claim, digest: str) -> Submission:
        """What has passed every check.

        Raises:
            SubmissionRefused: its main table was not read.
        """
        if claim.points is None:
            raise SubmissionRefused([f"{curves.POINTS} was not read"])
        return Submission(claim.metadata, claim.facts, claim.points, claim.lived, digest)
