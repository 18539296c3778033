"""Submissions are read as if hostile, and have passed every check when they are there."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from anymdp_bench.foundation.digests import sha256
from anymdp_bench.foundation.errors import SubmissionRefused, UnknownName
from anymdp_bench.leaderboard.submissions.acting import FactsOf, Submission
from anymdp_bench.leaderboard.submissions.bounded_json import parse_json
from anymdp_bench.leaderboard.submissions.facts import board_facts
from anymdp_bench.leaderboard.submissions.files import list_folder, read_bounded
from anymdp_bench.leaderboard.submissions.kinds import AnySubmission, kind_of
from anymdp_bench.leaderboard.submissions.metadata import FILE, LARGEST, Heading, parse_metadata
from anymdp_bench.leaderboard.submissions.parquet import Columns, Kinds, read_columns
from anymdp_bench.leaderboard.submissions.problems import problem, refuse, shown

LARGEST_TABLE = 1 << 24
"""Bytes of a parquet file."""


def read_submission(folder: Path, facts_of: FactsOf = board_facts) -> Submission:
    """Read an entry of an agent that acts; see `read_entry`.

    Raises:
        SubmissionRefused: with every problem that was found.
    """
    found = read_entry(folder, facts_of)
    if not isinstance(found, Submission):
        raise SubmissionRefused([problem("board", f"{found.facts.board.name} is read, not played")])
    return found


def read_entry(folder: Path, facts_of: FactsOf = board_facts) -> AnySubmission:
    """Read a stranger's folder and check everything; nothing of it is executed.

    Format is checked before content; all problems of a stage are reported together.

    Args:
        folder: ``<board>/<name>``.
        facts_of: Facts of a board that agents act on, by name.

    Raises:
        SubmissionRefused: with every problem that was found.
    """
    kind = kind_of(folder.parent.name, facts_of)
    names = list_folder(folder, kind.files)
    refuse(problem("folder", f"{name} is missing") for name in sorted({FILE, kind.main} - names))
    contents = {FILE: read_bounded(folder / FILE, LARGEST)}
    metadata = parse_metadata(parse_json(contents[FILE], FILE), kind.metadata)
    facts = _find_board(metadata, folder, kind.facts_of)
    legal = len(metadata.fingerprints) in facts.legal_lengths
    expected = kind.tables(metadata, facts)
    tables, problems = _read_tables(folder, names - {FILE}, metadata, expected, legal, contents)
    claim = kind.claim(metadata, facts, tables)
    with np.errstate(all="ignore"):
        for check in kind.metadata_checks + (kind.table_checks if legal else ()):
            problems += check(claim)
    refuse(problems)
    found: AnySubmission = kind.submission(claim, _digest(contents))
    return found


def _find_board(metadata: Heading, folder: Path, facts_of: Any) -> Any:
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
    folder: Path,
    names: set[str],
    metadata: Heading,
    expected: dict[str, tuple[Kinds, int]],
    legal: bool,
    contents: dict[str, bytes],
) -> tuple[dict[str, Columns], list[str]]:
    """Read the tables that must be there, with as many rows as they must have; add to `contents`."""
    problems = [
        problem("folder", f"{name} is {'missing' if name in expected else 'for learners only'}")
        for name in sorted(expected.keys() ^ names)
    ]
    tables: dict[str, Columns] = {}
    for name in sorted(expected.keys() & names) if legal else ():
        kinds, each = expected[name]
        try:
            contents[name] = read_bounded(folder / name, LARGEST_TABLE)
            problems += _check_digest(name, contents[name], metadata)
            tables[name] = read_columns(contents[name], kinds, each * len(metadata.fingerprints), name)
        except SubmissionRefused as error:
            problems += error.problems
    return tables, problems


def _check_digest(name: str, content: bytes, metadata: Heading) -> Iterator[str]:
    if metadata.files is not None and metadata.files.get(name) != sha256(content):
        yield problem("file", f"{name} is not the file that {FILE} names; submit the run again")


def digest_of(folder: Path) -> str:
    """`Submission.digest` of a folder whose content is not checked.

    Raises:
        SubmissionRefused: it holds anything but a submission's files.
    """
    names = list_folder(folder, kind_of(folder.parent.name).files)
    return _digest({name: read_bounded(folder / name, LARGEST_TABLE) for name in names})


def _digest(contents: dict[str, bytes]) -> str:
    digest = hashlib.sha256()
    for name in sorted(contents):
        digest.update(f"{name} {sha256(contents[name])}\n".encode())
    return digest.hexdigest()
