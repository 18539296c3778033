"""Every registered environment, one at a time."""

import contextlib
import copy
import json
import pickle
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from scipy import stats

import anymdp_bench
from anymdp_bench.envs import ENVS, env_entry, register_all
from anymdp_bench.envs.draws import DrawBlocks, fill_draws
from anymdp_bench.envs.making import FAMILIES, WORLDS, TaskSource, default_path
from anymdp_bench.envs.partial import Emitter, action_law
from anymdp_bench.envs.tabular import TabularEnv
from anymdp_bench.foundation.errors import (
    EpisodeOver,
    InvalidAction,
    InvalidConfig,
    InvalidSeed,
    NotTabular,
    UnknownName,
)
from anymdp_bench.foundation.seeding import ENV_STREAM, stream_keys
from anymdp_bench.tasks.build import build_task
from anymdp_bench.tasks.file import load_task
from anymdp_bench.worlds.pendulum.task import PendulumTask
from tests.support.golden_envs import TABLE, trajectory_hash
from tests.support.tasks import random_task, two_state_task

IDS = [entry.id for entry in ENVS]
WITHOUT_CHANCE = ("Switch2-v0", "ShapedCliffWalking-v0")
ACTIONS = {"Discrete": 0, "MultiDiscrete": [0, 0]}


def make(env_id: str, **kwargs: Any) -> Any:
    return gymnasium.make(env_id, **kwargs).unwrapped


def play(env: Any, steps: int, seed: int | None = None, actions_seed: int = 0) -> list[Any]:
    """Observations, rewards and ends of some steps of random actions, with resets where episodes end."""
    env.action_space.seed(actions_seed)
    observation, _ = env.reset(seed=seed)
    log = [np.asarray(observation).tolist()]
    for _ in range(steps):
        observation, reward, terminated, truncated, _ = env.step(env.action_space.sample())
        log.append((np.asarray(observation).tolist(), reward, terminated, truncated))
        if terminated or truncated:
            log.append(np.asarray(env.reset()[0]).tolist())
    return log


# --- conformance -----------------------------------------------------------------------------------


@pytest.mark.parametrize("env_id", IDS)
def test_gymnasium_checker_is_silent(env_id: str) -> None:
    check_env(make(env_id))


@pytest.mark.parametrize("env_id", IDS)
def test_stable_baselines_checker_is_silent(env_id: str) -> None:
    checker = pytest.importorskip("stable_baselines3.common.env_checker")
    checker.check_env(make(env_id))


@pytest.mark.parametrize("env_id", IDS)
def test_lock_step_determinism(env_id: str) -> None:
    first, second = play(make(env_id), 300, seed=3), play(make(env_id), 300, seed=3)
    for step, (a, b) in enumerate(zip(first, second, strict=True)):
        assert a == b, f"{env_id}: trajectories part at entry {step}"
    assert (first == play(make(env_id), 300, seed=4)) == (env_id in WITHOUT_CHANCE)


@pytest.mark.parametrize("env_id", IDS)
def test_copies_continue_alike(env_id: str) -> None:
    env = make(env_id)
    play(env, 37, seed=1)
    for twin in (pickle.loads(pickle.dumps(env)), copy.deepcopy(env)):
        assert play(twin, 60) == play(copy.deepcopy(env), 60)


@pytest.mark.parametrize("env_id", IDS)
def test_spec_survives_json(env_id: str) -> None:
    text = make(env_id).spec.to_json()
    again = EnvSpec.from_json(text)
    assert json.loads(again.to_json()) == json.loads(text)
    assert play(gymnasium.make(again).unwrapped, 50, seed=2) == play(make(env_id), 50, seed=2)


@pytest.mark.parametrize("env_id", IDS)
def test_golden_trajectory(env_id: str) -> None:
    golden = json.loads(TABLE.read_text())
    assert trajectory_hash(env_id) == golden[env_id], "if meant, register a new version of the id"


def test_golden_table_is_complete() -> None:
    assert sorted(json.loads(TABLE.read_text())) == sorted(IDS)


