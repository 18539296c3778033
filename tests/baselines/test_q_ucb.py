"""Tabular Q-learning with a UCB bonus: against a plain reference, compiled against plain, what it reaches."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numba
import numpy as np
import pytest
from gymnasium.spaces import Discrete, MultiDiscrete

import anymdp_bench
from anymdp_bench import AgentError, Board, InvalidConfig, Task, compiled_rows, load_bank, sample_task
from anymdp_bench.envs import batch_env
from anymdp_bench.worlds import cliffwalking, darkroom, frozenlake
from anymdp_bench.worlds.pendulum.task import PendulumTask
from baselines.families import FAMILIES, family_of_bank
from baselines.q_ucb.agent import QUCB, REMEMBERED_STEPS, Settings, make
from tests.support.scripted import corridor
from tests.support.tasks import random_task

TASKS: dict[str, list[Task]] = {
    "anymdp": [sample_task("anymdp", seed=s, n_states=64) for s in range(3)],
    "garnet": [sample_task("garnet", seed=s) for s in range(3)],
    "bandit": [sample_task("anymdp", seed=s, n_states=1) for s in range(3)],
    "rewards per outcome": [random_task(s) for s in range(3)],
    "wide rows": [random_task(s, n=40, horizon=30) for s in range(2)],
    "darkroom": [darkroom(size=6)] * 2,
    "frozenlake": [frozenlake()] * 2,
    "cliffwalking": [cliffwalking()] * 2,
    "pendulum": [PendulumTask(g=5.0, reward="shaped"), PendulumTask(g=1.0), PendulumTask(start="fixed")],
}
kinds = pytest.mark.parametrize("kind", TASKS)


def seeded(tasks: Sequence[Task], seed: int = 3) -> Any:
    env = batch_env(tasks, autoreset_mode="Disabled")
    env.reset(seed=seed)
    return env


def begun(env: Any, agent: QUCB | None = None, seed: int = 7) -> QUCB:
    learner = agent or QUCB()
    learner.begin(env.num_envs, env.single_observation_space, env.single_action_space, seed)
    return learner


@numba.njit
def play_rows(rows: Any, n: int, n_actions: int, n_steps: int) -> Any:
    observations, ends = np.zeros((n, n_steps), np.int64), np.zeros((n, n_steps), np.int64)
    rewards, scores = np.zeros((n, n_steps)), np.zeros((n, n_steps))
    for i in range(n):
        current = anymdp_bench.restart_row(rows, i)
        for t in range(n_steps):
            action = (current + 3 * t) % n_actions
            current, rewards[i, t], scores[i, t], terminated, truncated = anymdp_bench.step_row(
                rows, i, action
            )
            observations[i, t] = current
            ends[i, t] = 2 * terminated + truncated
            if terminated or truncated:
                current = anymdp_bench.restart_row(rows, i)
    return observations, rewards, scores, ends


def play_batch(env: Any, n_steps: int) -> Any:
    n_actions = int(env.single_action_space.n)
    current = env.restart(np.ones(env.num_envs, bool))
    steps = []
    for t in range(n_steps):
        step = env.advance((current + 3 * t) % n_actions)
        steps.append((step.observations, step.rewards, step.scores, 2 * step.terminated + step.truncated))
        current = env.restart(step.terminated | step.truncated)
    return [np.stack(column, axis=1) for column in zip(*steps, strict=True)]


@kinds
def test_rows_step_as_the_batch_does(kind: str) -> None:
    one, other = seeded(TASKS[kind]), seeded(TASKS[kind])
    for _ in range(2):  # the second round goes on with the episode counters of the first
        compiled = play_rows(compiled_rows(one), one.num_envs, int(one.single_action_space.n), 400)
        for ours, batch in zip(compiled, play_batch(other, 400), strict=True):
            assert np.array_equal(ours, batch)
    everywhere = np.ones(one.num_envs, bool)
    assert np.array_equal(one.restart(everywhere), other.restart(everywhere))


def test_rows_are_for_single_moves_and_seen_ids() -> None:
    assert compiled_rows(seeded([sample_task("anypomdp", seed=0)])) is None
    assert compiled_rows(seeded([sample_task("multi-token-anypomdp", seed=0)])) is None
    assert compiled_rows("no environment") is None
    rows = compiled_rows(seeded(TASKS["garnet"]))
    assert rows is not None
    with pytest.raises(InvalidConfig, match=r"for numba\.njit functions; in Python call env\.restart"):
        anymdp_bench.restart_row(rows, 0)
    with pytest.raises(InvalidConfig, match=r"for numba\.njit functions"):
        anymdp_bench.step_row(rows, 0, 0)


class Plain(QUCB):
    """Leaves training to the loop of the evaluation."""

    def learn_episodes(self, env: Any, n_episodes: int) -> None:
        return None


@kinds
@pytest.mark.parametrize("trace", [0.0, 0.9])
def test_compiled_training_equals_the_plain_loop(kind: str, trace: float) -> None:
    board = Board(name="test", bank="none", train_episodes=60, test_every=20, test_episodes=50)
    settings = Settings(greedy_share=0.3, replays=2, trace=trace)
    one, other = (
        anymdp_bench.evaluate(agent, board, tasks=TASKS[kind]) for agent in (QUCB(settings), Plain(settings))
    )
    for shard, plain in zip(one.shards, other.shards, strict=True):
        for name in ("episodes", "steps", "counts", "mean", "even", "odd"):
            assert np.array_equal(getattr(shard.points, name), getattr(plain.points, name)), name
        for ours, theirs in zip(shard.lived, plain.lived, strict=True):
            assert np.array_equal(ours, theirs)


class Reference:
    """The update as the module describes it, for one row, in plain Python."""

    def __init__(self, settings: Settings, n_actions: int) -> None:
        self.s, self.actions = settings, range(n_actions)
        self.optimistic: dict[tuple[int, int], float] = {}
        self.value: dict[tuple[int, int], float] = defaultdict(float)
        self.visits: dict[tuple[int, int], int] = {}
        self.low = self.high = 0.0
        self.episode: list[tuple[int, int, float, int, bool]] = []

    def observe(self, o: int, a: int, r: float, following: int, terminated: bool, truncated: bool) -> None:
        self.low, self.high = min(self.low, r), max(self.high, r)
        self.visits[o, a] = self.visits.get((o, a), 0) + 1
        self.episode.append((o, a, r, following, terminated))
        self.update(*self.episode[-1])
        if terminated or truncated:
            if self.s.trace:
                self.trace_back()
            for _ in range(self.s.replays):
                for step in self.episode[: -REMEMBERED_STEPS - 1 : -1]:
                    self.update(*step)
            self.episode = []

    def update(self, o: int, a: int, r: float, following: int, terminated: bool) -> None:
        s, scale, n = self.s, self.high - self.low, self.visits[o, a]
        ceiling = (self.high + s.optimism * scale) / (1 - s.explore_discount)
        pairs = [(following, b) for b in self.actions]
        up = 0.0 if terminated else max(self.optimistic.get(pair, ceiling) for pair in pairs)
        tried = [self.value[pair] for pair in pairs if pair in self.visits]
        plain = 0.0 if terminated or not tried else max(tried)
        rate = (s.lr_horizon + 1) / (s.lr_horizon + n)
        target = r + s.bonus * scale / math.sqrt(n) + s.explore_discount * up
        old = self.optimistic.get((o, a), ceiling)
        self.optimistic[o, a] = min(old + rate * (target - old), ceiling)
        if not s.trace:
            self.value[o, a] += rate * (r + s.discount * plain - self.value[o, a])

    def best(self, o: int) -> float:
        return max((self.value[o, a] for a in self.actions if (o, a) in self.visits), default=0.0)

    def trace_back(self) -> None:
        lived, mixed = 0.0, 0.0
        for o, a, r, following, terminated in self.episode[: -REMEMBERED_STEPS - 1 : -1]:
            best = 0.0 if terminated else self.best(following)
            lived = r + self.s.discount * ((1 - mixed) * best + mixed * lived)
            mixed = self.s.trace if self.value[o, a] >= self.best(o) else 0.0
            n = self.visits[o, a]
            self.value[o, a] += (self.s.lr_horizon + 1) / (self.s.lr_horizon + n) * (lived - self.value[o, a])


@pytest.mark.parametrize("horizon", [7, REMEMBERED_STEPS + 300])
@pytest.mark.parametrize("trace", [0.0, 0.8, 1.0])
def test_updates_are_those_of_the_description(horizon: int, trace: float) -> None:
    settings = Settings(bonus=0.7, optimism=0.4, lr_horizon=3.0, replays=2, explore_discount=0.9, trace=trace)
    env = seeded([random_task(1, horizon=7) if horizon == 7 else corridor(horizon=horizon, gain=0.0)])
    agent, n_actions = begun(env, QUCB(settings)), int(env.single_action_space.n)
    reference, active = Reference(settings, n_actions), np.ones(1, bool)
    rng = np.random.default_rng(0)
    for _ in range(20 if horizon == 7 else 2):
        o, over = env.restart(active), False
        while not over:
            # In the long corridor nothing ends the episode but its horizon.
            a = np.array([rng.integers(n_actions)]) if horizon == 7 else np.array([0])
            step = env.advance(a)
            agent.observe(o, a, step.rewards, step.observations, step.terminated, step.truncated, active)
            over = bool(step.terminated[0] or step.truncated[0])
            reference.observe(
                int(o[0]), int(a[0]), float(step.rewards[0]), int(step.observations[0]), *map(bool, step[3:])
            )
            o = step.observations
    tables = agent._tables
    for pair, n in reference.visits.items():
        assert tables.visits[0][pair] == n
        assert tables.optimistic[0][pair] == pytest.approx(reference.optimistic[pair], rel=1e-12, abs=1e-12)
        assert tables.value[0][pair] == pytest.approx(reference.value[pair], rel=1e-12, abs=1e-12)
    assert tables.visits.sum() == sum(reference.visits.values())


def test_untried_actions_come_first_then_the_optimistic_estimate() -> None:
    agent, active = QUCB(Settings(greedy_share=0.0)), np.ones(1, bool)
    agent.begin(1, Discrete(2), Discrete(3), seed=0)
    tried = []
    for reward in (1.0, 5.0, 2.0):
        action = agent.act(np.zeros(1, np.int64), active)
        tried.append(int(action[0]))
        last, rewards = np.ones(1, bool), np.array([reward])
        agent.observe(np.zeros(1, np.int64), action, rewards, np.ones(1, np.int64), last, ~last, active)
    assert sorted(tried) == [0, 1, 2]
    assert agent.act(np.zeros(1, np.int64), active)[0] == agent._tables.optimistic[0, 0].argmax()


def test_first_actions_are_random_and_rows_independent() -> None:
    agent, active = QUCB(), np.ones(200, bool)
    agent.begin(200, Discrete(1), Discrete(4), seed=0)
    first = agent.act(np.zeros(200, np.int64), active)
    assert np.bincount(first, minlength=4).min() > 25
    agent.begin(3, Discrete(1), Discrete(4), seed=0)
    assert np.array_equal(agent.act(np.zeros(3, np.int64), active[:3]), first[:3])


def test_policy_is_greedy_on_the_plain_estimate_and_uniform_where_nothing_was_tried() -> None:
    env = seeded([corridor(horizon=3)])
    agent = begun(env)
    assert np.array_equal(agent.policy_table(), np.full((1, 3, 2), 0.5))
    agent.learn_episodes(env, 30)
    table = agent.policy_table()[0]
    assert np.array_equal(table[:2], [[0, 1], [0, 1]])
    assert np.array_equal(table[2], [0.5, 0.5])  # nobody acts behind the exit
    agent.freeze()
    states = np.array([0])
    assert {int(agent.act(states, np.ones(1, bool))[0]) for _ in range(20)} == {1}
    unseen = {int(agent.act(states + 2, np.ones(1, bool))[0]) for _ in range(40)}
    assert unseen == {0, 1}


def test_frozen_play_changes_nothing() -> None:
    def train(test_between: bool) -> Any:
        env, other = seeded(TASKS["anymdp"]), seeded(TASKS["anymdp"], seed=9)
        agent, active = begun(env), np.ones(3, bool)
        agent.learn_episodes(env, 5)
        if test_between:
            agent.freeze()
            observations = other.restart(active)
            for _ in range(20):
                actions = agent.act(observations, active)
                step = other.advance(actions)
                ends = step.terminated, step.truncated
                agent.observe(observations, actions, step.rewards, step.observations, *ends, active)
                observations = other.restart(step.terminated | step.truncated)
            agent.unfreeze()
        return agent.learn_episodes(env, 5)

    for ours, theirs in zip(train(True), train(False), strict=True):
        assert np.array_equal(ours, theirs)


def test_begin_forgets() -> None:
    env, again = seeded(TASKS["garnet"]), seeded(TASKS["garnet"])
    agent = begun(env)
    first = agent.learn_episodes(env, 5)
    agent.freeze()
    second = begun(again, agent).learn_episodes(again, 5)
    assert first is not None and second is not None
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("bank", ["anymdp-1x5-v0", "garnet-16x5b2-v0", "darkroom-6-v0", "cliffwalking-v0"])
def test_it_solves_validation_tasks(bank: str) -> None:
    for task in load_bank(bank).validation[:2]:
        result = anymdp_bench.evaluate(make(bank), bank, tasks=[task], train_episodes=2000, runs=1)
        assert result.scores()["performance"].item() > 0.97


def test_an_observation_or_action_of_several_tokens_is_refused() -> None:
    with pytest.raises(AgentError, match=r"Discrete spaces of single ids; it got MultiDiscrete"):
        QUCB().begin(1, MultiDiscrete([4, 4]), Discrete(2), seed=0)
    with pytest.raises(AgentError, match="single ids"):
        QUCB().begin(1, Discrete(4), MultiDiscrete([4, 4]), seed=0)
    with pytest.raises(AgentError, match="takes no recorded context"):
        QUCB().begin(1, Discrete(4), Discrete(2), seed=0, context=[1])


@pytest.mark.parametrize(
    ("name", "value", "legal"),
    [
        ("discount", 1.0, r"\[0, 1\)"),
        ("explore_discount", -0.1, r"\[0, 1\)"),
        ("greedy_share", 1.0, r"\[0, 1\)"),
        ("bonus", -1.0, "at least 0"),
        ("optimism", math.inf, "at least 0"),
        ("lr_horizon", math.nan, "at least 0"),
        ("replays", -1, "at least 0"),
        ("trace", 1.5, r"\[0, 1\]"),
    ],
)
def test_settings_out_of_range_are_refused(name: str, value: float, legal: str) -> None:
    with pytest.raises(InvalidConfig, match=f"{name}={value!r}: give .*{legal}"):
        Settings(**{name: value})  # type: ignore[arg-type]


def test_every_bank_has_a_family_and_unknown_ones_the_default() -> None:
    assert {bank for banks in FAMILIES.values() for bank in banks} == set(anymdp_bench.BANKS)
    for bank in anymdp_bench.BANKS:
        assert make(bank).info.config == make(bank).info.config
    assert family_of_bank("own tasks") == "anymdp"
    assert make().info.config == make("anymdp-16x5-v0").info.config
