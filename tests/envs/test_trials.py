"""Trials: several episodes of one fresh task as one, for agents that learn to learn."""

import copy
import pickle
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import SyncVectorEnv

from anymdp_bench import InvalidAction, InvalidConfig, NotTabular, TrialEnv, TrialVectorEnv, load_bank
from anymdp_bench.envs.rows import compiled_rows
from anymdp_bench.envs.trials.pool import TrainTasks
from anymdp_bench.tasks.build import build_task
from anymdp_bench.worlds.pendulum.task import PendulumTask
from tests.support.scripted import corridor
from tests.support.tasks import random_task
from tests.support.vectors import MODES, make_vec

N_IDS, N_ACTIONS = 6, 3


def tasks(count: int = 5) -> list[Any]:
    return [random_task(seed, horizon=7) for seed in range(count)]


def play(env: Any, steps: int) -> list[Any]:
    """Everything that happens in some steps of fixed actions, with resets after trials."""
    log = []
    for step in range(steps):
        *result, _ = env.step(step % N_ACTIONS)
        log.append([np.asarray(part).tolist() for part in result])
        if result[2]:
            log.append(np.asarray(env.reset()[0]).tolist())
    return log


def test_a_trial_in_full() -> None:
    """Three episodes in a corridor of two steps, whose end pays 1."""
    env = TrialEnv([corridor(horizon=3)], episodes=3, observation="dict")
    first, _ = env.reset(seed=0)
    assert {name: np.sum(x) for name, x in first.items()} == {
        "observation": 0,
        "action": 2,
        "reward": 0,
        "end": 0,
    }
    seen = []
    for action in (1, 1, 0, 0, 0, 1, 1):
        observation, reward, terminated, truncated, _ = env.step(action)
        assert (observation["action"], observation["reward"]) == (action, np.float32(reward))
        seen.append((observation["observation"], observation["end"], terminated, truncated))
    assert seen == [
        (1, 0, False, False),
        (0, 1, False, False),
        (0, 0, False, False),
        (0, 0, False, False),
        (0, 1, False, False),
        (1, 0, False, False),
        (2, 1, True, False),
    ]


def test_the_vector_says_what_the_dict_says() -> None:
    vectors = TrialEnv(tasks(), episodes=2)
    dicts = TrialEnv(tasks(), episodes=2, observation="dict")
    assert vectors.observation_space.shape == (N_IDS + N_ACTIONS + 1 + 2,)
    vector, entries = vectors.reset(seed=1)[0], dicts.reset(seed=1)[0]
    for step in range(60):
        ids, actions, rest = np.split(vector, [N_IDS, N_IDS + N_ACTIONS + 1])
        assert ids.sum() == actions.sum() == 1.0
        assert (ids.argmax(), actions.argmax()) == (entries["observation"], entries["action"])
        assert rest.tolist() == [entries["reward"][0], entries["end"]]
        (vector, *ours), (entries, *theirs) = (env.step(step % N_ACTIONS) for env in (vectors, dicts))
        assert ours == theirs
        if ours[1]:
            vector, entries = vectors.reset()[0], dicts.reset()[0]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("observation", ["vector", "dict"])
@pytest.mark.parametrize("level", ["none", "score", "full"])
def test_a_batch_equals_single_trials(mode: str, observation: str, level: str) -> None:
    pool = tasks()
    settings: dict[str, Any] = {"episodes": 3, "observation": observation, "info_level": level}
    batch = TrialVectorEnv(pool, num_envs=4, autoreset_mode=mode, **settings)
    singles = SyncVectorEnv([lambda: TrialEnv(pool, **settings)] * 4, autoreset_mode=mode)
    assert batch.observation_space == singles.observation_space
    ours, theirs = batch.reset(seed=3)[0], singles.reset(seed=3)[0]
    rng = np.random.default_rng(0)
    for _ in range(120):
        np.testing.assert_equal(ours, theirs)
        actions = rng.integers(N_ACTIONS, size=4)
        ours, *mine, info = batch.step(actions)
        theirs, *others, their_info = singles.step(actions)
        np.testing.assert_equal(mine, others)
        assert (level == "none") or "score_reward" in info or "final_info" in info
        if "final_obs" in info:
            for row in np.flatnonzero(info["_final_obs"]):
                np.testing.assert_equal(info["final_obs"][row], their_info["final_obs"][row])
        if mode == "Disabled" and mine[1].any():
            options = {"reset_mask": mine[1]}
            ours = batch.reset(options=dict(options))[0]
            theirs = singles.reset(options={"reset_mask": mine[1].copy()})[0]


def test_observations_of_hidden_states_equal_those_of_single_trials() -> None:
    pool = load_bank("anypomdp-64x5-v0").validation[:3]
    batch = TrialVectorEnv(pool, num_envs=3, episodes=2)
    singles = [TrialEnv(pool, episodes=2) for _ in range(3)]
    ours = batch.reset(seed=5)[0]
    theirs = [env.reset(seed=5 + i)[0] for i, env in enumerate(singles)]
    for step in range(400):
        assert np.array_equal(ours, theirs)
        ours, _, over, _, _ = batch.step(np.full(3, step % 5))
        theirs = [env.step(step % 5)[0] for env in singles]
        if over.any():
            assert np.array_equal(ours, theirs)
            break
    assert over.any()


