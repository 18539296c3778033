"""The network: looped, weight-shared message passing between states and their actions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from omnirl_reference.exact.features import (
    CERTAIN,
    FIRST_ADVANTAGE,
    FIRST_VALUE,
    N_COUNTS,
    N_PLANNERS,
    PAIR_FEATURES,
    STATE_FEATURES,
    TASK_FEATURES,
)

QUANTILES = (0.5, 0.75, 0.9, 0.97)
N_QUANTILES = len(QUANTILES)


class Inputs(NamedTuple):
    """Contexts of B rows; N states in the order in which they were seen, A actions.

    Attributes:
        pairs: float32 ``[B, N, A, PAIR_FEATURES]``.
        states: float32 ``[B, N, STATE_FEATURES]``, 0 where a row has seen fewer.
        task: float32 ``[B, TASK_FEATURES]``.
        forward: float32 ``[B, N * A, N]``, shares of a pair's steps by successor.
        backward: float32 ``[B, N * A, N]``, shares of a state's arrivals by pair.
    """

    pairs: Tensor
    states: Tensor
    task: Tensor
    forward: Tensor
    backward: Tensor


class Answers(NamedTuple):
    """What the network says of every pair.

    Attributes:
        logits: ``[B, N, A]``, of the policy.
        values: ``[B, N, A, Q]``, quantiles of arsinh((Q* - V) / spread), V certainty-equivalent.
        gains: ``[B, N, A, Q]``, quantiles of arsinh((Q*(s, a) - Q*(s, b)) / spread), b the tried action that
            is best by certainty equivalence; the same as `values` where nothing was tried.
    """

    logits: Tensor
    values: Tensor
    gains: Tensor


class ExactNetwork(nn.Module):
    """Reads the statistic of a context of any size; renaming its states or actions renames the answer.

    Args:
        width: Channels of a state and of a pair.
        rounds: Times that the same block of messages is passed.
    """

    def __init__(self, width: int = 64, rounds: int = 4) -> None:
        """Draw fresh weights."""
        super().__init__()
        self.width, self.rounds = width, rounds
        self.from_pair = nn.Linear(PAIR_FEATURES, width)
        self.from_state = nn.Linear(STATE_FEATURES, width, bias=False)
        self.from_task = nn.Linear(TASK_FEATURES, width, bias=False)
        self.encoded = nn.Linear(width, width)
        self.state_in = nn.Linear(STATE_FEATURES, width)
        self.state_task = nn.Linear(TASK_FEATURES, width, bias=False)
        self.norm = nn.RMSNorm(width)
        self.following = nn.Linear(width, width, bias=False)
        self.here = nn.Linear(width, width, bias=False)
        self.message = nn.Linear(width, width)
        self.gather = nn.Linear(4 * width, width)
        self.update = nn.Linear(width, width)
        self.policy = nn.Linear(width, width)
        self.logit = nn.Linear(width, 1)
        self.spread = nn.Linear(width, width)
        self.quantiles = nn.Linear(width, 2 * N_QUANTILES)
        self.shortcut = nn.Parameter(torch.zeros(2 * N_PLANNERS))
        with torch.no_grad():
            self.shortcut[N_PLANNERS + CERTAIN] = 1.0
            self.logit.weight.mul_(0.1)

    def forward(self, x: Inputs) -> Answers:
        """Answer for every pair."""
        b, n, a, _ = x.pairs.shape
        pair = (
            self.from_pair(x.pairs)
            + (self.from_state(x.states) + self.from_task(x.task)[:, None])[:, :, None]
        )
        pair = self.encoded(F.relu(pair))
        h = self.norm(self.state_in(x.states) + self.state_task(x.task)[:, None])
        seen = x.states[..., :1]
        count = seen.sum(dim=1).clamp(min=1)
        backward = x.backward.transpose(1, 2)
        for _ in range(self.rounds):
            led = torch.bmm(x.forward, self.following(h)).view(b, n, a, -1)
            m = self.message(F.relu(pair + led + self.here(h)[:, :, None]))
            arrived = torch.bmm(backward, m.view(b, n * a, -1))
            everywhere = ((h * seen).sum(dim=1) / count)[:, None].expand(b, n, -1)
            gathered = torch.cat([m.amax(dim=2), m.mean(dim=2), arrived, everywhere], dim=-1)
            h = self.norm(h + self.update(F.relu(self.gather(gathered))))
        led = torch.bmm(x.forward, self.following(h)).view(b, n, a, -1)
        u = F.relu(m + led + self.here(h)[:, :, None])
        plans = x.pairs[..., FIRST_ADVANTAGE : FIRST_ADVANTAGE + 2 * N_PLANNERS]
        logits = self.logit(F.relu(self.policy(u)))[..., 0] + plans @ self.shortcut
        steps = self.quantiles(F.relu(self.spread(u)))
        values, gains = steps.chunk(2, dim=-1)
        return Answers(logits, _rising(values), _rising(gains))


@torch.no_grad()
def blind(network: ExactNetwork, inputs: Iterable[str]) -> None:
    """Take the weights from inputs: the fixed planners' values and advantages, or tags."""
    for name in inputs:
        if name == "planners":
            network.from_pair.weight[:, FIRST_ADVANTAGE : FIRST_ADVANTAGE + 2 * N_PLANNERS] = 0
            for layer in (network.from_state, network.state_in):
                layer.weight[:, FIRST_VALUE : FIRST_VALUE + N_PLANNERS] = 0
            network.shortcut[:] = 0
        else:
            network.from_pair.weight[:, N_COUNTS:FIRST_ADVANTAGE] = 0


def _rising(steps: Tensor) -> Tensor:
    """Quantiles that do not cross: the first, then positive steps."""
    return torch.cat([steps[..., :1], steps[..., :1] + F.softplus(steps[..., 1:] - 1).cumsum(dim=-1)], dim=-1)


def count_parameters(model: nn.Module) -> int:
    """Number of trainable numbers."""
    return sum(x.numel() for x in model.parameters())
