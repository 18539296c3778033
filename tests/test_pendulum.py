"""Discrete-Pendulum against Gymnasium's Pendulum-v1, and its task record."""

from __future__ import annotations

import copy
import dataclasses
import math
import pickle

import gymnasium
import numpy as np
import pytest

from anymdp_bench.errors import InvalidSeed, InvalidTask, NotTabular
from anymdp_bench.pendulum import FIXED_START, PendulumTask, draw_start, observe, shape_reward, swing
from anymdp_bench.task import Task, require_tabular
from anymdp_bench.task_file import load_task


def gymnasium_pendulum(g: float, state: tuple[float, float]) -> gymnasium.Env:
    env = gymnasium.make("Pendulum-v1", g=g).unwrapped
    env.reset(seed=0)
    env.state = np.array(state)
    env.last_u = None
    return env


@pytest.mark.parametrize("g", [0.0, 1.0, 5.0, 9.8, 9.81])
def test_every_step_is_gymnasiums(g: float) -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        state = (rng.uniform(-math.pi, math.pi), rng.uniform(-1, 1))
        env = gymnasium_pendulum(g, state)
        for torque in rng.choice([-2.0, -1.0, 0.0, 1.0, 2.0], size=200):
            env.state = np.array(state)
            _, expected, _, _, _ = env.step(np.array([torque]))
            angle, speed, reward = swing(*state, torque, g)
            state = (angle, speed)
            assert reward == pytest.approx(float(expected), abs=1e-12)
            np.testing.assert_allclose(state, env.state, rtol=0, atol=1e-12)


@pytest.mark.parametrize("g", [1.0, 5.0, 9.8])
def test_whole_episodes_stay_together(g: float) -> None:
    """Free running, the last bits of the sine stay far below what a bin or a return can show."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        state = FIXED_START
        env = gymnasium_pendulum(g, state)
        for torque in rng.choice([-2.0, -1.0, 0.0, 1.0, 2.0], size=200):
            _, expected, _, _, _ = env.step(np.array([torque]))
            *state, reward = swing(*state, torque, g)
            assert reward == pytest.approx(float(expected), abs=1e-8)


def test_fixed_start_is_gymnasiums_seed_123() -> None:
    env = gymnasium.make("Pendulum-v1").unwrapped
    env.reset(seed=123)
    assert tuple(env.state) == FIXED_START
    assert FIXED_START == pytest.approx((1.146, -0.892), abs=5e-4)


def test_random_starts_are_uniform() -> None:
    keys = np.random.default_rng(0).integers(2**64, size=4000, dtype=np.uint64)
    angle, speed = np.array([draw_start(key) for key in keys]).T
    for value, bound in ((angle, math.pi), (speed, 1.0)):
        assert np.abs(value).max() < bound
        assert abs(value.mean()) < 4 * bound / math.sqrt(3 * len(keys))
        assert np.histogram(value, 10, (-bound, bound))[0].min() > 320
    assert abs(np.corrcoef(angle, speed)[0, 1]) < 4 / math.sqrt(len(keys))


@pytest.mark.parametrize(
    ("angle", "speed", "expected"),
    [
        (0.0, 0.0, 2),
        (-0.01, 0.0, 57),
        (-1e-18, 0.0, 57),
        (2 * math.pi, 0.0, 2),
        (math.pi, -8.0, 30),
        (math.pi, 8.0, 34),
        (0.6, -4.9, 5),
        (0.6, -4.7, 6),
        (0.5, 4.9, 4),
        (-7.0, 0.0, 10 * 5 + 2),
    ],
)
def test_bins(angle: float, speed: float, expected: int) -> None:
    assert observe(angle, speed, 12, 5) == expected


def test_every_id_occurs_and_none_else() -> None:
    grid = [(a, s) for a in np.linspace(-10, 10, 400) for s in np.linspace(-8, 8, 41)]
    assert {observe(a, s, 12, 5) for a, s in grid} == set(range(60))
    assert {observe(a, s, 1, 1) for a, s in grid} == {0}


def test_shaped_reward() -> None:
    assert shape_reward(0.0) == 0.1
    assert shape_reward(-3.0) == pytest.approx(0.0)
    assert shape_reward(-6.0) == pytest.approx(-0.1)
    assert shape_reward(-16.0) == -0.1


def test_defaults() -> None:
    task = PendulumTask()
    assert isinstance(task, Task)
    assert (task.family, task.seed, task.horizon) == ("pendulum", None, 200)
    assert (task.n_observations, task.n_actions) == (60, 5)
    assert task.torque_values.tolist() == [-2, -1, 0, 1, 2]
    assert PendulumTask(**task.config) == task
    with pytest.raises(NotTabular, match=r"PendulumTask.*has no tables"):
        require_tabular(task)


def test_saves_and_loads(tmp_path) -> None:
    task = PendulumTask(g=3.5, start="fixed", reward="shaped", seed=4, config={"split": "validation"})
    task.save(tmp_path / "pendulum.npz")
    loaded = load_task(tmp_path / "pendulum.npz")
    assert loaded == task
    assert loaded.fingerprint() == task.fingerprint()
    assert dict(loaded.config) == dict(task.config)
    assert loaded.config["split"] == "validation"


def test_copies_are_equal_and_stay_frozen() -> None:
    task = PendulumTask(g=2)
    for other in (copy.copy(task), copy.deepcopy(task), pickle.loads(pickle.dumps(task))):  # noqa: S301
        assert other == task
        assert hash(other) == hash(task)
        with pytest.raises(TypeError):
            other.config["g"] = 3.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        task.g = 3.0  # type: ignore[misc]
    changed = dataclasses.replace(task, g=7.0)
    assert changed.config["g"] == 7.0


def test_fingerprint_covers_every_setting() -> None:
    changes = [
        {},
        {"g": 1.0},
        {"g": math.nextafter(9.8, 10)},
        {"angle_bins": 5},
        {"speed_bins": 12},
        {"torques": 3},
        {"start": "fixed"},
        {"reward": "shaped"},
        {"horizon": 100},
    ]
    assert len({PendulumTask(**change).fingerprint() for change in changes}) == len(changes)
    assert PendulumTask(seed=1, config={"a": 1}).fingerprint() == PendulumTask().fingerprint()
    assert PendulumTask(g=5).fingerprint() == PendulumTask(g=5.0).fingerprint()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("g", float("nan"), r"g=nan: give a number in 0\.\.1000"),
        ("g", -1.0, r"g=-1.0: give a number"),
        ("g", "9.8", r"g='9.8': give a number"),
        ("angle_bins", 0, "angle_bins=0: give an integer of at least 1"),
        ("speed_bins", 10_001, "speed_bins=10001: give an integer of at most 10000"),
        ("torques", 1, "torques=1: give an integer of at least 2"),
        ("horizon", 0, "horizon=0: give an integer of at least 1"),
        ("horizon", 100_001, "horizon=100001: give an integer of at most 100000"),
        ("horizon", 200.0, "horizon=200.0: give an integer"),
        ("start", "upright", "start='upright': give one of random, fixed"),
        ("reward", None, "reward=None: give one of raw, shaped"),
    ],
)
def test_malformed_settings_are_named(field: str, value: object, message: str) -> None:
    with pytest.raises(InvalidTask, match=message):
        PendulumTask(**{field: value})


def test_seed_is_checked() -> None:
    with pytest.raises(InvalidSeed, match="seed=-1"):
        PendulumTask(seed=-1)
