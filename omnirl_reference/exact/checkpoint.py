"""Checkpoints of exact-memory agents: tensors as safetensors, everything else as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from anymdp_bench import InvalidConfig
from anymdp_bench.foundation.checks import Whole
from anymdp_bench.foundation.files import replacing
from omnirl_reference.config.file import read_json
from omnirl_reference.exact.config import KIND, is_exact
from omnirl_reference.exact.network import ExactNetwork
from omnirl_reference.model.checkpoint import TRAINING, WEIGHTS
from omnirl_reference.model.shipped import NOTES

WIDEST, MOST_ROUNDS = 1024, 64
"""Bounds of what is loaded."""


def save_network(network: ExactNetwork, folder: Path, notes: dict[str, Any]) -> None:
    """Write weights and notes; each file is replaced only by a complete one."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().contiguous() for name, value in network.state_dict().items()}
    shape = {"kind": KIND, "width": network.width, "rounds": network.rounds}
    text = json.dumps({**notes, **shape}, indent=1, sort_keys=True) + "\n"
    with replacing(folder / WEIGHTS) as file:
        file.write(save(weights))
    with replacing(folder / NOTES) as file:
        file.write(text.encode())


def load_network(folder: Path) -> tuple[ExactNetwork, dict[str, Any]]:
    """Read a network and its notes.

    Raises:
        InvalidConfig: the folder holds no checkpoint of this kind, or its parts do not fit each other.
    """
    notes = read_json(folder / NOTES)
    width, rounds = notes.get("width"), notes.get("rounds")
    legal = Whole(1, WIDEST).accepts(width) and Whole(1, MOST_ROUNDS).accepts(rounds)
    if not (is_exact(notes) and legal):
        raise InvalidConfig(
            f"{folder}: not a checkpoint of an exact-memory agent: its notes say kind {notes.get('kind')!r}, "
            f"width {width!r}, rounds {rounds!r}; legal are {KIND!r}, 1..{WIDEST} and 1..{MOST_ROUNDS}."
        )
    network = ExactNetwork(int(notes["width"]), int(notes["rounds"]))
    try:
        weights = load_file(folder / WEIGHTS)
        network.load_state_dict(weights)
    except (OSError, RuntimeError, SafetensorError) as error:
        raise InvalidConfig(f"{folder}: not a checkpoint ({type(error).__name__}: {error}).") from error
    if not all(bool(torch.isfinite(value).all()) for value in weights.values()):
        raise InvalidConfig(f"{folder}: holds weights that are not finite; train or fetch it again.")
    return network.eval(), notes


def save_run(folder: Path, tensors: dict[str, Tensor]) -> None:
    """Write what a run needs to go on."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = {name: value.detach().contiguous() for name, value in tensors.items()}
    with replacing(folder / TRAINING) as file:
        file.write(save(kept))
