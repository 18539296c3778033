"""Speed of protocols and scoring: ``pytest tests/bench/bench_protocols.py`` (about a minute)."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anymdp_bench import batch_env, load_bank
from anymdp_bench.agents.protocol import AgentInfo
from anymdp_bench.evaluation.boards import get_board
from anymdp_bench.evaluation.protocols.shards import play_shard
from anymdp_bench.records.record import Cell
from tests.support.ratios import report

pytestmark = pytest.mark.benchmark(timer=time.process_time, warmup=False)

TASKS, RUNS, EPISODES = 64, 16, 4
RESULTS = Path(__file__).parents[2] / "leaderboards" / "results"


class Lookup:
    """Plays one fixed random action in each observation."""

    def __init__(self) -> None:
        self.info = AgentInfo(name="lookup")

    def begin(self, n: int, observation_space: Any, action_space: Any, seed: int, **_: Any) -> None:
        rng = np.random.default_rng(seed)
        self.rows = np.arange(n)
        self.table = rng.integers(action_space.n, size=(n, observation_space.n))

    def act(self, observations: Any, active: Any) -> Any:
        return self.table[self.rows, observations]

    def observe(self, *step: Any) -> None:
        """Learn nothing."""


def bare_loop(tasks: Sequence[Any], steps: int) -> Callable[[], None]:
    """The same agent before the same tasks, and nothing that is kept."""
    agent = Lookup()

    def run() -> None:
        env = batch_env(tasks, autoreset_mode="NextStep")
        agent.begin(len(tasks), env.single_observation_space, env.single_action_space, 0)
        observations, _ = env.reset(seed=0)
        for _ in range(steps):
            observations, *_ = env.step(agent.act(observations, None))

    return run


def test_protocol_loop_against_the_bare_environment(benchmark: Any) -> None:
    """Garnet's episodes all last to the horizon, so that no row waits for another one's last episode."""
    spec = dataclasses.replace(
        get_board("garnet-16x5b2-v0"), n_tasks=TASKS, runs=RUNS, context_episodes=EPISODES, block=2
    )
    bank = load_bank(spec.bank).board_tasks(TASKS)
    longest = max(task.horizon for task in bank)
    tasks = {i: dataclasses.replace(task, horizon=longest) for i, task in enumerate(bank)}
    cells = [Cell(task, run) for task in tasks for run in range(RUNS)]
    bare = bare_loop([tasks[cell.task] for cell in cells], EPISODES * (longest + 1) - 1)

    def protocol() -> None:
        play_shard(Lookup(), spec, cells, tasks, len(cells), lambda n: None)

    protocol()
    bare()
    benchmark.pedantic(protocol, rounds=5)
    times = []
    for _ in range(5):
        start = time.process_time()
        bare()
        times.append(time.process_time() - start)
    share = min(times) / benchmark.stats.stats.min
    report(benchmark, "protocol loop, 1,024 rows, bare environment / protocol", share, 0.7)


@pytest.mark.benchmark(timer=time.perf_counter)
@pytest.mark.skipif(not RESULTS.is_dir(), reason="needs the checkout's kept results")
def test_table_of_all_rows_from_kept_records(benchmark: Any, tmp_path: Path) -> None:
    command = [str(Path(sys.executable).with_name("anymdp-bench")), "reproduce", "paper-table", "--no-run"]
    command += ["--agents", "q-ucb,uniform,oracle", "--out", str(tmp_path)]

    def make_table() -> str:
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    assert "CliffWalking" in benchmark.pedantic(make_table, rounds=3)
    report(benchmark, "table of all rows, 3 s / used", 3 / benchmark.stats.stats.min, 1)
