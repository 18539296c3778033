"""Mamba-2: a state space with one decay for every head, whose inputs and outputs all heads share.

``S_t = a_t S_{t-1} + b_t x_t'`` and ``y_t = S_t' c_t``, with a decay a_t in (0, 1) for every head.

References:
    T. Dao, A. Gu, Transformers are SSMs (arXiv 2405.21060), section 6 (SSD) and section 7 (the block).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from omnirl_reference.model.mixers.linear import carry, split_chunks

CHUNK = 32
"""Positions computed in parallel; 32 was fastest of 16 to 128 on a CPU."""
EXPANSION = 2
"""Inner channels, in units of the width."""
STATES_PER_CHANNEL = 2
"""Length of b and c, in units of a head's width: the paper has 128 and 64."""
TAPS = 4
"""Positions that the convolution before the recurrence sees."""
LEAST_STEP, LARGEST_STEP = 1e-3, 0.1
"""Range of the first step sizes, as in the authors' code; so is that of the decay rates,"""
LARGEST_RATE = 16.0
"""from 1 to 16."""


def ssd_recurrence(
    x: Tensor, b: Tensor, c: Tensor, log_decay: Tensor, state: Tensor
) -> tuple[Tensor, Tensor]:
    """Definition, one position at a time.

    Args:
        x: Inputs, scaled by their step sizes, ``[B, T, H, P]``.
        b: Where they are written, ``[B, T, N]``; all heads share it.
        c: What is read, ``[B, T, N]``.
        log_decay: Logarithm of the decay ``[B, T, H]``, at most 0.
        state: ``[B, H, N, P]``.

    Returns:
        Outputs ``[B, T, H, P]`` and the state after them.
    """
    outputs = []
    for t in range(x.shape[1]):
        written = torch.einsum("bn,bhp->bhnp", b[:, t], x[:, t])
        state = state * log_decay[:, t, :, None, None].exp() + written
        outputs.append(torch.einsum("bn,bhnp->bhp", c[:, t], state))
    return torch.stack(outputs, dim=1), state


def ssd_chunks(x: Tensor, b: Tensor, c: Tensor, log_decay: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """Same as `ssd_recurrence`, in chunks; T may be any length."""
    length = x.shape[1]
    chunk = min(CHUNK, length)
    x, log_decay = split_chunks(x.transpose(1, 2), chunk), split_chunks(log_decay.transpose(1, 2), chunk)
    b, c = split_chunks(b[:, None], chunk), split_chunks(c[:, None], chunk)
    since = log_decay.cumsum(-1)
    lower = torch.ones(chunk, chunk, dtype=torch.bool, device=x.device).tril()
    ratio = (since[..., :, None] - since[..., None, :]).masked_fill(~lower, -torch.inf).exp()
    kept = x * (since[..., -1:] - since).exp()[..., None]
    before, after = carry(since[..., -1, None, None].exp(), b.transpose(-1, -2) @ kept, state)
    within = (c @ b.transpose(-1, -2)) * ratio
    outputs = within @ x + (c @ before) * since.exp()[..., None]
    return outputs.flatten(2, 3)[:, :, :length].transpose(1, 2), after


class Mamba2(nn.Module):
    """Mamba-2 mixer, with its convolution and gate.

    Args:
        width: Channels.
        head_width: Channels of a head; there are twice as many heads as fit the width.
    """

    def __init__(self, width: int, head_width: int) -> None:
        """Make the projections."""
        super().__init__()
        self.inner, self.n = EXPANSION * width, STATES_PER_CHANNEL * head_width
        self.heads = self.inner // head_width
        mixed = self.inner + 2 * self.n
        self.project = nn.Linear(width, self.inner + mixed + self.heads, bias=False)
        self.taps = nn.Parameter((2 * torch.rand(TAPS, mixed) - 1) * TAPS**-0.5)
        self.tap_offset = nn.Parameter(torch.zeros(mixed))
        self.decay_rate = nn.Parameter(torch.linspace(1.0, LARGEST_RATE, self.heads).log())
        steps = torch.logspace(0.0, 1.0, self.heads, LARGEST_STEP / LEAST_STEP) * LEAST_STEP
        order = torch.randperm(self.heads)
        self.step_offset = nn.Parameter(steps[order].expm1().log())
        self.skip = nn.Parameter(torch.ones(self.heads))
        self.norm = nn.RMSNorm(self.inner)
        self.out = nn.Linear(self.inner, width, bias=False)

    def initial_state(self, batch: int, device: torch.device) -> tuple[Tensor, ...]:
        """Zeros: the recurrent state ``[B, H, N, P]`` and the last inputs of the convolution."""
        recurrent = torch.zeros(batch, self.heads, self.n, self.inner // self.heads, device=device)
        return recurrent, torch.zeros(batch, TAPS - 1, self.inner + 2 * self.n, device=device)

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Mix ``[B, T, d]``; everything between the projections is float32."""
        length = x.shape[1]
        projected = self.project(x).float()
        with torch.autocast(x.device.type, enabled=False):
            gate, mixed, step = projected.split([self.inner, self.inner + 2 * self.n, self.heads], dim=-1)
            seen = torch.cat([state[1], mixed], dim=1)
            mixed = sum((seen[:, i : i + length] * tap for i, tap in enumerate(self.taps)), self.tap_offset)
            u, b, c = F.silu(mixed).split([self.inner, self.n, self.n], dim=-1)
            u, step = u.unflatten(-1, (self.heads, -1)), F.softplus(step + self.step_offset)
            mix = ssd_recurrence if length == 1 else ssd_chunks
            y, new = mix(u * step[..., None], b, c, -step * self.decay_rate.exp(), state[0])
            y = (y + u * self.skip[:, None]).flatten(2)
            y = self.norm(y * F.silu(gate))
        return self.out(y), (new, seen[:, 1 - TAPS :])
