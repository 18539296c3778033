"""The kept result of an agent on a board, or a new run."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from anymdp_bench.agents.protocol import Agent
from anymdp_bench.agents.registry import make_agent
from anymdp_bench.evaluation.boards import Board
from anymdp_bench.evaluation.evaluate import OWN_TASKS, OnProgress, evaluate
from anymdp_bench.evaluation.isolation.remote import agent_code
from anymdp_bench.records.provenance import package_hash
from anymdp_bench.reproduce.compact import Compact, compact_path, load_compact, save_compact
from anymdp_bench.tasks.protocol import Task

RESULTS = Path(__file__).parent.parent.parent / "leaderboards" / "results"
"""Kept results of a checkout."""
DEFAULT_OUT = Path("runs") / "reproduce"


def default_results() -> Path:
    """Folder of kept results: the checkout's, or one of the user's own where there is no checkout."""
    return RESULTS if RESULTS.parent.is_dir() else DEFAULT_OUT / "results"


@dataclass(frozen=True, slots=True)
class Cell:
    """One agent on one board.

    Attributes:
        agent: Registered name.
        board: Specification; its `n_tasks` is a wish if `any_tasks`.
        bank: Whose family's settings the agent plays with.
        make_tasks: Makes the tasks, where they are not the bank's own.
        any_tasks: Whether a kept result with another number of tasks will do.
    """

    agent: str
    board: Board
    bank: str
    make_tasks: Callable[[], Sequence[Task]] | None = None
    any_tasks: bool = False

    @property
    def spec(self) -> Board:
        """The board as it stands in the manifest of a run."""
        return self.board if self.make_tasks is None else dataclasses.replace(self.board, bank=OWN_TASKS)


@dataclass(frozen=True, slots=True)
class Places:
    """Where to look and where to write.

    Attributes:
        results: Compact results that are kept.
        records: Full records of new runs, a folder for each.
    """

    results: Path
    records: Path


def find(cell: Cell, places: Places) -> Compact | None:
    """Kept result of a cell; None if there is none of the same specification.

    Raises:
        RecordsError: there is one, but it is damaged.
    """
    path = compact_path(places.results, cell.board.name, cell.agent)
    if not path.is_file():
        return None
    kept = load_compact(path)
    board = kept.manifest.board
    if cell.any_tasks:
        board = dataclasses.replace(board, n_tasks=cell.spec.n_tasks)
    return kept if board == cell.spec else None


def play(cell: Cell, places: Places, *, jobs: int = 1, on_progress: OnProgress | None = None) -> Compact:
    """Run a cell, going on where an earlier run of the same code was stopped, and keep its result."""
    agent = make_agent(cell.agent, bank=cell.bank)
    result = evaluate(
        agent,
        cell.board,
        tasks=None if cell.make_tasks is None else cell.make_tasks(),
        jobs=jobs,
        out=run_folder(places.records, cell.board, agent),
        on_progress=on_progress,
    )
    return save_compact(result, places.results)


def run_folder(parent: Path, board: Board, agent: Agent) -> Path:
    """Folder of its own for every specification, agent and version of the code."""
    identity = [board.fingerprint(), package_hash(), agent_code(agent), repr(agent.info)]
    key = hashlib.sha256("/".join(identity).encode()).hexdigest()
    return parent / board.name / key[:8] / agent.info.name
