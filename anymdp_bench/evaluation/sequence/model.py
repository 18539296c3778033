"""What a sequence model is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.foundation.types import BoolArray, IntArray


class Segment(NamedTuple):
    """T consecutive steps of B sequences, ``[B, T]`` each.

    Attributes:
        observations: int64, id before the action.
        tags: int64, who chose the action: an index of `TAGS`, 7 where that is not told.
        actions: int64.
        rewards: float32, received.
        next_observations: int64, id after the action; the next step's `observations`, unless `ended`.
        ended: bool, the episode ended with this step.

    Examples:
        >>> Segment._fields
        ('observations', 'tags', 'actions', 'rewards', 'next_observations', 'ended')
    """

    observations: IntArray
    tags: IntArray
    actions: IntArray
    rewards: NDArray[np.float32]
    next_observations: IntArray
    ended: BoolArray


class Answers(NamedTuple):
    """What a model says of the steps of a segment, in floats; what it does not predict is None.

    Attributes:
        policy: Logits of the oracle's action ``[B, T, A]``, from all steps before and the present id.
        next_observation: Logits of the next id ``[B, T, O]``, from these and the present action.
        reward: Expected reward ``[B, T]``, from the same.

    Examples:
        >>> answers = Answers(policy=np.zeros((2, 512, 5)))  # logits of 5 actions
        >>> answers.reward is None  # not said
        True
    """

    policy: NDArray[Any]
    next_observation: NDArray[Any] | None = None
    reward: NDArray[Any] | None = None


class SequenceModel(Protocol):
    """Reads sequences segment by segment and carries a state of its own.

    Examples:
        >>> class Uniform:
        ...     def begin(self, n, n_observations, n_actions): return n_actions
        ...     def answer(self, segment, n_actions):
        ...         return Answers(policy=np.zeros((*segment.actions.shape, n_actions))), n_actions
        >>> model: SequenceModel = Uniform()
    """

    def begin(self, n: int, n_observations: int, n_actions: int) -> Any:
        """Return the state of n sequences before their first step."""
        ...

    def answer(self, segment: Segment, state: Any) -> tuple[Answers, Any]:
        """Return answers about a segment, and the state after it; it must not look ahead.

        Args:
            segment: Of any length T >= 1.
            state: After the last segment; the model may change it in place.
        """
        ...


def state_bytes(state: Any) -> int:
    """Bytes of all arrays and tensors in nested tuples, lists, mappings and records."""
    size = getattr(state, "nbytes", None)
    if size is not None:
        return int(size)
    if isinstance(state, Mapping):
        return sum(map(state_bytes, state.values()))
    if isinstance(state, list | tuple):
        return sum(map(state_bytes, state))
    return sum(map(state_bytes, vars(state).values())) if hasattr(state, "__dict__") else 0
