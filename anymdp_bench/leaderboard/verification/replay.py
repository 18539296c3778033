"""Shards of a submission, played again with the declared seeds and compared bit by bit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from anymdp_bench.agents.protocol import Agent
from anymdp_bench.banks import load_bank
from anymdp_bench.evaluation.fan_out import fan_out
from anymdp_bench.evaluation.isolation.remote import agent_code
from anymdp_bench.evaluation.protocols import play_shard
from anymdp_bench.evaluation.protocols.shards import shards_by_shape
from anymdp_bench.foundation.errors import BenchError
from anymdp_bench.leaderboard.submissions import curves
from anymdp_bench.leaderboard.submissions.acting import Submission
from anymdp_bench.leaderboard.submissions.kinds import AnySubmission
from anymdp_bench.leaderboard.submissions.metadata import Machine
from anymdp_bench.leaderboard.verification.comparison import late_scores
from anymdp_bench.leaderboard.verification.findings import SCHEMA, Replay, today
from anymdp_bench.records.provenance import package_hash, provenance
from anymdp_bench.records.record import Cell, CellReferences, Record, ShardRecord, join_shards


def machine_now() -> Machine:
    """Versions and processor of this process."""
    made = provenance()
    return Machine(**{name: made[name] for name in Machine.model_fields})


def differences(submission: AnySubmission, agent: Any) -> list[str]:
    """Names of what may keep a rerun here from being equal to the bit."""
    was, now = submission.metadata.machine, machine_now()
    found = [name for name in ("python", "machine", "processor") if getattr(was, name) != getattr(now, name)]
    names = sorted(was.packages.keys() | now.packages.keys())
    found += [name for name in names if was.packages.get(name) != now.packages.get(name)]
    code = submission.metadata.code
    found += ["code of the package"] * (code.anymdp_bench != package_hash())
    found += ["code of the agent"] * (code.agent != agent_code(agent))
    return found


def heading_of(submission: AnySubmission) -> dict[str, Any]:
    """What every finding about a submission says."""
    return {
        "schema_version": SCHEMA,
        "submission": submission.digest,
        "date": today(),
        "machine": machine_now(),
    }


def submitted_shards(submission: Submission) -> list[tuple[Cell, ...]]:
    """Shards of a submission's run."""
    facts = submission.facts
    size = submission.metadata.agent.shard_size
    return shards_by_shape(facts.board, size, facts.shapes[: submission.n_tasks])


def replay(submission: Submission, agent: Agent, chosen: Sequence[int], jobs: int = 1) -> Iterator[Replay]:
    """Play some shards again with the declared seeds, and compare every bit, shard by shard as they finish.

    Raises:
        AgentError: the agent fails.
    """
    shards = submitted_shards(submission)
    tasks = load_bank(submission.facts.board.bank).board_tasks(submission.n_tasks)
    n_cells, board = sum(map(len, shards)), submission.facts.board
    differing = differences(submission, agent)
    calls = [
        (i, agent, board, shards[i], {c.task: tasks[c.task] for c in shards[i]}, n_cells) for i in chosen
    ]
    for shard, outcome in fan_out(_play_one, calls, jobs=jobs, backend="processes"):
        if isinstance(outcome, BenchError):
            raise outcome
        yield _compared(submission, shard, shards[shard], outcome, differing)


def _play_one(shard: int, agent: Agent, *others: Any) -> tuple[int, ShardRecord | BenchError]:
    try:
        board, cells, tasks, n_cells = others
        return shard, play_shard(agent, board, cells, tasks, n_cells, _ignore)
    except BenchError as error:
        return shard, error


def _ignore(n_episodes: int) -> None:
    """Report nothing."""


def _compared(
    submission: Submission, shard: int, cells: Sequence[Cell], played: ShardRecord, differing: list[str]
) -> Replay:
    first = submission.record
    rows = np.array([first.cells.index(cell) for cell in cells])
    joined = join_shards([played])
    numbers = [cell.task for cell in cells]
    references = CellReferences(*(values[numbers] for values in submission.facts.references))
    again = Record(tuple(cells), references, joined.points, joined.lived)
    equal = _same_bits(submission, again, rows)
    return Replay(
        **heading_of(submission),
        kind="replay",
        shard=shard,
        outcome="equal" if equal else "undecided" if differing else "different",
        difference=0.0 if equal else float((late_scores(again) - late_scores(first)[rows]).mean()),
        cells=len(cells),
        differing=differing,
    )


def _same_bits(submission: Submission, again: Record, rows: Any) -> bool:
    tables = [(submission.points, curves.points_columns(again))]
    if submission.lived is not None:
        tables.append((submission.lived, curves.lived_columns(again)))
    n_cells = len(submission.record.cells)
    return all(
        was[name].reshape(n_cells, -1)[rows].tobytes() == now[name].astype(was[name].dtype).tobytes()
        for was, now in tables
        for name in was
    )
