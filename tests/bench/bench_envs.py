"""Speed of stepping: ``pytest tests/bench/bench_envs.py``, idle machine, ``NUMBA_NUM_THREADS`` unset.

Ratios of CPU time, best of at least five, both sides in one process; two threads are timed by the clock.
"""

import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import gymnasium
import numba
import numpy as np
import pytest

from anymdp_bench.banks import load_bank
from anymdp_bench.envs import threads
from anymdp_bench.envs.trials import TrialVectorEnv
from anymdp_bench.envs.vector import TabularVectorEnv
from anymdp_bench.samplers import sample_tasks
from tests.support.ratios import peer, report

pytestmark = pytest.mark.benchmark(timer=time.process_time, warmup=False)

SINGLE_STEPS = 20_000
PEER_STEPS = 1_000
LARGE_BATCH, BASE_TASKS = 16_384, 256
N_ACTIONS = 5


def play(env: Any, actions: list[Any]) -> Callable[[], None]:
    """Step through `actions` with resets, as a user's loop does."""

    def run() -> None:
        env.reset(seed=0)
        for action in actions:
            _, _, terminated, truncated, _ = env.step(action)
            if terminated or truncated:
                env.reset()

    return run


def best_in_turn(
    rounds: int, *works: Callable[[], Any], clock: Callable[[], float] = time.process_time
) -> list[float]:
    """Best time of each work, one round of all after another, so that a slow spell hits them alike."""
    best = [float("inf")] * len(works)
    for work in works:
        work()
    for _ in range(rounds):
        for k, work in enumerate(works):
            start = clock()
            work()
            best[k] = min(best[k], clock() - start)
    return best


def actions_for(steps: int) -> list[Any]:
    return list(np.random.default_rng(0).integers(N_ACTIONS, size=steps))


class Constants(gymnasium.Env[int, int]):
    """The fastest environment there can be: the cost of the wrappers, of the loop and of its resets."""

    observation_space = gymnasium.spaces.Discrete(128)
    action_space = gymnasium.spaces.Discrete(N_ACTIONS)

    def __init__(self, length: int) -> None:
        self.length = length

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[int, dict[str, Any]]:
        super().reset(seed=seed)
        self.left = self.length
        return 0, {}

    def step(self, action: int) -> tuple[int, float, bool, bool, dict[str, Any]]:
        self.left -= 1
        return 0, 0.0, False, not self.left, {}


