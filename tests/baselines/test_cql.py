"""Tabular CQL: the minimum of its loss, its play, and what it gains over its teachers."""

from __future__ import annotations

import dataclasses
import json
from importlib.resources import files
from typing import Any

import numpy as np
import pytest
from gymnasium.spaces import Discrete, MultiDiscrete

from anymdp_bench import Context, check_agent, load_bank, policy_return, record_context, record_episodes
from anymdp_bench.agents.registry import make_agent
from anymdp_bench.contexts import get_teacher
from anymdp_bench.contexts.guides import guide
from anymdp_bench.envs import batch_env
from anymdp_bench.foundation.errors import AgentError, InvalidConfig
from anymdp_bench.planning import plan, references
from anymdp_bench.tasks.build import build_task
from anymdp_bench.tasks.task import TabularTask
from baselines.cql.agent import Settings, TabularCQL, tuned_settings
from baselines.families import FAMILIES
from tests.support.scripted import corridor
from tests.support.tasks import random_task


def student(
    context: Context | None, n: int = 1, seed: int = 0, spaces: Any = None, **settings: Any
) -> TabularCQL:
    agent = TabularCQL(Settings(**settings))
    sizes = spaces or (context.n_observations, context.n_actions)  # type: ignore[union-attr]
    agent.begin(n, Discrete(sizes[0]), Discrete(sizes[1]), seed, context=context)
    return agent


def pulls(actions: list[int], rewards: list[float]) -> Context:
    """One row of one-step episodes in a single state."""
    n = len(actions)
    return Context(
        n_rows=1,
        n_observations=1,
        n_actions=3,
        observations=np.zeros(n, int),
        actions=actions,
        rewards=rewards,
        next_observations=np.zeros(n, int),
        terminated=np.ones(n, bool),
        truncated=np.zeros(n, bool),
        tags=np.full(n, 7),
        episode_start=np.arange(n + 1),
        teachers=("me",) * n,
    )


def test_values_minimise_the_conservative_loss() -> None:
    """Q = target - alpha * scale * (softmax / share - 1), with mean rewards 2 and 3 as targets."""
    context = pulls([0, 0, 0, 1], [1.0, 2.0, 3.0, 3.0])
    alpha, scale = 0.5, np.std([1.0, 2.0, 3.0, 3.0])
    q = student(context, alpha=alpha)._q[0, 0]
    soft = np.exp(q[:2] / scale) / np.exp(q[:2] / scale).sum()
    expected = np.array([2.0, 3.0]) - alpha * scale * (soft / np.array([0.75, 0.25]) - 1)
    assert q[:2] == pytest.approx(expected, abs=1e-3)
    assert q[1] < 3.0, "the seldom tried action is valued below its mean reward"
    assert student(context, alpha=0.0)._q[0, 0, :2] == pytest.approx([2.0, 3.0], abs=1e-3)


def test_what_nobody_tried_is_never_played() -> None:
    agent = student(pulls([0, 0, 1], [-5.0, -5.0, -9.0]), explore_share=0.0)
    actions = {int(agent.act(np.zeros(1, int), np.ones(1, bool))[0]) for _ in range(50)}
    assert actions == {0}
    assert agent.policy_table()[0, 0].tolist() == [1.0, 0.0, 0.0]


def test_without_penalty_it_finds_the_optimal_values_of_a_deterministic_task() -> None:
    task = corridor(horizon=30)
    agent = student(record_episodes([task], "uniform", [0], 100), alpha=0.0, discount=0.9)
    assert agent._q[0, :2] == pytest.approx(plan(task, 0.9)[:2], abs=1e-3)


def test_nothing_is_counted_after_termination() -> None:
    context = pulls([0, 1], [1.0, 0.0])
    assert student(context, alpha=0.0, discount=0.99)._q[0, 0, 0] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("teacher", "share"), [("noisy-oracle-0.5", 0.75), ("uniform", 0.6), ("oracle", 0.9)]
)
def test_it_improves_over_its_teacher(teacher: str, share: float) -> None:
    """Before its first own episode, on validation tasks: score above the teacher's, and above a share."""
    tasks = load_bank("anymdp-16x5-v0").validation[:8]
    context = record_context("anymdp-16x5-v0", teacher, split="validation", tasks=range(8))
    table = student(context, n=8).policy_table()
    scores, taught = [], []
    for task, policy in zip(tasks, table, strict=True):
        assert isinstance(task, TabularTask)
        known = references(task)
        own = policy_return(task, policy[task.state_ids]).mean
        other = policy_return(task, guide(task, get_teacher(teacher), 0).policy(task.n_actions)).mean
        scores.append((own - known.random) / (known.oracle - known.random))
        taught.append((other - known.random) / (known.oracle - known.random))
    assert np.mean(scores) > share
    if teacher != "oracle":
        assert np.mean(scores) > np.mean(taught) + 0.2
        assert np.sum(np.array(scores) > taught) >= 7


