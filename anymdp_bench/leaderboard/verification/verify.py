"""Run a random part of a submission again, and compare. This runs the submitted agent's code."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import joblib
import numpy as np
from numpy.typing import NDArray

from anymdp_bench.agents.protocol import Agent
from anymdp_bench.agents.registry import make_agent
from anymdp_bench.banks import load_bank
from anymdp_bench.evaluation.protocols import play_shard, shards_of
from anymdp_bench.foundation.errors import InvalidConfig
from anymdp_bench.leaderboard.submissions import curves
from anymdp_bench.leaderboard.submissions.metadata import Machine, declared
from anymdp_bench.leaderboard.submissions.problems import problem, refuse, shown
from anymdp_bench.leaderboard.submissions.submission import Submission
from anymdp_bench.leaderboard.verification.fresh import play_fresh
from anymdp_bench.leaderboard.verification.permutation import Comparison, compare
from anymdp_bench.leaderboard.verification.verdict import (
    BITS,
    Reproduction,
    Verdict,
    read_verdict,
    write_verdict,
)
from anymdp_bench.records.provenance import agent_hash, package_hash, provenance
from anymdp_bench.records.record import Cell, CellReferences, Record, join_shards

ALPHA = 0.001
"""An honest rerun is called different with at most this probability."""
MIN_TASKS_COMPARED = 16
"""Tasks that are at least run again where bits cannot be expected to be equal."""


def submitted_agent(submission: Submission) -> Agent:
    """Make the submitted agent from its entry point.

    Raises:
        SubmissionRefused: it names no entry point, or the agent declares something else now.
        UnknownName, AgentError: the entry point cannot be called.
    """
    metadata = submission.metadata
    if metadata.entry_point is None:
        refuse([problem("verify", "names no entry point, so its agent cannot be run again")])
    agent = make_agent(str(metadata.entry_point), bank=submission.facts.board.bank)
    now = declared(agent.info)
    refuse(
        problem("verify", f"the agent declares {name}={shown(now[name])}; submitted was {shown(was)}")
        for name, was in metadata.agent.model_dump().items()
        if now[name] != was
    )
    return agent


def machine_now() -> Machine:
    """Versions and processor of this process."""
    made = provenance()
    return Machine(**{name: made[name] for name in Machine.model_fields})


def differences(submission: Submission, agent: Agent) -> list[str]:
    """Names of what keeps a rerun here from being equal to the bit."""
    was, now = submission.metadata.machine, machine_now()
    found = [name for name in ("python", "machine", "processor") if getattr(was, name) != getattr(now, name)]
    names = sorted(was.packages.keys() | now.packages.keys())
    found += [name for name in names if was.packages.get(name) != now.packages.get(name)]
    code = submission.metadata.code
    found += ["code of the package"] * (code.anymdp_bench != package_hash())
    found += ["code of the agent"] * (code.agent != agent_hash(agent))
    return found


def reproduce(
    submission: Submission, agent: Agent, *, fraction: float = 0.1, seed: int, jobs: int = 1
) -> Reproduction:
    """Run a random part again and compare it with what was submitted.

    Whole shards are run, because an agent's random numbers belong to a shard. Equality to the bit is the
    verdict, whatever made it. Where bits differ, and code, versions or processor are not the record's,
    a permutation test at `ALPHA` compares the scores over the last tenth of the points, over more shards where
    `fraction` holds too few tasks for a test.

    Args:
        submission: Read and checked.
        agent: From `submitted_agent`.
        fraction: Share of the shards, in (0, 1]; at least one.
        seed: Chooses the shards.
        jobs: Worker processes.

    Raises:
        AgentError: the agent fails.
    """
    differing = differences(submission, agent)
    shards = shards_of(submission.facts.board, agent.info, submission.n_tasks)
    order = np.random.Generator(np.random.PCG64(seed)).permutation(len(shards)).tolist()
    n_chosen = math.ceil(fraction * len(shards))
    chosen = sorted(order[:n_chosen])
    again = _play(submission, agent, chosen, jobs)
    least = min(len(shards), _shards_for(shards, MIN_TASKS_COMPARED))
    if differing and n_chosen < least and not _same_bits(submission, again):
        chosen = sorted(order[:least])
        again = _play(submission, agent, chosen, jobs)
    found = _compare(submission, again, expect_bits=not differing)
    return Reproduction(
        test=found.test,
        outcome=found.outcome,
        p_value=found.p_value,
        difference=found.difference,
        cells=len(again.cells),
        shards=chosen,
        seed=seed,
        differing=differing,
    )


def _play(submission: Submission, agent: Agent, chosen: Sequence[int], jobs: int) -> Record:
    """Play some of the shards; the record is of their cells alone."""
    everything = shards_of(submission.facts.board, agent.info, submission.n_tasks)
    shards, n_cells = [everything[i] for i in chosen], sum(map(len, everything))
    board = submission.facts.board
    tasks = dict(enumerate(load_bank(board.bank).board_tasks(submission.n_tasks)))
    played = joblib.Parallel(n_jobs=jobs)(
        joblib.delayed(play_shard)(agent, board, cells, tasks, n_cells, _ignore) for cells in shards
    )
    joined = join_shards(played)
    cells = tuple(cell for shard in shards for cell in shard)
    numbers = [cell.task for cell in cells]
    references = CellReferences(*(values[numbers] for values in submission.facts.references))
    return Record(cells, references, joined.points, joined.lived)


def check_fraction(fraction: float) -> None:
    """Raise InvalidConfig unless `fraction` is above 0 and at most 1."""
    if not 0 < fraction <= 1:
        raise InvalidConfig(f"fraction={fraction!r}: give a number above 0 and at most 1.")


def verify_submission(
    submission: Submission,
    folder: Path,
    agent: Agent,
    *,
    fraction: float,
    fresh: bool,
    seed: int,
    jobs: int = 1,
) -> tuple[Path, Verdict]:
    """Run a part again, on demand let the agent play fresh tasks, and write the verdict beside `folder`.

    A verdict on fresh tasks that was found before is kept.
    """
    check_fraction(fraction)
    before = read_verdict(folder, submission.digest)
    new = play_fresh(submission, agent, seed=seed, jobs=jobs) if fresh else None
    verdict = Verdict(
        schema_version=1,
        submission=submission.digest,
        reproduction=reproduce(submission, agent, fraction=fraction, seed=seed, jobs=jobs),
        fresh=new or (before.fresh if before else None),
        machine=machine_now(),
    )
    return write_verdict(folder, verdict), verdict


def _shards_for(shards: Sequence[tuple[Cell, ...]], n_tasks: int) -> int:
    """Shards that hold at least so many tasks, whichever are chosen; all, if there are too few."""
    fewest = min(len({cell.task for cell in shard}) for shard in shards)
    return math.ceil(n_tasks / fewest)


def _ignore(n_episodes: int) -> None:
    """Report nothing."""


def _compare(submission: Submission, again: Record, *, expect_bits: bool) -> Comparison:
    found = compare(submission.record, again, _rows(submission, again), ALPHA)
    if _same_bits(submission, again):
        return Comparison(BITS, "equal", None, found.difference)
    if expect_bits:
        return Comparison(BITS, "different", None, found.difference)
    return found


def _rows(submission: Submission, again: Record) -> NDArray[np.int64]:
    """Rows of the submitted record that were played again."""
    return np.array([submission.record.cells.index(cell) for cell in again.cells])


def _same_bits(submission: Submission, again: Record) -> bool:
    rows = _rows(submission, again)
    tables = [(submission.points, curves.points_columns(again))]
    if submission.lived is not None:
        tables.append((submission.lived, curves.lived_columns(again)))
    n_cells = len(submission.record.cells)
    return all(
        was[name].reshape(n_cells, -1)[rows].tobytes() == now[name].astype(was[name].dtype).tobytes()
        for was, now in tables
        for name in was
    )
