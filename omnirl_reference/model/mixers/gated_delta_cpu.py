"""Gated DeltaNet by compiled loops, for tensors in main memory."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor

from omnirl_reference.model.mixers.gated_delta_kernels import EVERY, Inputs, backward, forward


def delta_compiled(
    q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, write: Tensor, state: Tensor
) -> tuple[Tensor, Tensor]:
    """Same as `delta_recurrence`; float32 in main memory only.

    As many threads as torch has share the heads; the result does not depend on their number.
    """
    outputs: tuple[Tensor, Tensor] = _Compiled.apply(q, k, v, log_decay, write, state)
    return outputs


def fits(q: Tensor) -> bool:
    """Whether `delta_compiled` takes such queries ``[B, T, H, D]``."""
    return q.device.type == "cpu" and q.dtype == torch.float32


class _Compiled(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, write: Tensor, state: Tensor
    ) -> tuple[Tensor, Tensor]:
        inputs = Inputs(*map(_array, (q, k, v, log_decay.exp(), write)))
        batch, length, heads, width = inputs.q.shape
        after = np.array(state.numpy())
        kept = np.empty((batch, heads, -(-length // EVERY), width, width), np.float32)
        errors, outputs = np.empty_like(inputs.q), np.empty_like(inputs.q)
        _share(batch * heads, lambda i, j: forward(inputs, i, j, after, kept, errors, outputs))
        ctx.arrays = inputs, kept, errors
        return torch.from_numpy(outputs), torch.from_numpy(after)

    @staticmethod
    def backward(ctx: Any, d_outputs: Tensor, d_after: Tensor) -> tuple[Tensor, ...]:
        inputs, kept, errors = ctx.arrays
        batch, _, heads, _ = inputs.q.shape
        given, d_state = _array(d_outputs), np.array(d_after.numpy())
        found = Inputs(*map(np.empty_like, inputs))
        _share(batch * heads, lambda i, j: backward(inputs, i, j, kept, errors, given, d_state, found))
        return *(torch.from_numpy(x) for x in found), torch.from_numpy(d_state)


def _array(x: Tensor) -> Any:
    return x.detach().contiguous().numpy()


def _share(heads: int, work: Callable[[int, int], None]) -> None:
    """Let torch's number of threads each work on a range of heads."""
    threads = min(torch.get_num_threads(), heads)
    if threads == 1:
        work(0, heads)
        return
    edges = [heads * i // threads for i in range(threads + 1)]
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(work, edges[:-1], edges[1:]))
