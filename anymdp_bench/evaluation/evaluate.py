"""Run an agent through a board."""

from __future__ import annotations

import contextlib
import dataclasses
import math
import pickle
from collections.abc import Callable, Iterator, Sequence
from os import PathLike
from typing import Any, NamedTuple

from anymdp_bench.agents.protocol import Agent, AgentInfo
from anymdp_bench.agents.registry import check_is_agent, make_agent
from anymdp_bench.banks import Bank, load_bank
from anymdp_bench.evaluation.boards import PLAYED_SPLITS, Board, get_board
from anymdp_bench.evaluation.fan_out import check_backend, fan_out
from anymdp_bench.evaluation.isolation.remote import agent_code
from anymdp_bench.evaluation.progress import shared_slots
from anymdp_bench.evaluation.protocols import play_shard, shards_of
from anymdp_bench.evaluation.result import Result
from anymdp_bench.evaluation.run_folder import Manifest, RecordFolder
from anymdp_bench.foundation.checks import check_choice, check_integer
from anymdp_bench.foundation.errors import AgentError, BenchError, InvalidConfig, UnknownName
from anymdp_bench.records.provenance import package_hash, provenance
from anymdp_bench.records.record import Cell, CellReferences, ShardRecord
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.worlds.pendulum.references import has_references, references

OWN_TASKS = "own tasks"
"""Stands for the bank's name where the caller gave the tasks."""
OnProgress = Callable[[int, int], None]
"""Told (learning episodes finished since the last call, learning episodes of the whole run)."""


def evaluate(
    agent: Agent | str,
    board: Board | str,
    *,
    tasks: Sequence[Task] | str | None = None,
    jobs: int = 1,
    backend: str = "processes",
    out: str | PathLike[str] | None = None,
    controls: bool = False,
    on_progress: OnProgress | None = None,
    **changes: Any,
) -> Result:
    """Run an agent through a board.

    Args:
        agent: An agent, a registered name, or ``"package.module:Class"``. An agent object is copied for
            every shard and not changed.
        board: A specification, or the name of a board or of a bank (its online board).
        tasks: Played instead of the board's own tasks, all of them; a private test set. ``"validation"``
            plays the bank's validation tasks, the first `n_tasks` of them, on which settings may be chosen.
        jobs: Workers; results do not depend on their number.
        backend: Where several workers are: ``"processes"`` of this machine, or ``"ray"``, a Ray cluster.
        out: Folder that keeps finished shards. The same call goes on where a killed one stopped.
        controls: Whether to record, for in-context agents on tasks with tables, what the columns
            ``controlled...`` need; costs a few per cent of the time of an agent that does not think.
        on_progress: Told about progress; with several jobs, from another thread.
        **changes: Fields of the board to replace, e.g. ``n_tasks=8``.

    Raises:
        UnknownName: no such agent, board or bank.
        InvalidConfig: a changed field, `jobs` or `backend` is not legal, or there is no task.
        AgentError: the agent raised or answered illegally. Shards that are finished are kept in `out`.
        RecordsError: `out` holds a different run, or a live one.
        WorkerLost: a worker process has died; finished shards are kept in `out`.
        UndefinedScore: never here, but from the result's `scores`.

    Examples:
        >>> result = evaluate("uniform", "darkroom-6-v0", runs=2)
        >>> len(result.scores())
        1
    """
    jobs = check_integer("jobs", jobs, 1)
    check_backend(backend)
    spec = change_board(get_board(board) if isinstance(board, str) else board, changes)
    player = make_agent(agent, bank=spec.bank) if isinstance(agent, str) else check_is_agent(agent)
    spec, chosen = choose_tasks(spec, tasks)
    manifest = _manifest(spec, player, chosen, task_references(chosen))
    with _folder(out, manifest) as folder:
        run = _Run(player, manifest, chosen, jobs, backend, controls)
        shards = _play_all(run, folder, on_progress or _ignore)
    return Result(manifest, tuple(shards))


def change_board(board: Board, changes: dict[str, Any]) -> Board:
    """Return the board with some fields replaced.

    Raises:
        InvalidConfig: an unknown field, or an illegal value.
    """
    return Board.from_dict(board.as_dict() | changes)


def _ignore(n_episodes: int, total: int) -> None:
    """Report nothing."""


@contextlib.contextmanager
def _folder(out: str | PathLike[str] | None, manifest: Manifest) -> Iterator[RecordFolder | None]:
    if out is None:
        yield None
        return
    with RecordFolder(out).claimed(manifest) as folder:
        yield folder