def mean_length(env: Any, steps: int) -> int:
    """Mean length of an episode of random actions, rounded up."""
    env.reset(seed=0)
    ends = 0
    for action in actions_for(steps):
        _, _, terminated, truncated, _ = env.step(action)
        if terminated or truncated:
            ends += 1
            env.reset()
    return -(-steps // max(ends, 1))


def peer_envs(n_states: int, count: int) -> list[Any]:
    """The public package's environments, each with a task of its own."""
    package = peer()
    envs = []
    for seed in range(count):
        env = gymnasium.make("anymdp-v0")
        env.unwrapped.set_task(package.AnyMDPTaskSampler(n_states, N_ACTIONS, seed=seed))
        envs.append(env)
    return envs


def own_tasks(n_states: int, count: int, base: int) -> list[Any]:
    """Different task objects, so that every environment has tables of its own."""
    tasks = sample_tasks("anymdp", min(base, count), seed=0, n_states=n_states)
    return [dataclasses.replace(tasks[i % len(tasks)]) for i in range(count)]


def batch_stepper(env: Any, steps: int) -> Callable[[], None]:
    rng = np.random.default_rng(0)
    actions = [rng.integers(N_ACTIONS, size=env.num_envs) for _ in range(16)]
    env.reset(seed=0)

    def run() -> None:
        for step in range(steps):
            env.step(actions[step % 16])

    return run


def test_single_against_the_peer(benchmark: Any) -> None:
    (theirs,) = peer_envs(128, 1)
    ours = play(gymnasium.make("AnyMDP-v0", n_states=128), actions_for(SINGLE_STEPS))
    benchmark.pedantic(ours, rounds=5)
    mine, peers = best_in_turn(15, ours, play(theirs, actions_for(PEER_STEPS)))
    ratio = (peers / PEER_STEPS) / (mine / SINGLE_STEPS)
    report(benchmark, "one environment, n_states 128, peer / ours", ratio, 15)


def test_single_against_constants(benchmark: Any) -> None:
    env = gymnasium.make("AnyMDP-v0", n_states=128)
    gymnasium.register("Constants-v0", entry_point=Constants)
    try:
        constants = gymnasium.make("Constants-v0", length=mean_length(env, SINGLE_STEPS))
    finally:
        del gymnasium.registry["Constants-v0"]
    ours = play(env, actions_for(SINGLE_STEPS))
    benchmark.pedantic(ours, rounds=5)
    mine, constant = best_in_turn(15, ours, play(constants, actions_for(SINGLE_STEPS)))
    report(benchmark, "one environment, constants through the same wrappers / ours", constant / mine, 0.25)


@pytest.mark.parametrize(("n_states", "required"), [(16, 800), (128, 300)])
def test_batch_against_the_peer(
    benchmark: Any, monkeypatch: pytest.MonkeyPatch, n_states: int, required: float
) -> None:
    """The peer's cost per step does not depend on the number of environments in its batch."""
    monkeypatch.setattr(threads, "thread_count", lambda: 1)
    theirs = gymnasium.vector.SyncVectorEnv([lambda env=env: env for env in peer_envs(n_states, 8)])
    ours = batch_stepper(TabularVectorEnv(own_tasks(n_states, 1024, base=64)), 100)
    benchmark.pedantic(ours, rounds=5)
    mine, peers = best_in_turn(20, ours, batch_stepper(theirs, 50))
    ratio = (peers / (50 * theirs.num_envs)) / (mine / (100 * 1024))
    report(benchmark, f"batch of 1,024, n_states {n_states}, peer / ours", ratio, required)


@pytest.mark.parametrize("observation", ["vector", "dict"])
def test_trials_against_the_plain_batch(
    benchmark: Any, monkeypatch: pytest.MonkeyPatch, observation: str
) -> None:
    """Both play the same 256 training tasks in 1,024 environments."""
    monkeypatch.setattr(threads, "thread_count", lambda: 1)
    tasks = load_bank("anymdp-16x5-v0").train[:256]
    plain = batch_stepper(TabularVectorEnv([tasks[i % 256] for i in range(1024)]), 100)
    trials = batch_stepper(TrialVectorEnv(tasks, num_envs=1024, observation=observation), 100)
    benchmark.pedantic(trials, rounds=5)
    mine, bare = best_in_turn(40, trials, plain)
    report(benchmark, f"batch of 1,024, plain / trials ({observation})", bare / mine, 0.7)


@numba.njit(cache=True)
def read_lines(lines: Any, first: Any, second: Any, out: Any) -> None:
    """Two random 64-byte reads a step: the floor of a batch whose tables fit no cache."""
    for i in range(len(first)):
        out[i] = lines[first[i], 0] + lines[second[i], 1]


@pytest.fixture(scope="module")
def large_batch() -> TabularVectorEnv:
    return TabularVectorEnv(own_tasks(128, LARGE_BATCH, BASE_TASKS))


def test_large_batch_against_two_reads(
    benchmark: Any, monkeypatch: pytest.MonkeyPatch, large_batch: TabularVectorEnv
) -> None:
    monkeypatch.setattr(threads, "thread_count", lambda: 1)
    lines = large_batch._tables.lines.view(np.uint64).reshape(-1, 8)
    rng = np.random.default_rng(0)
    places = [rng.integers(len(lines), size=(2, LARGE_BATCH)) for _ in range(10)]
    out = np.empty(LARGE_BATCH, np.uint64)

    def floor() -> None:
        for first, second in places:
            read_lines(lines, first, second, out)

    ours = batch_stepper(large_batch, 10)
    benchmark.pedantic(ours, rounds=5)
    mine, reads = best_in_turn(40, ours, floor)
    report(benchmark, "batch of 16,384, n_states 128, two random reads / ours", reads / mine, 0.4)


@pytest.mark.benchmark(timer=time.perf_counter)
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two processors")
def test_two_threads_against_one(
    benchmark: Any, monkeypatch: pytest.MonkeyPatch, large_batch: TabularVectorEnv
) -> None:
    run = batch_stepper(large_batch, 10)

    def run_on(count: int) -> Callable[[], None]:
        def run_there() -> None:
            monkeypatch.setattr(threads, "thread_count", lambda: count)
            run()

        return run_there

    benchmark.pedantic(run_on(2), rounds=5)
    one, two = best_in_turn(30, run_on(1), run_on(2), clock=time.perf_counter)
    report(benchmark, "batch of 16,384, one thread / two threads, by the clock", one / two, 1.6)


def test_resident_memory(benchmark: Any) -> None:
    """Peak of a process with a bank and a batch of 16,384 environments at 16x5."""
    code = """
from pathlib import Path
import anymdp_bench
from anymdp_bench.envs import batch_env
tasks = list(anymdp_bench.load_bank("anymdp-16x5-v0").test)
env = batch_env([tasks[i % len(tasks)] for i in range(16384)])
env.reset(seed=0)
for _ in range(3): env.step(env.action_space.sample())
print(next(line for line in Path("/proc/self/status").open() if line.startswith("VmHWM")).split()[1])
"""
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    used = float(out.stdout) / 1024
    benchmark.pedantic(lambda: None)
    report(benchmark, f"resident memory: {used:.0f} MiB, budget / used", 400 / used, 1)
