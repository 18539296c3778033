"""Act with a model, one step at a time, in n independent interactions at once."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from omnirl_reference.model.mixers import State
from omnirl_reference.model.model import OmniRL
from omnirl_reference.model.tokens import Steps, first_steps, shift

Ints = NDArray[np.int64]
SEGMENT = 1024
"""Recorded steps that are read in one pass."""


class EagerActor:
    """Recurrent memory of n interactions and what happened last in each; for any model on any device.

    Args:
        model: In evaluation mode.
        n: Number of interactions.
        n_actions: Number of actions, where it is not the model's.
        seed: Of the actions' codes, if the model knows actions by codes.
    """

    def __init__(self, model: OmniRL, n: int, n_actions: int | None = None, seed: int = 0) -> None:
        """Begin with an empty memory."""
        self.model = model
        self.device = model.policy.weight.device
        self.memory = model.initial_state(n, n_actions, seed)
        states = torch.zeros(n, 1, dtype=torch.long, device=self.device)
        self._before = first_steps(states, model.config, n_actions)

    @torch.inference_mode()
    def logits(self, states: Ints, rows: Ints) -> NDArray[np.float32]:
        """Policy logits float32 ``[len(rows), A]`` of `rows`, whose states ``[n]`` enter the memory."""
        chosen = torch.from_numpy(rows)
        now = torch.from_numpy(states)[chosen, None].to(self.device)
        steps = Steps(*(x[chosen] for x in self._before))._replace(states=now)
        part = [tuple(tensor[chosen] for tensor in memory) for memory in self.memory]
        logits, after = self.model.decide(steps, part)
        self._keep(chosen, after)
        found: NDArray[np.float32] = logits[:, 0].float().cpu().numpy()
        return found

    def _keep(self, rows: Tensor, after: list[State]) -> None:
        if len(rows) == len(self.memory[0][0]):
            self.memory = after
            return
        for memory, new in zip(self.memory, after, strict=True):
            for tensor, value in zip(memory, new, strict=True):
                tensor[rows] = value

    def remember(
        self, states: Ints, tags: Ints, actions: Ints, rewards: NDArray[np.float32], rows: Ints
    ) -> None:
        """Note the step ``[n]`` that `rows` just took."""
        taken: tuple[NDArray[Any], ...] = (states, tags, actions, rewards)
        for kept, values in zip(self._before[1:], taken, strict=True):
            kept[rows, 0] = torch.from_numpy(values[rows]).to(self.device)

    def read(
        self, start: Ints, states: Ints, tags: Ints, actions: Ints, rewards: NDArray[np.float32]
    ) -> None:
        """Take in recorded sequences ``[T]``; row i owns positions start[i]..start[i + 1] - 1."""
        given: tuple[NDArray[Any], ...] = (states, tags, actions, rewards)
        columns = [torch.from_numpy(x)[None].to(self.device) for x in given]
        for row, (low, high) in enumerate(itertools.pairwise(start.tolist())):
            if low < high:
                self._read(row, *(x[:, low:high] for x in columns))

    @torch.inference_mode()
    def _read(self, row: int, states: Tensor, tags: Tensor, actions: Tensor, rewards: Tensor) -> None:
        only = torch.tensor([row], device=self.device)
        before = Steps(*(x[only] for x in self._before))
        memory: list[State] = [tuple(tensor[only] for tensor in part) for part in self.memory]
        pieces = (x.split(SEGMENT, dim=1) for x in (states, tags, actions, rewards))
        for seen, tagged, done, received in zip(*pieces, strict=True):
            _, memory = self.model.decide(shift(seen, tagged, done, received, before), memory)
            before = Steps(before.states, seen[:, -1:], tagged[:, -1:], done[:, -1:], received[:, -1:])
        for part, new in zip(self.memory, memory, strict=True):
            for tensor, value in zip(part, new, strict=True):
                tensor[only] = value
        for kept, value in zip(self._before[1:], before[1:], strict=True):
            kept[only] = value


def sample(logits: Tensor, temperature: Tensor, generator: torch.Generator) -> Tensor:
    """Actions int64 ``[n]`` from softmax(logits / temperature); temperature ``[n]`` above 0."""
    chances = (logits / temperature[:, None]).softmax(dim=-1)
    return torch.multinomial(chances, 1, generator=generator)[:, 0]
