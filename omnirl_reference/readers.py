"""A sequence model for each checkpoint that can read: ``"omnirl_reference.readers:omnirl_any"``."""

from __future__ import annotations

from typing import Any

from anymdp_bench import SequenceModel
from omnirl_reference.config.file import read_json
from omnirl_reference.exact.checkpoint import load_network
from omnirl_reference.exact.config import is_exact
from omnirl_reference.exact.reader import ExactReader
from omnirl_reference.model.checkpoint import load_model
from omnirl_reference.model.shipped import NOTES, checkpoint_folder, checkpoint_names
from omnirl_reference.playing.reader import OmniRLReader


def make_reader(checkpoint: str) -> SequenceModel:
    """Build the sequence model of a shipped checkpoint, or of a folder that training wrote.

    Raises:
        UnknownName: there is no such checkpoint.
    """
    folder = checkpoint_folder(checkpoint)
    if is_exact(read_json(folder / NOTES)):
        return ExactReader(load_network(folder)[0])
    return OmniRLReader(load_model(folder)[0])


def __getattr__(name: str) -> Any:
    """Return the factory of a checkpoint's reader; in its name hyphens are underscores."""
    checkpoint = name.replace("_", "-")
    if name.startswith("_") or checkpoint not in checkpoint_names():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return lambda: make_reader(checkpoint)