def test_registration_is_idempotent_and_json_only() -> None:
    register_all()
    for entry in ENVS:
        spec = gymnasium.spec(entry.id)
        assert spec.max_episode_steps is None
        assert json.loads(json.dumps(spec.kwargs)) == dict(entry.kwargs) == spec.kwargs


def test_unknown_id_suggests() -> None:
    with pytest.raises(UnknownName, match=r"Unknown environment 'AnyMDP-v1'\. Did you mean 'AnyMDP-v0'"):
        env_entry("AnyMDP-v1")


@pytest.mark.parametrize("env_id", [*FAMILIES, *WORLDS])
def test_default_task_is_what_the_settings_give(env_id: str) -> None:
    settings = dict(env_entry(env_id).kwargs)
    seed = settings.pop("task_seed", 0)
    built = TaskSource(env_id, settings).build(seed)
    assert load_task(default_path(env_id)).fingerprint() == built.fingerprint()
    assert make(env_id).task.fingerprint() == built.fingerprint()


# --- seeds -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("env_id", IDS)
def test_reset_without_a_seed_goes_on(env_id: str) -> None:
    env, twin = make(env_id), make(env_id)
    env.reset(seed=5)
    twin.reset(seed=5)
    later = play(env, 100)
    assert later == play(twin, 100)
    assert (later == play(twin, 100, seed=5)) == (env_id in WITHOUT_CHANCE)


def test_an_episode_does_not_depend_on_the_steps_before() -> None:
    env, twin = TabularEnv(random_task(0)), TabularEnv(random_task(0))
    env.reset(seed=9)
    env.step(0)
    twin.reset(seed=9)
    assert play(env, 50) == play(twin, 50)


def test_unseeded_environments_differ() -> None:
    logs = [play(TabularEnv(random_task(1, n=50, horizon=90)), 30) for _ in range(3)]
    assert logs[0] != logs[1] != logs[2]


@pytest.mark.parametrize("seed", [-1, 1.0, "1", 2**64, True, [1]])
def test_illegal_seeds(seed: Any) -> None:
    env = make("AnyMDP-v0")
    with pytest.raises(InvalidSeed, match="seed="):
        env.reset(seed=seed)


@pytest.mark.parametrize("seed", [0, 2**64 - 1, np.int64(3), np.uint64(2**63)])
def test_extreme_seeds(seed: Any) -> None:
    assert play(make("AnyMDP-v0"), 20, seed=seed) == play(make("AnyMDP-v0"), 20, seed=int(seed))


# --- errors ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.parametrize(
    "action",
    [True, 1.0, -1, 10**6, "0", None, np.array([[1]]), np.float64(0), [0.0, 0.0], [0, -1], [0, 0, 0]],
)
def test_illegal_actions_change_nothing(env_id: str, action: Any) -> None:
    env, twin = make(env_id), make(env_id)
    env.reset(seed=1)
    twin.reset(seed=1)
    with pytest.raises(InvalidAction, match=r"give integers"):
        env.step(action)
    legal = ACTIONS[type(env.action_space).__name__]
    assert np.array_equal(env.step(legal)[0], twin.step(legal)[0])


def test_one_entry_arrays_are_no_actions() -> None:
    env = make("AnyMDP-v0")
    env.reset(seed=1)
    with pytest.raises(InvalidAction, match=r"Action array\(\[1\]\) \(ndarray\) is not in Discrete\(5\)"):
        env.step(np.array([1]))


@pytest.mark.parametrize("action", [1, np.int32(1), np.int64(1), np.uint8(1), np.array(1)])
def test_every_integer_is_an_action(action: Any) -> None:
    env, twin = make("AnyMDP-v0"), make("AnyMDP-v0")
    env.reset(seed=1)
    twin.reset(seed=1)
    assert env.step(action) == twin.step(1)


