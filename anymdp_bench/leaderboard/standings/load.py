"""Everything that lies in the leaderboards' folder, checked, scored and ranked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from anymdp_bench.banks import load_bank
from anymdp_bench.evaluation.boards import BOARDS, Board
from anymdp_bench.evaluation.sequence.boards import SEQUENCE_BOARDS
from anymdp_bench.foundation.errors import SubmissionRefused
from anymdp_bench.leaderboard.standings.entry import Entry, make_entry
from anymdp_bench.leaderboard.standings.listed import listed_boards
from anymdp_bench.leaderboard.standings.overall import Total, overall
from anymdp_bench.leaderboard.standings.ranking import TRACKS, Ranking, rank
from anymdp_bench.leaderboard.standings.readings import ReadingEntry, ReadingStanding, rank_readings
from anymdp_bench.leaderboard.standings.trust import Trusted
from anymdp_bench.leaderboard.submissions import claims
from anymdp_bench.leaderboard.submissions.acting import FactsOf, Submission
from anymdp_bench.leaderboard.submissions.facts import board_facts
from anymdp_bench.leaderboard.submissions.files import SUBMISSIONS
from anymdp_bench.leaderboard.submissions.plain import looks_like
from anymdp_bench.leaderboard.submissions.problems import problem, refuse, shown
from anymdp_bench.leaderboard.submissions.reading import SequenceSubmission
from anymdp_bench.leaderboard.submissions.signing import SIGNERS
from anymdp_bench.leaderboard.submissions.submission import read_entry
from anymdp_bench.leaderboard.submissions.submit import OWNER, owner_fields
from anymdp_bench.leaderboard.verification import findings, verdict
from anymdp_bench.leaderboard.verification.signature import SIGNATURE, signer_of
from anymdp_bench.leaderboard.verification.verify import needs_of

BESIDE = (verdict.SUFFIX, findings.SUFFIX, findings.SUFFIX + SIGNATURE, claims.SIGNATURE)
"""Endings of the files that lie beside submissions."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One board.

    Attributes:
        board: Its specification.
        n_tasks: Tasks of the whole board.
        entries: Its entries, by name.
        rankings: On all tasks, both tracks; then on common prefixes, where there are entries.
    """

    board: Board
    n_tasks: int
    entries: tuple[Entry, ...]
    rankings: tuple[Ranking, ...]


@dataclass(frozen=True, slots=True)
class Standings:
    """All boards by name, the overall board by track, and the boards of recorded play by name."""

    boards: dict[str, Standing]
    overall: dict[str, list[Total]]
    readings: dict[str, ReadingStanding] = field(default_factory=dict)

    @property
    def entries(self) -> Iterator[Trusted]:
        """Every entry on any board."""
        for standing in self.boards.values():
            yield from standing.entries
        for read in self.readings.values():
            yield from (row.entry for row in read.rows)


def load_standings(root: Path, facts_of: FactsOf = board_facts) -> Standings:
    """Read and check every submission under ``<root>/submissions``.

    Raises:
        SubmissionRefused: naming every problem of every submission that fails.
    """
    folders, problems = _folders(root / SUBMISSIONS)
    boards: dict[str, Standing] = {}
    readings: dict[str, ReadingStanding] = {}
    for name in dict.fromkeys([*listed_boards(), *SEQUENCE_BOARDS, *folders]):
        try:
            entries = _entries(folders.get(name, []), facts_of, root)
            if name in SEQUENCE_BOARDS:
                readings[name] = _read(name, entries)
            else:
                boards[name] = _standing(name, entries)
        except SubmissionRefused as error:
            problems += error.problems
    refuse(problems)
    acting = {name: standing.entries for name, standing in boards.items()}
    found = Standings(boards, {track: overall(acting, track) for track in TRACKS}, readings)
    refuse(_owner_problems(found.entries))
    return found


def foreign_entries(root: Path, standings: Standings) -> list[str]:
    """Problems with entries under claimed names that the names' keys have not signed."""
    return [
        claims.foreign_problem(root / SUBMISSIONS / entry.board / entry.name)
        for entry in standings.entries
        if entry.ownership == "foreign"
    ]


