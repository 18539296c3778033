"""Streams of rooms and pendulums, noise that falls within a history, and mixtures of five families."""

import dataclasses
import hashlib

import numpy as np
import pytest

from anymdp_bench import BOARDS, InvalidConfig, load_bank
from omnirl_reference.config.file import load_config
from omnirl_reference.config.stream import StreamConfig
from omnirl_reference.stream.grids import BOARD_SHAPES, darkroom_world, room_shapes
from omnirl_reference.stream.pendulums import GRAVITIES, gravity_of, torques_of, values_of
from omnirl_reference.stream.stream import Stream

ALL = StreamConfig(
    families={"anymdp": 1.0, "garnet": 1.0, "darkroom": 1.0, "pendulum": 1.0, "bandit": 1.0},
    n_states=64,
    task_states=(8, 16),
    steps=110,
    behaviours={"noisy-0.994": 1.0},
    noise_until=(0.1, 1.0),
    resample_share=0.0,
    label_behaviour=True,
)
OLD = StreamConfig(n_states=64, task_states=(16, 32), steps=120)
GOLDEN = {
    "anymdp": "96dece1b05962223",
    "garnet": "7bb36d4ec8e695a2",
    "grid": "62168c76a50b06ff",
    "bandit": "16ee83fd63f189b6",
}


def digest(config: StreamConfig, batch: int = 6, index: int = 3) -> str:
    found = hashlib.sha256()
    for values in Stream(config, batch).make(index):
        found.update(values.tobytes())
    return found.hexdigest()[:16]


def of_family(family: str, **changes: object) -> StreamConfig:
    return dataclasses.replace(ALL, families=None, family=family, **changes)


@pytest.mark.parametrize("family", GOLDEN)
def test_old_streams_draw_what_they_drew(family: str) -> None:
    assert digest(dataclasses.replace(OLD, family=family)) == GOLDEN[family]


def test_old_noise_falls_as_it_fell() -> None:
    families = {"anymdp": 1.0, "garnet": 2.0, "grid": 1.0}
    noisy = dataclasses.replace(OLD, families=families, behaviours={"noisy-0.994": 1.0}, label_behaviour=True)
    assert digest(noisy) == "b26d8e71a2d06129"


def test_five_families_are_a_function_of_configuration_and_index() -> None:
    whole = Stream(ALL, 20)
    begun = [whole.get(index) for index in range(3)]
    again = Stream(ALL, 20)
    for index in (2, 0):
        for one, other in zip(begun[index], again.get(index), strict=True):
            np.testing.assert_array_equal(one, other)
    part = Stream(ALL, 20, rows=slice(5, 12)).make(1)
    for one, other in zip(begun[1], part, strict=True):
        np.testing.assert_array_equal(one[5:12], other)
    assert {whole._family_of(index) for index in range(20)} == set(ALL.families or {})
    assert digest(ALL, 20) != digest(dataclasses.replace(ALL, seed=1), 20)


@pytest.mark.parametrize("n_actions", [4, 5])
def test_rooms_have_the_rules_of_darkroom_and_no_board_s_size(n_actions: int) -> None:
    shapes = room_shapes(64)
    assert not {tuple(shape) for shape in shapes.tolist()} & set(BOARD_SHAPES)
    assert {9, 63} <= set((shapes[:, 0] * shapes[:, 1]).tolist())
    for key in range(40):
        world = darkroom_world(np.uint64(key), shapes, n_actions)
        (goal,) = np.flatnonzero(world.terminal)
        assert world.initial_weight[goal] == 0 and world.initial_weight.sum() == 2**30
        assert (np.delete(world.initial_weight, goal) > 0).all()
        assert set(zip(world.mean, world.outcomes.successor == goal, strict=True)) == {
            (1.0, True),
            (-0.01, False),
        }
        assert (world.weight == 2**30).all() and not world.noise.any() and world.horizon == 100
        living = np.repeat(~world.terminal, n_actions)
        assert (np.diff(world.outcomes.row_start) == living).all()


def test_pendulums_have_no_board_s_gravity_but_its_bins_and_torques() -> None:
    banks = {board.bank for board in BOARDS.values() if board.bank.startswith("pendulum")}
    splits = [load_bank(bank).split(split) for bank in banks for split in ("test", "validation")]
    tasks = [task for split in splits for task in split]
    assert len(tasks) > 6 and not {task.g for task in tasks} & set(GRAVITIES)
    assert {gravity_of(np.uint64(key)) for key in range(100)} == set(GRAVITIES)
    for task in tasks:
        np.testing.assert_array_equal(task.torque_values, torques_of(5))
        assert task.n_observations == 60
    values = values_of(GRAVITIES[4], 5)
    assert np.isfinite(values).all() and values.argmax() in (20, 40 * 41 - 21, 61)


@pytest.mark.parametrize("family", ["darkroom", "pendulum"])
def test_the_oracle_beats_random_play(family: str) -> None:
    gained = {}
    for name, behaviours in {"oracle": {"pure-0.994": 1.0}, "random": {"uniform": 1.0}}.items():
        config = of_family(family, behaviours=behaviours, noise_until=None, steps=402)
        batch = Stream(config, 24).make(0)
        assert batch.states.max() < 64 and (batch.actions == 5).any()
        gained[name] = batch.rewards.sum(axis=1)
    assert gained["oracle"].mean() > gained["random"].mean() + 40
    assert (gained["oracle"] > gained["random"].mean()).mean() > 0.9


@pytest.mark.parametrize("family", ["anymdp", "garnet", "darkroom", "pendulum"])
def test_noise_falls_from_one_to_nothing_at_places_of_many_kinds(family: str) -> None:
    config = of_family(family, steps=600, masked_sequences=0.0, masked_episodes=0.0, noise_until=(0.1, 0.7))
    batch = Stream(config, 64).make(0)
    acting, random = batch.actions < 5, batch.behaviour == 6
    assert random[:, :3][acting[:, :3]].mean() > 0.85
    assert not random[:, -1].any() and random[:, 500:][acting[:, 500:]].mean() < 0.06
    last = [np.flatnonzero(row).max() for row in random]
    assert np.ptp(last) > 300


def test_labels_are_what_was_done() -> None:
    batch = Stream(ALL, 20).make(0)
    acting = batch.actions < 5
    np.testing.assert_array_equal(batch.targets.argmax(axis=-1)[acting], batch.actions[acting])
    np.testing.assert_array_equal(batch.targets.sum(axis=-1), acting)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"noise_until": (0.0, 1.0)}, "noise_until="),
        ({"noise_until": (0.5, 0.2)}, "noise_until="),
        ({"noise_until": 0.5}, "noise_until="),
        ({"families": {"pendulum": 1.0}, "n_states": 32}, "n_states=32"),
        ({"families": {"darkroom": 1.0}, "n_actions": 3}, "n_actions=3 is not legal: give 4 or 5 in a grid"),
        ({"families": {"pendulum": 1.0}, "n_actions": 1}, "n_actions=1"),
        ({"families": {"darkroom": 1.0}, "task_actions": (4, 5)}, "null where there are grids"),
    ],
)
def test_what_no_stream_can_play_is_refused(changes: dict, text: str) -> None:
    with pytest.raises(InvalidConfig, match=text):
        dataclasses.replace(ALL, **changes)


def test_vintix_holds_two_domains_out() -> None:
    whole = load_config("vintix")
    streams = [whole.stream_of(stage) for stage in whole.stages]
    assert {family for stream in streams for family in stream.families or {}} == set(ALL.families or {})
    assert whole.stream.label_behaviour and whole.stream.noise_until is not None and whole.start == ""
