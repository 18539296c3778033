"""Checkpoints: tensors as safetensors, everything else as JSON; nothing is pickled."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from anymdp_bench import BenchError, InvalidConfig
from anymdp_bench.foundation.digests import check_seal, sealed
from anymdp_bench.foundation.files import write_text
from omnirl_reference.config.file import read_json
from omnirl_reference.config.model import ModelConfig
from omnirl_reference.model.model import OmniRL
from omnirl_reference.model.shipped import NOTES
from omnirl_reference.model.tensors import check_finite, read_tensors, shapes_of, write_tensors

WEIGHTS, TRAINING = "weights.safetensors", "training.safetensors"


def save_model(model: OmniRL, folder: Path, notes: dict[str, Any]) -> None:
    """Write weights and notes; each file is replaced only by a complete one and names its own digest."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(folder / WEIGHTS, model.state_dict())
    write_text(folder / NOTES, json.dumps(sealed(notes), indent=1, sort_keys=True) + "\n")


def load_model(folder: Path) -> tuple[OmniRL, dict[str, Any]]:
    """Read a model and its notes; what the notes claim is compared with the weights before it is allocated.

    Raises:
        InvalidConfig: the folder holds no checkpoint, its parts are damaged or do not fit each other, or a
            weight is not finite.
    """
    notes = read_json(folder / NOTES)
    try:
        notes = check_seal(notes)
        content = (folder / WEIGHTS).read_bytes()
        config = ModelConfig(**notes["model"])
        _check_shapes(config, shapes_of(content))
        weights = read_tensors(content)
        model = OmniRL(config)
        model.load_state_dict(weights)
    except BenchError as error:
        raise InvalidConfig(f"{folder}: not a checkpoint ({error})") from error
    except (OSError, KeyError, TypeError, RuntimeError, ValueError) as error:
        raise InvalidConfig(f"{folder}: not a checkpoint ({type(error).__name__}: {error}).") from error
    check_finite(folder, weights)
    return model.eval(), notes


def _check_shapes(config: ModelConfig, found: Mapping[str, tuple[int, ...]]) -> None:
    """Raise ValueError unless the weights are those of such a model; nothing is allocated."""
    if config.layers > len(found):
        raise ValueError(f"the notes name {config.layers} layers, the weights are {len(found)} tensors")
    with torch.device("meta"):
        expected = {name: tuple(value.shape) for name, value in OmniRL(config).state_dict().items()}
    if expected != found:
        other = min(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        raise ValueError(
            f"{other!r} has shape {found.get(other)}; the notes describe a model in which it has "
            f"{expected.get(other)}"
        )


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
    write_tensors(folder / TRAINING, tensors)


def load_training(folder: Path) -> dict[str, Tensor] | None:
    """Read what `save_training` wrote; None where there is nothing yet.

    Raises:
        InvalidConfig: the file is damaged.
    """
    path = folder / TRAINING
    try:
        return read_tensors(path.read_bytes()) if path.exists() else None
    except (OSError, ValueError) as error:
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
