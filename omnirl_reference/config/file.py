"""Configurations in JSON: those that ship, and a user's own files."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anymdp_bench import InvalidConfig, UnknownName
from anymdp_bench.foundation.checks import check_choice
from omnirl_reference.config.model import ModelConfig
from omnirl_reference.config.stream import MIXTURES, StreamConfig
from omnirl_reference.config.training import OwnPlay, Stage, TrainConfig

CONFIGS = Path(__file__).parents[1] / "configs"
PARTS = ("model", "stream", "own_play")
"""Records in the record: what a configuration says of them is added to what its base says."""


def config_names() -> list[str]:
    """Names of the configurations that ship."""
    return sorted(path.stem for path in CONFIGS.glob("*.json"))


def load_config(name: str) -> TrainConfig:
    """Read a configuration that ships, by name, or a file.

    ``"base"`` names a configuration that ships, whose fields hold where the file is silent; so do the fields
    of its `model`, `stream` and `own_play`.

    Raises:
        UnknownName: neither a shipped name nor a file, or the base does not ship.
        InvalidConfig: the file is not a training configuration.
    """
    if name in config_names():
        return train_config(_with_base(read_json(CONFIGS / f"{name}.json"), (name,)))
    path = Path(name)
    if not path.is_file():
        raise UnknownName(f"configuration {name!r}: give a file, or one of {', '.join(config_names())}.")
    return train_config(_with_base(read_json(path)))


def _with_base(values: dict[str, Any], above: tuple[str, ...] = ()) -> dict[str, Any]:
    """Fill in what the base says; `above` are the configurations that this one is the base of."""
    if "base" not in values:
        return values
    own = {name: value for name, value in values.items() if name != "base"}
    base = values["base"]
    if base not in config_names():
        raise UnknownName(f"base={base!r}: give one of {', '.join(config_names())}.")
    if base in above:
        raise InvalidConfig(f"base={base!r} leads back to itself: {' -> '.join((*above, base))}.")
    merged = _with_base(read_json(CONFIGS / f"{base}.json"), (*above, base))
    parts = {name: {**merged.get(name, {}), **own[name]} for name in PARTS if isinstance(own.get(name), dict)}
    return {**merged, **own, **parts}


def train_config(values: Mapping[str, Any]) -> TrainConfig:
    """Build a training configuration from JSON values.

    Raises:
        InvalidConfig: a field is unknown or outside its legal range.
    """
    given = dict(values)
    try:
        parts: dict[str, Any] = {
            "model": ModelConfig(**given.pop("model", {})),
            "stream": StreamConfig(**_with_mixture(given.pop("stream", {}))),
            "stages": tuple(Stage(**stage) for stage in given.pop("stages", [{"updates": 1000}])),
            "own_play": OwnPlay(**given.pop("own_play", {})),
        }
        return TrainConfig(**parts, **given)
    except TypeError as error:
        raise InvalidConfig(f"training configuration: {error}. Give the fields of TrainConfig.") from error


def _with_mixture(stream: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in the shares of a mixture of behaviours that is given by its name."""
    fields = {**stream}
    mixture = fields.get("behaviours")
    if isinstance(mixture, str):
        check_choice("behaviours", mixture, MIXTURES)
        fields["behaviours"] = MIXTURES[mixture]
    return fields


def config_of(notes: dict[str, Any]) -> TrainConfig:
    """Configuration of the run that wrote `notes`."""
    fields = {field.name for field in dataclasses.fields(TrainConfig)}
    return train_config({name: value for name, value in notes.items() if name in fields})


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        InvalidConfig: the file is missing or holds no JSON object.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidConfig(f"{path}: {error}. Give a JSON configuration.") from error
    if not isinstance(values, dict):
        raise InvalidConfig(f"{path}: holds a {type(values).__name__}; give a JSON object.")
    return values
