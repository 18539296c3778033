"""Sequence mixers behind one interface.

A mixer maps ``[B, T, d]`` to the same shape and carries a state of constant size. Each recurrence is
defined by a plain loop over time (`*_recurrence`), computed in chunks or by compiled loops for training, and
one step at a time for acting; all agree in value and gradient. To add a mixer, write one file and one line
in `MIXERS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from anymdp_bench import InvalidConfig
from omnirl_reference.model.mixers.attention import WindowAttention
from omnirl_reference.model.mixers.gated_delta import GatedDelta
from omnirl_reference.model.mixers.gated_linear import GatedLinear
from omnirl_reference.model.mixers.gated_slot import GatedSlot
from omnirl_reference.model.mixers.mamba2 import Mamba2
from omnirl_reference.model.mixers.rwkv7 import Rwkv7
from omnirl_reference.model.mixers.s5 import S5

State = tuple[Tensor, ...]


class Mixer(Protocol):
    """What the model asks of a mixer."""

    def initial_state(self, batch: int, device: torch.device) -> State:
        """State before the first position; every tensor has the batch as its first axis."""
        ...

    def __call__(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Mix a segment ``[B, T, d]`` of any length T >= 1 after `state`."""
        ...


MIXERS: dict[str, Callable[[int, int], torch.nn.Module]] = {
    "gated-delta": GatedDelta,
    "gated-linear": GatedLinear,
    "gated-slot": GatedSlot,
    "mamba2": Mamba2,
    "rwkv7": Rwkv7,
    "s5": S5,
    "window-attention": WindowAttention,
}


def make_mixer(name: str, width: int, head_width: int) -> torch.nn.Module:
    """Build a mixer of `width` channels in heads of `head_width`.

    Raises:
        InvalidConfig: no such mixer, or the width is not a multiple of the head's.
    """
    if name not in MIXERS:
        raise InvalidConfig(f"mixer={name!r} is not legal: give one of {', '.join(MIXERS)}.")
    if width % head_width:
        raise InvalidConfig(f"width={width} is not a multiple of head_width={head_width}.")
    return MIXERS[name](width, head_width)
