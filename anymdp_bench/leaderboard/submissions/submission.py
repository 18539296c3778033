"""A submission that has passed every check."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from anymdp_bench.foundation.digests import sha256
from anymdp_bench.foundation.errors import SubmissionRefused, UnknownName
from anymdp_bench.leaderboard.submissions import curves
from anymdp_bench.leaderboard.submissions.bounded_json import parse_json
from anymdp_bench.leaderboard.submissions.checks import (
    METADATA_CHECKS,
    TABLE_CHECKS,
    Claim,
    n_blocks,
    n_points,
)
from anymdp_bench.leaderboard.submissions.facts import BoardFacts, board_facts
from anymdp_bench.leaderboard.submissions.files import list_folder, read_bounded
from anymdp_bench.leaderboard.submissions.metadata import FILE, LARGEST, Metadata, parse_metadata
from anymdp_bench.leaderboard.submissions.parquet import Columns, Kinds, read_columns
from anymdp_bench.leaderboard.submissions.problems import problem, refuse, shown
from anymdp_bench.records.record import CellReferences, Record

LARGEST_TABLE = 1 << 24
"""Bytes of a parquet file."""
FILES = frozenset({FILE, curves.POINTS, curves.LIVED})
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


def read_submission(folder: Path, facts_of: FactsOf = board_facts) -> Submission:
    """Read a stranger's folder and check everything; nothing of it is executed.

    Format is checked before content; all problems of a stage are reported together.

    Args:
        folder: ``<board>/<name>``.
        facts_of: Facts of a board by name.

    Raises:
        SubmissionRefused: with every problem that was found.
    """
    names = list_folder(folder, FILES)
    refuse(problem("folder", f"{name} is missing") for name in sorted({FILE, curves.POINTS} - names))
    contents = {FILE: read_bounded(folder / FILE, LARGEST)}
    metadata = parse_metadata(parse_json(contents[FILE], FILE))
    facts = _find_board(metadata, folder, facts_of)
    claim, problems = _read_tables(folder, names, metadata, facts, contents)
    checks = METADATA_CHECKS + TABLE_CHECKS if claim.n_tasks in facts.legal_lengths else METADATA_CHECKS
    with np.errstate(all="ignore"):
        problems += [found for check in checks for found in check(claim)]
    refuse(problems)
    if claim.points is None:
        raise SubmissionRefused([f"{curves.POINTS} was not read"])
    return Submission(metadata, facts, claim.points, claim.lived, _digest(contents))


def _find_board(metadata: Metadata, folder: Path, facts_of: FactsOf) -> BoardFacts:
    name = metadata.board.get("name")
    if folder.name != metadata.name or folder.parent.name != name:
        expected = shown(f"{name}/{metadata.name}")
        refuse([problem("folder", f"is {shown('/'.join(folder.parts[-2:]))}; the metadata say {expected}")])
    try:
        return facts_of(str(name))
    except UnknownName as error:
        refuse([problem("board", str(error))])
        raise


def _read_tables(
    folder: Path, names: set[str], metadata: Metadata, facts: BoardFacts, contents: dict[str, bytes]
) -> tuple[Claim, list[str]]:
    """Read the tables that must be there, with as many rows as they must have; add to `contents`."""
    claim = Claim(metadata, facts, None, None)
    expected: dict[str, tuple[Kinds, int]] = {curves.POINTS: (curves.POINT_KINDS, n_points(metadata, facts))}
    if metadata.agent.learner:
        expected[curves.LIVED] = curves.LIVED_KINDS, n_blocks(facts)
    problems = [
        problem("folder", f"{name} is {'missing' if name in expected else 'for learners only'}")
        for name in sorted(expected.keys() ^ (names - {FILE}))
    ]
    tables: dict[str, Columns] = {}
    if claim.n_tasks in facts.legal_lengths:
        for name in sorted(expected.keys() & names):
            kinds, each = expected[name]
            try:
                contents[name] = read_bounded(folder / name, LARGEST_TABLE)
                problems += _check_digest(name, contents[name], metadata)
                tables[name] = read_columns(contents[name], kinds, each * len(claim.cells), name)
            except SubmissionRefused as error:
                problems += error.problems
    return claim._replace(points=tables.get(curves.POINTS), lived=tables.get(curves.LIVED)), problems


def _check_digest(name: str, content: bytes, metadata: Metadata) -> Iterator[str]:
    if metadata.files is not None and metadata.files.get(name) != sha256(content):
        yield problem("file", f"{name} is not the file that {FILE} names; submit the run again")


def digest_of(folder: Path) -> str:
    """`Submission.digest` of a folder whose content is not checked.

    Raises:
        SubmissionRefused: it holds anything but a submission's files.
    """
    names = list_folder(folder, FILES)
    return _digest({name: read_bounded(folder / name, LARGEST_TABLE) for name in names})


def _digest(contents: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name in sorted(contents):
        digest.update(f"{name} {sha256(contents[name])}\n".encode())
    return digest.hexdigest()
