"""Batches: the same trajectories as one environment at a time, whatever the tables look like."""

import copy
import pickle
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.vector import SyncVectorEnv

from anymdp_bench.envs.tabular import TabularEnv
from anymdp_bench.envs.vector import TabularVectorEnv
from anymdp_bench.foundation.errors import EpisodeOver, InvalidSeed
from anymdp_bench.tasks.task import TabularTask
from tests.support.tasks import random_task
from tests.support.vectors import IDS, MODES, batch, make_vec, structured_task, trajectory


def sync_vec(env_id: str, mode: str, n: int = 4, **kwargs: Any) -> Any:
    """Gymnasium's own batch of our single environments, with the same tasks."""
    own = "task_seed" in gymnasium.spec(env_id).kwargs
    makers: list[Callable[[], Any]] = [
        lambda i=i: gymnasium.make(env_id, **({"task_seed": i} if own else {}), **kwargs) for i in range(n)
    ]
    return SyncVectorEnv(makers, autoreset_mode=mode)


def assert_same_info(ours: dict[str, Any], theirs: dict[str, Any]) -> None:
    """Equal keys and masks, and equal values where the masks say that there is one."""
    used = {key for key, value in theirs.items() if not key.startswith("_") and theirs[f"_{key}"].any()}
    held = {key for key in ours if not key.startswith("_") and ours[f"_{key}"].any()}
    assert held == used
    for key in used:
        mask = theirs[f"_{key}"]
        assert np.array_equal(ours[f"_{key}"], mask), key
        if isinstance(theirs[key], dict):
            assert_same_info(ours[key], theirs[key])
        else:
            for row in np.flatnonzero(mask):
                wanted = np.asarray(theirs[key][row])
                given = np.asarray(ours[key][row]).reshape(-1)[: wanted.size]
                assert np.array_equal(given, wanted.reshape(-1)), (key, row)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("env_id", IDS)
def test_equals_gymnasium_over_single_environments(env_id: str, mode: str) -> None:
    ours, theirs = (
        make_vec(env_id, autoreset_mode=mode, info_level="full"),
        sync_vec(env_id, mode, info_level="full"),
    )
    quick = make_vec(env_id, autoreset_mode=mode)
    assert ours.single_observation_space == theirs.single_observation_space
    assert ours.action_space == theirs.action_space == quick.action_space
    observation, info = ours.reset(seed=10)
    wanted, their_info = theirs.reset(seed=10)
    assert np.array_equal(observation, wanted) and np.array_equal(quick.reset(seed=10)[0], wanted)
    assert_same_info(info, their_info)
    ours.action_space.seed(0)
    for step in range(250):
        actions = ours.action_space.sample()
        *got, info = ours.step(actions)
        *wanted, their_info = theirs.step(actions)
        *fast, fast_info = quick.step(actions)
        for a, b, c in zip(got, wanted, fast, strict=True):
            assert np.array_equal(a, b) and np.array_equal(a, c), f"step {step}"
        assert_same_info(info, their_info)
        assert set(fast_info) <= {"final_obs", "_final_obs", "final_info", "_final_info"}
        over = got[2] | got[3]
        if mode == "Disabled" and over.any():
            restarted, _ = ours.reset(options={"reset_mask": over})
            assert np.array_equal(restarted, theirs.reset(options={"reset_mask": over.copy()})[0])
            assert np.array_equal(restarted, quick.restart(over))


# --- restart and advance ---------------------------------------------------------------------------


def test_advance_leaves_inactive_rows_alone() -> None:
    env, twin = batch(), batch()
    observations, _ = env.reset(seed=1)
    twin.reset(seed=1)
    active = np.array([True, False] * 3)
    step = env.advance(np.where(active, 0, 99), active)
    full = twin.advance(np.zeros(6, int))
    assert np.array_equal(step.observations[~active], observations[~active])
    assert not step.rewards[~active].any() and not step.scores[~active].any()
    assert not (step.terminated | step.truncated)[~active].any()
    for mine, theirs in zip(step, full, strict=True):
        assert np.array_equal(mine[active], theirs[active])
    late = env.advance(np.zeros(6, int), ~active)
    for mine, theirs in zip(late, full, strict=True):
        assert np.array_equal(mine[~active], theirs[~active])


