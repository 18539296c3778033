"""Gated DeltaNet: a linear-attention state with scalar decay and delta-rule writes.

``S_t = a_t (S_{t-1} - b_t k_t (k_t' S_{t-1})) + b_t k_t v_t'`` and ``o_t = S_t' q_t``, with decay a_t and
write strength b_t in (0, 1) for every head.

References:
    S. Yang, J. Kautz, A. Hatamizadeh, Gated Delta Networks (arXiv 2412.06464), equations 8-10.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from omnirl_reference.model.mixers.gated_delta_cpu import delta_compiled, fits
from omnirl_reference.model.mixers.gated_delta_cuda import delta_kernel, kernel_is_installed
from omnirl_reference.model.mixers.linear import split_chunks

Recurrence = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]

CHUNK = 32
"""Positions computed in parallel; 32 was fastest of 16 to 128 on a CPU."""


def delta_recurrence(
    q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, write: Tensor, state: Tensor
) -> tuple[Tensor, Tensor]:
    """Definition, one position at a time.

    Args:
        q: Queries ``[B, T, H, D]``.
        k: Keys ``[B, T, H, D]`` of unit length.
        v: Values ``[B, T, H, D]``.
        log_decay: Logarithm of the decay ``[B, T, H]``, at most 0.
        write: Write strength ``[B, T, H]`` in (0, 1).
        state: ``[B, H, D, D]``, key by value.

    Returns:
        Outputs ``[B, T, H, D]`` and the state after them.
    """
    outputs = []
    for t in range(q.shape[1]):
        decayed = state * log_decay[:, t, :, None, None].exp()
        read = torch.einsum("bhk,bhkv->bhv", k[:, t], decayed)
        change = write[:, t, :, None] * (v[:, t] - read)
        state = decayed + torch.einsum("bhk,bhv->bhkv", k[:, t], change)
        outputs.append(torch.einsum("bhk,bhkv->bhv", q[:, t], state))
    return torch.stack(outputs, dim=1), state


def delta_chunks(
    q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, write: Tensor, state: Tensor
) -> tuple[Tensor, Tensor]:
    """Same as `delta_recurrence`, in chunks; T may be any length.

    Within a chunk the writes solve ``(I + L) U = b (V - g K S_0)`` with the strictly lower triangular
    ``L_ij = b_i (g_i / g_j) k_i' k_j`` and the decay g since the chunk's beginning.
    """
    length = q.shape[1]
    chunk = min(CHUNK, length)
    q, k, v, log_decay, write = (x.transpose(1, 2) for x in (q, k, v, log_decay, write))
    q, k, v = (split_chunks(x, chunk) for x in (q, k, v))
    log_decay, write = split_chunks(log_decay, chunk), split_chunks(write, chunk)
    since = log_decay.cumsum(-1)
    lower = torch.ones(chunk, chunk, dtype=torch.bool, device=q.device).tril()
    ratio = (since[..., :, None] - since[..., None, :]).masked_fill(~lower, -torch.inf).exp()
    strict = torch.eye(chunk, device=q.device) + (write[..., None] * (k @ k.transpose(-1, -2)) * ratio).tril(
        -1
    )
    right = torch.cat([write[..., None] * v, (write * since.exp())[..., None] * k], dim=-1)
    solved = torch.linalg.solve_triangular(strict, right, upper=False, unitriangular=True)
    fresh, erase = solved.split(v.shape[-1], dim=-1)
    scores = (q @ k.transpose(-1, -2)) * ratio
    read = q * since.exp()[..., None]
    kept = k * (since[..., -1:] - since).exp()[..., None]
    outputs = []
    pieces = zip(*(x.unbind(2) for x in (fresh, erase, scores, read, kept, since[..., -1])), strict=True)
    for new, old, score, query, key, total in pieces:
        update = new - old @ state
        outputs.append(query @ state + score @ update)
        state = total.exp()[..., None, None] * state + key.transpose(-1, -2) @ update
    return torch.cat(outputs, dim=2)[:, :, :length].transpose(1, 2), state


class GatedDelta(nn.Module):
    """Gated DeltaNet mixer.

    Args:
        width: Channels.
        head_width: Channels of a head; keys, queries and values are equally wide.
    """

    def __init__(self, width: int, head_width: int) -> None:
        """Make the projections."""
        super().__init__()
        self.heads = width // head_width
        self.project = nn.Linear(width, 4 * width + 2 * self.heads, bias=False)
        self.decay_rate = nn.Parameter(torch.linspace(0.5, 4.0, self.heads).log())
        self.decay_offset = nn.Parameter(torch.full((self.heads,), -3.0))
        self.norm = nn.RMSNorm(head_width)
        self.out = nn.Linear(width, width, bias=False)

    def initial_state(self, batch: int, device: torch.device) -> tuple[Tensor, ...]:
        """Zeros ``[B, H, D, D]``."""
        head = self.norm.normalized_shape[0]
        return (torch.zeros(batch, self.heads, head, head, device=device),)

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Mix ``[B, T, d]``; everything between the projections is float32."""
        width = x.shape[-1]
        projected = self.project(x).float()
        with torch.autocast(x.device.type, enabled=False):
            q, k, v, gate, decay, write = projected.split([width] * 4 + [self.heads] * 2, dim=-1)
            q, k, v = (F.silu(y).unflatten(-1, (self.heads, -1)) for y in (q, k, v))
            q, k = F.normalize(q, dim=-1), F.normalize(k, dim=-1)
            log_decay = -self.decay_rate.exp() * F.softplus(decay + self.decay_offset)
            y, new = self._choose(x, q)(q, k, v, log_decay, write.sigmoid(), state[0])
            y = self.norm(y).flatten(2) * F.silu(gate)
        return self.out(y), (new,)

    def _choose(self, x: Tensor, q: Tensor) -> Recurrence:
        """Compiled loops in main memory; on a device, a kernel of bfloat16 where wanted and installed."""
        if fits(q):
            return delta_compiled
        if x.shape[1] == 1:
            return delta_recurrence
        halved = x.is_cuda and torch.is_autocast_enabled("cuda")
        return delta_kernel if halved and kernel_is_installed() else delta_chunks
