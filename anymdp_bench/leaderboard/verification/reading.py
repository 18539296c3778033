"""How entries of sequence models are verified: what they read is read again, step by step, and afresh."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.banks import BANKS, load_bank
from anymdp_bench.banks.sampled import SampledSource
from anymdp_bench.evaluation.isolation.models import IsolatedModel
from anymdp_bench.evaluation.isolation.process import Limits
from anymdp_bench.evaluation.sequence.boards import BLOCK, SequenceBoard
from anymdp_bench.evaluation.sequence.evaluate import check_causality
from anymdp_bench.evaluation.sequence.reading import read_segments, read_step_by_step
from anymdp_bench.evaluation.sequence.record import Sequences, load_sequences, record_on
from anymdp_bench.evaluation.sequence.score import KINDS, POINTS, stretch
from anymdp_bench.foundation.types import FloatArray
from anymdp_bench.leaderboard.submissions.reading import ALWAYS_SAID, SequenceSubmission
from anymdp_bench.leaderboard.verification.again import N_TASKS, fresh_tasks
from anymdp_bench.leaderboard.verification.comparison import difference_interval, paired_interval
from anymdp_bench.leaderboard.verification.findings import (
    SEED_BITS,
    Again,
    AnyFinding,
    Findings,
    Needs,
    Replay,
    Rules,
    Steps,
)
from anymdp_bench.leaderboard.verification.remembered import find_remembered
from anymdp_bench.leaderboard.verification.replay import differences, heading_of
from anymdp_bench.tasks.protocol import Task

ROUNDING = 1e-3
"""Largest difference of a block's loss that another processor or version may make."""
N_BLOCKS, N_SHOWN = 32, 4
"""Blocks that are read step by step: all, and of each stretch of context that tables show."""
AGAIN_STEPS = 4096
"""Steps that are read on renamed and on fresh tasks."""


def needs_of(submission: SequenceSubmission) -> Needs:
    """What must be found before a submission is verified; all tasks are read at once, as one shard."""
    return Needs(shards=1, renamed=True, fresh=_source(submission) is not None, steps=True)


def make_player(submission: SequenceSubmission, limits: Limits | None) -> IsolatedModel:
    """Make the submitted model behind a wall.

    Raises:
        AgentError: it cannot be made.
    """
    return IsolatedModel(str(submission.metadata.entry_point), limits)


def find(
    submission: SequenceSubmission, model: IsolatedModel, before: Findings, chosen: Sequence[int], jobs: int
) -> Iterator[AnyFinding]:
    """Find what is missing: rules, the same losses again, then step by step, renamed and fresh.

    Every part has a fresh process.

    Raises:
        AgentError: the model fails.
    """
    needs, board = needs_of(submission), submission.facts.board
    if not any(isinstance(line, Rules) for line in before.lines):
        check_causality(model, load_sequences(board, steps=BLOCK))
        yield Rules(**heading_of(submission), kind="rules")
    sequences = load_sequences(board)
    if chosen:
        found = read_again(submission, model, sequences)
        yield found
        if found.outcome not in ("equal", "consistent"):
            return
    if not before.steps:
        yield read_steps(submission, model, sequences, secrets.randbits(SEED_BITS))
    del sequences
    if not before.again("renamed"):
        yield from read_renamed(submission, model, secrets.randbits(SEED_BITS - 1))
    if needs.fresh and not before.again("fresh"):
        yield read_fresh(submission, model, secrets.randbits(SEED_BITS))


def read_again(submission: SequenceSubmission, model: IsolatedModel, sequences: Sequences) -> Replay:
    """Read everything again, and compare every bit."""
    model.close()
    metadata = submission.metadata
    again = read_segments(model, sequences, metadata.segment)
    same_size = again.state_bytes == metadata.state_bytes
    pairs = [(submission.losses[kind], again.losses[kind]) for kind in KINDS]
    equal = same_size and all(np.array_equal(was, now, equal_nan=True) for was, now in pairs)
    gaps = [np.abs(_said(was) - _said(now)).max() for was, now in pairs]
    differing, difference = differences(submission, model), float(max(gaps))
    near = same_size and difference <= ROUNDING
    elsewhere = "consistent" if near else "undecided"
    return Replay(
        **heading_of(submission),
        kind="replay",
        shard=0,
        outcome="equal" if equal else elsewhere if differing else "different",  # type: ignore[arg-type]
        difference=0.0 if equal else difference,
        cells=submission.facts.n_tasks,
        differing=differing,
    )


def read_steps(
    submission: SequenceSubmission, model: IsolatedModel, sequences: Sequences, seed: int
) -> Steps:
    """Read blocks drawn at random step by step, with nothing told ahead."""
    model.close()
    blocks = drawn_blocks(submission.facts.n_blocks, seed)
    found = read_step_by_step(model, sequences, blocks, submission.metadata.segment, seed)
    return Steps(
        **heading_of(submission),
        kind="steps",
        seed=seed,
        blocks=blocks,
        difference=_ahead(submission.losses, found, blocks),
    )


