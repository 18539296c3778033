"""Play with seeds that are newer than the entry: on its own tasks renamed, and on fresh ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
from joblib import Parallel, delayed

from anymdp_bench.agents.protocol import Agent
from anymdp_bench.banks import BANKS, load_bank
from anymdp_bench.banks.sampled import SampledSource
from anymdp_bench.evaluation.boards import Board
from anymdp_bench.evaluation.evaluate import evaluate
from anymdp_bench.evaluation.isolation.host import IsolatedAgent
from anymdp_bench.foundation.types import FloatArray
from anymdp_bench.leaderboard.submissions.acting import Submission
from anymdp_bench.leaderboard.submissions.problems import problem, refuse
from anymdp_bench.leaderboard.verification.comparison import (
    MIN_PAIRS,
    difference_interval,
    drop_on_same_tasks,
    late_scores,
)
from anymdp_bench.leaderboard.verification.findings import Again
from anymdp_bench.leaderboard.verification.ranked import chance_on_fresh_tasks, chance_on_same_tasks
from anymdp_bench.leaderboard.verification.renamed import Renamed
from anymdp_bench.leaderboard.verification.replay import heading_of
from anymdp_bench.records.record import Cell, Record
from anymdp_bench.scoring.intervals import task_means
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.task import TabularTask

FEWEST_RUNS = 30
"""Runs of each task on boards of few tasks: ten are too few for an interval of 99.9 % to see a large fall."""
N_TASKS = 64
"""Fresh tasks; the standard error of their mean is that of a whole board."""


def play_renamed(submission: Submission, agent: Agent, *, seed: int, jobs: int = 1) -> Again:
    """Play the submission's own tasks with new seeds, ids permuted.

    Ids stay as they are for agents that say they use their geometry, and for reference agents that train on
    environments themselves.

    Args:
        submission: Read and checked.
        agent: From `submitted_agent`.
        seed: Drawn now.
        jobs: Worker processes.

    Raises:
        AgentError: the agent fails.
    """
    return found_renamed(submission, agent, renamed_record(submission, agent, seed=seed, jobs=jobs), seed)


def renamed_record(submission: Submission, agent: Agent, *, seed: int, jobs: int = 1) -> Record:
    """Record of `play_renamed`; tasks are played in another order, so that no row is known by its number."""
    board = submission.facts.board
    tasks = list(load_bank(board.bank).board_tasks(submission.n_tasks))
    if len(tasks) < MIN_PAIRS:
        board = dataclasses.replace(board, runs=max(board.runs, FEWEST_RUNS))
    player = Renamed(agent, seed) if _renames(submission, agent) else agent
    order = np.random.Generator(np.random.PCG64(seed)).permutation(len(tasks))
    record = _play(board, player, [tasks[i] for i in order], seed, jobs)
    cells = tuple(Cell(int(order[cell.task]), cell.run) for cell in record.cells)
    return dataclasses.replace(record, cells=cells)


def found_renamed(submission: Submission, agent: Agent, record: Record, seed: int) -> Again:
    """What a record of `renamed_record` says."""
    interval = drop_on_same_tasks(submission.record, record)
    chance = chance_on_same_tasks(submission.record, record, ranked_lengths(submission), seed)
    return _found(submission, record, "renamed", _renames(submission, agent), seed, interval, chance)


def _renames(submission: Submission, agent: Agent) -> bool:
    return isinstance(agent, IsolatedAgent) and not submission.metadata.uses_geometry


def play_fresh(
    submission: Submission,
    agent: Agent,
    *,
    seed: int,
    jobs: int = 1,
    n_tasks: int = N_TASKS,
) -> Again:
    """Play new tasks of the board's family.

    An agent that has seen the board's tasks before does better on them than on these.

    Args:
        submission: Read and checked.
        agent: From `submitted_agent`.
        seed: Drawn now.
        jobs: Worker processes.
        n_tasks: How many, at least 2.

    Raises:
        SubmissionRefused: the board's tasks are hand-made.
        AgentError: the agent fails.
    """
    source = sampled_source(submission)
    if source is None:
        refuse([problem("fresh", "is for boards of sampled tasks")])
    tasks = fresh_tasks(source, seed, n_tasks)  # type: ignore[arg-type]
    record = _play(submission.facts.board, agent, tasks, seed, jobs)
    interval = difference_interval(_by_task(submission.record), _by_task(record))
    chance = chance_on_fresh_tasks(submission.record, record, ranked_lengths(submission), seed)
    return _found(submission, record, "fresh", False, seed, interval, chance)


def ranked_lengths(submission: Submission) -> list[int]:
    """Numbers of first tasks by which boards rank a submission."""
    return [n for n in submission.facts.legal_lengths if n <= submission.n_tasks]


def sampled_source(submission: Submission) -> SampledSource | None:
    """Where new tasks of a submission's board come from; None where its tasks are hand-made."""
    source = BANKS.get(submission.facts.board.bank)
    return source if isinstance(source, SampledSource) else None


def fresh_tasks(source: SampledSource, seed: int, n_tasks: int) -> list[TabularTask]:
    """Draw scorable tasks of a bank's kind that are in none of its splits."""
    drawn = Parallel(n_jobs=2, backend="threading")(
        delayed(source.draw)(f"fresh-{seed}", index) for index in range(n_tasks)
    )
    return [task for task, _ in drawn]


def _play(board: Board, agent: Agent, tasks: Sequence[Task], seed: int, jobs: int) -> Record:
    return evaluate(agent, dataclasses.replace(board, seed=seed), tasks=tasks, jobs=jobs).record


def _by_task(record: Record) -> FloatArray:
    return task_means(late_scores(record), record.task_index)


def _found(
    submission: Submission,
    record: Record,
    kind: str,
    renamed: bool,
    seed: int,
    interval: tuple[float, float],
    chance: float,
) -> Again:
    submitted, found = float(_by_task(submission.record).mean()), float(_by_task(record).mean())
    return Again(
        **heading_of(submission),
        kind=kind,  # type: ignore[arg-type]
        renamed=renamed,
        seed=seed,
        tasks=len(set(record.task_index.tolist())),
        submitted=submitted,
        found=found,
        drop=submitted - found,
        low=interval[0],
        high=interval[1],
        chance=chance,
    )
