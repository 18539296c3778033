"""The checkpoints that ship, each a factory of an agent: ``"omnirl_reference.shipped:omnirl-16"``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from anymdp_bench import UnknownName

NOTES = "notes.json"
CHECKPOINTS = Path(__file__).parent / "checkpoints"
DEFAULT = "omnirl-16"
"""Checkpoint of an agent that names none."""


def checkpoint_names() -> list[str]:
    """Checkpoints that ship with the package."""
    return sorted(path.parent.name for path in CHECKPOINTS.glob(f"*/{NOTES}"))


def checkpoint_folder(name: str) -> Path:
    """Folder of a checkpoint that ships, or of a user's own.

    Raises:
        UnknownName: there is none.
    """
    if name in checkpoint_names():
        return CHECKPOINTS / name
    if not (Path(name) / NOTES).is_file():
        shipped = ", ".join(checkpoint_names())
        raise UnknownName(f"checkpoint {name!r}: give a folder that holds {NOTES}, or one of {shipped}.")
    return Path(name)


def __getattr__(name: str) -> Any:
    """Return the factory of a checkpoint's agent; its options are those of `omnirl_reference.agent.make`."""
    if name not in checkpoint_names():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def make(**options: Any) -> Any:
        from omnirl_reference.agent import make as make_omnirl

        return make_omnirl(name, **options)

    return make
