"""S5: one diagonal linear state space for all channels, which can be reset within a segment.

``x_t = r_t L x_{t-1} + u_t`` with complex decays L that do not depend on the input; r_t is 0 where a position
begins afresh, and 1 elsewhere.

References:
    J. Smith, A. Warrington, S. Linderman, Simplified State Space Layers (arXiv 2208.04933); C. Lu et al.,
    Structured State Space Models for In-Context Reinforcement Learning (arXiv 2303.03982): resets.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from omnirl_reference.model.mixers.linear import carry, split_chunks

CHUNK = 32
"""Positions scanned in parallel; 16 and 32 were faster than 64 and 128 on a CPU."""
LEAST_STEP, LARGEST_STEP = 1e-3, 0.1
"""Range of the first step sizes."""


def diagonal_recurrence(u: Tensor, decay: Tensor, keep: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """Definition, one position at a time.

    Args:
        u: Inputs, complex ``[B, T, P]``.
        decay: Complex ``[P]``, of modulus at most 1.
        keep: float32 ``[B, T]``, 0 where the state before a position is forgotten, else 1.
        state: Complex ``[B, P]``.

    Returns:
        States ``[B, T, P]``, and the last of them.
    """
    states = []
    for t in range(u.shape[1]):
        state = keep[:, t, None] * decay * state + u[:, t]
        states.append(state)
    return torch.stack(states, dim=1), state


def diagonal_chunks(u: Tensor, decay: Tensor, keep: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """Same as `diagonal_recurrence`, in chunks; T may be any length.

    Within a chunk, sums over 1, 2, 4, ... positions are added up (an associative scan).
    """
    length = u.shape[1]
    chunk = min(CHUNK, length)
    states, kept = split_chunks(u[:, None], chunk)[:, 0], split_chunks(keep[:, None], chunk)[:, 0]
    through, open_, power, reach = kept.cumprod(-1)[..., None], kept[..., None], decay, 1
    while reach < chunk:
        earlier = F.pad(states[:, :, :-reach], (0, 0, reach, 0))
        states = states + power * open_ * earlier
        open_ = open_ * F.pad(open_[:, :, :-reach], (0, 0, reach, 0))
        power, reach = power * power, 2 * reach
    since = decay ** torch.arange(1, chunk + 1, device=u.device)[:, None]
    ends = [x[:, None] for x in (through[:, :, -1] * since[-1], states[:, :, -1], state)]
    before, _ = carry(*ends)
    states = (states + through * since * before[:, 0, :, None]).flatten(1, 2)[:, :length]
    return states, states[:, -1]


class S5(nn.Module):
    """S5 mixer with a gated output.

    Args:
        width: Channels.
        head_width: Size of a block of the first state matrix; half as many complex states, since they come
            in conjugate pairs.
    """

    def __init__(self, width: int, head_width: int) -> None:
        """Make the projections."""
        super().__init__()
        frequencies = _hippo_frequencies(head_width).repeat(width // head_width)
        n = len(frequencies)
        self.decay_rate = nn.Parameter(torch.full((n,), 0.5).log())
        self.frequency = nn.Parameter(frequencies)
        first = LEAST_STEP * (LARGEST_STEP / LEAST_STEP) ** torch.rand(n)
        self.log_step = nn.Parameter(first.log())
        self.into = nn.Linear(width, 2 * n, bias=False)
        self.read = nn.Linear(2 * n, width, bias=False)
        self.skip = nn.Parameter(torch.randn(width))
        self.gate = nn.Linear(width, width)

    def initial_state(self, batch: int, device: torch.device) -> tuple[Tensor, ...]:
        """Zeros ``[B, P, 2]``: real and imaginary parts."""
        return (torch.zeros(batch, len(self.frequency), 2, device=device),)

    def forward(
        self, x: Tensor, state: tuple[Tensor, ...], reset: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Mix ``[B, T, d]``; everything between the projections is float32.

        Args:
            x: Inputs.
            state: Of the positions before.
            reset: bool ``[B, T]``: what came before such a position is forgotten; None: nothing is.
        """
        projected = self.into(x).float()
        keep = torch.ones(x.shape[:2], device=x.device) if reset is None else (~reset).float()
        with torch.autocast(x.device.type, enabled=False):
            rate = torch.complex(-self.decay_rate.exp(), self.frequency)
            decay = (rate * self.log_step.exp()).exp()
            u = (decay - 1) / rate * torch.view_as_complex(projected.unflatten(-1, (-1, 2)))
            mix = diagonal_recurrence if x.shape[1] == 1 else diagonal_chunks
            states, new = mix(u, decay, keep, torch.view_as_complex(state[0]))
            parts = torch.view_as_real(states).flatten(2)
        y = F.gelu(self.read(parts) + self.skip * x)
        return y * self.gate(y).sigmoid(), (torch.view_as_real(new),)


def _hippo_frequencies(n: int) -> Tensor:
    """Imaginary parts, at least 0, of the eigenvalues of the normal part of the HiPPO matrix of size n."""
    root = (2 * torch.arange(n, dtype=torch.float64) + 1).sqrt()
    skew = (0.5 * torch.outer(root, root)).tril(-1)
    values: Tensor = torch.linalg.eigvalsh(1j * (skew - skew.T))
    return values[n // 2 :].clamp(min=0.0).float()
