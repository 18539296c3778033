"""What a sequence model is asked, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.agents.registry import call_factory, load_factory
from anymdp_bench.foundation.errors import AgentError
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
            state: After the last segment; the model may change it in place. Everything that the model
                remembers of a sequence lies in it: a copy of it is another reader at the same step.
        """
        ...


def make_model(path: str) -> SequenceModel:
    """Make a model from ``"package.module:factory"``.

    Raises:
        UnknownName: there is nothing of that name.
        AgentError: the factory raised, or what it made is no sequence model.
    """
    model = call_factory(load_factory(path), {}, f"sequence model {path!r}")
    missing = [call for call in ("begin", "answer") if not callable(getattr(model, call, None))]
    if missing or isinstance(model, type):
        kind = "a class" if isinstance(model, type) else f"without {' and '.join(missing)}"
        raise AgentError(
            f"sequence model {path!r} is {kind}: give what makes an object with begin and answer."
        )
    made: SequenceModel = model
    return made


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
