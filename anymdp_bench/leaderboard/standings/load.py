"""Everything that lies in the leaderboards' folder, checked, scored and ranked."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from anymdp_bench.banks import load_bank
from anymdp_bench.evaluation.boards import BOARDS, Board
from anymdp_bench.foundation.errors import SubmissionRefused
from anymdp_bench.leaderboard.standings.entry import Entry, make_entry
from anymdp_bench.leaderboard.standings.listed import listed_boards
from anymdp_bench.leaderboard.standings.overall import Total, overall
from anymdp_bench.leaderboard.standings.ranking import TRACKS, Ranking, rank
from anymdp_bench.leaderboard.submissions import claims
from anymdp_bench.leaderboard.submissions.facts import board_facts
from anymdp_bench.leaderboard.submissions.files import SUBMISSIONS
from anymdp_bench.leaderboard.submissions.plain import looks_like
from anymdp_bench.leaderboard.submissions.problems import problem, refuse, shown
from anymdp_bench.leaderboard.submissions.signing import SIGNERS
from anymdp_bench.leaderboard.submissions.submission import FactsOf, Submission, read_submission
from anymdp_bench.leaderboard.submissions.submit import OWNER
from anymdp_bench.leaderboard.verification import findings, verdict
from anymdp_bench.leaderboard.verification.signature import SIGNATURE, signer_of

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
    """All boards by name, and the overall board by track."""

    boards: dict[str, Standing]
    overall: dict[str, list[Total]]


def load_standings(root: Path, facts_of: FactsOf = board_facts) -> Standings:
    """Read and check every submission under ``<root>/submissions``.

    Raises:
        SubmissionRefused: naming every problem of every submission that fails.
    """
    folders, problems = _folders(root / SUBMISSIONS)
    boards: dict[str, Standing] = {}
    for name in dict.fromkeys([*listed_boards(), *folders]):
        try:
            boards[name] = _standing(name, folders.get(name, []), facts_of, root)
        except SubmissionRefused as error:
            problems += error.problems
    refuse(problems)
    refuse(_owner_problems(boards))
    entries = {name: standing.entries for name, standing in boards.items()}
    return Standings(boards, {track: overall(entries, track) for track in TRACKS})


def foreign_entries(root: Path, standings: Standings) -> list[str]:
    """Problems with entries under claimed names that the names' keys have not signed."""
    return [
        claims.foreign_problem(root / SUBMISSIONS / entry.board / entry.name)
        for standing in standings.boards.values()
        for entry in standing.entries
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


def _standing(name: str, folders: list[Path], facts_of: FactsOf, root: Path) -> Standing:
    submissions, problems = _read_all(folders, facts_of)
    refuse(problems)
    board, n_tasks = _specification(name, submissions)
    lengths = sorted({submission.n_tasks for submission in submissions} | {n_tasks}, reverse=True)
    listed, owners = verdict.listed_verdicts(root), claims.read_owners(root)
    entries = tuple(
        make_entry(
            submission,
            lengths,
            findings.read_findings(folder, submission.digest, _signer(folder, root)),
            verdict.read_older_verdict(folder, submission.digest, listed),
            claims.ownership(root, owners, folder, submission.digest),
        )
        for folder, submission in zip(folders, submissions, strict=True)
    )
    rankings = (rank(entries, track, n) for n in lengths for track in TRACKS)
    shown = tuple(ranking for ranking in rankings if ranking.rows or ranking.n_tasks == n_tasks)
    return Standing(board, n_tasks, entries, shown)


def _signer(folder: Path, root: Path) -> str | None:
    """Who has signed the findings about a submission."""
    return signer_of(findings.findings_path(folder), root / SIGNERS)


def _specification(name: str, submissions: list[Submission]) -> tuple[Board, int]:
    """A board and its number of tasks; those of an empty board need no planning."""
    if submissions:
        return submissions[0].facts.board, submissions[0].facts.n_tasks
    board = BOARDS[name]
    return board, min(board.n_tasks, len(load_bank(board.bank).test))


def _read_all(folders: list[Path], facts_of: FactsOf) -> tuple[list[Submission], list[str]]:
    submissions, problems = [], []
    for folder in folders:
        try:
            submissions.append(read_submission(folder, facts_of))
        except SubmissionRefused as error:
            problems += [f"{shown('/'.join(folder.parts[-2:]))[1:-1]}: {text}" for text in error.problems]
    return submissions, problems


def _owner_problems(boards: dict[str, Standing]) -> Iterator[str]:
    """Problems with names under which different agents stand on different boards."""
    first: dict[str, Entry] = {}
    for standing in boards.values():
        for entry in standing.entries:
            if entry.ownership == "foreign":
                continue
            other = first.setdefault(entry.name, entry)
            for field in OWNER:
                if getattr(entry.metadata, field) != getattr(other.metadata, field):
                    text = f"{entry.name} has another {field} on {entry.board} than on {other.board}"
                    yield problem("owner", text)
    titles: dict[str, str] = {}
    for name, entry in first.items():
        other_name = titles.setdefault(looks_like(entry.metadata.title), name)
        if other_name != name:
            yield problem("title", f"{name} has a title that looks like that of {other_name}")