def test_advance_shows_the_true_last_observation() -> None:
    env = batch()
    env.reset(seed=1)
    running = np.ones(6, bool)
    while running.any():
        step = env.advance(np.ones(6, int), running)
        for i in np.flatnonzero(step.terminated):
            task = env.tasks[i]
            assert isinstance(task, TabularTask)
            assert step.observations[i] in task.state_ids[task.terminal]
        running &= ~(step.terminated | step.truncated)
    with pytest.raises(EpisodeOver, match=r"environment 0 has ended: call restart\(mask\)"):
        env.advance(np.ones(6, int))


def test_restart_begins_the_next_episode() -> None:
    env, twin = batch(), batch()
    env.reset(seed=1)
    twin.reset(seed=1)
    mask = np.array([True, False, True, False, False, False])
    observations = env.restart(mask)
    later, _ = twin.reset()
    first, _ = batch().reset(seed=1)
    assert np.array_equal(observations[mask], later[mask])
    assert np.array_equal(observations[~mask], first[~mask])


def test_score_is_what_the_tables_say() -> None:
    task = structured_task(1, 8, 3, 8, gaps=0.0, per_outcome=True)
    env = TabularVectorEnv([task] * 50, info_level="full", autoreset_mode="SameStep")
    env.reset(seed=0)
    states = env._inner()
    actions = np.arange(50) % 3
    step = env.advance(actions)
    after = env._inner()
    assert np.array_equal(step.scores, task.score_reward[states, actions, after])
    assert np.array_equal(env._means, task.reward_mean[states, actions, after])


# --- seeds and copies ------------------------------------------------------------------------------


def test_seeds() -> None:
    env = batch()
    numbered = env.reset(seed=5)[0].tolist()
    assert env.reset(seed=[5, 6, 7, 8, 9, 10])[0].tolist() == numbered
    assert env.reset(seed=np.arange(5, 11))[0].tolist() == numbered
    singles = [TabularEnv(random_task(i, horizon=12)).reset(seed=5 + i)[0] for i in range(6)]
    assert numbered == singles


def test_a_missing_seed_keeps_the_stream() -> None:
    env, twin = batch(), batch()
    env.reset(seed=5)
    twin.reset(seed=5)
    mixed, _ = env.reset(seed=[None, 3, None, 3, None, 3])
    later, _ = twin.reset()
    assert np.array_equal(mixed[::2], later[::2])
    assert np.array_equal(mixed[1::2], twin.reset(seed=[3] * 6)[0][1::2])


def test_unseeded_batches_differ() -> None:
    tasks = [random_task(0, n=50)] * 40
    assert TabularVectorEnv(tasks).reset()[0].tolist() != TabularVectorEnv(tasks).reset()[0].tolist()
    first = TabularVectorEnv(tasks).reset()[0]
    assert len(set(first.tolist())) > 1


@pytest.mark.parametrize("seed", [-1, 0.5, "7", 2**64, 2**64 - 3, [1, 2, 3, 4, 5, -6]])
def test_illegal_seeds(seed: Any) -> None:
    with pytest.raises(InvalidSeed, match="seed="):
        batch().reset(seed=seed)


@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.parametrize("copier", [lambda env: pickle.loads(pickle.dumps(env)), copy.deepcopy])
def test_copies_continue_alike(env_id: str, copier: Callable[[Any], Any]) -> None:
    env = make_vec(env_id, n=3)
    env.reset(seed=0)
    trajectory(env, 30)
    twin = copier(env)
    assert trajectory(twin, 60) == trajectory(env, 60)
    assert twin.reset()[0].tolist() == env.reset()[0].tolist()


def test_outputs_are_the_callers_own() -> None:
    env, twin = batch(), batch()
    for part in (env.reset(seed=2)[0], twin.reset(seed=2)[0]):
        part[:] = -5
    for _ in range(20):
        step, again = env.step(np.zeros(6, int)), twin.step(np.zeros(6, int))
        for mine, theirs in zip(step[:4], again[:4], strict=True):
            assert np.array_equal(mine, theirs)
            mine[:] = 1
