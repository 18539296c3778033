"""Checkpoints of RL²: tensors as safetensors, everything else as JSON; nothing is unpickled to play."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anymdp_bench import BenchError, InvalidConfig
from anymdp_bench.foundation.digests import check_seal, sealed
from anymdp_bench.foundation.files import write_text
from omnirl_reference.config.file import read_json
from omnirl_reference.model.checkpoint import WEIGHTS
from omnirl_reference.model.shipped import NOTES
from omnirl_reference.model.tensors import check_finite, read_tensors, write_tensors
from omnirl_reference.trials.network import Shape, TrialNetwork

KIND = "trials"


def is_trials(values: Mapping[str, Any]) -> bool:
    """Whether a checkpoint's notes are of this kind."""
    return values.get("kind") == KIND


def save_trials(network: TrialNetwork, folder: Path, notes: Mapping[str, Any]) -> None:
    """Write weights and notes; each file is replaced only by a complete one and names its own digest."""
    folder.mkdir(parents=True, exist_ok=True)
    write_tensors(folder / WEIGHTS, network.state_dict())
    facts = {**notes, "kind": KIND, "shape": dataclasses.asdict(network.shape)}
    write_text(folder / NOTES, json.dumps(sealed(facts), indent=1, sort_keys=True) + "\n")


def load_trials(folder: Path) -> tuple[TrialNetwork, dict[str, Any]]:
    """Read a network and its notes.

    Raises:
        InvalidConfig: the folder holds no checkpoint of this kind, its parts do not fit each other, or a
            weight is not finite.
    """
    try:
        notes = check_seal(read_json(folder / NOTES))
        network = TrialNetwork(Shape(**notes["shape"]))
        weights = read_tensors((folder / WEIGHTS).read_bytes())
        network.load_state_dict(weights)
    except BenchError as error:
        raise InvalidConfig(f"{folder}: not a checkpoint of RL² ({error})") from error
    except (OSError, KeyError, TypeError, RuntimeError, ValueError) as error:
        raise InvalidConfig(
            f"{folder}: not a checkpoint of RL² ({type(error).__name__}: {error})."
        ) from error
    check_finite(folder, weights)
    return network.eval(), notes
