"""What the sequence model is: its sizes, its tokens and its mixer."""

from __future__ import annotations

import dataclasses

from anymdp_bench.foundation.checks import (
    FLAG,
    TEXT,
    Limit,
    Number,
    OneOf,
    Whole,
    check,
    check_fields,
)

MODEL_LIMITS: dict[str, Limit] = {
    **dict.fromkeys(("n_states", "n_actions", "width", "layers", "head_width"), Whole(1)),
    "layout": OneOf(("packed", "interleaved")),
    "prompt": FLAG,
    "action_codes": FLAG,
    "mixer": TEXT,
    "feed_forward": Number(above=True),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """Shape of a model.

    Attributes:
        n_states: Number of state ids.
        n_actions: Number of actions.
        layout: ``"packed"`` (one token a step) or ``"interleaved"`` (the paper's four).
        prompt: Add the id of the labelling oracle's discount (a constant; the paper's code has it).
        action_codes: Actions are known by random orthonormal vectors, drawn for every sequence, and the head
            answers with a vector, so that a task may have any number of them up to `width` (Headless-AD).
        mixer: Name in `mixers.MIXERS`.
        width: Channels.
        layers: Blocks.
        head_width: Channels of a mixer's head.
        feed_forward: Hidden channels of a block's gated feed-forward part, in units of `width`.
    """

    n_states: int = 16
    n_actions: int = 5
    layout: str = "packed"
    prompt: bool = False
    action_codes: bool = False
    mixer: str = "gated-delta"
    width: int = 128
    layers: int = 2
    head_width: int = 32
    feed_forward: float = 2.0

    def __post_init__(self) -> None:
        """Check every field."""
        check_fields(self, MODEL_LIMITS)
        if self.action_codes:
            legal = f"an integer from 1 to width={self.width}, with action_codes"
            check(self.n_actions <= self.width, "n_actions", self.n_actions, legal)
        legal = f"a number above {1 / (2 * self.width):g}, so that a channel is left"
        check(round(self.width * self.feed_forward) >= 1, "feed_forward", self.feed_forward, legal)
