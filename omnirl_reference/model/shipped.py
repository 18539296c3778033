"""The checkpoints that ship with the package, and folders of others."""

from __future__ import annotations

from pathlib import Path

from anymdp_bench import UnknownName

NOTES = "notes.json"
CHECKPOINTS = Path(__file__).parents[1] / "checkpoints"
DEFAULT = "omnirl-any"
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
