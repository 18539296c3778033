"""Speed of the in-context agent: ``pytest tests/bench/bench_omnirl.py``, on an idle machine.

CPU time of one thread, best of several, both sides of a ratio in one process; the first action is the CPU
time of a process of its own, with an empty and then with a warm cache of compiled code.
"""

import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from anymdp_bench import evaluate_sequence  # noqa: E402
from omnirl_reference.config.file import load_config  # noqa: E402
from omnirl_reference.config.model import ModelConfig  # noqa: E402
from omnirl_reference.config.training import TrainConfig  # noqa: E402
from omnirl_reference.exact.acting import acting  # noqa: E402
from omnirl_reference.exact.agent import ExactAgent  # noqa: E402
from omnirl_reference.exact.checkpoint import load_network  # noqa: E402
from omnirl_reference.model.checkpoint import save_model  # noqa: E402
from omnirl_reference.model.model import OmniRL, count_parameters  # noqa: E402
from omnirl_reference.model.shipped import CHECKPOINTS  # noqa: E402
from omnirl_reference.playing.actor import EagerActor  # noqa: E402
from omnirl_reference.playing.agent import OmniRLAgent  # noqa: E402
from omnirl_reference.playing.compiled import CompiledActor, weights_of  # noqa: E402
from omnirl_reference.playing.reader import OmniRLReader  # noqa: E402
from omnirl_reference.playing.validation import Plan, play  # noqa: E402
from omnirl_reference.stream.stream import Stream  # noqa: E402
from omnirl_reference.training.trainer import Trainer  # noqa: E402
from tests.support.ratios import cpu_seconds, report  # noqa: E402

pytestmark = pytest.mark.benchmark(timer=time.process_time, warmup=False)

FLOPS_PER_PARAMETER = 6
SQUARE = 1024


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> None:
    torch.set_num_threads(1)


def measured(benchmark: Any, work: Any, repeats: int = 5) -> float:
    """Best CPU time of a call."""
    benchmark.pedantic(lambda: None)
    return cpu_seconds(work, repeats)


def two_layers() -> TrainConfig:
    config = load_config("dpd")
    return dataclasses.replace(config, model=dataclasses.replace(config.model, layers=2))


def test_stream(benchmark: Any) -> None:
    config = load_config("omnirl-16").stream
    stream = Stream(config, 64)
    numbers = iter(range(1000))
    seconds = measured(benchmark, lambda: stream.make(next(numbers)))
    rate = 64 * config.steps / seconds
    report(benchmark, "data stream, 16x5, full mixture: million steps/s on one core", rate / 1e6, 1)


def test_training_against_matrix_products(benchmark: Any, tmp_path: Path) -> None:
    config = two_layers()
    trainer = Trainer(config, tmp_path, "cpu")
    seconds = measured(benchmark, trainer._one_update, repeats=8)
    a, b = torch.randn(2, SQUARE, SQUARE)
    flops = 2 * SQUARE**3 / cpu_seconds(lambda: a @ b, repeats=8)
    ceiling = flops / (FLOPS_PER_PARAMETER * count_parameters(trainer.model))
    rate = config.batch * config.stream.steps / seconds
    what = f"training, 2 layers of 128: {rate:,.0f} steps/s / ceiling of {ceiling:,.0f}"
    report(benchmark, what, rate / ceiling, 0.4)


def test_data_within_training(benchmark: Any, tmp_path: Path) -> None:
    config = two_layers()
    trainer = Trainer(config, tmp_path, "cpu")
    stream = Stream(config.stream, config.batch)
    numbers = iter(range(1000))
    update = measured(benchmark, trainer._one_update)
    data = cpu_seconds(lambda: stream.make(next(numbers)))
    report(benchmark, "training time / data time", update / data, 1 / 0.03)


@pytest.mark.parametrize(("n", "required"), [(1, 5.0), (8, 3.0), (64, 1.0)])
def test_compiled_step_against_torch(benchmark: Any, n: int, required: float) -> None:
    torch.manual_seed(0)
    model = OmniRL(load_config("omnirl-16").model).eval()
    eager, compiled = EagerActor(model, n), CompiledActor(weights_of(model), model.config, n)
    states, rows = np.zeros(n, np.int64), np.arange(n)
    calls = max(3, 60 // n)
    fast = cpu_seconds(lambda: compiled.logits(states, rows), calls=calls)
    slow = cpu_seconds(lambda: eager.logits(states, rows), calls=calls)
    benchmark.pedantic(lambda: compiled.logits(states, rows), rounds=5)
    report(benchmark, f"one step of omnirl-16 at batch {n}, torch / compiled", slow / fast, required)


@pytest.mark.parametrize("views", [1, 4])
def test_evaluation(benchmark: Any, views: int) -> None:
    """Shards of tasks keep both cores busy."""
    torch.manual_seed(0)
    agent = OmniRLAgent(OmniRL(load_config("omnirl-16").model).eval(), views=views)
    share, cores = 10, 2
    plan = Plan(tasks=64, steps=2000 // share)
    seconds = share * measured(benchmark, lambda: play(agent, plan), repeats=2) / cores
    what = f"64 tasks for 2,000 steps, {views} views, two cores: {seconds:.1f} s, budget / used"
    report(benchmark, what, 20 / seconds, 1)


@pytest.mark.parametrize(("bank", "allowed"), [("anymdp-16x5-v0", 60e-6), ("anymdp-128x5-v0", 300e-6)])
def test_a_step_of_the_exact_memory(benchmark: Any, bank: str, allowed: float) -> None:
    """Average over the first 8,000 steps of eight validation tasks, environment included."""
    network, notes = load_network(CHECKPOINTS / "omnirl-any")
    agent = ExactAgent(network, how=acting(notes["acting"]))
    plan = Plan(bank=bank, tasks=8, steps=8000)
    seconds = measured(benchmark, lambda: play(agent, plan), repeats=2) / (plan.tasks * plan.steps)
    what = f"omnirl-any, {bank}: {seconds * 1e6:.1f} us a step, allowed / used"
    report(benchmark, what, allowed / seconds, 1)


def test_reading_sequences(benchmark: Any) -> None:
    """64 sequences of 8,192 steps in segments of 512, what is recorded and scored included."""
    torch.manual_seed(0)
    reader = OmniRLReader(OmniRL(load_config("omnirl-16").model).eval())
    share, steps = 4, 8192

    def work() -> None:
        evaluate_sequence(reader, "anymdp-16x5-sequence-v0", steps=steps // share)

    seconds = share * measured(benchmark, work, repeats=2)
    report(benchmark, f"64 x 8,192 recorded steps: {seconds:.1f} s, budget / used", 60 / seconds, 1)


def test_first_action(benchmark: Any, tmp_path: Path) -> None:
    torch.manual_seed(0)
    save_model(OmniRL(ModelConfig()), tmp_path / "model", {"model": dataclasses.asdict(ModelConfig())})
    code = f"""
import numpy as np
from gymnasium.spaces import Discrete
import omnirl_reference
from omnirl_reference.agent import make
agent = make({str(tmp_path / "model")!r})
agent.begin(1, Discrete(16), Discrete(5), 0)
agent.act(np.zeros(1, np.int64), np.ones(1, bool))
"""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    times = []
    for _ in range(4):
        start = os.times()
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)
        end = os.times()
        times.append(sum(end[2:4]) - sum(start[2:4]))
    benchmark.pedantic(lambda: None)
    cold, warm = times[0], min(times[1:])
    report(benchmark, f"first action: {cold:.1f} s cold, {warm:.1f} s warm, budget / used", 5 / warm, 1)
