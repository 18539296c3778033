"""The model as a reader of recorded play: what it expects, step by step."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anymdp_bench import AgentError, Answers, Segment
from omnirl_reference.config.stream import TAG_UNKNOWN
from omnirl_reference.model.mixers import State
from omnirl_reference.model.model import OmniRL, Predictions
from omnirl_reference.model.tokens import Steps, first_steps, shift


class Reading(NamedTuple):
    """State of n readings.

    Attributes:
        memory: Of every block.
        before: Steps ``[n, 1]``, whose previous_* fields are what happened last.
    """

    memory: list[State]
    before: Steps


class Expanded(NamedTuple):
    """Steps of B sequences and the model's end-of-episode positions, ``[B, L]``, padded at the end.

    Attributes:
        states, tags, actions: int64.
        rewards: float32.
        places: int64 ``[B, T]``, position of each step.
        lengths: int64 ``[B]``, positions that are no padding.
    """

    states: Tensor
    tags: Tensor
    actions: Tensor
    rewards: Tensor
    places: Tensor
    lengths: Tensor


class OmniRLReader:
    """Sequence model of `evaluate_sequence`: ids are the model's own ids, without relabelling.

    Args:
        model: In evaluation mode.
    """

    def __init__(self, model: OmniRL) -> None:
        """Keep the model."""
        self.model = model

    def begin(self, n: int, n_observations: int, n_actions: int) -> Reading:
        """State before the first step of n sequences.

        Raises:
            AgentError: there are more ids or actions than the model knows.
        """
        config = self.model.config
        if n_observations > config.n_states or n_actions > config.n_actions:
            raise AgentError(
                f"{n_observations} states and {n_actions} actions: the model knows {config.n_states} and "
                f"{config.n_actions}; choose another board or model."
            )
        self._sizes = n_observations, n_actions
        device = self.model.policy.weight.device
        return Reading(
            self.model.initial_state(n),
            first_steps(torch.zeros(n, 1, dtype=torch.long, device=device), config),
        )

    @torch.inference_mode()
    def answer(self, segment: Segment, state: Reading) -> tuple[Answers, Reading]:
        """Logits and expected rewards of a segment's steps, and the state after them."""
        given = expand(segment, self.model.config.n_actions, self.model.policy.weight.device)
        steps = shift(given.states, given.tags, given.actions, given.rewards, state.before)
        predictions, memory = self._read(steps, given, state.memory)
        policy, following, reward = (
            torch.take_along_dim(x, given.places.reshape(given.places.shape + (1,) * (x.dim() - 2)), dim=1)
            for x in predictions
        )
        n_observations, n_actions = self._sizes
        answers = Answers(
            _floats(policy[..., :n_actions]),
            _floats(following[..., :n_observations]),
            _floats(reward.sign() * reward.abs().expm1()),
        )
        last = (given.lengths - 1)[:, None]
        kept = (x.gather(1, last) for x in (given.states, given.tags, given.actions, given.rewards))
        return answers, Reading(memory, Steps(given.states[:, :1], *kept))

    def _read(self, steps: Steps, given: Expanded, memory: list[State]) -> tuple[Predictions, list[State]]:
        """Read what all rows have in one pass, and what some have beyond it position by position."""
        common = int(given.lengths.min())
        now = Steps(*(x[:, :common] for x in steps))
        predictions, memory = self.model(now, given.actions[:, :common], memory)
        longer = given.states.shape[1] - common
        parts = [torch.nn.functional.pad(x, (0, 0) * (x.dim() - 2) + (0, longer)) for x in predictions]
        for position in range(common, common + longer):
            rows = torch.nonzero(given.lengths > position)[:, 0]
            some = Steps(*(x[rows, position, None] for x in steps))
            held = [tuple(tensor[rows] for tensor in block) for block in memory]
            found, after = self.model(some, given.actions[rows, position, None], held)
            memory = [_with(block, new, rows) for block, new in zip(memory, after, strict=True)]
            for part, values in zip(parts, found, strict=True):
                part[rows, position] = values[:, 0]
        return Predictions(*parts), memory


def expand(segment: Segment, n_actions: int, device: torch.device) -> Expanded:
    """Insert a position after each episode: its last state, the end-of-episode action, reward 0."""
    before: NDArray[np.int64] = np.cumsum(segment.ended, axis=1) - segment.ended
    places = np.arange(segment.ended.shape[1]) + before
    lengths = segment.ended.shape[1] + segment.ended.sum(axis=1)
    shape = (len(lengths), int(lengths.max()))
    tags, actions = np.full(shape, TAG_UNKNOWN), np.full(shape, n_actions)
    states, rewards = np.zeros(shape, np.int64), np.zeros(shape, np.float32)
    columns: tuple[NDArray[Any], ...] = (states, tags, actions, rewards)
    given: tuple[NDArray[Any], ...] = (segment.observations, segment.tags, segment.actions, segment.rewards)
    for column, values in zip(columns, given, strict=True):
        np.put_along_axis(column, places, values, axis=1)
    rows, steps = np.nonzero(segment.ended)
    states[rows, places[rows, steps] + 1] = segment.next_observations[rows, steps]
    return Expanded(*(torch.from_numpy(x).to(device) for x in (*columns, places, lengths)))


def _with(block: State, new: State, rows: Tensor) -> State:
    return tuple(old.index_copy(0, rows, value) for old, value in zip(block, new, strict=True))


def _floats(x: Tensor) -> NDArray[np.float32]:
    values: NDArray[np.float32] = x.float().cpu().numpy()
    return values
