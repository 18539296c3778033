"""Tables by inner state, told by the ids that an agent sees."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

from anymdp_bench import (
    ORACLE_DISCOUNT,
    InvalidConfig,
    InvalidPolicy,
    NotTabular,
    by_observation,
    greedy,
    load_bank,
    plan,
    policy_return,
    sample_task,
    task_of,
)
from anymdp_bench.worlds.pendulum.task import PendulumTask
from tests.support.tasks import random_task, two_state_task


def test_the_oracle_by_observation_plays_as_the_planner_says() -> None:
    env = gymnasium.make("AnyMDP-v0", task_seed=5)
    task = task_of(env)
    best = greedy(plan(task, ORACLE_DISCOUNT))
    act, total = by_observation(task, best), []
    for seed in range(300):
        observation, _ = env.reset(seed=seed)
        done, reward_sum = False, 0.0
        while not done:
            observation, reward, terminated, truncated, _ = env.step(act[observation])
            reward_sum += float(reward)
            done = terminated or truncated
        total.append(reward_sum)
    error = np.std(total) / np.sqrt(len(total))
    assert abs(np.mean(total) - policy_return(task, best).mean) < 5 * error


def test_every_value_stands_at_the_id_of_its_state() -> None:
    task = random_task(0)
    q = np.arange(task.n_states * task.n_actions, dtype=float).reshape(task.n_states, -1)
    found = by_observation(task, q)
    assert found.shape == (task.n_observations, task.n_actions)
    assert np.array_equal(found[task.state_ids], q)
    assert by_observation(task, np.arange(task.n_states)).dtype == np.int64


def test_a_terminal_state_gives_way_to_the_state_whose_id_it_shows() -> None:
    task = load_bank("cliffwalking-v0").test[0]
    best = greedy(plan(task, ORACLE_DISCOUNT))
    start = int(task.initial.argmax())
    assert by_observation(task, best)[task.state_ids[start]] == best[start]


def test_what_ids_cannot_tell_is_refused() -> None:
    with pytest.raises(InvalidPolicy, match=r"table has shape \(3,\); give one row for each of 2 states"):
        by_observation(two_state_task(), np.zeros(3))
    with pytest.raises(InvalidPolicy, match="states share the id 0"):
        by_observation(two_state_task(state_ids=[0, 0]), np.zeros(2))
    hidden = sample_task("anypomdp", seed=0, n_states=16)
    with pytest.raises(InvalidPolicy, match="draws its observations"):
        by_observation(hidden, np.zeros(hidden.n_states))
    with pytest.raises(NotTabular):
        by_observation(PendulumTask(), np.zeros(3))


def test_the_task_of_an_environment() -> None:
    env = gymnasium.make("anymdp_bench:Darkroom-v0")
    assert task_of(env) is env.unwrapped.task
    with pytest.raises(InvalidConfig, match="plays no task of this package"):
        task_of(gymnasium.make("CartPole-v1"))
