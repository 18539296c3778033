"""Speed of sampling and planning: ``pytest tests/bench/bench_tasks.py`` (with the peer three minutes)."""

import itertools
import time
from typing import Any

import numpy as np
import pytest

from anymdp_bench.planning import kernels
from anymdp_bench.planning.model import model_of
from anymdp_bench.samplers import sample_task, sample_tasks
from tests.support.ratios import cpu_seconds, peer, report

pytestmark = pytest.mark.benchmark(timer=time.process_time, warmup=False)

OUR_TASKS = {16: 400, 32: 200, 64: 100, 128: 40}
PEER_TASKS = {16: 30, 32: 15, 64: 6, 128: 3}


@pytest.mark.parametrize("n_states", OUR_TASKS)
def test_sampling_against_the_peer(benchmark: Any, n_states: int) -> None:
    """Mean CPU time of a task over many seeds; the law of the cost is skewed, so the peer's is too."""
    sampler = peer()
    ours = itertools.count()
    number = OUR_TASKS[n_states]

    def sample_many() -> None:
        sample_tasks("anymdp", number, seed=next(ours) * number, n_states=n_states)

    sample_many()
    benchmark.pedantic(sample_many, rounds=5)
    sampler.AnyMDPTaskSampler(n_states, 5, seed=1)
    start = time.process_time()
    for i in range(PEER_TASKS[n_states]):
        sampler.AnyMDPTaskSampler(n_states, 5, seed=1000 + i)
    theirs = (time.process_time() - start) / PEER_TASKS[n_states]
    report(
        benchmark,
        f"task sampling, n_states {n_states}, peer / ours",
        theirs / (benchmark.stats.stats.min / number),
        500,
    )


@pytest.mark.parametrize("n_states", OUR_TASKS)
def test_policy_iteration_against_value_iteration(benchmark: Any, n_states: int) -> None:
    """Exact policy iteration against Gauss-Seidel sweeps to 1e-8, over ten tasks at discount 0.994."""
    models = [model_of(sample_task("anymdp", seed=seed, n_states=n_states)) for seed in range(10)]
    q = np.empty((n_states, 5))

    def iterate_policies() -> None:
        for m in models:
            actions = np.zeros(m.n_states, dtype=np.int64)
            kernels.myopic_actions(m.outcomes, m.reward, 0.994, actions, q)
            kernels.policy_iteration(m.outcomes, m.reward, 0.994, actions, q)

    def sweep() -> None:
        for m in models:
            kernels.value_iteration(m.outcomes, m.reward, 0.994, 1e-8, q)

    iterate_policies()
    benchmark.pedantic(iterate_policies, rounds=20)
    ratio = cpu_seconds(sweep) / benchmark.stats.stats.min
    report(benchmark, f"policy iteration, n_states {n_states}, sweeps / exact", ratio, 15)


def test_two_threads_sample_faster_than_one(benchmark: Any) -> None:
    """Wall time; needs an idle machine with two cores."""
    tasks = 300
    counter = itertools.count()

    def sample(n_jobs: int) -> None:
        sample_tasks("anymdp", tasks, seed=next(counter) * tasks, n_jobs=n_jobs, n_states=64)

    def best_wall(n_jobs: int) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            sample(n_jobs)
            times.append(time.perf_counter() - start)
        return min(times)

    sample(2)
    benchmark.pedantic(sample, args=(2,), rounds=3)
    report(benchmark, "task sampling, n_states 64, one thread / two (wall)", best_wall(1) / best_wall(2), 1.6)