@pytest.mark.parametrize("env_id", IDS)
def test_stepping_outside_an_episode(env_id: str) -> None:
    env = make(env_id)
    action = ACTIONS[type(env.action_space).__name__]
    with pytest.raises(EpisodeOver, match="call reset"):
        env.step(action)
    env.reset(seed=0)
    done = False
    while not done:
        _, _, terminated, truncated, _ = env.step(env.action_space.sample())
        assert not (terminated and truncated)
        done = terminated or truncated
    with pytest.raises(EpisodeOver, match="call reset"):
        env.step(action)


@pytest.mark.parametrize("env_id", IDS)
def test_unknown_option(env_id: str) -> None:
    with pytest.raises(InvalidConfig, match="Unknown reset option 'taks'"):
        make(env_id).reset(options={"taks": 1})


def test_options_that_cannot_be_met() -> None:
    env = make("AnyMDP-v0")
    with pytest.raises(InvalidConfig, match=r"spaces .*Discrete\(6\).* was made for"):
        env.reset(options={"task": random_task(0)})
    with pytest.raises(InvalidConfig, match="exclude each other"):
        env.reset(options={"task": env.task, "task_seed": 1})
    with pytest.raises(InvalidConfig, match=r"3 \(int\) is no task: give a TabularTask"):
        env.reset(options={"task": 3})
    with pytest.raises(InvalidSeed, match="seed=-1"):
        env.reset(options={"task_seed": -1})
    with pytest.raises(InvalidConfig, match="no sampler"):
        TabularEnv(random_task(0)).reset(options={"task_seed": 1})
    with pytest.raises(InvalidConfig, match="no sampler"):
        make("Darkroom-v0").reset(options={"task_seed": 1})


def test_settings_that_do_not_exist() -> None:
    with pytest.raises(InvalidConfig, match="family 'anymdp' got an unexpected keyword argument 'n_stats'"):
        gymnasium.make("AnyMDP-v0", n_stats=16)
    with pytest.raises(InvalidConfig, match=r"Darkroom-v0 got .* argument 'sise'\. Did you mean 'size'"):
        gymnasium.make("Darkroom-v0", sise=6)
    with pytest.raises(InvalidConfig, match=r"info_level='all': give one of \['none', 'score', 'full'\]"):
        gymnasium.make("AnyMDP-v0", info_level="all")
    with pytest.raises(InvalidConfig, match="render_mode='human' is not legal"):
        TabularEnv(random_task(0), render_mode="human")
    with pytest.raises(InvalidSeed, match="seed='a'"):
        gymnasium.make("AnyMDP-v0", task_seed="a")
    with pytest.raises(InvalidConfig, match="'anymdp' \\(str\\) is no task"):
        TabularEnv("anymdp")  # type: ignore[arg-type]
    with pytest.raises(NotTabular, match="continuous"):
        TabularEnv(PendulumTask())


# --- tasks -----------------------------------------------------------------------------------------


def test_reset_switches_tasks() -> None:
    env = make("AnyMDP-v0")
    env.reset(seed=1, options={"task_seed": 7})
    assert env.task.fingerprint() == anymdp_bench.sample_task("anymdp", seed=7, n_states=16).fingerprint()
    assert play(env, 50, seed=2) == play(make("AnyMDP-v0", task_seed=7), 50, seed=2)
    other = anymdp_bench.sample_task("garnet", seed=1, n_states=16)
    env.reset(seed=1, options={"task": other})
    assert env.task is other
    assert play(env, 50, seed=2) == play(TabularEnv(other), 50, seed=2)


def test_a_refused_switch_keeps_the_task() -> None:
    env, twin = make("AnyMDP-v0"), make("AnyMDP-v0")
    env.reset(seed=1)
    twin.reset(seed=1)
    with pytest.raises(InvalidConfig):
        env.reset(options={"task": random_task(0)})
    assert env.task.fingerprint() == twin.task.fingerprint()
    assert env.step(0) == twin.step(0)


