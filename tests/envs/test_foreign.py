"""Libraries that make environments by id, probe with keywords, and fall back on TypeError."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

from anymdp_bench import InvalidConfig, OneHot, OneHotVector, UnsupportedSetting
from anymdp_bench.envs import ENVS, ONE_HOT_ENVS, EnvEntry
from anymdp_bench.envs.one_hot import Code
from anymdp_bench.envs.tabular import TabularEnv

IDS = [entry.id for entry in ENVS]
SHOWING_IDS = [env_id for env_id in IDS if "trial" not in env_id]
"""Trials show vectors already."""
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


# --- wrappers and adapters ---


@pytest.mark.parametrize("env_id", IDS)
def test_wrappers_find_the_horizon_in_the_specification(env_id: str) -> None:
    env = gymnasium.make(env_id)
    assert env.spec.max_episode_steps == env.unwrapped.task.horizon
    assert not isinstance(env.env, gymnasium.wrappers.TimeLimit)
    timed = gymnasium.wrappers.TimeAwareObservation(env, flatten=False, normalize_time=True)
    assert timed.reset(seed=0)[0]["time"] == 0
    timed.step(timed.action_space.sample())
    again, first = gymnasium.make(env.spec), gymnasium.make(env_id)
    assert np.array_equal(again.reset(seed=3)[0], first.reset(seed=3)[0])
    assert gymnasium.spec(env_id).max_episode_steps is None


def test_the_horizon_follows_the_task() -> None:
    env = gymnasium.make("AnyMDP-v0").unwrapped
    assert isinstance(env, TabularEnv)
    horizons = set()
    for task_seed in range(4):
        env.reset(options={"task_seed": task_seed})
        assert env.spec is not None and env.spec.max_episode_steps == env.task.horizon
        horizons.add(env.task.horizon)
    assert len(horizons) > 1


@pytest.mark.filterwarnings("ignore:.*is different from the unwrapped version")
@pytest.mark.parametrize("env_id", SHOWING_IDS)
def test_one_hot_vectors(env_id: str) -> None:
    env, plain = OneHot(gymnasium.make(env_id)), gymnasium.make(env_id)
    check_env(env, skip_render_check=True)
    seen, ids = env.reset(seed=5)[0], np.ravel(plain.reset(seed=5)[0])
    sizes = np.ravel(getattr(plain.observation_space, "nvec", getattr(plain.observation_space, "n", 0)))
    assert seen.dtype == np.float32 and seen.shape == (sizes.sum(),)
    assert np.flatnonzero(seen).tolist() == (np.cumsum([0, *sizes])[:-1] + ids).tolist()


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
@pytest.mark.parametrize("env_id", ["ShapedFrozenLake-v0", "Switch2-v0", "MultiTokenAnyPOMDP-v0"])
def test_one_hot_batches_equal_single_ones(env_id: str, mode: str) -> None:
    settings: dict[str, Any] = {"num_envs": 2, "vectorization_mode": VECTOR, "autoreset_mode": mode}
    batch, twin = OneHotVector(gymnasium.make_vec(env_id, **settings)), gymnasium.make_vec(env_id, **settings)
    code = Code(twin.single_observation_space)
    assert batch.observation_space.contains(batch.reset(seed=0)[0])
    twin.reset(seed=0)
    batch.action_space.seed(0)
    for _ in range(60):
        actions = batch.action_space.sample()
        seen, expected = batch.step(actions), twin.step(actions)
        assert np.array_equal(seen[0], code.encode(expected[0]))
        for row in np.flatnonzero(expected[4].get("_final_obs", ())):
            last = code.encode([expected[4]["final_obs"][row]])[0]
            assert np.array_equal(seen[4]["final_obs"][row], last)
        if mode == "Disabled" and (seen[2] | seen[3]).any():
            break


@pytest.mark.filterwarnings("ignore:.*is different from the unwrapped version")
@pytest.mark.parametrize("entry", ONE_HOT_ENVS, ids=lambda entry: entry.id)
def test_an_id_is_enough_for_vectors(entry: EnvEntry) -> None:
    plain = str(entry.kwargs["of"])
    settings: dict[str, Any] = {"num_envs": 2, "vectorization_mode": VECTOR}
    env, twin = gymnasium.make(entry.id), OneHot(gymnasium.make(plain))
    check_env(env, skip_render_check=True)
    assert np.array_equal(env.reset(seed=2)[0], twin.reset(seed=2)[0])
    assert gymnasium.make(env.spec).observation_space == twin.observation_space
    batch, batch_twin = (
        gymnasium.make_vec(entry.id, **settings),
        OneHotVector(gymnasium.make_vec(plain, **settings)),
    )
    assert np.array_equal(batch.reset(seed=2)[0], batch_twin.reset(seed=2)[0])


def test_one_hot_ids_take_the_settings_of_their_environment() -> None:
    assert gymnasium.make("Darkroom-onehot-v0", size=5).observation_space.shape == (25,)
    with pytest.raises(UnsupportedSetting, match="Did you mean 'n_states'"):
        gymnasium.make("AnyMDP-onehot-v0", n_stats=16)


def test_a_cut_episode_says_its_last_vector_under_the_name_of_gymnasium_0() -> None:
    envs = gymnasium.make_vec("Darkroom-onehot-v0", num_envs=2, vectorization_mode="sync", size=10)
    envs.reset(seed=0)
    for _ in range(99):
        assert "final_observation" not in envs.step(np.zeros(2, int))[4]
    seen, _, _, truncated, infos = envs.step(np.zeros(2, int))
    assert truncated.all() and np.array_equal(infos["final_observation"], seen)


def test_only_ids_have_a_code() -> None:
    with pytest.raises(InvalidConfig, match="has no one-hot code"):
        OneHot(gymnasium.make("Pendulum-v1"))


def test_a_batch_of_switch2_trains_with_stable_baselines3() -> None:
    pytest.importorskip("stable_baselines3")
    from stable_baselines3 import PPO

    from anymdp_bench import Sb3VecEnv

    env = Sb3VecEnv(gymnasium.make_vec("Switch2-v0", num_envs=3, vectorization_mode=VECTOR))
    assert env.reset().shape == (3, 2)
    PPO("MlpPolicy", env, n_steps=8, batch_size=24, device="cpu").learn(48)
    with pytest.raises(InvalidConfig, match=r"\(SyncVectorEnv\) is no batch of this package"):
        Sb3VecEnv(gymnasium.make_vec("Switch2-v0", num_envs=2, vectorization_mode="sync"))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_pettingzoos_turn_based_test_passes() -> None:
    pytest.importorskip("pettingzoo")
    from pettingzoo.test import api_test
    from pettingzoo.utils import parallel_to_aec

    from anymdp_bench.envs.switch2 import parallel_env

    api_test(parallel_to_aec(parallel_env()), num_cycles=120, verbose_progress=False)
