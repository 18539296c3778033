"""Discrete-Pendulum against Gymnasium's Pendulum-v1, and its task record."""

from __future__ import annotations

import copy
import dataclasses
import hashlib
import math
import pickle

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from anymdp_bench.envs.pendulum import DiscretePendulumEnv, PendulumVectorEnv, make_pendulum_vec
from anymdp_bench.foundation.errors import (
    EpisodeOver,
    InvalidAction,
    InvalidConfig,
    InvalidSeed,
    InvalidTask,
    NotTabular,
)
from anymdp_bench.tasks.build import build_task
from anymdp_bench.tasks.file import load_task
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.task import require_tabular
from anymdp_bench.worlds.pendulum.task import (
    FIXED_START,
    PendulumTask,
    draw_start,
    observe,
    shape_reward,
    swing,
)

GOLDEN = "2468bea6d27edbe7f867a0ec52dcb4be380d8d620e37c1974f7bb5e59b04cb23"
SIBLINGS = [(2.0, 200, 12), (3.5, 3, 5), (7.0, 200, 12)]


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
    for other in (copy.copy(task), copy.deepcopy(task), pickle.loads(pickle.dumps(task))):
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
        ("g", float("nan"), r"g=nan is not legal: give a number in \[0, 1000\] \(m/s\^2\)"),
        ("g", -1.0, r"g=-1.0 is not legal: give a number"),
        ("g", "9.8", r"g='9.8' is not legal: give a number"),
        ("angle_bins", 0, r"angle_bins=0 is not legal: give an integer in 1\.\.10000"),
        ("speed_bins", 10_001, r"speed_bins=10001 is not legal: give an integer in 1\.\.10000"),
        ("torques", 1, r"torques=1 is not legal: give an integer in 2\.\.10000"),
        ("horizon", 0, r"horizon=0 is not legal: give an integer in 1\.\.100000"),
        ("horizon", 100_001, r"horizon=100001 is not legal: give an integer in 1\.\.100000"),
        ("horizon", 200.0, "horizon=200.0 is not legal: give an integer"),
        ("start", "upright", "start='upright' is not legal: give one of 'random', 'fixed'"),
        ("reward", None, "reward=None is not legal: give one of 'raw', 'shaped'"),
    ],
)
def test_malformed_settings_are_named(field: str, value: object, message: str) -> None:
    with pytest.raises(InvalidTask, match=message):
        PendulumTask(**{field: value})


def test_seed_is_checked() -> None:
    with pytest.raises(InvalidSeed, match="seed=-1"):
        PendulumTask(seed=-1)


