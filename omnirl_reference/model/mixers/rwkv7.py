"""RWKV-7 time mixing: per-channel decay and a generalised delta rule, with token shift.

References:
    B. Peng et al., RWKV-7 "Goose" (arXiv 2503.14456), section 4.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from omnirl_reference.model.mixers.linear import linear_chunks, linear_recurrence

DECAY_BOUND = math.exp(-0.5)
"""Decays lie in (exp(-exp(-0.5)), 1): log w = -exp(-0.5) * sigmoid(...)."""
RANK = 32
N_SHIFTED = 6


class Rwkv7(nn.Module):
    """RWKV-7 mixer. The value residual between layers is left out: a mixer knows its own layer only.

    Args:
        width: Channels.
        head_width: Channels of a head.
    """

    def __init__(self, width: int, head_width: int) -> None:
        """Make the projections."""
        super().__init__()
        self.heads = width // head_width
        self.shift = nn.Parameter(torch.full((N_SHIFTED, width), 0.5))
        self.query, self.key, self.value = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.decay, self.rate, self.gate = (_low_rank(width) for _ in range(3))
        self.key_scale = nn.Parameter(torch.ones(width))
        self.rate_scale = nn.Parameter(torch.ones(width))
        self.bonus = nn.Parameter(torch.zeros(self.heads, head_width))
        self.norm = nn.RMSNorm(head_width)
        self.out = nn.Linear(width, width, bias=False)

    def initial_state(self, batch: int, device: torch.device) -> tuple[Tensor, ...]:
        """Zeros: the recurrent state ``[B, H, D, D]`` and the last input ``[B, 1, d]``."""
        head = self.norm.normalized_shape[0]
        recurrent = torch.zeros(batch, self.heads, head, head, device=device)
        return recurrent, torch.zeros(batch, 1, self.heads * head, device=device)

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Mix ``[B, T, d]``; everything between the projections is float32."""
        previous = torch.cat([state[1], x[:, :-1]], dim=1)
        for_q, for_k, for_v, for_decay, for_rate, for_gate = (
            x + (previous - x) * mix for mix in self.shift.unbind(0)
        )
        q, k, v = self.query(for_q).float(), self.key(for_k).float(), self.value(for_v).float()
        log_decay, rate = self.decay(for_decay).float(), self.rate(for_rate).float()
        gate = self.gate(for_gate).float().sigmoid()
        with torch.autocast(x.device.type, enabled=False):
            y, new = self._recur(q, k, v, log_decay, rate.sigmoid(), state[0])
        return self.out(y.transpose(1, 2).flatten(2) * gate), (new, x[:, -1:])

    def _recur(
        self, q: Tensor, k: Tensor, v: Tensor, decay: Tensor, rate: Tensor, state: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Recurrence over ``[B, T, d]``; outputs ``[B, H, T, D]`` and the state after them."""
        log_decay = -DECAY_BOUND * decay.sigmoid()
        removal = F.normalize(self._heads(k * self.key_scale), dim=-1)
        k = k * (1 + (rate - 1) * self.rate_scale)
        q, k, v, log_decay, rate = (self._heads(y) for y in (q, k, v, log_decay, rate))
        mix = linear_recurrence if q.shape[2] == 1 else linear_chunks
        y, new = mix(q, k, v, log_decay, -removal, removal * rate, state)
        return self.norm(y) + (q * k * self.bonus[:, None]).sum(-1, keepdim=True) * v, new

    def _heads(self, y: Tensor) -> Tensor:
        heads: Tensor = y.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        return heads


def _low_rank(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, RANK, bias=False), nn.Tanh(), nn.Linear(RANK, width))
