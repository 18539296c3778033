"""The VecEnv for stable-baselines3: episodes, infos and seeds as SB3 wants them; three algorithms on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

import torch
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.evaluation import evaluate_policy
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecMonitor, VecNormalize

from anymdp_bench import EpisodeOver, InvalidAction, InvalidConfig, Sb3VecEnv
from anymdp_bench.envs import batch_env
from anymdp_bench.envs.trials import TrialVectorEnv
from anymdp_bench.worlds import cliffwalking, frozenlake
from anymdp_bench.worlds.pendulum.task import PendulumTask
from tests.support.scripted import corridor
from tests.support.tasks import random_task


def adapted(task: Any, n: int = 3, seed: int | None = 0) -> Sb3VecEnv:
    env = Sb3VecEnv(batch_env([task] * n))
    env.seed(seed)
    env.reset()
    return env


def test_steps_equal_those_of_the_batch() -> None:
    task, n = random_task(0), 4
    env, twin = adapted(task, n, seed=7), batch_env([task] * n)
    observations, _ = twin.reset(seed=7)
    actions = np.random.default_rng(0).integers(task.n_actions, size=(60, n))
    for row in actions:
        found, rewards, dones, infos = env.step(row)
        batch = twin.advance(row)
        ended = batch.terminated | batch.truncated
        observations = twin.restart(ended)
        np.testing.assert_array_equal(found, observations)
        np.testing.assert_array_equal(rewards, batch.rewards.astype(np.float32))
        np.testing.assert_array_equal(dones, ended)
        for i in range(n):
            assert bool(infos[i]) == ended[i]
            if ended[i]:
                assert infos[i]["terminal_observation"] == batch.observations[i]
                assert infos[i]["TimeLimit.truncated"] == batch.truncated[i]


def test_an_end_tells_terminal_observation_length_and_returns() -> None:
    env = adapted(corridor(horizon=3), n=2)
    env.step(np.array([1, 0]))
    observations, _, dones, infos = env.step(np.array([1, 0]))
    assert dones.tolist() == [True, False] and observations.tolist() == [0, 0] and infos[1] == {}
    assert infos[0].pop("episode").items() >= {"r": 2.0, "l": 2}.items()
    assert infos[0] == {"terminal_observation": 2, "TimeLimit.truncated": False, "score": 2.0}
    _, _, dones, infos = env.step(np.array([0, 0]))
    assert dones.tolist() == [False, True]
    assert infos[1]["TimeLimit.truncated"] and infos[1]["episode"]["l"] == 3
    _, _, _, infos = env.step(np.array([1, 0]))
    assert infos == [{}, {}]


def test_received_and_scored_returns_are_told_apart() -> None:
    env = adapted(cliffwalking(), n=1)
    _, rewards, dones, infos = env.step(np.array([1]))
    assert dones[0] and rewards[0] == np.float32(-1.0)
    assert infos[0]["episode"]["r"] == -1.0 and infos[0]["score"] == -100.0


def test_reset_forgets_the_running_episode() -> None:
    env = adapted(corridor(horizon=3), n=1)
    env.step(np.array([1]))
    env.reset()
    for _ in range(2):
        env.step(np.array([0]))
    _, _, dones, infos = env.step(np.array([0]))
    assert dones[0] and infos[0]["episode"]["l"] == 3 and infos[0]["episode"]["r"] == 0.0


def test_seeds_and_options_hold_for_the_next_reset_only() -> None:
    env = Sb3VecEnv(gymnasium.make_vec("Garnet-v0", num_envs=8, vectorization_mode="vector_entry_point"))
    assert env.seed(5) == list(range(5, 13))
    first = env.reset()
    later = env.reset()
    env.seed(5)
    np.testing.assert_array_equal(env.reset(), first)
    np.testing.assert_array_equal(env.reset(), later)
    before = env.get_attr("task")
    env.set_options({"task_seed": 3})
    env.reset()
    after = env.get_attr("task")
    assert all(a.fingerprint() != b.fingerprint() for a, b in zip(before, after, strict=True))
    env.reset()
    assert env.get_attr("task") == after


def test_mistakes_are_refused() -> None:
    env = Sb3VecEnv(batch_env([corridor()] * 2))
    with pytest.raises(EpisodeOver, match="call reset"):
        env.step(np.zeros(2, int))
    env.reset()
    with pytest.raises(InvalidAction, match=r"Action 2 .* of environment 1 is not in Discrete\(2\)"):
        env.step(np.array([0, 2]))
    env.set_options([{"task_seed": 1}, {"task_seed": 2}])
    with pytest.raises(InvalidConfig, match="one dict of options for all"):
        env.reset()
    with pytest.raises(InvalidConfig, match=r"'x' cannot be set on rows of a batch; set it on `\.env`"):
        env.set_attr("x", 1)
    with pytest.raises(InvalidConfig, match=r"'reset' cannot be called on rows of a batch"):
        env.env_method("reset")
    with pytest.raises(InvalidConfig, match=r"no batch of this package: give what gymnasium\.make_vec"):
        Sb3VecEnv(gymnasium.make("Garnet-v0"))


def test_attributes_are_those_of_the_batch() -> None:
    tasks = [frozenlake(True), frozenlake(False)]
    env = Sb3VecEnv(batch_env(tasks))
    assert env.get_attr("task") == tasks and env.get_attr("task", 1) == tasks[1:]
    assert env.get_attr("num_envs", [0]) == [2]
    assert not env.has_attr("no_such_thing") and env.render_mode is None
    assert env.env_is_wrapped(Monitor) == [True, True] and env.env_is_wrapped(VecMonitor) == [False, False]
    env.close()


@pytest.fixture(autouse=True)
def _quiet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SB3 logs elsewhere; two threads on a busy machine can be many times slower than one."""
    monkeypatch.setenv("SB3_LOGDIR", str(tmp_path))
    torch.set_num_threads(1)


