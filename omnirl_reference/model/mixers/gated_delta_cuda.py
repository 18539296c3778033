"""Gated DeltaNet by the Triton kernels of flash-linear-attention, where that package is installed.

They take queries, keys and values in bfloat16, and are used under autocast on CUDA only.
"""

from __future__ import annotations

import functools
import importlib.util

import torch
from torch import Tensor


@functools.cache
def kernel_is_installed() -> bool:
    """Whether the package ``flash-linear-attention`` is there."""
    return importlib.util.find_spec("fla") is not None


def delta_kernel(
    q: Tensor, k: Tensor, v: Tensor, log_decay: Tensor, write: Tensor, state: Tensor
) -> tuple[Tensor, Tensor]:
    """Same as `delta_recurrence`, to the precision of bfloat16; CUDA tensors only."""
    from fla.ops.gated_delta_rule import chunk_gated_delta_rule

    q, k, v = (x.to(torch.bfloat16).contiguous() for x in (q, k, v))
    outputs, after = chunk_gated_delta_rule(
        q=q,
        k=k,
        v=v,
        g=log_decay.contiguous(),
        beta=write.contiguous(),
        scale=1.0,
        initial_state=state,
        output_final_state=True,
    )
    return outputs.float(), after.float()