def choose_tasks(board: Board, tasks: Sequence[Task] | str | None) -> tuple[Board, list[Task]]:
    """What is played: the caller's tasks, a split of the bank by its name, or as the board says.

    Returns:
        The specification, which says so, and the tasks.

    Raises:
        InvalidConfig: no such split can be played, or there is no task, or what is no sequence.
    """
    if tasks is None or isinstance(tasks, str):
        if tasks is not None:
            check_choice("tasks", tasks, PLAYED_SPLITS)
        spec = board if tasks is None else dataclasses.replace(board, split=tasks)
        return spec, list(_bank_of(spec).split(spec.split)[: spec.n_tasks])
    if not hasattr(tasks, "__getitem__"):
        raise InvalidConfig(
            f"tasks={tasks!r} is no sequence of tasks: give tasks or the name of a split; how many of the "
            "board's own are played is n_tasks."
        )
    if not tasks:
        raise InvalidConfig("tasks is empty: give at least one task, or none to play the board's own.")
    return dataclasses.replace(board, bank=OWN_TASKS, n_tasks=len(tasks)), list(tasks)


def _bank_of(board: Board) -> Bank:
    try:
        return load_bank(board.bank)
    except UnknownName as error:
        raise UnknownName(f"{error} A board of your own is played with tasks=[...].") from error


def task_references(tasks: Sequence[Task]) -> dict[str, list[float]]:
    """Reference returns; NaN where a task has none, so that no score can be made of it."""
    found = [references(task) if has_references(task) else None for task in tasks]
    return {
        name: [math.nan if item is None else float(getattr(item, name)) for item in found]
        for name in CellReferences._fields
    }


def _manifest(board: Board, agent: Agent, tasks: Sequence[Task], known: dict[str, list[float]]) -> Manifest:
    return Manifest(
        board=board,
        agent=agent.info,
        code={"anymdp_bench": package_hash(), "agent": agent_code(agent)},
        fingerprints=[task.fingerprint() for task in tasks],
        references=known,
        shards=shards_of(board, agent.info, tasks),
        provenance=provenance(),
    )


@dataclasses.dataclass(frozen=True, slots=True)
class _Run:
    """What every shard of an evaluation shares."""

    agent: Agent
    manifest: Manifest
    tasks: Sequence[Task]
    jobs: int
    backend: str
    controls: bool

    @property
    def info(self) -> AgentInfo:
        return self.manifest.agent

    def n_episodes(self, cells: Sequence[Cell]) -> int:
        """Learning episodes of some cells."""
        board = self.manifest.board
        return len(cells) * (board.train_episodes if self.info.learner else board.context_episodes)

    def job(self, index: int) -> _Job:
        """All that a worker needs to play one shard."""
        cells = self.manifest.shards[index]
        tasks = {cell.task: self.tasks[cell.task] for cell in cells}
        n_cells = len(self.manifest.cells)
        return _Job(index, self.agent, self.manifest.board, cells, tasks, n_cells, self.controls)


class _Job(NamedTuple):
    shard: int
    agent: Agent
    board: Board
    cells: tuple[Cell, ...]
    tasks: dict[int, Task]
    n_cells: int
    controls: bool


def _play_one(job: _Job, on_episodes: Callable[[int], None]) -> tuple[int, ShardRecord | BenchError]:
    """Play a shard; an error is returned, so that it does not stop the other shards."""
    shard = job.agent, job.board, job.cells, job.tasks, job.n_cells
    try:
        return job.shard, play_shard(*shard, on_episodes, controls=job.controls)
    except BenchError as error:
        return job.shard, error


def _play_all(run: _Run, folder: RecordFolder | None, on_progress: OnProgress) -> list[ShardRecord]:
    shards = run.manifest.shards
    total = run.n_episodes(run.manifest.cells)
    done: dict[int, ShardRecord] = {}
    for index, cells in enumerate(shards):
        kept = None if folder is None else folder.read_shard(index, cells)
        if kept is not None:
            done[index] = kept
            on_progress(run.n_episodes(cells), total)
    errors: dict[int, BenchError] = {}
    missing = [index for index in range(len(shards)) if index not in done]
    for index, outcome in _outcomes(run, missing, lambda n: on_progress(n, total)):
        if isinstance(outcome, BenchError):
            errors[index] = outcome
            continue
        done[index] = outcome
        if folder is not None:
            folder.write_shard(index, shards[index], outcome)
    if errors:
        raise errors[min(errors)]
    return [done[index] for index in range(len(shards))]


def _outcomes(
    run: _Run, indices: Sequence[int], on_episodes: Callable[[int], None]
) -> Iterator[tuple[int, ShardRecord | BenchError]]:
    """Play shards here, or where the backend has workers, and hand them over as they finish."""
    if run.backend == "processes" and (run.jobs == 1 or len(indices) < 2):
        for index in indices:
            yield _play_one(run.job(index), on_episodes)
        return
    with shared_slots(len(indices), on_episodes) as slots:
        calls = [(run.job(index), slot) for index, slot in zip(indices, slots, strict=True)]
        try:
            yield from fan_out(_play_one, calls, jobs=run.jobs, backend=run.backend)
        except pickle.PickleError as error:
            last = str(error.__cause__ or error).strip(' \n"').splitlines()[-1]
            raise AgentError(
                f"Agent {run.info.name!r} cannot be sent to a worker process ({last}). "
                "Open files, locks and the like in begin(), or play with jobs=1."
            ) from error
