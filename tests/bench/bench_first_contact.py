"""From the start of a process to what a newcomer sees first: ``pytest tests/bench/bench_first_contact.py``.

By the clock on an idle machine, with an empty and then with a warm cache of compiled code.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from anymdp_bench.envs import ENVS
from tests.support.ratios import report

pytestmark = pytest.mark.benchmark(timer=time.perf_counter, warmup=False)

README = Path(__file__).parents[2] / "README.md"
FIRST_STEP, TEN_LINES, WARM = 2.0, 5.0, 1.2
"""Seconds allowed."""


def seconds(code: str, cache: Path) -> float:
    """Time that a process needs to run some code."""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def cold_and_warm(code: str, cache: Path) -> tuple[float, float]:
    return seconds(code, cache), min(seconds(code, cache) for _ in range(3))


@pytest.mark.parametrize(
    ("env_id", "settings"),
    [*((entry.id, "") for entry in ENVS), ("AnyMDP-v0", ", task_seed=12345"), ("Garnet-v0", ", task_seed=1")],
)
def test_first_step(benchmark: Any, tmp_path: Path, env_id: str, settings: str) -> None:
    code = f"import gymnasium, anymdp_bench\ne = gymnasium.make({env_id!r}{settings})\ne.reset(seed=0)\n"
    cold, warm = cold_and_warm(code + "e.step(e.action_space.sample())", tmp_path)
    benchmark.pedantic(lambda: None)
    what = f"first step of {env_id}{settings}: {cold:.2f} s cold, {warm:.2f} s warm, budget / used"
    report(benchmark, what, min(FIRST_STEP / cold, WARM / warm), 1)


def test_ten_lines_of_the_readme(benchmark: Any, tmp_path: Path) -> None:
    found = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    cold, warm = cold_and_warm(found.group(1), tmp_path)
    benchmark.pedantic(lambda: None)
    what = f"ten lines of the README: {cold:.2f} s cold, {warm:.2f} s warm, budget / used"
    report(benchmark, what, TEN_LINES / cold, 1)
