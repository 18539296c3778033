"""Segments of recorded play, and what is answered about them, as raw numbers of a known length."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.evaluation.sequence.model import Answers, Segment
from anymdp_bench.evaluation.sequence.score import check_floats

KINDS = (np.int64, np.int64, np.int64, np.float32, np.int64, np.bool_)
"""Of the fields of a segment."""
SHAPE = 2
"""Numbers before a segment: rows and steps."""
FACTS = 4
"""Numbers before answers: CPU seconds so far, bytes of the state, and which answers are given."""


def encode_segment(segment: Segment) -> bytes:
    """A segment's shape and its arrays."""
    shape = np.array(segment.actions.shape, np.int64)
    columns = (np.asarray(x, kind).tobytes() for x, kind in zip(segment, KINDS, strict=True))
    return b"".join([shape.tobytes(), *columns])


def decode_segment(payload: bytearray) -> Segment:
    """Inverse of `encode_segment`, on the model's side: views that may be written to."""
    shape = tuple(np.frombuffer(payload, np.int64, SHAPE).tolist())
    place = 8 * SHAPE
    arrays: list[NDArray[Any]] = []
    for kind in KINDS:
        arrays.append(np.frombuffer(payload, kind, math.prod(shape), place).reshape(shape))
        place += arrays[-1].nbytes
    return Segment(*arrays)


def answer_bytes(shape: Sequence[int], sizes: Sequence[int]) -> int:
    """Length of answers about a segment of ``[B, T]`` steps; `sizes` are the numbers of ids and actions."""
    return 8 * (FACTS + sum(map(math.prod, _shapes(shape, sizes))))


def encode_answers(
    answers: Answers, shape: Sequence[int], sizes: Sequence[int], seconds: float, state_bytes: int
) -> bytes:
    """Facts and answers, on the model's side; zeros stand for what is not said.

    Raises:
        AgentError: an answer is of another shape or kind, or not finite.
    """
    given = [float(answers.next_observation is not None), float(answers.reward is not None)]
    parts: list[NDArray[Any]] = [np.array([seconds, state_bytes, *given])]
    for name, values, expected in zip(Answers._fields, answers, _shapes(shape, sizes), strict=True):
        said = values is not None or name == Answers._fields[0]
        parts.append(check_floats(name, values, expected) if said else np.zeros(expected))
    return b"".join(part.tobytes() for part in parts)


def decode_answers(
    frame: bytearray, offset: int, shape: Sequence[int], sizes: Sequence[int]
) -> tuple[float, int, Answers]:
    """Seconds, bytes of the state and answers, which nobody has vouched for."""
    values = np.frombuffer(frame, np.float64, offset=offset)
    seconds, held, *given = values[:FACTS].tolist()
    policy, following, reward = _cut(values[FACTS:], _shapes(shape, sizes))
    answers = Answers(policy, following if given[0] == 1 else None, reward if given[1] == 1 else None)
    return seconds, int(held) if 0 <= held < np.inf else 0, answers


def _shapes(shape: Sequence[int], sizes: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """Of the fields of `Answers`."""
    n_observations, n_actions = sizes
    return (*shape, n_actions), (*shape, n_observations), tuple(shape)


def _cut(values: NDArray[np.float64], shapes: Sequence[tuple[int, ...]]) -> Iterator[NDArray[np.float64]]:
    place = 0
    for shape in shapes:
        yield values[place : place + math.prod(shape)].reshape(shape)
        place += math.prod(shape)
