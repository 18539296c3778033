"""Speed of PPO: ``pytest tests/bench/bench_ppo.py``, on an idle machine; one thread, environment included."""

import time
from typing import Any

import pytest

pytest.importorskip("stable_baselines3")

import torch

from anymdp_bench import load_bank
from anymdp_bench.envs import batch_env
from baselines.ppo.trainer import PpoSettings, Trainer

pytestmark = pytest.mark.benchmark(timer=time.process_time, warmup=False)

N_STEPS, REQUIRED = 100_000, 30_000


@pytest.mark.parametrize("hidden", [0, 64], ids=["tables", "networks"])
def test_training_steps_per_second(benchmark: Any, hidden: int) -> None:
    torch.set_num_threads(1)
    task = load_bank("anymdp-16x5-v0").validation[0]
    settings = PpoSettings(hidden=hidden)
    trainer = Trainer(batch_env([task] * settings.n_envs), settings, seed=0)
    steps: list[int] = []

    def train() -> None:
        lived = [trainer.learn(50)]
        while sum(episode.length for part in lived for episode in part) < N_STEPS:
            lived.append(trainer.learn(50))
        steps.append(sum(episode.length for part in lived for episode in part))

    benchmark.pedantic(train, rounds=3, warmup_rounds=1)
    rate = max(steps) / benchmark.stats.stats.min
    benchmark.extra_info.update(
        what=f"steps/s, hidden={hidden}", ratio=round(rate), required=REQUIRED, steps=steps
    )
