"""Stepping tables: every kind of row is stepped as the task says."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import anymdp_bench
from anymdp_bench.envs.emissions import build_emissions
from anymdp_bench.envs.tables import (
    EXTRA,
    KIND_MASK,
    LINE_BYTES,
    LISTED,
    SPAN,
    WIDE_LISTED,
    WIDE_SPAN,
    build_tables,
)
from anymdp_bench.envs.tabular import TabularEnv
from anymdp_bench.envs.vector import TabularVectorEnv
from anymdp_bench.foundation.errors import InvalidConfig
from anymdp_bench.tasks.build import build_task
from anymdp_bench.tasks.task import TabularTask
from tests.support.tasks import random_task
from tests.support.vectors import structured_task


def assert_batch_equals_singles(tasks: list[TabularTask], steps: int, seed: int) -> None:
    batch = TabularVectorEnv(tasks, info_level="full", autoreset_mode="Disabled")
    singles = [TabularEnv(task, info_level="full") for task in tasks]
    observations, info = batch.reset(seed=seed)
    first = [env.reset(seed=seed + i) for i, env in enumerate(singles)]
    assert observations.tolist() == [observation for observation, _ in first]
    batch.action_space.seed(seed)
    for _ in range(steps):
        actions = batch.action_space.sample()
        observations, rewards, terminated, truncated, info = batch.step(actions)
        for i, env in enumerate(singles):
            *single, single_info = env.step(actions[i])
            assert single == [observations[i], rewards[i], terminated[i], truncated[i]]
            for key in ("score_reward", "reward_mean", "inner_state"):
                assert single_info[key] == info[key][i], key
            if single[2] or single[3]:
                env.reset()
        batch.restart(terminated | truncated)


@pytest.mark.parametrize(
    ("kind", "shape"),
    [
        (SPAN, {"n": 12, "width": 8, "gaps": 0.0}),
        (SPAN, {"n": 13, "width": 13, "gaps": 0.3}),
        (LISTED, {"n": 60, "width": 6, "gaps": 0.9}),
        (WIDE_SPAN, {"n": 90, "width": 80, "gaps": 0.0}),
        (WIDE_LISTED, {"n": 90, "width": 25, "gaps": 0.7}),
    ],
)
@pytest.mark.parametrize("per_outcome", [False, True])
@pytest.mark.parametrize("tokens", [1, 3])
def test_every_kind_of_row(kind: int, shape: dict[str, Any], per_outcome: bool, tokens: int) -> None:
    tasks = [
        structured_task(seed, n_actions=3, per_outcome=per_outcome, tokens=tokens, **shape)
        for seed in range(4)
    ]
    flags = build_tables(tasks)[0].lines["marks"]
    assert kind in set((flags & KIND_MASK).tolist())
    assert (flags & EXTRA).any() == per_outcome
    assert_batch_equals_singles(tasks, 60, seed=1)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    n=st.integers(2, 40),
    n_actions=st.integers(1, 4),
    width=st.integers(1, 40),
    gaps=st.sampled_from([0.0, 0.5, 0.9]),
    per_outcome=st.booleans(),
)
def test_any_task_is_stepped_alike(
    seed: int, n: int, n_actions: int, width: int, gaps: float, per_outcome: bool
) -> None:
    task = structured_task(seed, n, n_actions, min(width, n), gaps=gaps, per_outcome=per_outcome)
    assert_batch_equals_singles([task] * 3, 40, seed=seed)


def test_tables_share_and_separate_tasks() -> None:
    task = random_task(0)
    shared = TabularVectorEnv([task] * 10)._tables
    own = TabularVectorEnv([pickle.loads(pickle.dumps(task)) for _ in range(10)])._tables
    assert len(shared.lines) == task.reward_sa.size
    assert len(own.lines) == 10 * task.reward_sa.size


def test_tables_are_small_and_aligned() -> None:
    tasks = [anymdp_bench.sample_task("anymdp", seed=seed, n_states=128) for seed in range(4)]
    env = TabularVectorEnv(tasks)
    assert sum(table.nbytes for table in env._tables) / len(tasks) <= 64 * 1024
    for twin in (env, pickle.loads(pickle.dumps(env)), copy.deepcopy(env)):
        assert twin._tables.lines.ctypes.data % LINE_BYTES == 0
        assert twin._tables.lines.itemsize == LINE_BYTES


def test_too_many_states_for_a_batch() -> None:
    n = 2**16 + 1
    task = TabularTask(
        family="chain",
        horizon=1,
        n_observations=1,
        n_actions=1,
        row_start=np.arange(n + 1),
        successor=np.zeros(n, np.int32),
        weight=np.full(n, 2**30),
        reward_sa=np.zeros((n, 1)),
        reward_next=np.zeros(n),
        noise_sa=np.zeros((n, 1)),
        noise_next=np.zeros(n),
        initial_weight=np.eye(1, n, dtype=np.int64)[0] * 2**30,
        terminal=np.zeros(n, bool),
        state_ids=np.zeros(n, np.int32),
    )  # fmt: skip
    with pytest.raises(InvalidConfig, match="65537 inner states; batches take at most 65536"):
        TabularVectorEnv([task])


def test_tasks_with_and_without_emissions_mix() -> None:
    plain = random_task(0, n=5)
    law = np.random.default_rng(0).dirichlet(np.ones(5), size=(1, 5))
    hidden = build_task(plain.transition, initial=plain.initial, horizon=9, emissions=law, n_observations=5)
    batch = TabularVectorEnv([plain, hidden])
    singles = [TabularEnv(plain), TabularEnv(hidden)]
    assert build_emissions([plain, hidden]).shape == (10, 1, 5)
    for seed in range(30):
        observations, _ = batch.reset(seed=[seed, seed + 5])
        first = [env.reset(seed=seed + 5 * i)[0] for i, env in enumerate(singles)]
        assert observations.tolist() == first
