"""Checkpoints: tensors as safetensors, everything else as JSON; nothing is pickled."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from anymdp_bench import InvalidConfig
from anymdp_bench.foundation.files import replacing
from omnirl_reference.config.fields import ModelConfig
from omnirl_reference.config.file import read_json
from omnirl_reference.model.model import OmniRL
from omnirl_reference.model.shipped import NOTES

WEIGHTS, TRAINING = "weights.safetensors", "training.safetensors"


def save_model(model: OmniRL, folder: Path, notes: dict[str, Any]) -> None:
    """Write weights and notes; each file is replaced only by a complete one."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    with replacing(folder / WEIGHTS) as file:
        file.write(save(weights))
    with replacing(folder / NOTES) as file:
        file.write((json.dumps(notes, indent=1, sort_keys=True) + "\n").encode())


def load_model(folder: Path) -> tuple[OmniRL, dict[str, Any]]:
    """Read a model and its notes.

    Raises:
        InvalidConfig: the folder holds no checkpoint, or its parts do not fit each other.
    """
    notes = read_json(folder / NOTES)
    try:
        model = OmniRL(ModelConfig(**notes["model"]))
        model.load_state_dict(load((folder / WEIGHTS).read_bytes()))
    except (OSError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
        raise InvalidConfig(f"{folder}: not a checkpoint ({type(error).__name__}: {error}).") from error
    return model.eval(), notes


def fingerprint(model: nn.Module) -> str:
    """First 16 hexadecimal digits of the SHA-256 of a model's weights."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def save_training(folder: Path, tensors: dict[str, Tensor]) -> None:
    """Write what a run needs to go on: weights, optimiser and random state in one file."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
    with replacing(folder / TRAINING) as file:
        file.write(save(kept))


def load_training(folder: Path) -> dict[str, Tensor] | None:
    """Read what `save_training` wrote; None where there is nothing yet.

    Raises:
        InvalidConfig: the file is damaged.
    """
    path = folder / TRAINING
    try:
        return load(path.read_bytes()) if path.exists() else None
    except SafetensorError as error:
        raise InvalidConfig(f"{path} is damaged ({error}); the run cannot go on.") from error


def optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """State of an optimiser as named tensors."""
    state = optimiser.state_dict()["state"]
    return {
        f"optimiser.{index}.{name}": torch.as_tensor(value)
        for index, values in state.items()
        for name, value in values.items()
    }


def restore_optimiser(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Inverse of `optimiser_tensors`."""
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith("optimiser."):
            _, index, name = key.split(".")
            state.setdefault(int(index), {})[name] = value
    optimiser.load_state_dict(optimiser.state_dict() | {"state": state})
