"""Limits of a single episode's return: equal to enumeration of every path."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anymdp_bench.foundation.errors import NotTabular
from anymdp_bench.planning import references
from anymdp_bench.planning.limits import return_limits
from anymdp_bench.samplers import sample_task
from anymdp_bench.tasks.task import TabularTask
from anymdp_bench.worlds.pendulum.task import PendulumTask
from tests.support.tasks import random_task, two_state_task


def enumerated(task: TabularTask) -> tuple[float, float]:
    """Least and largest return over all paths, by walking through them."""
    chance, reward = task.transition, task.score_reward

    def walk(state: int, to_go: int) -> list[float]:
        if to_go == 0 or task.terminal[state]:
            return [0.0]
        found: list[float] = []
        for action in range(task.n_actions):
            for after in np.flatnonzero(chance[state, action]):
                found += [reward[state, action, after] + rest for rest in walk(int(after), to_go - 1)]
        return found

    returns = [value for start in np.flatnonzero(task.initial) for value in walk(int(start), task.horizon)]
    return min(returns), max(returns)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 4))
def test_limits_agree_with_every_path(seed: int, horizon: int) -> None:
    task = random_task(seed, n=4, n_actions=2, horizon=horizon)
    np.testing.assert_allclose(return_limits(task), enumerated(task), rtol=0, atol=1e-12)


@pytest.mark.parametrize("horizon", [1, 2, 9, 10])
def test_two_states_in_closed_form(horizon: int) -> None:
    assert return_limits(two_state_task(horizon)) == (0.0, (horizon + 1) // 2)


def test_limits_hold_the_references() -> None:
    for seed in range(5):
        task = sample_task("anymdp", seed=seed, n_states=8, n_actions=3)
        low, high = return_limits(task)
        found = references(task)
        assert low <= found.random <= found.oracle <= found.optimal <= high


def test_actions_of_several_moves_count_every_move() -> None:
    task = sample_task("multi-token-anypomdp", seed=1, n_states=12, n_observations=12)
    low, high = return_limits(task)
    found = references(task)
    assert task.action_tokens > 1
    assert low <= found.random <= found.optimal <= high


def test_a_continuous_task_has_no_tables() -> None:
    with pytest.raises(NotTabular):
        return_limits(PendulumTask())
