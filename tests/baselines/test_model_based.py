"""Agents that plan on what they lived: closed forms, context against life, twins, batch and single rows."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Discrete, MultiDiscrete
from numpy.typing import NDArray

import anymdp_bench as bench
from anymdp_bench import AgentError, Context, InvalidConfig, batch_env, check_agent, load_bank, record_context
from baselines.families import FAMILIES
from baselines.model_based import play
from baselines.model_based.agents import ModelBased, ModelBasedLearner, with_settings
from baselines.model_based.history import is_aliased
from baselines.model_based.memory import PLAN, make_memory
from baselines.model_based.optimism import MOST_WEIGHT, plan_test, weight_of
from baselines.model_based.settings import (
    KINDS,
    TUNED,
    OimSettings,
    UcbviSettings,
    tuned_settings,
)
from tests.support.tasks import random_task, two_state_task

kinds = pytest.mark.parametrize("kind", KINDS)


def agent(kind: str, **settings: Any) -> ModelBased:
    return with_settings(kind, settings)


def learner(kind: str) -> ModelBasedLearner:
    return ModelBasedLearner(kind, KINDS[kind]())


def begun(player: ModelBased, n: int = 1, ids: int = 2, actions: int = 2, **more: Any) -> ModelBased:
    player.begin(n, Discrete(ids), Discrete(actions), 5, **more)
    return player


def live(player: ModelBased, *steps: tuple[int, int, float, int, bool, bool]) -> None:
    """Feed steps (id, action, reward, next id, terminated, truncated) to a single row."""
    for o, a, r, f, terminated, truncated in steps:
        player.observe(*(np.array([x]) for x in (o, a, r, f, terminated, truncated, True)))


def plan_of(player: ModelBased) -> NDArray[np.float64]:
    play.plan(player._memory, player._rates, 0)
    return player._memory.q[0, PLAN]


@kinds
def test_agents_keep_the_rules(kind: str) -> None:
    check_agent(agent(kind))
    check_agent(learner(kind))


@kinds
def test_rows_play_alike_alone_and_in_a_batch(kind: str) -> None:
    tasks = [random_task(seed) for seed in range(3)]
    together = bench.evaluate(agent(kind), "anymdp-16x5-v0", tasks=tasks, context_episodes=20)
    assert np.isfinite(together.record.lived.scores).all()
    env = batch_env(tasks, autoreset_mode="Disabled")
    env.reset(seed=3)
    batch = begun(learner(kind), 3, 6, 3)
    episodes = batch.learn_episodes(env, 30)
    for k in range(3):
        alone = make_memory(1, 6, 3, 5, 0)
        alone.streams[0] = begun(learner(kind), 3, 6, 3)._memory.streams[k]
        single = batch_env([tasks[k]], autoreset_mode="Disabled")
        single.reset(seed=3 + k)
        one = begun(learner(kind), 1, 6, 3)
        one._memory = alone
        found = one.learn_episodes(single, 30)
        np.testing.assert_array_equal(found.rewards[0], episodes.rewards[k])
        np.testing.assert_array_equal(one._memory.q[0], batch._memory.q[k])


def test_optimistic_model_in_closed_form() -> None:
    """One id, one action tried once for 1: the leaf is the plain value plus ten spreads."""
    oim = begun(agent("oim", discount=0.5, kappa=0.5, reach=10.0), ids=1)
    live(oim, (0, 0, 1.0, 0, True, False))
    plain = 0.0
    for _ in range(200):  # prior visits of the plain plan are worth the mean reward and the mean value
        plain = max((1 + 0.1 * (1 + 0.5 * plain)) / 1.1, 1 + 0.5 * plain)
        for _ in range(5):
            plan_of(oim)
    leaf = plain + 10 * 0.1  # a spread is at least a tenth of the largest mean reward
    np.testing.assert_allclose(plan_of(oim), [[(1 + 0.5 * leaf) / 1.5, leaf]], rtol=1e-3)


def test_bonus_and_ceiling_in_closed_form() -> None:
    ucbvi = begun(agent("ucbvi", discount=0.5, bonus=0.25, reach=0.5))
    live(ucbvi, *4 * [(0, 0, -2.0, 1, True, False)])
    # Range 2 (0 included), best reward 0, ceiling (0 + 1) / 0.5; bonus 0.25 * 1 step * 2 / sqrt(4).
    np.testing.assert_allclose(plan_of(ucbvi)[0], [-2 + 0.25, 2.0])


def test_an_r_max_ceiling_includes_a_reward_of_zero() -> None:
    psrl = begun(agent("psrl", discount=0.5, ceiling=True))
    live(psrl, *4 * [(0, 0, -1.0, 1, False, True)])
    assert plan_of(psrl)[0, 1] == 0.0
    assert plan_of(psrl)[0, 0] < 0.0


def test_plan_of_tests_is_certainty_equivalent_and_shuns_what_is_unknown() -> None:
    task = two_state_task()
    player = begun(learner("oim"))
    live(player, (0, 0, 0.0, 0, False, False), (0, 1, 1.0, 1, False, False), (1, 0, 0.0, 0, False, True))
    play.plan_tests(player._memory, player._rates)
    q = player._memory.q[0, 1]
    discount = player.settings.discount
    value = 1 / (1 - discount**2)
    np.testing.assert_allclose(q[:, 0], [discount * value, discount * value], rtol=1e-2)
    np.testing.assert_allclose(q[0, 1], value, rtol=1e-2)
    np.testing.assert_allclose(q[1, 1], 0.0, atol=1e-9)
    np.testing.assert_array_equal(player.policy_table()[0], [[0, 1], [1, 0]])
    assert bench.policy_return(task, player.policy_table()[0]).mean == pytest.approx(5.0)


def test_policy_is_uniform_where_nothing_was_tried() -> None:
    player = begun(learner("oim"), ids=3, actions=4)
    live(player, (0, 2, -1.0, 1, False, True))
    np.testing.assert_array_equal(player.policy_table()[0], [[0, 0, 1, 0], 4 * [0.25], 4 * [0.25]])


def test_weight_of_optimism_follows_the_length_of_episodes() -> None:
    player = begun(agent("oim"))
    live(player, *9 * [(0, 0, 0.0, 0, False, False)], (0, 0, 0.0, 0, False, True))
    live(player, *29 * [(0, 0, 0.0, 0, False, False)], (0, 0, 0.0, 0, False, True))
    assert weight_of(player._memory.statistic, 0, 0.01) == pytest.approx(0.2)
    assert weight_of(player._memory.statistic, 0, 1.0) == MOST_WEIGHT


# --- ids that are not Markov --------------------------------------------------------------------------


def test_markov_tasks_are_not_taken_for_aliased_ones() -> None:
    tasks = [bench.sample_task("anymdp", seed=seed, n_states=8) for seed in range(40)]
    env = batch_env(tasks, autoreset_mode="Disabled")
    env.reset(seed=1)
    player = begun(learner("oim"), 40, tasks[0].n_observations, tasks[0].n_actions)
    player.learn_episodes(env, 50)
    assert not any(is_aliased(player._memory.history, i) for i in range(40))


def test_aliased_ids_shorten_the_sight() -> None:
    player = begun(agent("oim", discount=0.5, aliased_discount=0.0), ids=3, actions=1)
    live(player, (0, 0, 1.0, 0, False, False))
    far = plan_of(player)[0, 0]
    player._memory.history.evidence[0] = [50.0, 50.0, 60.0]
    assert plan_of(player)[0, 0] < far


# --- contexts ---------------------------------------------------------------------------------------


def recorded(teacher: str) -> tuple[Any, Context]:
    context = record_context("frozenlake-v0", teacher, split="validation", tasks=[0], n_episodes=20)
    return load_bank("frozenlake-v0").validation[0], context


@kinds
def test_a_context_counts_as_if_it_had_been_lived(kind: str) -> None:
    task, context = recorded("uniform")
    told = begun(agent(kind), 1, task.n_observations, task.n_actions, context=context)
    lived = begun(agent(kind), 1, task.n_observations, task.n_actions)
    columns = context.observations, context.actions, context.rewards, context.next_observations
    ends = context.terminated, context.truncated
    for step in zip(*columns, *ends, strict=True):
        live(lived, step)
    for mine, its in zip(told._memory.statistic, lived._memory.statistic, strict=True):
        assert mine.shape[-1] == 1 or np.array_equal(mine, its)
    np.testing.assert_array_equal(told._memory.history.evidence, lived._memory.history.evidence)
    for observation in range(task.n_observations):
        now = np.array([observation]), np.array([True])
        assert told.act(*now) == lived.act(*now)


@kinds
def test_tags_of_the_oracle_are_followed(kind: str) -> None:
    task, context = recorded("noisy-oracle-0.5")
    oracle = bench.greedy(bench.plan(task, bench.ORACLE_DISCOUNT))
    for player in (agent(kind), learner(kind)):
        begun(player, 1, task.n_observations, task.n_actions, context=context)
        if isinstance(player, ModelBasedLearner):
            player.freeze()
        for observation in np.unique(context.observations[context.tags == 3]):
            assert player.act(np.array([observation]), np.array([True])) == oracle[observation]


# --- learners, sizes, settings ------------------------------------------------------------------------


@kinds
def test_frozen_learners_learn_nothing_and_play_their_table(kind: str) -> None:
    task = random_task(1)
    env = batch_env([task], autoreset_mode="Disabled")
    env.reset(seed=3)
    player = begun(learner(kind), 1, 6, 3)
    player.learn_episodes(env, 20)
    player.freeze()
    before = player._memory.statistic.totals.copy()
    live(player, (0, 0, 1.0, 1, False, False))
    np.testing.assert_array_equal(player._memory.statistic.totals, before)
    table = player.policy_table()[0]
    for observation in range(6):
        if table[observation].max() == 1.0:
            assert player.act(np.array([observation]), np.array([True]))[0] == table[observation].argmax()
    player.unfreeze()
    live(player, (0, 0, 1.0, 1, False, False))
    assert player._memory.statistic.totals[0, 0] == before[0, 0] + 1


@kinds
def test_learners_find_the_best_policy_of_lakes_that_do_not_slip(kind: str) -> None:
    tasks = load_bank("frozenlake-v0").split("validation")[:4]
    env = batch_env(tasks, autoreset_mode="Disabled")
    env.reset(seed=3)
    player = begun(learner(kind), 4, 16, 4)
    player.learn_episodes(env, 300)
    for task, table in zip(tasks, player.policy_table(), strict=True):
        reached = bench.policy_return(task, table[task.state_ids]).mean
        assert reached == pytest.approx(bench.references(task).oracle)


def test_memory_of_many_ids_stays_small() -> None:
    player = begun(agent("oim"), 1, 2000, 4)
    rng = np.random.default_rng(0)
    walk = rng.integers(2000, size=3001)
    for t in range(3000):
        live(player, (walk[t], int(rng.integers(4)), 0.0, walk[t + 1], False, False))
    sizes = [
        array.nbytes for part in player._memory for array in (part if isinstance(part, tuple) else [part])
    ]
    assert sum(sizes) < 3 << 20


@kinds
def test_several_tokens_are_refused(kind: str) -> None:
    with pytest.raises(AgentError, match="single ids"):
        agent(kind).begin(1, MultiDiscrete([2, 2]), Discrete(2), 0)


def test_illegal_settings_are_refused() -> None:
    with pytest.raises(InvalidConfig, match="discount=1"):
        OimSettings(discount=1)
    with pytest.raises(InvalidConfig, match="bonus=-1"):
        UcbviSettings(bonus=-1)


@kinds
def test_tuned_settings_are_the_best_of_those_tried(kind: str) -> None:
    agents = json.loads((files("baselines") / TUNED).read_text(encoding="utf-8"))["agents"]
    if kind not in agents:
        assert tuned_settings(kind) == KINDS[kind]()
        return
    found = agents[kind]
    assert found["value"] == max(one["value"] for one in found["tried"])
    assert KINDS[kind](**found["settings"]) == tuned_settings(kind)
    played = {
        task.fingerprint()
        for banks in FAMILIES.values()
        for bank in banks
        for task in load_bank(bank).board_tasks()
    }
    assert not played & {task for tasks in found["tasks"].values() for task in tasks}


def test_plan_of_tests_settles() -> None:
    player = begun(learner("oim"))
    live(player, (0, 1, 1.0, 1, False, False), (1, 0, 0.0, 0, False, True))
    plan_test(player._memory, player._rates, 0)
    first = player._memory.values.copy()
    plan_test(player._memory, player._rates, 0)
    np.testing.assert_allclose(player._memory.values, first, rtol=1e-3)
