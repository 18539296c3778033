"""Checkpoints of exact-memory agents: tensors as safetensors, everything else as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from anymdp_bench import BenchError, InvalidConfig
from anymdp_bench.foundation.checks import Whole
from anymdp_bench.foundation.digests import SEAL, check_seal, sealed
from anymdp_bench.foundation.files import write_text
from omnirl_reference.config.file import read_json
from omnirl_reference.exact.config import KIND, is_exact
from omnirl_reference.exact.network import ExactNetwork
from omnirl_reference.model.checkpoint import TRAINING, WEIGHTS
from omnirl_reference.model.shipped import NOTES
from omnirl_reference.model.tensors import check_finite, read_tensors, write_tensors

WIDEST, MOST_ROUNDS = 1024, 64
"""Bounds of what is loaded."""


def save_network(network: ExactNetwork, folder: Path, notes: dict[str, Any]) -> None:
    """Write weights and notes; each file is replaced only by a complete one and names its own digest."""
    folder.mkdir(parents=True, exist_ok=True)
    shape = {"kind": KIND, "width": network.width, "rounds": network.rounds}
    text = json.dumps(sealed({**notes, **shape}), indent=1, sort_keys=True) + "\n"
    write_tensors(folder / WEIGHTS, network.state_dict())
    write_text(folder / NOTES, text)


def load_network(folder: Path) -> tuple[ExactNetwork, dict[str, Any]]:
    """Read a network and its notes.

    Raises:
        InvalidConfig: the folder holds no checkpoint of this kind, its parts are damaged or do not fit each
            other.
    """
    notes = _read_notes(folder)
    width, rounds = notes.get("width"), notes.get("rounds")
    legal = Whole(1, WIDEST).accepts(width) and Whole(1, MOST_ROUNDS).accepts(rounds)
    if not (is_exact(notes) and legal):
        raise InvalidConfig(
            f"{folder}: not a checkpoint of an exact-memory agent: its notes say kind {notes.get('kind')!r}, "
            f"width {width!r}, rounds {rounds!r}; legal are {KIND!r}, 1..{WIDEST} and 1..{MOST_ROUNDS}."
        )
    network = ExactNetwork(int(notes["width"]), int(notes["rounds"]))
    try:
        weights = read_tensors((folder / WEIGHTS).read_bytes())
        network.load_state_dict(weights)
        check_finite(folder, weights)
    except (BenchError, OSError, RuntimeError, ValueError) as error:
        raise InvalidConfig(f"{folder}: not a checkpoint ({type(error).__name__}: {error}).") from error
    return network.eval(), notes


def _read_notes(folder: Path) -> dict[str, Any]:
    """Read notes that have not been changed; those of a run may be of an older version, without a digest."""
    values = read_json(folder / NOTES)
    if SEAL not in values and not (folder / TRAINING).is_file():
        raise InvalidConfig(
            f"{folder}: not a checkpoint: {NOTES} does not name its own digest ({SEAL!r}), which only that "
            "of a training run may lack. Export the run again, or copy the checkpoint again."
        )
    try:
        return check_seal(values)
    except ValueError as error:
        raise InvalidConfig(f"{folder}: not a checkpoint ({NOTES}: {error}).") from error
