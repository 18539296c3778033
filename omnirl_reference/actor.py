"""Act with a model, one step at a time, in n independent interactions at once."""

from __future__ import annotations

import itertools

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from omnirl_reference.config import TAG_UNKNOWN
from omnirl_reference.mixers import State
from omnirl_reference.model import OmniRL
from omnirl_reference.tokens import Steps, first_steps, shift

Ints = NDArray[np.int64]
SEGMENT = 1024
"""Recorded steps that are read in one pass."""


class Actor:
    """Recurrent memory of n interactions and what happened last in each.

    Args:
        model: In evaluation mode.
        n: Number of interactions.
    """

    def __init__(self, model: OmniRL, n: int) -> None:
        """Begin with an empty memory."""
        self.model = model
        self.device = model.policy.weight.device
        self.memory = model.initial_state(n)
        self._before = first_steps(torch.zeros(n, 1, dtype=torch.long, device=self.device), model.config)

    @torch.inference_mode()
    def logits(self, states: Tensor, rows: Tensor) -> Tensor:
        """Policy logits ``[len(rows), A]`` of `rows`, whose states int64 ``[n]`` enter the memory."""
        now = states[rows, None].to(self.device)
        steps = Steps(*(x[rows] for x in self._before))._replace(states=now)
        part = [tuple(tensor[rows] for tensor in memory) for memory in self.memory]
        logits, after = self.model.decide(steps, part)
        self._keep(rows, after)
        return logits[:, 0]

    def _keep(self, rows: Tensor, after: list[State]) -> None:
        if len(rows) == len(self.memory[0][0]):
            self.memory = after
            return
        for memory, new in zip(self.memory, after, strict=True):
            for tensor, value in zip(memory, new, strict=True):
                tensor[rows] = value

    @torch.inference_mode()
    def read(self, row: int, states: Tensor, tags: Tensor, actions: Tensor, rewards: Tensor) -> None:
        """Take in a recorded sequence ``[T]``, T >= 1, of interaction `row`."""
        only = torch.tensor([row], device=self.device)
        before = Steps(*(x[only] for x in self._before))
        memory: list[State] = [tuple(tensor[only] for tensor in part) for part in self.memory]
        columns = [x[None].to(self.device) for x in (states, tags, actions, rewards)]
        for piece in torch.arange(len(states), device=self.device).split(SEGMENT):
            states, tags, actions, rewards = (x[:, piece] for x in columns)
            _, memory = self.model.decide(shift(states, tags, actions, rewards, before), memory)
            last = (x[:, -1:] for x in (states, tags, actions, rewards))
            before = Steps(before.states, *last)
        for part, new in zip(self.memory, memory, strict=True):
            for tensor, value in zip(part, new, strict=True):
                tensor[only] = value
        for kept, value in zip(self._before[1:], before[1:], strict=True):
            kept[only] = value

    def remember(
        self, states: Tensor, actions: Tensor, rewards: Tensor, rows: Tensor, tags: Tensor | None = None
    ) -> None:
        """Note the step that `rows` just took.

        Args:
            states: int64 ``[n]``.
            actions: int64 ``[n]``.
            rewards: float32 ``[n]``.
            rows: Which of the n interactions.
            tags: int64 ``[n]``, or None where nobody knows.
        """
        tags = torch.full_like(actions, TAG_UNKNOWN) if tags is None else tags
        taken = (states, tags, actions, rewards)
        for kept, values in zip(self._before[1:], taken, strict=True):
            kept[rows, 0] = values[rows].to(self.device)


def sample(logits: Tensor, temperature: Tensor, generator: torch.Generator) -> Tensor:
    """Actions int64 ``[n]`` from softmax(logits / temperature); temperature ``[n]`` above 0."""
    chances = (logits / temperature[:, None]).softmax(dim=-1)
    return torch.multinomial(chances, 1, generator=generator)[:, 0]


class EagerActor:
    """An `Actor` that speaks numpy, for models and devices without compiled kernels.

    Args:
        model: In evaluation mode.
        n: Number of interactions.
    """

    def __init__(self, model: OmniRL, n: int) -> None:
        """Begin with an empty memory."""
        self._actor = Actor(model, n)

    def logits(self, states: Ints, rows: Ints) -> NDArray[np.float32]:
        """Policy logits float32 ``[len(rows), A]`` of `rows`, whose states ``[n]`` enter the memory."""
        logits = self._actor.logits(torch.from_numpy(states), torch.from_numpy(rows))
        found: NDArray[np.float32] = logits.float().cpu().numpy()
        return found

    def remember(
        self, states: Ints, tags: Ints, actions: Ints, rewards: NDArray[np.float32], rows: Ints
    ) -> None:
        """Note the step ``[n]`` that `rows` just took."""
        taken = (torch.from_numpy(x) for x in (states, actions, rewards, rows, tags))
        self._actor.remember(*taken)

    def read(
        self, start: Ints, states: Ints, tags: Ints, actions: Ints, rewards: NDArray[np.float32]
    ) -> None:
        """Take in recorded sequences ``[T]``; row i owns positions start[i]..start[i + 1] - 1."""
        columns = [torch.from_numpy(x) for x in (states, tags, actions, rewards)]
        for row, (low, high) in enumerate(itertools.pairwise(start.tolist())):
            if low < high:
                self._actor.read(row, *(x[low:high] for x in columns))
