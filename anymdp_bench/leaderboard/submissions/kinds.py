"""The kinds of entries, by their boards: agents that act, and models that read recorded play."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from anymdp_bench.evaluation.sequence.boards import SEQUENCE_BOARDS
from anymdp_bench.leaderboard.submissions.acting import Acting, FactsOf, Submission
from anymdp_bench.leaderboard.submissions.facts import board_facts
from anymdp_bench.leaderboard.submissions.metadata import Heading
from anymdp_bench.leaderboard.submissions.parquet import Columns, Kinds
from anymdp_bench.leaderboard.submissions.reading import Reading, SequenceSubmission

AnySubmission = Submission | SequenceSubmission


class Kind(Protocol):
    """What sets one kind of entry apart while it is read and checked.

    Attributes:
        files: Names of the files that may lie in its folder.
        main: The table that must be there.
        metadata: What its ``submission.json`` holds.
        metadata_checks, table_checks: What must be true.
        facts_of: Facts of a board by name.
    """

    files: frozenset[str]
    main: str
    metadata: type[Heading]
    metadata_checks: tuple[Callable[[Any], Iterator[str]], ...]
    table_checks: tuple[Callable[[Any], Iterator[str]], ...]
    facts_of: Callable[[str], Any]

    def tables(self, metadata: Any, facts: Any) -> dict[str, tuple[Kinds, int]]:
        """Columns of each table that must be there, and how many rows it has for each task."""
        ...

    def claim(self, metadata: Any, facts: Any, tables: Mapping[str, Columns]) -> Any:
        """What is checked."""
        ...

    def submission(self, claim: Any, digest: str) -> Any:
        """What has passed every check."""
        ...


def kind_of(board: str, facts_of: FactsOf = board_facts) -> Any:
    """Kind of the entries on a board.

    Args:
        board: Name; one that is unknown is taken for a board that agents act on.
        facts_of: Facts of such a board by name.

    Returns:
        A `Kind`.
    """
    return Reading() if board in SEQUENCE_BOARDS else Acting(facts_of)
