"""Configurations: what is legal, where in a run an update lies, what is refused before training."""

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from anymdp_bench import InvalidConfig, UnknownName  # noqa: E402
from omnirl_reference.config.file import train_config  # noqa: E402
from omnirl_reference.config.model import MODEL_LIMITS, ModelConfig  # noqa: E402
from omnirl_reference.config.stream import STREAM_LIMITS, StreamConfig  # noqa: E402
from omnirl_reference.config.training import OWN_PLAY_LIMITS, TRAIN_LIMITS, OwnPlay, TrainConfig  # noqa: E402
from omnirl_reference.model.model import OmniRL  # noqa: E402
from omnirl_reference.training.batches import Batches  # noqa: E402
from omnirl_reference.training.processes import Processes, choose_device  # noqa: E402
from omnirl_reference.training.trainer import Trainer  # noqa: E402

SMALL = ModelConfig(width=32, layers=1, head_width=16)
CONFIG: dict[str, Any] = {
    "name": "test",
    "model": dataclasses.asdict(SMALL),
    "stream": {"steps": 64},
    "stages": [
        {"updates": 2},
        {"updates": 3, "on_policy_share": 0.5},
        {"updates": 2, "stream": {"steps": 96}, "on_policy_share": 0.25},
    ],
    "batch": 4,
    "own_play": {"refresh": 3, "pool": 4},
}
RECORDS: list[tuple[type, dict[str, Any], dict[str, Any]]] = [
    (StreamConfig, STREAM_LIMITS, {}),
    (ModelConfig, MODEL_LIMITS, {}),
    (OwnPlay, OWN_PLAY_LIMITS, {}),
    (TrainConfig, TRAIN_LIMITS, {"name": "test"}),
]
FIELDS = [(record, field, needed) for record, limits, needed in RECORDS for field in limits]
ILLEGAL: list[dict[str, Any]] = [
    {"stream": {"steps": 80.0}},
    {"stream": {"behaviours": []}},
    {"stream": {"behaviours": {"uniform": "much"}}},
    {"stream": {"n_tasks": 0}},
    {"stream": {"n_states": 5}},
    {"stream": {"min_states": 99}},
    {"stream": {"task_states": 3}},
    {"stream": {"noise_until": [0.9, 0.4]}},
    {"stream": {"noise_until": [0.0, 1.0]}},
    {"stream": {"masked_episodes": True}},
    {"model": {"feed_forward": 0.001}},
    {"model": {"width": True}},
    {"own_play": {"pool": 2.0}},
    {"own_play": {"falling": 3}},
    {"own_play": {"temperatures": [1.0, 0.0]}},
    {"learning_rate": "fast"},
    {"learning_rate": math.nan},
    {"weight_decay": -1},
    {"clip": 0},
    {"batch": "12"},
    {"checkpoint_minutes": "3"},
    {"name": 5},
]


def config_of(**changes: object) -> TrainConfig:
    return train_config(CONFIG | changes)


@pytest.mark.parametrize(("record", "field", "needed"), FIELDS, ids=lambda x: getattr(x, "__name__", str(x)))
def test_every_field_has_a_type(record: type, field: str, needed: dict[str, Any]) -> None:
    for value in (object(), [1], -1.5):
        with pytest.raises(InvalidConfig, match=f"{field}=.* is not legal: give "):
            record(**{**needed, field: value})


@pytest.mark.parametrize("record", [StreamConfig, ModelConfig, OwnPlay, TrainConfig])
def test_no_field_is_forgotten(record: Any) -> None:
    checked = {field for one, limits, _ in RECORDS if one is record for field in limits}
    elsewhere = {
        "families",
        "task_actions",
        "task_states",
        "noise_until",
        "temperatures",
        "falling",
        "model",
        "stream",
        "stages",
        "own_play",
    }
    assert {field.name for field in dataclasses.fields(record)} - checked <= elsewhere


@pytest.mark.parametrize("values", ILLEGAL, ids=str)
def test_illegal_values_are_refused_by_name(values: dict[str, Any]) -> None:
    ((field, value),) = values.items()
    if isinstance(value, dict):
        ((field, _),) = value.items()
    with pytest.raises(InvalidConfig, match=f"{field}=.* is not legal: give "):
        config_of(**values)


def test_losses_need_a_weight() -> None:
    with pytest.raises(InvalidConfig, match="one above 0"):
        config_of(policy_weight=0, next_state_weight=0, reward_weight=0)


@pytest.mark.parametrize(
    ("stage", "words"),
    [
        ({"stream": {"oracle_free_shar": 0.5}}, "oracle_free_shar.*Give the fields of StreamConfig"),
        ({"stream": {"label": "warm"}}, "label='warm'"),
        ({"stream": {"n_states": 32}}, "those of the stream"),
        ({"stream": {"n_tasks": 7}, "on_policy_share": 0.5}, "null where the model plays itself"),
    ],
)
def test_a_later_stage_is_checked_before_the_first_is_trained(stage: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidConfig, match=words):
        config_of(stages=[{"updates": 2}, {"updates": 2, **stage}])


def test_a_run_that_cannot_be_validated_does_not_begin(tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="nope"):
        Trainer(config_of(validate_every=2, validation_bank="nope"), tmp_path / "a", "cpu")
    with pytest.raises(InvalidConfig, match="tasks of 32 states and 5 actions; give one of at most 16 and 5"):
        Trainer(config_of(validate_every=2, validation_bank="anymdp-32x5-v0"), tmp_path / "b", "cpu")
    assert not list(tmp_path.iterdir())


def test_devices() -> None:
    with pytest.raises(InvalidConfig, match="give one of auto, cpu, cuda"):
        choose_device("cudaa")
    if not torch.cuda.is_available():
        with pytest.raises(InvalidConfig, match="finds no CUDA device"):
            choose_device("cuda")


def test_places_and_steps_by_hand() -> None:
    config = config_of()
    places = [config.place(update) for update in range(8)]
    assert [place.number for place in places] == [0, 0, 1, 1, 1, 2, 2, 2]
    assert [place.since for place in places] == [0, 1, 0, 1, 2, 0, 1, 2]
    assert [place.given for place in places] == [0, 0, 8, 8, 8, 14, 14, 14]
    assert [config.own_rows(stage) for stage in config.stages] == [0, 2, 1]
    assert [config.steps_until(update) for update in range(8)] == [0, 256, 512, 768, 1024, 1280, 1664, 2048]
    assert config.steps_until(config.updates) == 4 * (5 * 64 + 2 * 96)


def test_no_sequence_of_the_stream_is_given_twice() -> None:
    torch.manual_seed(0)
    config = config_of()
    batches = Batches(config, OmniRL(SMALL), Processes())
    given = []
    for update in range(config.updates):
        n = config.batch - config.own_rows(config.place(update).stage)
        rewards = batches.get(update).rewards[:n, :64]
        given += [row.tobytes() for row in rewards]
        assert np.ptp(rewards, axis=1).min() > 0
    assert len(set(given)) == len(given) == 8 + 6 + 6


def test_a_configuration_survives_json() -> None:
    config = config_of()
    assert train_config(json.loads(json.dumps(dataclasses.asdict(config)))) == config
