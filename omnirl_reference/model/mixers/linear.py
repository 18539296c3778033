"""Linear recurrences with per-channel decay and a low-rank transition: GLA and RWKV-7 are special cases.

``S_t = diag(w_t) S_{t-1} + b_t (a_t' S_{t-1}) + k_t v_t'`` and ``o_t = S_t' q_t``.

References:
    S. Yang et al., Gated Linear Attention (arXiv 2312.06635); B. Peng et al., RWKV-7 (arXiv 2503.14456).
"""

from __future__ import annotations

import torch
from torch import Tensor

CHUNK = 16
"""Positions computed in parallel. Decays are divided by each other within a chunk, so that
``CHUNK * -log(decay)`` must stay far below the 88 at which float32 overflows."""
LEAST_LOG_DECAY = -2.0


def linear_recurrence(
    q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, a: Tensor | None, b: Tensor | None, state: Tensor
) -> tuple[Tensor, Tensor]:
    """Definition, one position at a time.

    Args:
        q: Queries ``[B, H, T, D]``.
        k: Keys ``[B, H, T, D]``.
        v: Values ``[B, H, T, D]``.
        log_decay: Logarithm of each key channel's decay ``[B, H, T, D]``, in [-2, 0].
        a: What is read of the old state ``[B, H, T, D]``, or None (no low-rank part).
        b: Where it is written ``[B, H, T, D]``, or None.
        state: ``[B, H, D, D]``, key by value.

    Returns:
        Outputs ``[B, H, T, D]`` and the state after them.
    """
    outputs = []
    for t in range(q.shape[2]):
        new = state * log_decay[:, :, t, :, None].exp() + torch.einsum(
            "bhk,bhv->bhkv", k[:, :, t], v[:, :, t]
        )
        if a is not None and b is not None:
            read = torch.einsum("bhk,bhkv->bhv", a[:, :, t], state)
            new = new + torch.einsum("bhk,bhv->bhkv", b[:, :, t], read)
        state = new
        outputs.append(torch.einsum("bhk,bhkv->bhv", q[:, :, t], state))
    return torch.stack(outputs, dim=2), state


def linear_chunks(
    q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, a: Tensor | None, b: Tensor | None, state: Tensor
) -> tuple[Tensor, Tensor]:
    """Same as `linear_recurrence`, in chunks; T may be any length.

    With u_t = a_t' S_{t-1} the state is a sum of decayed writes ``k_j v_j'`` and ``b_j u_j'``; the u of a
    chunk solve a unit lower triangular system.
    """
    length = q.shape[2]
    chunk = min(CHUNK, length)
    q, k, v, log_decay = (split_chunks(x, chunk) for x in (q, k, v, log_decay))
    since = log_decay.cumsum(-2)
    grown, shrunk = since.exp(), (-since).exp()
    to_end = (since[..., -1:, :] - since).exp()
    reads, keys = q * grown, k * shrunk
    scores = (reads @ keys.transpose(-1, -2)).tril()
    parts = [scores, reads, k * to_end, v, since[..., -1, :].exp()]
    if a is not None and b is not None:
        a, b = split_chunks(a, chunk), split_chunks(b, chunk)
        before = a * (since - log_decay).exp()
        sources = b * shrunk
        eye = torch.eye(chunk, device=q.device)
        strict = eye - (before @ sources.transpose(-1, -2)).tril(-1)
        right = torch.cat([(before @ keys.transpose(-1, -2)).tril(-1) @ v, before], dim=-1)
        solved = torch.linalg.solve_triangular(strict, right, upper=False, unitriangular=True)
        fresh, carried = solved.split(v.shape[-1], dim=-1)
        parts += [fresh, carried, (reads @ sources.transpose(-1, -2)).tril(), b * to_end]
    outputs = []
    for piece in zip(*(x.unbind(2) for x in parts), strict=True):
        output, state = _one_chunk(state, *piece)
        outputs.append(output)
    return torch.cat(outputs, dim=2)[:, :, :length], state


def _one_chunk(
    state: Tensor, score: Tensor, read: Tensor, key: Tensor, value: Tensor, decay: Tensor, *low_rank: Tensor
) -> tuple[Tensor, Tensor]:
    output = read @ state + score @ value
    new = decay[..., None] * state + key.transpose(-1, -2) @ value
    if low_rank:
        fresh, carried, low_score, target = low_rank
        u = fresh + carried @ state
        output = output + low_score @ u
        new = new + target.transpose(-1, -2) @ u
    return output, new


def carry(decay: Tensor, written: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
    """Carry a state from chunk to chunk.

    Args:
        decay: Of each chunk, ``[B, H, N, ...]``, fit to multiply states.
        written: What a chunk adds, ``[B, H, N, ...]``.
        state: Before the first chunk, ``[B, H, ...]``.

    Returns:
        States before each chunk ``[B, H, N, ...]``, and the one after the last.
    """
    before = []
    for factor, new in zip(decay.unbind(2), written.unbind(2), strict=True):
        before.append(state)
        state = factor * state + new
    return torch.stack(before, dim=2), state


def split_chunks(x: Tensor, chunk: int) -> Tensor:
    """Cut axis 2 into chunks ``[B, H, N, C, D]``; padding zeros write nothing and decay nothing."""
    padding = -x.shape[2] % chunk
    if padding:
        x = torch.cat([x, x.new_zeros(*x.shape[:2], padding, *x.shape[3:])], dim=2)
    chunks: Tensor = x.unflatten(2, (-1, chunk))
    return chunks
