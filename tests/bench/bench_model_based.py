"""Speed of the agents that plan on counts: ``pytest tests/bench/bench_model_based.py`` (about a minute)."""

from __future__ import annotations

import time
from typing import Any

import pytest

from anymdp_bench import batch_env, load_bank
from baselines.model_based.agents import ModelBasedLearner
from baselines.model_based.settings import KINDS
from tests.support.ratios import cpu_seconds, report

pytestmark = pytest.mark.benchmark(timer=time.process_time, warmup=False)

STEPS = 8_000
LIMITS = {"anymdp-16x5-v0": 10e-6, "anymdp-128x5-v0": 30e-6}
"""Seconds of a step, environment included, on average over the first 8,000."""


def life(kind: str, bank: str, n_tasks: int, n_episodes: int) -> int:
    """Live some episodes of validation tasks in one kernel; return the steps."""
    env = batch_env([load_bank(bank).validation[i] for i in range(n_tasks)], autoreset_mode="Disabled")
    env.reset(seed=0)
    agent = ModelBasedLearner(kind)
    agent.begin(n_tasks, env.single_observation_space, env.single_action_space, 0)
    episodes = agent.learn_episodes(env, n_episodes)
    assert episodes is not None
    return int(episodes.lengths.sum())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bank", LIMITS)
def test_a_step_of_the_first_eight_thousand(benchmark: Any, kind: str, bank: str) -> None:
    per_episode = life(kind, bank, 8, 10) / 80
    n_episodes = max(1, round(STEPS / per_episode))
    steps = life(kind, bank, 8, n_episodes)
    benchmark.pedantic(life, args=(kind, bank, 8, n_episodes), rounds=3)
    ratio = LIMITS[bank] / (benchmark.stats.stats.min / steps)
    report(benchmark, f"{kind}, {bank}: allowed / actual time of a step", ratio, 1.0)


def test_a_whole_board_of_sixteen_states(benchmark: Any) -> None:
    seconds = cpu_seconds(lambda: life("oim", "anymdp-16x5-v0", 64, 200), repeats=1)
    benchmark.pedantic(life, args=("oim", "anymdp-16x5-v0", 64, 200), rounds=1)
    report(benchmark, "oim, 64 tasks x 200 episodes of 16x5: 5 s / CPU time", 5.0 / seconds, 1.0)