def test_a_pull_of_a_bandit_terminates() -> None:
    env = make("AnyMDP-v0", n_states=1)
    for seed in range(20):
        observation, _ = env.reset(seed=seed)
        assert observation == 0
        _, _, terminated, truncated, _ = env.step(seed % 5)
        assert terminated and not truncated


def test_truncation_at_the_horizon() -> None:
    env = TabularEnv(two_state_task(horizon=3))
    env.reset(seed=0)
    assert [env.step(1)[1:4] for _ in range(3)] == [
        (1.0, False, False),
        (0.0, False, False),
        (1.0, False, True),
    ]


def test_arrival_at_the_horizon_terminates() -> None:
    env = TabularEnv(build_task([[[0.0, 1.0]], [[0.0, 0.0]]], initial=[1.0, 0.0], horizon=1))
    env.reset(seed=0)
    assert env.step(0) == (1, 0.0, True, False, {})


# --- infos -----------------------------------------------------------------------------------------


def test_info_levels() -> None:
    task = random_task(3, n=5, horizon=30)
    env = TabularEnv(task, info_level="full")
    score_env, bare = TabularEnv(task, info_level="score"), TabularEnv(task)
    rng = np.random.default_rng(0)
    for episode in range(20):
        _, info = env.reset(seed=episode)
        assert score_env.reset(seed=episode)[1] == bare.reset(seed=episode)[1] == {}
        state, done = info["inner_state"], False
        assert task.initial[state] > 0
        while not done:
            action = int(rng.integers(3))
            observation, reward, terminated, truncated, info = env.step(action)
            assert bare.step(action) == (observation, reward, terminated, truncated, {})
            after = info["inner_state"]
            assert observation == task.state_ids[after]
            assert np.array_equal(info["transition_row"], task.transition[state, action])
            assert info["reward_mean"] == task.reward_mean[state, action, after]
            assert score_env.step(action)[4] == {"score_reward": task.score_reward[state, action, after]}
            assert info["score_reward"] == task.score_reward[state, action, after]
            state, done = after, terminated or truncated


def test_scored_and_received_reward_differ_where_shaped() -> None:
    env = make("ShapedCliffWalking-v0", info_level="full")
    env.reset(seed=0)
    _, reward, _, _, info = env.step(0)
    assert (reward, info["reward_mean"], info["score_reward"]) == (-0.03, -0.03, -1.0)


# --- laws ------------------------------------------------------------------------------------------


def chi_square(counts: np.ndarray[Any, Any], expected: np.ndarray[Any, Any]) -> float:
    """Tail probability of observed counts under expected ones; rare cells are pooled."""
    rare = expected < 5
    observed = np.append(counts[~rare], counts[rare].sum())
    wanted = np.append(expected[~rare], expected[rare].sum())
    keep = wanted > 0
    statistic = ((observed[keep] - wanted[keep]) ** 2 / wanted[keep]).sum()
    return float(stats.chi2.sf(statistic, max(keep.sum() - 1, 1)))


def test_transitions_and_rewards_follow_the_tables() -> None:
    task = anymdp_bench.sample_task("anymdp", seed=4, n_states=16)
    env = TabularEnv(task, info_level="full")
    counts, deviation = np.zeros((16, 5, 16)), task.reward_std
    standard = []
    rng = np.random.default_rng(0)
    state = env.reset(seed=11)[1]["inner_state"]
    for action in rng.integers(5, size=40_000).tolist():
        _, reward, terminated, truncated, info = env.step(action)
        after = info["inner_state"]
        counts[state, action, after] += 1
        if deviation[state, action, after] > 0:
            standard.append((reward - info["reward_mean"]) / deviation[state, action, after])
        else:
            assert reward == info["reward_mean"]
        state = after if not (terminated or truncated) else env.reset()[1]["inner_state"]
    assert not counts[task.transition == 0].any()
    assert chi_square(counts, task.transition * counts.sum(axis=2, keepdims=True)) > 1e-4
    assert len(standard) > 10_000
    assert stats.kstest(standard, "norm").pvalue > 1e-4


