"""The last step of an episode as it is shown."""

from __future__ import annotations

import dataclasses
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]


@dataclasses.dataclass(frozen=True, slots=True)
class Frame:
    """Where an episode stands.

    Attributes:
        inner: Inner state: an index, or angle and speed of the pendulum.
        observation: What the agent sees of it.
        steps: Steps taken.
        total: Sum of the rewards received.
        before: Inner state that the last step was taken in; None before the first, and of a pendulum.
        actions: The last action, one number a token; empty before the first step.
        reward: Reward received in the last step.
    """

    inner: Any
    observation: Any
    steps: int = 0
    total: float = 0.0
    before: Any = None
    actions: tuple[int, ...] = ()
    reward: float = 0.0


class Painter(Protocol):
    """Shows frames of one task."""

    def text(self, frame: Frame) -> str:
        """Describe a frame in lines of plain text."""
        ...

    def picture(self, frame: Frame) -> Pixels:
        """Draw a frame, uint8 ``[height, width, 3]``."""
        ...
