"""Libraries that make environments by id, probe with keywords, and fall back on TypeError."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest

from anymdp_bench import InvalidConfig, UnsupportedSetting
from anymdp_bench.envs import ENVS

IDS = [entry.id for entry in ENVS]
VECTOR = "vector_entry_point"


@pytest.mark.parametrize("env_id", IDS)
def test_stable_baselines3_makes_every_id(env_id: str) -> None:
    env_util = pytest.importorskip("stable_baselines3.common.env_util")
    env = env_util.make_vec_env(env_id, n_envs=2, seed=0)
    env.reset()
    _, rewards, _, infos = env.step(np.array([env.action_space.sample() for _ in range(2)]))
    assert rewards.shape == (2,) and len(infos) == 2


def torchrl_make(env_id: str, **kwargs: Any) -> Any:
    """What ``torchrl.envs.GymEnv`` does: a keyword that is refused by its name is dropped."""
    try:
        return gymnasium.make(env_id, frameskip=1, **kwargs)
    except TypeError as error:
        if "unexpected keyword argument 'frameskip'" not in str(error):
            raise
        return gymnasium.make(env_id, **kwargs)


@pytest.mark.parametrize("env_id", IDS)
def test_the_keyword_that_torchrl_probes_with_is_refused_by_its_name(env_id: str) -> None:
    torchrl_make(env_id).reset(seed=0)


@pytest.mark.parametrize("env_id", IDS)
def test_torchrl_itself_makes_every_id(env_id: str) -> None:
    torchrl = pytest.importorskip("torchrl.envs")
    assert torchrl.GymEnv(env_id).rollout(5).batch_size[0] >= 1
    batch = gymnasium.make_vec(env_id, num_envs=2, vectorization_mode=VECTOR, autoreset_mode="Disabled")
    assert torchrl.GymWrapper(batch).rollout(5).batch_size[0] == 2


@pytest.mark.parametrize("env_id", IDS)
def test_tianshou_steps_every_id(env_id: str) -> None:
    tianshou = pytest.importorskip("tianshou.env")
    envs = tianshou.DummyVectorEnv([lambda: gymnasium.make(env_id) for _ in range(2)])
    envs.reset(seed=0)
    rewards = envs.step(np.array([space.sample() for space in envs.action_space]))[1]
    assert rewards.shape == (2,)


@pytest.mark.parametrize("env_id", IDS)
def test_a_vector_entry_point_takes_a_render_mode(env_id: str) -> None:
    env = gymnasium.make_vec(env_id, num_envs=2, vectorization_mode=VECTOR, render_mode=None)
    assert env.autoreset_mode is env.metadata["autoreset_mode"]
    with pytest.raises(UnsupportedSetting, match="render_mode='human' is not legal: give None"):
        gymnasium.make_vec(env_id, num_envs=2, vectorization_mode=VECTOR, render_mode="human")


def test_refusals_are_configuration_errors_and_type_errors() -> None:
    assert issubclass(UnsupportedSetting, InvalidConfig) and issubclass(UnsupportedSetting, TypeError)
    with pytest.raises(UnsupportedSetting, match="Did you mean 'n_states'"):
        gymnasium.make("AnyMDP-v0", n_stats=16)
    for mode in ("sync", VECTOR):
        with pytest.raises(UnsupportedSetting, match=r"Darkroom-v0 got .* argument 'task_seed'"):
            gymnasium.make_vec("Darkroom-v0", num_envs=1, vectorization_mode=mode, task_seed=3)