def drawn_blocks(n_blocks: int, seed: int) -> list[int]:
    """Blocks drawn at random, some of them from every stretch that tables show; ascending."""
    order = np.random.Generator(np.random.PCG64(seed)).permutation(n_blocks).tolist()
    shown = [[block for block in order if block in stretch(point)][:N_SHOWN] for point in POINTS]
    first = dict.fromkeys(block for blocks in shown for block in blocks)
    return sorted([*first, *(block for block in order if block not in first)][:N_BLOCKS])


def _ahead(submitted: Mapping[str, FloatArray], found: Mapping[str, FloatArray], blocks: list[int]) -> float:
    """Largest difference of a mean over tasks or over blocks, of any kind of loss."""
    gaps = [_said(found[kind]) - _said(submitted[kind][:, blocks]) for kind in KINDS]
    return float(max(np.abs(gap.mean(axis=axis)).max() for gap in gaps for axis in (0, 1)))


def _said(losses: FloatArray) -> FloatArray:
    """Losses, and -1, which none is, where the model says nothing."""
    return np.nan_to_num(losses, nan=-1.0)


def read_renamed(submission: SequenceSubmission, model: IsolatedModel, seed: int) -> Iterator[AnyFinding]:
    """Read new play on the submission's own tasks under other names, and test for tasks known by heart."""
    board = submission.facts.board
    tasks = list(load_bank(board.bank).board_tasks(board.n_tasks))
    submitted = _first_losses(submission.losses, board)

    def losses(seed: int) -> FloatArray:
        order = np.random.Generator(np.random.PCG64(seed)).permutation(len(tasks))
        told = renamed(_record([tasks[i] for i in order], board, seed), seed)
        return _read(model, told, submission)[np.argsort(order)]

    found = losses(seed)
    heading = heading_of(submission)
    scores = -submitted[:, None], -found[:, None]
    more = find_remembered(heading, *scores, lambda again: -losses(again)[:, None], seed=seed)
    yield from [more] if more else []
    yield _again(submission, "renamed", seed, submitted, found, paired_interval(found - submitted))


def read_fresh(submission: SequenceSubmission, model: IsolatedModel, seed: int) -> Again:
    """Read play on new tasks of the board's family."""
    board, source = submission.facts.board, _source(submission)
    submitted = _first_losses(submission.losses, board)
    tasks = fresh_tasks(source, seed, N_TASKS)  # type: ignore[arg-type]
    found = _read(model, _record(tasks, board, seed), submission)
    return _again(submission, "fresh", seed, submitted, found, difference_interval(found, submitted))


def renamed(sequences: Sequences, seed: int) -> Sequences:
    """The same play under other ids of observations and actions, drawn for each sequence."""
    generator = np.random.Generator(np.random.PCG64([seed, 1]))
    n = len(sequences.labels)
    sizes = {"observations": sequences.n_observations, "actions": sequences.n_actions}
    names = {
        of: generator.permuted(np.tile(np.arange(size, dtype=np.int16), (n, 1)), axis=1)
        for of, size in sizes.items()
    }

    def told(field: str, of: str) -> NDArray[np.int16]:
        return np.take_along_axis(names[of], getattr(sequences, field).astype(np.int64), axis=1)

    return dataclasses.replace(
        sequences,
        observations=told("observations", "observations"),
        next_observations=told("next_observations", "observations"),
        actions=told("actions", "actions"),
        labels=told("labels", "actions"),
    )


def _source(submission: SequenceSubmission) -> SampledSource | None:
    source = BANKS.get(submission.facts.board.bank)
    return source if isinstance(source, SampledSource) else None


def _record(tasks: Sequence[Task], board: SequenceBoard, seed: int) -> Sequences:
    """New play: no frozen sequence is met again."""
    steps = min(AGAIN_STEPS, board.steps)
    return record_on(tasks, dataclasses.replace(board, name="again", seed=seed), steps=steps)


def _read(model: IsolatedModel, sequences: Sequences, submission: SequenceSubmission) -> FloatArray:
    """Mean loss of the oracle's action on each task."""
    model.close()
    losses = read_segments(model, sequences, submission.metadata.segment).losses
    means: FloatArray = losses[ALWAYS_SAID].mean(axis=1)
    return means


def _first_losses(losses: Mapping[str, FloatArray], board: SequenceBoard) -> FloatArray:
    """The same of the steps that are compared."""
    means: FloatArray = losses[ALWAYS_SAID][:, : min(AGAIN_STEPS, board.steps) // BLOCK].mean(axis=1)
    return means


def _again(
    submission: SequenceSubmission,
    kind: str,
    seed: int,
    submitted: FloatArray,
    found: FloatArray,
    interval: tuple[float, float],
) -> Again:
    return Again(
        **heading_of(submission),
        kind=kind,  # type: ignore[arg-type]
        renamed=kind == "renamed",
        seed=seed,
        tasks=len(found),
        submitted=float(submitted.mean()),
        found=float(found.mean()),
        drop=float(found.mean() - submitted.mean()),
        low=interval[0],
        high=interval[1],
    )
