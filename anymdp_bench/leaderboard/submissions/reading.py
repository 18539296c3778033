"""Entries of sequence models: their losses in blocks, and what must be true of them."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from anymdp_bench.evaluation.sequence.boards import BLOCK, SequenceBoard, get_sequence_board
from anymdp_bench.evaluation.sequence.record import frozen_fingerprints, record_sequences
from anymdp_bench.evaluation.sequence.result import LOSSES
from anymdp_bench.evaluation.sequence.score import KINDS
from anymdp_bench.foundation.digests import sha256
from anymdp_bench.foundation.errors import SubmissionRefused
from anymdp_bench.foundation.types import FloatArray
from anymdp_bench.leaderboard.submissions.checks import check_board, check_tasks
from anymdp_bench.leaderboard.submissions.metadata import FILE, ReadingMetadata
from anymdp_bench.leaderboard.submissions.parquet import Columns, Kinds
from anymdp_bench.leaderboard.submissions.problems import problem

LOSS_KINDS: Kinds = {"task": np.int32, "block": np.int32, **dict.fromkeys(KINDS, np.float64)}
"""Columns of ``losses.parquet``: one row per task and block of 64 steps, tasks in order, blocks ascending."""
ALWAYS_SAID = KINDS[0]
"""The loss that ranks; of the others a model may say nothing, which is not a number in every row."""


class SequenceFacts(NamedTuple):
    """The truth about a board of recorded sequences.

    Attributes:
        board: The registered specification.
        fingerprints: SHA-256 of the fingerprints of each sequence's chunks.
    """

    board: SequenceBoard
    fingerprints: tuple[str, ...]

    @property
    def n_tasks(self) -> int:
        """Sequences of the board."""
        return self.board.n_tasks

    @property
    def legal_lengths(self) -> tuple[int, ...]:
        """Boards are read whole."""
        return (self.n_tasks,)

    @property
    def n_blocks(self) -> int:
        """Blocks of each sequence."""
        return self.board.steps // BLOCK


def sequence_facts(name: str) -> SequenceFacts:
    """Facts of a registered board.

    Raises:
        UnknownName: with the nearest names, or all.
    """
    return _facts(get_sequence_board(name))


@functools.cache
def _facts(board: SequenceBoard) -> SequenceFacts:
    chunks = frozen_fingerprints(board.name) or record_sequences(board).fingerprints()
    return SequenceFacts(board, tuple(sha256(" ".join(row).encode()) for row in chunks))


@dataclass(frozen=True, slots=True)
class SequenceSubmission:
    """Losses that have passed every check; every figure is computed from them.

    Attributes:
        metadata: Who and what.
        facts: The board.
        losses: By kind, float64 ``[n_tasks, n_blocks]``; not a number where the model says nothing.
        digest: SHA-256 (hex) of its files; findings name it.
    """

    metadata: ReadingMetadata
    facts: SequenceFacts
    losses: Mapping[str, FloatArray]
    digest: str


def loss_columns(losses: Mapping[str, FloatArray]) -> Columns:
    """Rows of ``losses.parquet``."""
    tasks, blocks = np.indices(losses[ALWAYS_SAID].shape, dtype=np.int32).reshape(2, -1)
    return {"task": tasks, "block": blocks, **{kind: losses[kind].ravel() for kind in KINDS}}


class LossClaim(NamedTuple):
    """Losses that have been read, beside the truth about their board.

    Attributes:
        metadata: Who and what.
        facts: The board.
        losses: Rows of the table; None if they could not be read.
    """

    metadata: ReadingMetadata
    facts: SequenceFacts
    losses: Columns | None

    @property
    def n_tasks(self) -> int:
        """Tasks that were read."""
        return len(self.metadata.fingerprints)


def check_loss_rows(claim: LossClaim) -> Iterator[str]:
    """Every task and block is there once, in order."""
    if claim.losses is None:
        return
    expected = np.indices((claim.n_tasks, claim.facts.n_blocks)).reshape(2, -1)
    found = np.stack([claim.losses["task"], claim.losses["block"]])
    wrong = (found != expected).any(axis=0)
    if wrong.any():
        row = int(wrong.argmax())
        yield problem(
            "rows",
            f"losses: row {row} holds (task, block) {found[:, row].tolist()}; expected are "
            f"{expected[:, row].tolist()}",
        )


def check_losses(claim: LossClaim) -> Iterator[str]:
    """No loss is negative or infinite; one that the model does not say is NaN in every row."""
    for kind in KINDS if claim.losses is not None else ():
        values = claim.losses[kind]  # type: ignore[index]
        if kind != ALWAYS_SAID and np.isnan(values).all():
            continue
        wrong = ~(np.isfinite(values) & (values >= 0))
        if wrong.any():
            row = int(wrong.argmax())
            yield problem("losses", f"{kind} is {values[row]} in row {row}; losses are finite, 0 at least")


class Reading:
    """What is peculiar to these entries; see `kinds.Kind`."""

    files = frozenset({FILE, LOSSES})
    main = LOSSES
    metadata = ReadingMetadata
    metadata_checks = (check_board, check_tasks)
    table_checks = (check_loss_rows, check_losses)
    facts_of = staticmethod(sequence_facts)

    def tables(self, metadata: ReadingMetadata, facts: SequenceFacts) -> dict[str, tuple[Kinds, int]]:
        """Columns of the table that must be there, and how many rows it has for each task."""
        return {LOSSES: (LOSS_KINDS, facts.n_blocks)}

    def claim(
        self, metadata: ReadingMetadata, facts: SequenceFacts, tables: Mapping[str, Columns]
    ) -> LossClaim:
        """What is checked."""
        return LossClaim(metadata, facts, tables.get(LOSSES))

    def submission(self, claim: LossClaim, digest: str) -> SequenceSubmission:
        """What has passed every check.

        Raises:
            SubmissionRefused: its table was not read.
        """
        if claim.losses is None:
            raise SubmissionRefused([f"{LOSSES} was not read"])
        shape = claim.n_tasks, claim.facts.n_blocks
        losses = {kind: claim.losses[kind].reshape(shape) for kind in KINDS}
        return SequenceSubmission(claim.metadata, claim.facts, losses, digest)