def _folders(path: Path) -> tuple[dict[str, list[Path]], list[str]]:
    """Submissions' folders by board, and problems with what else lies there."""
    found: dict[str, list[Path]] = defaultdict(list)
    problems = []
    for board in _visible(path):
        if board.is_symlink() or not board.is_dir():
            problems.append(problem("folder", f"{shown(board.name)} is no folder of a board"))
            continue
        for entry in _visible(board):
            suffix = next((end for end in BESIDE if entry.name.endswith(end)), None)
            if suffix is None or not entry.is_file():
                found[board.name].append(entry)
            elif not (board / entry.name.removesuffix(suffix)).is_dir():
                problems.append(problem("folder", f"{shown(entry.name)} is a verdict on nothing"))
    return found, problems


def _visible(folder: Path) -> list[Path]:
    """What lies in a folder, but for what a killed writer left: its temporary names begin with a dot."""
    found = folder.iterdir() if folder.is_dir() else ()
    return sorted(path for path in found if not path.name.startswith("."))


def _standing(name: str, checked: list[tuple[Submission, Known]]) -> Standing:
    board, n_tasks = _specification(name, [submission for submission, _ in checked])
    lengths = sorted({submission.n_tasks for submission, _ in checked} | {n_tasks}, reverse=True)
    entries = tuple(make_entry(submission, lengths, *known) for submission, known in checked)
    rankings = (rank(entries, track, n) for n in lengths for track in TRACKS)
    shown = tuple(ranking for ranking in rankings if ranking.rows or ranking.n_tasks == n_tasks)
    return Standing(board, n_tasks, entries, shown)


def _read(name: str, checked: list[tuple[SequenceSubmission, Known]]) -> ReadingStanding:
    entries = (
        ReadingEntry(
            metadata=submission.metadata,
            board=name,
            findings=known.findings,
            needs=needs_of(submission),
            older=known.older,
            ownership=known.ownership,
            curves={kind: values.mean(axis=0) for kind, values in submission.losses.items()},
        )
        for submission, known in checked
    )
    return ReadingStanding(SEQUENCE_BOARDS[name], rank_readings(entries))


def _signer(folder: Path, root: Path) -> str | None:
    """Who has signed the findings about a submission."""
    return signer_of(findings.findings_path(folder), root / SIGNERS)


def _specification(name: str, submissions: list[Submission]) -> tuple[Board, int]:
    """A board and its number of tasks; those of an empty board need no planning."""
    if submissions:
        return submissions[0].facts.board, submissions[0].facts.n_tasks
    board = BOARDS[name]
    return board, min(board.n_tasks, len(load_bank(board.bank).test))


class Known(NamedTuple):
    """What lies beside a submission: findings, the older rules' verdict, and whose it is."""

    findings: findings.Findings
    older: verdict.Verdict | None
    ownership: claims.Ownership


def _entries(folders: list[Path], facts_of: FactsOf, root: Path) -> list[tuple[Any, Known]]:
    """Every submission that lies in the folders, checked, with what lies beside it."""
    checked, problems = [], []
    for folder in folders:
        try:
            checked.append((folder, read_entry(folder, facts_of)))
        except SubmissionRefused as error:
            problems += [f"{shown('/'.join(folder.parts[-2:]))[1:-1]}: {text}" for text in error.problems]
    refuse(problems)
    listed, owners = verdict.listed_verdicts(root), claims.read_owners(root)
    return [
        (
            submission,
            Known(
                findings.read_findings(folder, submission.digest, _signer(folder, root)),
                verdict.read_older_verdict(folder, submission.digest, listed),
                claims.ownership(root, owners, folder, submission.digest),
            ),
        )
        for folder, submission in checked
    ]


def _owner_problems(entries: Iterable[Trusted]) -> Iterator[str]:
    """Problems with names under which different agents stand on different boards."""
    first: dict[str, list[Trusted]] = defaultdict(list)
    for entry in entries:
        if entry.ownership == "foreign":
            continue
        others = first[entry.name]
        for other in others:
            for name in owner_fields(entry.board, other.board):
                if getattr(entry.metadata, name) != getattr(other.metadata, name):
                    text = f"{entry.name} has another {name} on {entry.board} than on {other.board}"
                    yield problem("owner", text)
        if all(owner_fields(entry.board, other.board) == OWNER for other in others):
            others.append(entry)
    titles: dict[str, str] = {}
    for name, others in first.items():
        other_name = titles.setdefault(looks_like(others[0].metadata.title), name)
        if other_name != name:
            yield problem("title", f"{name} has a title that looks like that of {other_name}")
