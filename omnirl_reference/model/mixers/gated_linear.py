"""Gated linear attention: per-channel decay, no delta rule.

References:
    S. Yang et al., Gated Linear Attention Transformers (arXiv 2312.06635), equations 3-5.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from omnirl_reference.model.mixers.linear import LEAST_LOG_DECAY, linear_chunks, linear_recurrence

DECAY_RANK = 16
DECAY_TEMPERATURE = 16.0


class GatedLinear(nn.Module):
    """GLA mixer; see `linear_recurrence` without the low-rank part.

    Args:
        width: Channels.
        head_width: Channels of a head.
    """

    def __init__(self, width: int, head_width: int) -> None:
        """Make the projections."""
        super().__init__()
        self.heads = width // head_width
        self.project = nn.Linear(width, 4 * width, bias=False)
        self.decay = nn.Sequential(nn.Linear(width, DECAY_RANK, bias=False), nn.Linear(DECAY_RANK, width))
        self.norm = nn.RMSNorm(head_width)
        self.out = nn.Linear(width, width, bias=False)

    def initial_state(self, batch: int, device: torch.device) -> tuple[Tensor, ...]:
        """Zeros ``[B, H, D, D]``."""
        head = self.norm.normalized_shape[0]
        return (torch.zeros(batch, self.heads, head, head, device=device),)

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Mix ``[B, T, d]``; everything between the projections is float32."""
        log_decay, projected = self.decay(x).float(), self.project(x).float()
        with torch.autocast(x.device.type, enabled=False):
            log_decay = (F.logsigmoid(log_decay) / DECAY_TEMPERATURE).clamp(min=LEAST_LOG_DECAY)
            q, k, v, gate = projected.chunk(4, dim=-1)
            q, k, v, log_decay = (
                y.unflatten(-1, (self.heads, -1)).transpose(1, 2) for y in (q, k, v, log_decay)
            )
            scale = q.shape[-1] ** -0.5
            mix = linear_recurrence if x.shape[1] == 1 else linear_chunks
            y, new = mix(q * scale, k, v, log_decay, None, None, state[0])
            y = self.norm(y).transpose(1, 2).flatten(2) * F.silu(gate)
        return self.out(y), (new,)
