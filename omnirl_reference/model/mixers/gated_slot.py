"""Gated slot attention: a memory of as many slots as a head is wide, read by softmax.

Slots are forgotten one by one. With keys K and values V of M slots and a decay a_t in (0, 1] for every slot,
``K_t = diag(a_t) K_{t-1} + (1 - a_t) k_t'``, ``V_t = diag(a_t) V_{t-1} + (1 - a_t) v_t'`` and
``o_t = V_t' softmax(K_t q_t)``.

References:
    Y. Zhang et al., Gated Slot Attention (arXiv 2409.07146), equations 7-9 and section 3.2.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from omnirl_reference.model.mixers.linear import CHUNK, LEAST_LOG_DECAY, carry, split_chunks

DECAY_TEMPERATURE = 8.0
"""Decays are sigmoids to the power of 1/8, as in the authors' code."""


def slot_recurrence(
    q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, keys: Tensor, values: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Definition, one position at a time.

    Args:
        q: Queries ``[B, H, T, D]``.
        k: Keys ``[B, H, T, D]``.
        v: Values ``[B, H, T, D]``.
        log_decay: Logarithm of each slot's decay ``[B, H, T, M]``, in [-2, 0].
        keys: Of the slots, ``[B, H, M, D]``.
        values: Of the slots, ``[B, H, M, D]``.

    Returns:
        Outputs ``[B, H, T, D]``, and keys and values of the slots after them.
    """
    outputs = []
    for t in range(q.shape[2]):
        decay = log_decay[:, :, t, :, None].exp()
        keys = decay * keys + (1 - decay) * k[:, :, t, None]
        values = decay * values + (1 - decay) * v[:, :, t, None]
        chosen = torch.einsum("bhmd,bhd->bhm", keys, q[:, :, t]).softmax(-1)
        outputs.append(torch.einsum("bhm,bhmd->bhd", chosen, values))
    return torch.stack(outputs, dim=2), keys, values


def slot_chunks(
    q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, keys: Tensor, values: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Same as `slot_recurrence`, in chunks; T may be any length.

    Reading keys and reading values are two linear attentions that share their decays.
    """
    length, width = q.shape[2], q.shape[3]
    chunk = min(CHUNK, length)
    q, k, v, log_decay = (split_chunks(x, chunk) for x in (q, k, v, log_decay))
    since = log_decay.cumsum(-2)
    grown, written = since.exp(), -log_decay.expm1()
    sources = written * (-since).exp()
    both = torch.cat([k, v], dim=-1)
    kept = written * (since[..., -1:, :] - since).exp()
    before, after = carry(
        since[..., -1, :, None].exp(), kept.transpose(-1, -2) @ both, torch.cat([keys, values], dim=-1)
    )
    old_keys, old_values = before.split(width, dim=-1)
    logits = grown * ((q @ k.transpose(-1, -2)).tril() @ sources + q @ old_keys.transpose(-1, -2))
    reads = logits.softmax(-1) * grown
    outputs = (reads @ sources.transpose(-1, -2)).tril() @ v + reads @ old_values
    keys, values = after.split(width, dim=-1)
    return outputs.flatten(2, 3)[:, :, :length], keys, values


class GatedSlot(nn.Module):
    """Gated slot attention mixer.

    Args:
        width: Channels.
        head_width: Channels of a head, and its slots.
    """

    def __init__(self, width: int, head_width: int) -> None:
        """Make the projections."""
        super().__init__()
        self.heads = width // head_width
        self.project = nn.Linear(width, 4 * width, bias=False)
        self.norm = nn.RMSNorm(head_width)
        self.out = nn.Linear(width, width, bias=False)

    def initial_state(self, batch: int, device: torch.device) -> tuple[Tensor, ...]:
        """Zeros: keys and values of the slots, ``[B, H, M, D]``."""
        head = self.norm.normalized_shape[0]
        empty = torch.zeros(batch, self.heads, head, head, device=device)
        return empty, empty.clone()

    def forward(self, x: Tensor, state: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Mix ``[B, T, d]``; everything between the projections is float32."""
        projected = self.project(x).float()
        with torch.autocast(x.device.type, enabled=False):
            q, k, v, decay = (
                y.unflatten(-1, (self.heads, -1)).transpose(1, 2) for y in projected.chunk(4, dim=-1)
            )
            log_decay = (F.logsigmoid(decay) / DECAY_TEMPERATURE).clamp(min=LEAST_LOG_DECAY)
            mix = slot_recurrence if x.shape[1] == 1 else slot_chunks
            q = F.silu(q) * q.shape[-1] ** -0.5
            y, keys, values = mix(q, F.silu(k), F.silu(v), log_decay, *state)
            y = self.norm(F.silu(y)).transpose(1, 2).flatten(2)
        return self.out(y), (keys, values)
