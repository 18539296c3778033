"""Price of a process of its own: ``pytest tests/bench/bench_isolation.py`` (about a minute)."""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import pytest

from anymdp_bench import load_bank
from anymdp_bench.evaluation.boards import get_board
from anymdp_bench.evaluation.isolation.host import IsolatedAgent
from anymdp_bench.evaluation.isolation.settings import AgentSource
from anymdp_bench.evaluation.protocols import play_with
from anymdp_bench.records.record import Cell
from tests.bench.bench_protocols import Lookup
from tests.support.ratios import report

pytestmark = pytest.mark.benchmark(timer=time.perf_counter, warmup=False)

ROWS, EPISODES, ROUNDS = 64, 20, 7


def test_steps_of_an_isolated_agent(benchmark: Any) -> None:
    """A table look-up before 64 tasks, wall time of a whole shard; the process has been started before."""
    spec = dataclasses.replace(get_board("garnet-16x5b2-v0"), context_episodes=EPISODES, block=2)
    tasks = dict(enumerate(load_bank(spec.bank).board_tasks(ROWS)))
    cells = [Cell(task, 0) for task in tasks]
    isolated = IsolatedAgent(AgentSource(name="tests.bench.bench_protocols:Lookup"))

    def play(agent: Any) -> float:
        start = time.perf_counter()
        play_with(agent, spec, cells, tasks, len(cells), lambda n: None)
        return time.perf_counter() - start

    try:
        play(isolated)
        play(Lookup())
        pairs = [(play(Lookup()), play(isolated)) for _ in range(ROUNDS)]
        benchmark.pedantic(play, args=(isolated,), rounds=3)
    finally:
        isolated.close()
    here, there = (min(times) for times in zip(*pairs, strict=True))
    report(benchmark, "shard of 64 rows, in this process / isolated (wall time)", here / there, 0.5)
