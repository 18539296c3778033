"""Block normals and threads change no bit."""

import concurrent.futures
import threading
from typing import Any

import numba
import numpy as np
import pytest

from anymdp_bench.envs import threads, vector
from anymdp_bench.envs.kernels import BLOCK
from anymdp_bench.envs.normals import fill_normals
from anymdp_bench.envs.vector import TabularVectorEnv
from anymdp_bench.foundation import exact
from anymdp_bench.foundation.seeding import noise_offset
from tests.support.tasks import random_task
from tests.support.vectors import trajectory


@numba.njit
def compiled_normals(bits: Any, count: int, z: Any, tail: Any, tail_index: Any) -> None:
    fill_normals(bits, count, z, tail, tail_index)


def test_block_normals_equal_the_exact_ones_bit_for_bit() -> None:
    rng = np.random.default_rng(0)
    bits = rng.integers(0, 2**64 - 1, size=20_000, dtype=np.uint64)
    bits[:6] = [0, 2**34 - 1, 2**33, 2**33 - 1, 1, 2**34 - 2]
    z = np.empty(len(bits))
    compiled_normals(bits, len(bits), z, np.zeros(len(bits) + 8), np.zeros(len(bits) + 8, np.int64))
    wanted = [exact.normal_quantile(noise_offset(b) + 0.5) for b in bits[6:]]
    assert np.allclose(z[6:], wanted, rtol=0, atol=1e-9)
    offsets = [noise_offset(b) for b in bits]
    exactly = [exact.normal_central(q) if abs(q) <= 0.425 else exact.normal_tail(q) for q in offsets]
    assert z.tolist() == exactly


def test_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = [random_task(seed) for seed in range(5 * BLOCK + 3)]
    logs = []
    for count in (1, 2, 3):
        monkeypatch.setattr(threads, "thread_count", lambda count=count: count)
        monkeypatch.setattr(vector, "THREAD_ROWS", 8)
        monkeypatch.setattr(vector, "PART_ROWS", 64)
        env = TabularVectorEnv(tasks)
        env.reset(seed=4)
        logs.append(trajectory(env))
    assert logs[0] == logs[1] == logs[2]


@pytest.mark.parametrize(("n", "count"), [(1, 2), (128, 1), (1000, 2), (1000, 3), (64, 8), (129, 2)])
def test_ranges_cover_everything_once(monkeypatch: pytest.MonkeyPatch, n: int, count: int) -> None:
    monkeypatch.setattr(threads, "thread_count", lambda: count)
    seen = np.zeros(n, int)
    names = set()

    def visit(low: int, high: int) -> None:
        assert low % 64 == 0
        seen[low:high] += 1
        names.add(threading.current_thread().name)

    threads.run_in_ranges(visit, n, least=16, smallest=64)
    assert (seen == 1).all()
    assert len(names) <= count


def test_parts_get_shorter() -> None:
    sizes = [high - low for low, high in threads.split(16_384, 2, 1024)]
    assert sizes == [4096, 3072, 2304, 1728, 1344, 1024, 1024, 1024, 768]


def test_a_caller_does_not_wait_for_who_has_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "thread_count", lambda: 2)
    release = threading.Event()
    threads._helpers(1)[0].put(release.wait)
    seen = np.zeros(1000, int)

    def visit(low: int, high: int) -> None:
        seen[low:high] += 1

    threads.run_in_ranges(visit, 1000, least=1, smallest=64)
    release.set()
    assert (seen == 1).all()


def test_an_error_in_a_thread_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "thread_count", lambda: 2)
    both = threading.Barrier(2)

    def fail_elsewhere(low: int, high: int) -> None:
        both.wait(timeout=20)
        if threading.current_thread() is not threading.main_thread():
            raise ValueError("from the other thread")

    with pytest.raises(ValueError, match="from the other thread"):
        threads.run_in_ranges(fail_elsewhere, 128, least=1, smallest=64)


def test_batches_in_several_threads_of_a_program() -> None:
    def run(seed: int) -> list[list[Any]]:
        env = TabularVectorEnv([random_task(s) for s in range(40)])
        env.reset(seed=seed)
        return trajectory(env)

    alone = [run(seed) for seed in range(4)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, range(4))) == alone