def episode_actions(seed: int, steps: int, n: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(5, size=(steps, n))


def test_check_env_passes() -> None:
    check_env(DiscretePendulumEnv(), skip_render_check=True)


@pytest.mark.parametrize("start", ["random", "fixed"])
@pytest.mark.parametrize("reward", ["raw", "shaped"])
def test_single_and_vector_agree_bit_for_bit(start: str, reward: str) -> None:
    settings = {"g": 5.0, "start": start, "reward": reward, "info_level": "full"}
    batch = make_pendulum_vec(3, **settings)
    singles = [DiscretePendulumEnv(**settings) for _ in range(3)]
    observations, info = batch.reset(seed=40)
    firsts = [env.reset(seed=40 + i) for i, env in enumerate(singles)]
    assert observations.tolist() == [first for first, _ in firsts]
    np.testing.assert_array_equal(info["inner_state"], [f["inner_state"] for _, f in firsts])
    for step, actions in enumerate(episode_actions(1, 450, 3), start=1):
        if step % 201 == 0:
            results = [(env.reset()[0], 0.0, False, False, {}) for env in singles]
        else:
            results = [env.step(int(a)) for env, a in zip(singles, actions, strict=True)]
        observations, rewards, terminated, truncated, info = batch.step(actions)
        assert observations.tolist() == [r[0] for r in results]
        assert rewards.tolist() == [r[1] for r in results]
        assert not terminated.any()
        assert truncated.tolist() == [r[3] for r in results] == [step % 201 == 200] * 3
        if step % 201 != 0:
            for name in ("score_reward", "reward_mean", "inner_state"):
                np.testing.assert_array_equal(info[name], [r[4][name] for r in results])


def test_env_follows_gymnasium_from_the_fixed_start() -> None:
    env = DiscretePendulumEnv(g=9.8, start="fixed", reward="shaped", info_level="score")
    reference = gymnasium.make("Pendulum-v1", g=9.8)
    reference.reset(seed=123)
    assert env.reset(seed=0)[0] == observe(*FIXED_START, 12, 5)
    for action in episode_actions(0, 200, 1)[:, 0]:
        _, expected, _, over, _ = reference.step(np.array([-2.0 + action]))
        observation, reward, _, truncated, info = env.step(action)
        assert info["score_reward"] == pytest.approx(float(expected), abs=1e-8)
        assert reward == shape_reward(info["score_reward"])
        assert observation == observe(*reference.unwrapped.state, 12, 5)
        assert truncated == over
    with pytest.raises(EpisodeOver, match="call reset"):
        env.step(0)


def test_tuning_siblings_share_a_batch() -> None:
    tasks = [PendulumTask(g=g, horizon=h, angle_bins=a, speed_bins=60 // a) for g, h, a in SIBLINGS]
    batch = PendulumVectorEnv(tasks, autoreset_mode="Disabled")
    batch.reset(seed=7)
    actions = episode_actions(2, 3, 3)
    steps = [batch.advance(row) for row in actions]
    for i, (task, single) in enumerate(zip(tasks, map(env_of, tasks), strict=True)):
        single.reset(seed=7 + i)
        for t, (row, step) in enumerate(zip(actions, steps, strict=True), start=1):
            observation, reward, _, truncated, _ = single.step(row[i])
            assert (step.observations[i], step.rewards[i]) == (observation, reward)
            assert step.truncated[i] == truncated == (t == task.horizon)


def env_of(task: PendulumTask) -> DiscretePendulumEnv:
    settings = {name: value for name, value in task.config.items() if name != "horizon"}
    env = DiscretePendulumEnv(**settings)
    env.reset(seed=0, options={"task": task})
    return env


def test_rows_that_rest_stay_untouched() -> None:
    batch = make_pendulum_vec(2, reward="shaped")
    first, _ = batch.reset(seed=0)
    step = batch.advance([0, 99], active=np.array([True, False]))
    assert (step.observations[1], step.rewards[1], step.scores[1]) == (first[1], 0.0, 0.0)
    assert step.scores[0] < step.rewards[0]


def test_reward_and_score_differ_only_when_shaped() -> None:
    for reward in ("raw", "shaped"):
        batch = make_pendulum_vec(64, reward=reward)
        batch.reset(seed=3)
        step = batch.advance(np.arange(64) % 5)
        expected = [shape_reward(raw) for raw in step.scores] if reward == "shaped" else step.scores
        np.testing.assert_array_equal(step.rewards, expected)


def test_episodes_differ_and_seeds_repeat() -> None:
    env = DiscretePendulumEnv(info_level="full")
    starts = [tuple(env.reset(seed=5)[1]["inner_state"])]
    starts += [tuple(env.reset()[1]["inner_state"]) for _ in range(3)]
    assert len(set(starts)) == 4
    assert tuple(env.reset(seed=5)[1]["inner_state"]) == starts[0]
    assert tuple(env.reset()[1]["inner_state"]) == starts[1]


@pytest.mark.parametrize("action", [-1, 5, 1.0, "0", None, True, np.array([1])])
def test_illegal_actions_change_nothing(action: object) -> None:
    env = DiscretePendulumEnv(info_level="full")
    before = env.reset(seed=1)[1]["inner_state"]
    with pytest.raises(InvalidAction, match=r"is not in Discrete\(5\): give integers in 0\.\.4"):
        env.step(action)
    assert env.step(2)[4]["inner_state"][1] == swing(*before, 0.0, 9.8)[1]


@pytest.mark.parametrize("action", [np.int32(3), np.array(3), np.uint8(3)])
def test_numpy_integers_are_actions(action: object) -> None:
    first, second = DiscretePendulumEnv(), DiscretePendulumEnv()
    for env in (first, second):
        env.reset(seed=1)
    assert first.step(action) == second.step(3)


def test_other_tasks_are_refused() -> None:
    tabular = build_task(np.ones((60, 5, 60)) / 60, initial=np.eye(60)[0], horizon=5)
    batch, single = make_pendulum_vec(2), DiscretePendulumEnv()
    for env in (batch, single):
        env.reset(seed=0)
        with pytest.raises(InvalidConfig, match=r"is no pendulum: give a PendulumTask"):
            env.reset(options={"task": tabular})
        with pytest.raises(InvalidConfig, match=r"has spaces .*Give a task of the same shape"):
            env.reset(options={"task": PendulumTask(torques=3)})
        with pytest.raises(InvalidConfig, match="'task_seed'"):
            env.reset(options={"task_seed": 1})
    with pytest.raises(InvalidConfig, match="tasks='all' is not legal: give one of 'own', 'shared'"):
        make_pendulum_vec(2, tasks="all")


def test_env_pickles_in_mid_episode() -> None:
    env = DiscretePendulumEnv()
    env.reset(seed=2)
    env.step(1)
    other = pickle.loads(pickle.dumps(env))
    assert [env.step(a) for a in (0, 4, 3)] == [other.step(a) for a in (0, 4, 3)]


def test_golden_trajectory() -> None:
    batch = make_pendulum_vec(4)
    observations, _ = batch.reset(seed=0)
    digest = hashlib.sha256(observations.tobytes())
    for actions in episode_actions(9, 300, 4):
        observations, rewards, *_ = batch.step(actions)
        digest.update(observations.tobytes() + rewards.tobytes())
    assert digest.hexdigest() == GOLDEN