SMALL = {
    PPO: {"n_steps": 16, "batch_size": 64, "n_epochs": 1},
    A2C: {"n_steps": 8},
    DQN: {"learning_starts": 40, "buffer_size": 200, "batch_size": 16},
}


@pytest.mark.parametrize("algorithm", SMALL, ids=lambda algorithm: algorithm.__name__)
@pytest.mark.parametrize("task", [frozenlake(True), PendulumTask(reward="shaped")], ids=["lake", "pendulum"])
def test_algorithms_train_the_same_from_the_same_seed(algorithm: Any, task: Any) -> None:
    weights = []
    for _ in range(2):
        env = Sb3VecEnv(batch_env([task] * 4))
        model = algorithm("MlpPolicy", env, seed=3, device="cpu", **SMALL[algorithm])
        model.learn(240)
        weights.append(np.concatenate([p.detach().numpy().ravel() for p in model.policy.parameters()]))
    np.testing.assert_array_equal(*weights)


def test_ppo_learns_a_corridor_through_wrappers() -> None:
    env = VecNormalize(Sb3VecEnv(batch_env([corridor()] * 8)), norm_obs=False)
    model = PPO("MlpPolicy", env, n_steps=32, batch_size=128, learning_rate=0.01, seed=0, device="cpu")
    model.learn(2560)
    mean, deviation = evaluate_policy(model, adapted(corridor(), n=2), n_eval_episodes=10)
    assert (mean, deviation) == (2.0, 0.0)


@pytest.mark.parametrize(("form", "policy"), [("vector", "MlpPolicy"), ("dict", "MultiInputPolicy")])
def test_algorithms_train_on_trials(form: str, policy: str) -> None:
    env = Sb3VecEnv(TrialVectorEnv([corridor(horizon=3)], num_envs=2, episodes=2, observation=form))
    env.seed(0)
    env.reset()
    for _ in range(3):
        env.step(np.array([1, 0]))
    _, _, dones, infos = env.step(np.array([1, 0]))
    assert dones.tolist() == [True, False]
    terminal = infos[0]["terminal_observation"]
    assert (terminal["observation"] if form == "dict" else terminal[:3].argmax()) == 2
    assert infos[0]["episode"]["l"] == 4
    PPO(policy, env, n_steps=16, batch_size=32, n_epochs=1, device="cpu").learn(64)
