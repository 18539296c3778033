"""A factory for each checkpoint that ships: ``"omnirl_reference.factories:omnirl-any"``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from omnirl_reference.config.file import read_json
from omnirl_reference.exact.agent import ExactAgent, make_exact
from omnirl_reference.exact.config import is_exact
from omnirl_reference.model.shipped import DEFAULT, NOTES, checkpoint_folder, checkpoint_names
from omnirl_reference.playing.agent import OmniRLAgent
from omnirl_reference.playing.agent import make as make_sequence
from omnirl_reference.trials.agent import TrialAgent, make_trials
from omnirl_reference.trials.checkpoint import is_trials


def make(checkpoint: str | None = None, **options: Any) -> ExactAgent | OmniRLAgent | TrialAgent:
    """Build the agent of a shipped checkpoint, or of a folder that training wrote.

    Args:
        checkpoint: Default: `model.shipped.DEFAULT`.
        **options: Fields of `exact.acting.Acting`, for a sequence model those of `playing.agent.make`, for
            RL² ``temperature``; the rest is what the checkpoint was validated with.

    Raises:
        UnknownName: there is no such checkpoint.
        InvalidConfig: it is damaged, or an option is not legal.
    """
    name = checkpoint or DEFAULT
    folder = checkpoint_folder(name)
    notes = read_json(folder / NOTES)
    if is_exact(notes):
        return make_exact(folder, Path(name).name, options)
    if is_trials(notes):
        return make_trials(folder, Path(name).name, options)
    return make_sequence(name, **options)


def __getattr__(name: str) -> Any:
    """Return the factory of a checkpoint's agent; options are those of `make`."""
    if name not in checkpoint_names():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def make_shipped(**options: Any) -> Any:
        return make(name, **options)

    return make_shipped
