"""Softmax attention over a sliding window: the classical control.

References:
    A. Vaswani et al., Attention is all you need (2017); position bias as in ALiBi (arXiv 2108.12409).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WINDOW = 512
"""Positions that are seen, the present one included."""


class WindowAttention(nn.Module):
    """Causal multi-head attention over the last 512 positions, across segments.

    Args:
        width: Channels.
        head_width: Channels of a head.
    """

    def __init__(self, width: int, head_width: int) -> None:
        """Make the projections."""
        super().__init__()
        self.heads = width // head_width
        self.project = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        slopes = 2.0 ** (-8.0 * torch.arange(1, self.heads + 1) / self.heads)
        self.register_buffer("slopes", slopes, persistent=False)

    def initial_state(self, batch: int, device: torch.device) -> tuple[Tensor, ...]:
        """Keys and values seen so far ``[B, H, WINDOW - 1, D]`` and how many of them count ``[B]``."""
        head = self.project.in_features // self.heads
        kept = torch.zeros(batch, self.heads, WINDOW - 1, head, device=device)
        return kept, kept.clone(), torch.zeros(batch, dtype=torch.long, device=device)

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Mix ``[B, T, d]``; everything between the projections is float32."""
        length = x.shape[1]
        projected = self.project(x).float()
        q, k, v = (y.unflatten(-1, (self.heads, -1)).transpose(1, 2) for y in projected.chunk(3, dim=-1))
        keys, values = torch.cat([state[0], k], dim=2), torch.cat([state[1], v], dim=2)
        bias = self._bias(length, state[2])
        with torch.autocast(x.device.type, enabled=False):
            y = F.scaled_dot_product_attention(q, keys, values, attn_mask=bias)
        kept = (state[2] + length).clamp(max=WINDOW - 1)
        recent = slice(keys.shape[2] - (WINDOW - 1), None)
        return self.out(y.transpose(1, 2).flatten(2)), (keys[:, :, recent], values[:, :, recent], kept)

    def _bias(self, length: int, kept: Tensor) -> Tensor:
        """Additive mask ``[B, H, T, WINDOW - 1 + T]``: ALiBi inside the window, -inf outside."""
        device = kept.device
        at = torch.arange(length, device=device)[:, None] + WINDOW - 1
        source = torch.arange(WINDOW - 1 + length, device=device)[None]
        distance = at - source
        seen = (distance >= 0) & (distance < WINDOW)
        written = source >= WINDOW - 1 - kept[:, None]
        slopes = self.get_buffer("slopes")
        bias = -slopes[None, :, None, None] * distance
        return bias.masked_fill(~(seen[None] & written[:, None])[:, None], -torch.inf)
