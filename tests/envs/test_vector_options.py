"""Illegal actions, options and settings of batches; what is legal."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode

import anymdp_bench
from anymdp_bench.envs import batch_env
from anymdp_bench.envs.kernels import step_range
from anymdp_bench.envs.pendulum import PendulumVectorEnv
from anymdp_bench.envs.vector import TabularVectorEnv
from anymdp_bench.foundation.compiling import choose
from anymdp_bench.foundation.errors import EpisodeOver, InvalidAction, InvalidConfig
from anymdp_bench.worlds.pendulum.task import PendulumTask
from tests.support.tasks import random_task
from tests.support.vectors import IDS, MODES, batch, make_vec, trajectory


@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.parametrize("mode", MODES)
def test_illegal_actions_change_nothing(env_id: str, mode: str) -> None:
    env, twin = make_vec(env_id, 3, autoreset_mode=mode), make_vec(env_id, 3, autoreset_mode=mode)
    env.reset(seed=1)
    twin.reset(seed=1)
    legal = np.zeros_like(env.action_space.sample())
    bad = legal.copy()
    bad.reshape(3, -1)[1, -1] = 77
    for actions, words in [
        (bad, r"of environment 1 is not in .*give integers in 0\.\."),
        (legal.astype(float), "dtype float64 and shape"),
        (legal.astype(bool), "dtype bool"),
        (legal[:2], r"shape \(2"),
        (None, "dtype object"),
    ]:
        with pytest.raises(InvalidAction, match=words):
            env.step(actions)
    for mine, theirs in zip(env.step(legal)[:4], twin.step(legal)[:4], strict=True):
        assert np.array_equal(mine, theirs)


def test_actions_of_resetting_rows_do_not_matter() -> None:
    env = TabularVectorEnv([random_task(0, horizon=1)] * 2)
    env.reset(seed=0)
    env.step([0, 0])
    _, rewards, terminated, truncated, _ = env.step([99, -1])
    assert not rewards.any() and not terminated.any() and not truncated.any()
    with pytest.raises(InvalidAction, match=r"Action 99 \(int\) of environment 0"):
        env.step([99, 0])


def test_read_only_actions_need_no_second_compilation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "EAGERNESS", float("inf"))
    env = batch()
    env.reset(seed=0)
    actions = np.zeros(6, np.int64)
    actions.setflags(write=False)
    active = np.ones(6, bool)
    active.setflags(write=False)
    env.step(actions)
    env.restart(active)
    env.advance(actions.astype(np.int32), active)
    assert len(step_range.signatures) == 1


@pytest.mark.parametrize("env_id", IDS)
def test_stepping_before_a_reset(env_id: str) -> None:
    env = make_vec(env_id, 2)
    with pytest.raises(EpisodeOver, match="call reset"):
        env.step(np.zeros_like(env.action_space.sample()))


def test_disabled_mode_refuses_to_go_on() -> None:
    env = TabularVectorEnv([random_task(0, horizon=1)] * 3, autoreset_mode="Disabled")
    env.reset(seed=0)
    env.step([0, 0, 0])
    with pytest.raises(EpisodeOver, match="environment 0 has ended"):
        env.step([0, 0, 0])
    env.reset(options={"reset_mask": np.array([True, True, False])})
    with pytest.raises(EpisodeOver, match="environment 2 has ended"):
        env.step([0, 0, 0])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tsak": 1}, "Unknown reset option 'tsak'"),
        ({"task": 1, "task_seed": 2}, "exclude each other"),
        ({"task_seed": 2}, "no sampler"),
        ({"task": 5}, r"5 \(int\) is no task"),
        ({"tasks": []}, "0 tasks given for 6 environments"),
        ({"task": anymdp_bench.build_task(np.ones((1, 1, 1)), initial=[1.0], horizon=1)}, "was made for"),
        ({"reset_mask": [True] * 6}, "give a NumPy bool array of shape"),
        ({"reset_mask": np.zeros(5, bool)}, "give a NumPy bool array of shape"),
        ({"reset_mask": np.ones(6, bool), "task_seed": 1}, "cannot be combined"),
    ],
)
def test_illegal_options(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidConfig, match=words):
        batch().reset(seed=0, options=options)


def test_settings_of_a_batch() -> None:
    with pytest.raises(InvalidConfig, match="tasks is empty"):
        TabularVectorEnv([])
    with pytest.raises(InvalidConfig, match="autoreset_mode='never'"):
        batch(autoreset_mode="never")
    with pytest.raises(InvalidConfig, match="info_level='much'"):
        batch(info_level="much")
    with pytest.raises(InvalidConfig, match="tasks='other'"):
        make_vec("AnyMDP-v0", tasks="other")
    with pytest.raises(InvalidConfig, match="num_envs=0"):
        make_vec("AnyMDP-v0", n=0)
    with pytest.raises(InvalidConfig, match="3 seeds given for 6"):
        batch().reset(seed=[1, 2, 3])
    with pytest.raises(InvalidConfig, match="was made for"):
        TabularVectorEnv([random_task(0, n=5), random_task(0, n=6)])
    with pytest.raises(InvalidConfig, match="give a NumPy bool array"):
        env = batch()
        env.reset()
        env.restart([True] * 6)


@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.parametrize("mode", MODES)
def test_metadata(env_id: str, mode: str) -> None:
    env = make_vec(env_id, 2, autoreset_mode=mode)
    assert env.metadata["autoreset_mode"] is AutoresetMode(mode)
    assert env.spec.kwargs["autoreset_mode"] == mode
    again = gymnasium.envs.registration.EnvSpec.from_json(env.spec.to_json())
    assert gymnasium.make_vec(again).num_envs == 2


def test_own_and_shared_tasks() -> None:
    own, shared = make_vec("AnyMDP-v0", 3, task_seed=5), make_vec("AnyMDP-v0", 3, task_seed=5, tasks="shared")
    wanted = [anymdp_bench.sample_task("anymdp", seed=5 + i, n_states=16).fingerprint() for i in range(5)]
    assert [task.fingerprint() for task in own.tasks] == wanted[:3]
    assert [task.fingerprint() for task in shared.tasks] == wanted[:1] * 3
    assert shared.tasks[0] is shared.tasks[2]
    own.reset(seed=1, options={"task_seed": 7})
    assert [task.fingerprint() for task in own.tasks[:2]] == [wanted[2], wanted[3]]
    shared.reset(seed=1, options={"tasks": own.tasks})
    assert trajectory(own) == trajectory(shared)


def test_batch_env_picks_the_kind() -> None:
    assert isinstance(batch_env([random_task(0)]), TabularVectorEnv)
    assert isinstance(batch_env([PendulumTask()] * 2), PendulumVectorEnv)