def test_episodes_of_a_trial_share_a_task_and_trials_do_not() -> None:
    env = TrialEnv(tasks(20), episodes=4)
    chosen = []
    for trial in range(30):
        env.reset(seed=0 if trial == 0 else None)
        chosen.append(env.task.fingerprint())
        over = False
        while not over:
            assert env.task.fingerprint() == chosen[-1]
            over = env.step(0)[2]
    assert len(set(chosen)) > 10
    again = TrialEnv(tasks(20), episodes=4)
    again.reset(seed=0)
    for trial in range(30):
        assert again.task.fingerprint() == chosen[trial]
        again.reset()


def test_a_trial_does_not_depend_on_the_steps_before() -> None:
    env, twin = TrialEnv(tasks()), TrialEnv(tasks())
    env.reset(seed=9)
    play(env, 13)
    env.reset(seed=9)
    twin.reset(seed=9)
    env.reset()
    twin.reset()
    assert play(env, 80) == play(twin, 80)


@pytest.mark.parametrize("observation", ["vector", "dict"])
def test_checkers_are_silent(observation: str) -> None:
    check_env(gymnasium.make("AnyMDP-trial-v0", observation=observation).unwrapped)
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    checker.check_env(gymnasium.make("AnyMDP-trial-v0", observation=observation).unwrapped)


def test_every_bank_of_discrete_tasks_is_played() -> None:
    for bank, ids, actions in (("darkroom-6-goals-v0", 36, 4), ("anymdp-1x5-v0", 1, 5)):
        env = make_vec("AnyMDP-trial-v0", 3, bank=bank, n_tasks=4)
        assert env.reset(seed=0)[0].shape == (3, ids + actions + 3)
        assert {task.fingerprint() for task in env.tasks} <= {
            task.fingerprint() for task in load_bank(bank).train[:4]
        }


def test_training_tasks_are_those_of_the_bank() -> None:
    pool, train = TrainTasks("darkroom-6-goals-v0", 1000), load_bank("darkroom-6-goals-v0").train
    assert len(pool) == len(train)
    assert [t.fingerprint() for t in pool[3:5]] == [t.fingerprint() for t in train[3:5]]
    assert pool[-1] is train[-1]
    assert len(pickle.dumps(pool)) < 200
    with pytest.raises(IndexError):
        pool[len(train)]


@pytest.mark.parametrize("copier", [lambda env: pickle.loads(pickle.dumps(env)), copy.deepcopy])
def test_copies_in_the_middle_of_a_trial_go_on_alike(copier: Any) -> None:
    for make in (lambda: TrialEnv(tasks()), lambda: TrialVectorEnv(tasks(), num_envs=1)):
        env = make()
        env.reset(seed=1)
        for _ in range(11):
            env.step(np.zeros(1, int) if hasattr(env, "num_envs") else 0)
        twin = copier(env)
        for _ in range(100):
            action = np.ones(1, int) if hasattr(env, "num_envs") else 1
            a, b = env.step(action), twin.step(action)
            np.testing.assert_equal(a[:4], b[:4])
            if a[2] and not hasattr(env, "num_envs"):
                np.testing.assert_equal(env.reset(), twin.reset())


def test_other_tasks_may_be_given() -> None:
    for env in (TrialEnv(tasks()), TrialVectorEnv(tasks(), num_envs=3)):
        other = random_task(77, horizon=7)
        env.reset(seed=0, options={"task": other})
        assert [env.task] == [other] if isinstance(env, TrialEnv) else env.tasks == (other,) * 3
        env.reset(seed=0, options={"tasks": tasks(2)})
        with pytest.raises(InvalidConfig, match="was made for"):
            env.reset(options={"tasks": [random_task(0, n=9)]})
        with pytest.raises(InvalidConfig, match="tasks is empty"):
            env.reset(options={"tasks": []})
        with pytest.raises(InvalidConfig, match=r"Unknown reset option|no sampler"):
            env.reset(options={"task_seed": 1})


def test_restart_begins_the_next_trial_of_some_rows() -> None:
    env, twin = (TrialVectorEnv(tasks(), num_envs=4) for _ in range(2))
    env.reset(seed=0)
    twin.reset(seed=0)
    mask = np.array([True, False, False, True])
    for one in (env, twin):
        one.step(np.ones(4, int))
    observations, following = env.restart(mask), twin.reset()[0]
    assert np.array_equal(observations[mask], following[mask])
    assert observations[1, N_IDS + 1] == 1.0


def test_what_is_refused() -> None:
    with pytest.raises(InvalidConfig, match="episodes=0"):
        TrialEnv(tasks(), episodes=0)
    with pytest.raises(InvalidConfig, match="observation='flat'"):
        TrialVectorEnv(tasks(), observation="flat")
    with pytest.raises(InvalidConfig, match="tasks is empty"):
        TrialEnv([])
    with pytest.raises(InvalidConfig, match="n_tasks=0"):
        gymnasium.make("AnyMDP-trial-v0", n_tasks=0)
    with pytest.raises(NotTabular, match="continuous"):
        TrialEnv([PendulumTask()])
    tokens = build_task(np.ones((1, 1, 1)), initial=[1.0], horizon=2, action_tokens=2)
    with pytest.raises(InvalidConfig, match="trials need Discrete ones"):
        TrialEnv([tokens])
    env = TrialVectorEnv(tasks(), num_envs=2)
    env.reset(seed=0)
    with pytest.raises(InvalidAction, match="of environment 1"):
        env.step([0, 3])


def test_compiled_rows_know_no_trials() -> None:
    env = TrialVectorEnv(tasks(), num_envs=2)
    env.reset(seed=0)
    assert compiled_rows(env) is None
