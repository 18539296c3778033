"""A model reads sequences: segment by segment, or step by step where nothing can be looked up ahead."""

from __future__ import annotations

import itertools
import time
from collections.abc import Collection
from typing import Any, NamedTuple, Protocol

import numpy as np

from anymdp_bench.contexts import TAGS
from anymdp_bench.evaluation.sequence.boards import BLOCK
from anymdp_bench.evaluation.sequence.model import Answers, Segment, SequenceModel, state_bytes
from anymdp_bench.evaluation.sequence.record import Sequences
from anymdp_bench.evaluation.sequence.score import KINDS, losses_of
from anymdp_bench.foundation.types import FloatArray

Losses = dict[str, FloatArray]
"""By kind, ``[n_tasks, n_blocks]`` or, of single steps, ``[n_tasks, T]``."""


class Reading(NamedTuple):
    """What came of reading sequences.

    Attributes:
        losses: Means of blocks of 64 steps.
        state_bytes: Memory of one sequence at the end.
        seconds: CPU seconds for 1,000 steps of one sequence.
    """

    losses: Losses
    state_bytes: int
    seconds: float


class Foreseeing(SequenceModel, Protocol):
    """A model that can be asked without being led on."""

    def foresee(self, segment: Segment) -> Answers:
        """Answers from a copy of the latest state, which stays as it is."""
        ...


def read_segments(model: SequenceModel, sequences: Sequences, length: int) -> Reading:
    """Let a model read all sequences at once, `length` steps at a time.

    Raises:
        AgentError: an answer is of wrong shape or not finite.
    """
    n, steps = sequences.labels.shape
    judge = _Judge(sequences)
    losses = {kind: np.empty((n, steps)) for kind in KINDS}
    clock = getattr(model, "process_time", time.process_time)
    spent, state = 0.0, model.begin(n, sequences.n_observations, sequences.n_actions)
    for first, last in itertools.pairwise([*range(0, steps, length), steps]):
        shown = sequences.segment(first, last)
        start = clock()
        answers, state = model.answer(shown, state)
        spent += clock() - start
        for kind, values in judge.losses(answers, first, last).items():
            losses[kind][:, first:last] = values
    blocks = {kind: values.reshape(n, -1, BLOCK).mean(axis=2) for kind, values in losses.items()}
    return Reading(blocks, state_bytes(state) // n, 1000 * spent / (n * steps))


def read_step_by_step(
    model: Foreseeing, sequences: Sequences, blocks: Collection[int], length: int, seed: int
) -> Losses:
    """Losses of some blocks that are read step by step, each step told only when its answers are there.

    Before a step is told, the model is asked twice from a copy of its state: for the oracle's action, with
    the action, its tag and its outcome drawn at random, and for the outcome, with the true action and tag.

    Args:
        model: In a process of its own: what it is not told it cannot know.
        sequences: What is read.
        blocks: Numbers of blocks of 64 steps.
        length: Steps of a segment where no such block lies.
        seed: Of what is told in place of the truth.

    Returns:
        By kind, means of the blocks ``[n_tasks, len(blocks)]``, blocks ascending.

    Raises:
        AgentError: an answer is of wrong shape or not finite.
    """
    n, judge, decoys = len(sequences.labels), _Judge(sequences), _Decoys(sequences, seed)
    state: Any = model.begin(n, sequences.n_observations, sequences.n_actions)
    found: dict[str, list[FloatArray]] = {kind: [] for kind in KINDS}
    reached = 0
    for block in sorted(blocks):
        begin, end = block * BLOCK, (block + 1) * BLOCK
        for first in range(reached, begin, length):
            _, state = model.answer(sequences.segment(first, min(first + length, begin)), state)
        steps: dict[str, list[FloatArray]] = {kind: [] for kind in KINDS}
        for t in range(begin, end):
            truth = sequences.segment(t, t + 1)
            policy, outcome = (model.foresee(told) for told in decoys.before(truth))
            answers = outcome._replace(policy=policy.policy)
            for kind, values in judge.losses(answers, t, t + 1).items():
                steps[kind].append(values[:, 0])
            _, state = model.answer(truth, state)
        for kind, columns in steps.items():
            found[kind].append(np.mean(columns, axis=0))
        reached = end
    return {kind: np.stack(values, axis=1) for kind, values in found.items()}


class _Judge:
    """Knows what happened, and what each sequence's rewards vary by."""

    def __init__(self, sequences: Sequences) -> None:
        self._sequences = sequences
        # Tasks pay in units of their own.
        self._scale = np.maximum(sequences.rewards.var(axis=1, dtype=np.float64), 1e-12)[:, None]

    def losses(self, answers: Answers, first: int, last: int) -> Losses:
        """Losses of the steps ``first <= t < last``, ``[n, last - first]``."""
        told, labels = self._sequences.segment(first, last), self._sequences.labels[:, first:last]
        losses = losses_of(answers, told, labels, self._sequences.n_observations, self._sequences.n_actions)
        return losses | {"reward": losses["reward"] / self._scale}


class _Decoys:
    """Steps of which a part is drawn at random."""

    def __init__(self, sequences: Sequences, seed: int) -> None:
        self._generator = np.random.Generator(np.random.PCG64(seed))
        self._sizes = sequences.n_observations, sequences.n_actions
        self._rewards = float(sequences.rewards.mean()), float(sequences.rewards.std())
        self._ends = float(sequences.ended.mean())

    def before(self, truth: Segment) -> tuple[Segment, Segment]:
        """What is told when the action is asked for, and when the outcome is."""
        draw, shape = self._generator, truth.actions.shape
        n_observations, n_actions = self._sizes
        unknown = Segment(
            observations=truth.observations.copy(),
            tags=draw.integers(len(TAGS), size=shape),
            actions=draw.integers(n_actions, size=shape),
            rewards=draw.normal(*self._rewards, shape).astype(np.float32),
            next_observations=draw.integers(n_observations, size=shape),
            ended=draw.random(shape) < self._ends,
        )
        return unknown, unknown._replace(actions=truth.actions.copy(), tags=truth.tags.copy())
