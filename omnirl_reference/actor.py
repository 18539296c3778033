"""Act with a model, one step at a time, in n independent interactions at once."""

from __future__ import annotations

import torch
from torch import Tensor

from omnirl_reference.config import TAG_UNKNOWN
from omnirl_reference.mixers import State
from omnirl_reference.model import OmniRL
from omnirl_reference.tokens import Steps, first_steps, shift

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
    def read(self, row: int, states: Tensor, actions: Tensor, rewards: Tensor, tags: Tensor) -> None:
        """Take in a recorded sequence ``[T]`` of interaction `row`, end-of-episode positions included."""
        only = torch.tensor([row], device=self.device)
        for part in torch.arange(len(states)).split(SEGMENT):
            before = Steps(*(x[only] for x in self._before))
            columns = (x[None, part].to(self.device) for x in (states, tags, actions, rewards))
            steps = shift(*columns, before)
            memory = [tuple(tensor[only] for tensor in memory) for memory in self.memory]
            _, after = self.model.decide(steps, memory)
            for old, new in zip(self.memory, after, strict=True):
                for tensor, value in zip(old, new, strict=True):
                    tensor[only] = value
            last = part[-1:]
            recorded = (states, actions, rewards, tags)
            whole = [x.new_zeros(len(self._before.states)) for x in recorded]
            for x, y in zip(whole, recorded, strict=True):
                x[row] = y[last]
            self.remember(*whole[:3], only, whole[3])

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

    def end_episode(self, states: Tensor, rows: Tensor) -> None:
        """Feed the final states of episodes that ended, with the end-of-episode action."""
        if len(rows) == 0:
            return
        self.logits(states, rows)
        end = torch.full_like(states, self.model.config.n_actions)
        self.remember(states, end, torch.zeros(len(states), device=self.device), rows)


def sample(logits: Tensor, temperature: Tensor, generator: torch.Generator) -> Tensor:
    """Actions int64 ``[n]`` from softmax(logits / temperature); temperature ``[n]`` above 0."""
    chances = (logits / temperature[:, None]).softmax(dim=-1)
    return torch.multinomial(chances, 1, generator=generator)[:, 0]
