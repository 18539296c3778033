"""Configurations in JSON: those that ship, and a user's own files."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anymdp_bench import InvalidConfig, UnknownName
from omnirl_reference.config import ModelConfig, OwnPlay, Stage, StreamConfig, TrainConfig

CONFIGS = Path(__file__).parent / "configs"


def config_names() -> list[str]:
    """Names of the configurations that ship."""
    return sorted(path.stem for path in CONFIGS.glob("*.json"))


def load_config(name: str) -> TrainConfig:
    """Read a configuration that ships, by name, or a file.

    Raises:
        UnknownName: neither a shipped name nor a file.
        InvalidConfig: the file is not a training configuration.
    """
    if name in config_names():
        return train_config(read_json(CONFIGS / f"{name}.json"))
    path = Path(name)
    if not path.is_file():
        raise UnknownName(f"configuration {name!r}: give a file, or one of {', '.join(config_names())}.")
    return train_config(read_json(path))


def train_config(values: Mapping[str, Any]) -> TrainConfig:
    """Build a training configuration from JSON values.

    Raises:
        InvalidConfig: a field is unknown or outside its legal range.
    """
    given = dict(values)
    try:
        parts: dict[str, Any] = {
            "model": ModelConfig(**given.pop("model", {})),
            "stream": StreamConfig(**given.pop("stream", {})),
            "stages": tuple(Stage(**stage) for stage in given.pop("stages", [{"updates": 1000}])),
            "own_play": OwnPlay(**given.pop("own_play", {})),
        }
        return TrainConfig(**parts, **given)
    except TypeError as error:
        raise InvalidConfig(f"training configuration: {error}. Give the fields of TrainConfig.") from error


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
        values = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InvalidConfig(f"{path}: {error}. Give a JSON configuration.") from error
    if not isinstance(values, dict):
        raise InvalidConfig(f"{path}: holds a {type(values).__name__}; give a JSON object.")
    return values
