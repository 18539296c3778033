"""Losses of answers, step by step, and what is read off them."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.evaluation.sequence.boards import BLOCK
from anymdp_bench.evaluation.sequence.model import Answers, Segment
from anymdp_bench.foundation.errors import AgentError
from anymdp_bench.foundation.types import FloatArray

KINDS = ("policy", "next_observation", "reward")
POINTS = (100, 1000, 10_000, 30_000)
"""Steps of context at which losses stand in tables; each is a mean over 0.8 to 1.2 times as many."""
FLAT = 0.02
"""A loss no longer falls where what is still to come is at most this share of the whole fall."""


def losses_of(
    answers: Answers, segment: Segment, labels: NDArray[Any], n_observations: int, n_actions: int
) -> dict[str, FloatArray]:
    """Losses ``[B, T]`` by kind: two cross-entropies in nats, and the squared error of the reward.

    Args:
        answers: Of the model; what it does not predict is not a number here.
        segment: What happened.
        labels: Actions of the oracle ``[B, T]``.
        n_observations: Number of ids O.
        n_actions: Number of actions A.

    Raises:
        AgentError: an answer is of another shape or not finite.
    """
    shape = labels.shape
    unknown = np.full(shape, np.nan)
    policy = check_floats("policy", answers.policy, (*shape, n_actions))
    found = {"policy": _cross_entropy(policy, labels), "next_observation": unknown, "reward": unknown}
    if answers.next_observation is not None:
        logits = check_floats("next_observation", answers.next_observation, (*shape, n_observations))
        found["next_observation"] = _cross_entropy(logits, segment.next_observations)
    if answers.reward is not None:
        found["reward"] = (check_floats("reward", answers.reward, shape) - segment.rewards) ** 2
    return found


def check_floats(name: str, values: Any, shape: tuple[int, ...]) -> FloatArray:
    """Return answers as float64.

    Raises:
        AgentError: they are of another shape or kind, or not finite.
    """
    array = np.asarray(values)
    if array.shape != shape or array.dtype.kind != "f":
        raise AgentError(f"{name} has shape {array.shape} and dtype {array.dtype}; give floats {shape}.")
    if not np.isfinite(array).all():
        raise AgentError(f"{name} is not finite everywhere; give finite numbers.")
    return array.astype(np.float64)


def _cross_entropy(logits: FloatArray, labels: NDArray[Any]) -> FloatArray:
    largest = logits.max(axis=-1)
    total = np.log(np.exp(logits - largest[..., None]).sum(axis=-1)) + largest
    chosen = np.take_along_axis(logits, labels[..., None].astype(np.int64), axis=-1)[..., 0]
    entropy: FloatArray = total - chosen
    return entropy


def stretch(point: int) -> range:
    """Blocks over which the loss at a number of steps of context is averaged."""
    return range(int(0.8 * point) // BLOCK, math.ceil(1.2 * point / BLOCK))


def loss_at(curve: FloatArray, point: int) -> float:
    """Mean loss around a number of steps; not a number beyond the end.

    Args:
        curve: Losses of blocks of 64 steps, ``[n_blocks]``.
        point: Steps of context.
    """
    blocks = stretch(point)
    return float(curve[blocks.start : blocks.stop].mean()) if point <= BLOCK * len(curve) else math.nan


def saturation(curve: FloatArray) -> float:
    """Steps of context from which the loss no longer falls; not a number if it falls to the end.

    Losses are averaged over doubling stretches of 64, 128, 256, ... steps.
    """
    edges = [0]
    while 2 * edges[-1] + 1 <= len(curve):
        edges.append(2 * edges[-1] + 1)
    means = np.array([curve[a:b].mean() for a, b in itertools.pairwise(edges)])
    to_come = means - np.minimum.accumulate(means[::-1])[::-1]
    place = int(np.argmax(to_come <= FLAT * (means[0] - means.min())))
    return math.nan if place == len(means) - 1 else float(BLOCK * edges[place])
