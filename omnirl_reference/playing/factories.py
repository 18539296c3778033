"""A factory for each checkpoint that ships: ``"omnirl_reference.playing.factories:omnirl-16"``."""

from __future__ import annotations

from typing import Any

from omnirl_reference.model.shipped import checkpoint_names
from omnirl_reference.playing.agent import make


def __getattr__(name: str) -> Any:
    """Return the factory of a checkpoint's agent; options are those of `playing.agent.make`."""
    if name not in checkpoint_names():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def make_shipped(**options: Any) -> Any:
        return make(name, **options)

    return make_shipped
