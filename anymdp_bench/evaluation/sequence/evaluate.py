"""A board's sequences read by a model."""

from __future__ import annotations

from typing import Any

import numpy as np

from anymdp_bench.contexts import TAGS
from anymdp_bench.evaluation.isolation.remote import agent_code
from anymdp_bench.evaluation.sequence.boards import BLOCK, SequenceBoard, get_sequence_board
from anymdp_bench.evaluation.sequence.model import Answers, Segment, SequenceModel, make_model
from anymdp_bench.evaluation.sequence.reading import read_segments
from anymdp_bench.evaluation.sequence.record import Sequences, load_sequences
from anymdp_bench.evaluation.sequence.result import SequenceResult
from anymdp_bench.evaluation.sequence.score import KINDS, losses_of
from anymdp_bench.foundation.checks import check, check_integer
from anymdp_bench.foundation.errors import AgentError
from anymdp_bench.records.provenance import package_hash, provenance

PROBE_STEPS, PROBE_ROWS = 48, 2
CLOSE = 1e-3
"""Difference of two answers that rounding may make."""


def evaluate_sequence(
    model: SequenceModel | str,
    board: str | SequenceBoard,
    *,
    name: str = "model",
    n_tasks: int | None = None,
    steps: int | None = None,
    segment: int = 512,
) -> SequenceResult:
    """Score what a model expects at every step of recorded play.

    Args:
        model: Reads all sequences at once, segment by segment; or ``"package.module:factory"``, which makes
            it.
        board: A board or its name.
        name: Of the model, in tables.
        n_tasks: Only the first so many sequences.
        steps: Only their first so many steps, a multiple of 64.
        segment: Steps that the model is shown at once; it changes no score of a model that carries its state.

    Raises:
        UnknownName: no such board or model.
        InvalidConfig: an illegal number, or a bank that is not fully observed.
        AgentError: an answer is of wrong shape, not finite, or depends on what comes later.
        FingerprintMismatch: a released board's sequences come out differently here.

    Examples:
        >>> class Uniform:
        ...     def begin(self, n, n_observations, n_actions): return n_actions
        ...     def answer(self, segment, n_actions):
        ...         return Answers(policy=np.zeros((*segment.actions.shape, n_actions))), n_actions
        >>> result = evaluate_sequence(Uniform(), "anymdp-16x5-sequence-v0", n_tasks=1, steps=512)
        >>> round(result.mean("policy")[0], 2)  # log 5
        np.float64(1.61)
    """
    spec = get_sequence_board(board) if isinstance(board, str) else board
    n_tasks = check_integer("n_tasks", spec.n_tasks if n_tasks is None else n_tasks, 1, spec.n_tasks)
    steps = check_integer("steps", spec.steps if steps is None else steps, BLOCK, spec.steps)
    check(steps % BLOCK == 0, "steps", steps, f"a multiple of {BLOCK}")
    segment = check_integer("segment", segment, 1)
    reader = make_model(model) if isinstance(model, str) else model
    sequences = load_sequences(spec, n_tasks=n_tasks, steps=steps)
    check_causality(reader, sequences)
    found = read_segments(reader, sequences, segment)
    return SequenceResult(
        model=name,
        board=spec,
        losses=found.losses,
        state_bytes=found.state_bytes,
        seconds=found.seconds,
        made={
            "entry_point": model if isinstance(model, str) else getattr(model, "entry_point", None),
            "segment": segment,
            "code": {"anymdp_bench": package_hash(), "agent": agent_code(reader)},
            "provenance": provenance(),
        },
    )


def check_causality(model: SequenceModel, sequences: Sequences) -> None:
    """Refuse a model whose answers depend on later steps, or are none.

    Raises:
        AgentError: naming the answer.
    """
    whole = sequences.segment(0, min(PROBE_STEPS, sequences.labels.shape[1]))
    given = Segment._make(x[:PROBE_ROWS] for x in whole)
    cut = given.actions.shape[1] // 2
    known = _answers(model, given, sequences)
    for kinds, from_action in ((KINDS[:1], cut), (KINDS[1:], cut + 1)):
        found = _answers(model, _changed(given, cut, from_action, sequences), sequences)
        for kind in kinds:
            before, after = getattr(known, kind), getattr(found, kind)
            if before is not None and not np.allclose(
                before[:, : cut + 1], after[:, : cut + 1], CLOSE, CLOSE
            ):
                raise AgentError(
                    f"{kind} depends on later steps: an answer may use what came before it only."
                )


def _answers(model: SequenceModel, segment: Segment, sequences: Sequences) -> Answers:
    state: Any = model.begin(len(segment.actions), sequences.n_observations, sequences.n_actions)
    answers, _ = model.answer(Segment._make(x.copy() for x in segment), state)
    rows, steps = segment.actions.shape
    labels = sequences.labels[:rows, :steps]
    losses_of(answers, segment, labels, sequences.n_observations, sequences.n_actions)
    return Answers._make(None if x is None else np.array(x) for x in answers)


def _changed(segment: Segment, cut: int, from_action: int, sequences: Sequences) -> Segment:
    """The same until the observation of step `cut`; other outcomes from there on, and other actions later."""
    new = Segment._make(x.copy() for x in segment)
    n_observations, n_actions = sequences.n_observations, sequences.n_actions
    new.observations[:, cut + 1 :] = (new.observations[:, cut + 1 :] + 1) % n_observations
    new.next_observations[:, cut:] = (new.next_observations[:, cut:] + 1) % n_observations
    new.rewards[:, cut:] += 1.0
    new.actions[:, from_action:] = (new.actions[:, from_action:] + 1) % n_actions
    new.tags[:, from_action:] = (new.tags[:, from_action:] + 1) % len(TAGS)
    return new