def test_first_states_follow_the_start_distribution() -> None:
    task = random_task(5, n=7)
    env = TabularEnv(task)
    env.reset(seed=2)
    starts = np.bincount([env.reset()[0] for _ in range(5000)], minlength=7)[task.state_ids]
    assert chi_square(starts.astype(float), 5000 * task.initial) > 1e-4


def test_observation_tokens_follow_the_emissions() -> None:
    env = make("MultiTokenAnyPOMDP-v0", info_level="full")
    law = env.task.emissions
    counts = np.zeros(law.shape)
    observation, info = env.reset(seed=1)
    for _ in range(6000):
        counts[np.arange(4), info["inner_state"], observation] += 1
        observation, _, terminated, truncated, info = env.step(env.action_space.sample())
        if terminated or truncated:
            observation, info = env.reset()
    assert not counts[law == 0].any()
    assert chi_square(counts, law * counts.sum(axis=2, keepdims=True)) > 1e-4


def test_action_tokens_are_executed_in_turn() -> None:
    dense = random_task(8, n=6, n_actions=2, horizon=10**6)
    task = build_task(
        dense.transition,
        initial=dense.initial,
        horizon=10**6,
        reward_sa=[[1.0, 10.0]] * 6,
        action_tokens=2,
    )
    env = TabularEnv(task, info_level="full")
    counts, expected = np.zeros(6), np.zeros(6)
    state = env.reset(seed=3)[1]["inner_state"]
    for _ in range(3000):
        _, reward, terminated, _, info = env.step([0, 1])
        np.testing.assert_allclose(info["transition_row"], action_law(task, state, [0, 1]))
        counts[info["inner_state"]] += 1
        expected += info["transition_row"]
        assert reward in ((1.0, 11.0) if terminated else (11.0,))
        state = env.reset()[1]["inner_state"] if terminated else info["inner_state"]
    assert chi_square(counts, expected) > 1e-4


def test_law_of_two_moves_is_the_product_of_their_laws() -> None:
    task = random_task(2, n=5, n_actions=2)
    first, second = task.transition[:, 0], task.transition[:, 1]
    second = second + np.diag(task.terminal.astype(float))
    for state in np.flatnonzero(~task.terminal):
        np.testing.assert_allclose(action_law(task, int(state), [0, 1]), first[state] @ second, atol=1e-12)


# --- draws -----------------------------------------------------------------------------------------


def test_blocks_of_draws_are_one_sequence() -> None:
    key = stream_keys([5], ENV_STREAM)[0]
    outcomes, noise = np.empty((60, 2000), np.int64), np.empty((60, 2000))
    fill_draws(key, np.uint64(0), 0, outcomes, noise)
    blocks = DrawBlocks()
    for episode in [*range(50), 3, 4, 5, 17, 58, 59]:
        counter = 100 if episode == 17 else 0
        source = blocks.resume(key, episode, counter) if counter else blocks.begin(key, episode)
        drawn: list[Any] = []
        while len(drawn) < min(30 * episode, 1000):
            drawn += list(iter_source(source))
            source = blocks.more()
        wanted = zip(outcomes[episode, counter:], noise[episode, counter:], strict=True)
        assert drawn == list(wanted)[: len(drawn)]


def iter_source(source: Any) -> Any:
    """Yield what a source of draws returns until it raises StopIteration."""
    with contextlib.suppress(StopIteration):
        while True:
            yield source()


def test_blocks_follow_a_change_of_the_key() -> None:
    first, second = stream_keys([5, 6], ENV_STREAM)
    blocks = DrawBlocks()
    for episode, key in enumerate([first, first, second, first]):
        assert blocks.begin(key, episode)() == DrawBlocks().begin(key, episode)()


def test_impossible_observations_are_never_emitted() -> None:
    weight = np.zeros((1, 1, 4), np.int64)
    weight[0, 0, [1, 3]] = 2**29
    emitter = Emitter(weight)
    emitter.begin(np.uint64(1), 0)
    assert {emitter.emit(0) for _ in range(200)} == {1, 3}
