"""Boards with entries whose names have owners."""

from __future__ import annotations

from pathlib import Path

from anymdp_bench.leaderboard.standings.load import foreign_entries, load_standings
from anymdp_bench.leaderboard.submissions.facts import board_facts
from tests.support.synthetic import write_submission

SMALL, LARGE = "darkroom-6-online-v0", "darkroom-8-online-v0"


def written(root: Path, name: str = "mine", board: str = SMALL, **changes: str) -> Path:
    return write_submission(root, board_facts(board), name, **changes)


def groups(root: Path) -> dict[str, str]:
    """Group of every entry, by board and name."""
    boards = load_standings(root).boards
    return {f"{name}/{e.name}": e.group for name, standing in boards.items() for e in standing.entries}


def refused(root: Path) -> list[str]:
    return foreign_entries(root, load_standings(root))