def live(agent: TabularCQL, task: TabularTask, n_episodes: int) -> None:
    """Let the agent live some episodes of a task, in the plain loop."""
    env = batch_env([task], autoreset_mode="Disabled")
    env.reset(seed=0)
    one = np.ones(1, bool)
    for _ in range(n_episodes):
        observations, done = env.restart(one), False
        while not done:
            actions = agent.act(observations, one)
            step = env.advance(actions)
            ends = step.terminated, step.truncated
            agent.observe(observations, actions, step.rewards, step.observations, *ends, one)
            observations, done = step.observations, bool(ends[0][0] or ends[1][0])


def long_corridor(horizon: int) -> TabularTask:
    """Six rooms; action 1 moves on, action 0 back to the first; each step costs 0.1, the exit pays 1."""
    transition = np.zeros((7, 2, 7))
    transition[:6, 0, 0] = 1
    transition[np.arange(6), 1, np.arange(6) + 1] = 1
    pays = np.append(np.full(6, -0.1), 1.0)
    return build_task(transition, initial=np.eye(7)[0], horizon=horizon, reward_next=pays, family="corridor")


def test_it_finds_a_goal_that_its_teacher_never_reached() -> None:
    context = record_episodes([long_corridor(horizon=3)], "uniform", [0], 30)
    agent = student(context, explore_share=1.0, explore_episodes=30)
    assert context.observations.max() < 4
    live(agent, long_corridor(horizon=20), 40)
    assert agent.policy_table()[0, :6].tolist() == [[0.0, 1.0]] * 6


def test_it_does_not_explore_after_a_teacher_that_acts_as_it_would() -> None:
    context = record_episodes([long_corridor(horizon=20)], "oracle", [0], 5)
    agent = student(context, explore_share=1.0)
    live(agent, long_corridor(horizon=20), 20)
    assert agent._data.visits[0, :6, 0].sum() == 0, "the action that nobody took is not tried"
    alone = student(None, spaces=(7, 2), explore_share=1.0)
    live(alone, long_corridor(horizon=20), 60)
    assert alone.policy_table()[0, :6].tolist() == [[0.0, 1.0]] * 6


def test_frozen_it_neither_learns_nor_explores() -> None:
    agent = student(pulls([0] * 9 + [1], [0.0] * 9 + [1.0]), explore_share=1.0, seed=1)
    before = agent.policy_table()
    agent.freeze()
    one, no = np.ones(1, bool), np.zeros(1, bool)
    for _ in range(20):
        assert agent.act(np.zeros(1, int), one)[0] == 1
        agent.observe(np.zeros(1, int), np.array([1]), np.array([-99.0]), np.zeros(1, int), one, no, one)
    assert (agent.policy_table() == before).all()
    agent.unfreeze()
    assert agent.act(np.zeros(1, int), one)[0] == 2, "it explores: what was never tried is worth most"


def test_it_keeps_the_rules_of_agents() -> None:
    check_agent(TabularCQL())


def test_rows_are_independent_of_each_other() -> None:
    tasks = [random_task(seed) for seed in range(2)]
    both = record_episodes(tasks, "uniform", [0, 1], 30)
    alone = student(both.rows([1]))
    assert (student(both, n=2).policy_table()[1] == alone.policy_table()[0]).all()


def test_spaces_that_it_cannot_hold_are_refused() -> None:
    with pytest.raises(AgentError, match="cql plays Discrete spaces"):
        TabularCQL().begin(1, MultiDiscrete([3, 3]), Discrete(2), 0)
    with pytest.raises(AgentError, match="5000 ids and 5 actions: the counts are bounded"):
        student(None, spaces=(5000, 5))


@pytest.mark.parametrize(
    "change",
    [{"discount": 1.0}, {"alpha": -1.0}, {"explore_share": 1.5}, {"explore_episodes": 0}, {"sweeps": -1}],
)
def test_illegal_settings_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfig, match=f"{next(iter(change))}=.*give a number in"):
        Settings(**change)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_bank_plays_with_the_settings_of_its_family(family: str) -> None:
    assert make_agent("cql", bank=FAMILIES[family][0]).info.config == dataclasses.asdict(
        tuned_settings(family)
    )


def test_settings_were_chosen_on_validation_tasks_only() -> None:
    found = json.loads((files("baselines") / "tuned/cql.json").read_text(encoding="utf-8"))["families"]
    assert found and set(found) <= set(FAMILIES)
    for family, entry in found.items():
        assert set(entry["banks"]) <= {f"{bank}/validation" for bank in FAMILIES[family]}
        assert tuned_settings(family) == Settings(**entry["settings"])
