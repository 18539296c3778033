"""Before anything is compiled: interpreted kernels, caches that fail, and one line for those who wait."""

from __future__ import annotations

import gc
import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest

import anymdp_bench
from anymdp_bench import batch_env, references, sample_task
from anymdp_bench.foundation.compiling import cache, kernel, notice
from tests.support.tasks import random_task

ROOT = Path(anymdp_bench.__file__).parent
FIRST_TASK = """
import gymnasium, anymdp_bench
env = gymnasium.make("AnyMDP-v0", n_states=16, task_seed=7)
env.reset(seed=0)
env.step(0)
print(env.unwrapped.task.fingerprint(), anymdp_bench.references(env.unwrapped.task))
"""


def run_python(code: str, folder: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=os.environ | environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )


def expected_first_task() -> str:
    task = sample_task("anymdp", seed=7, n_states=16)
    return f"{task.fingerprint()} {references(task)}\n"


def test_a_first_task_compiles_nothing(tmp_path: Path) -> None:
    code = FIRST_TASK + f"from pathlib import Path\nassert not list(Path({str(tmp_path)!r}).rglob('*.nbc'))"
    done = run_python(code, NUMBA_CACHE_DIR=str(tmp_path))
    assert done.stderr == ""
    assert done.stdout == expected_first_task()


def test_everything_runs_without_a_compiler(tmp_path: Path) -> None:
    code = (
        FIRST_TASK
        + """
env = gymnasium.make_vec("AnyPOMDP-v0", num_envs=3, vectorization_mode="vector_entry_point")
env.reset(seed=0)
for _ in range(3): env.step(env.action_space.sample())
for id in ("DiscretePendulum-v0", "Switch2-v0", "Garnet-v0"):
    env = gymnasium.make_vec(id, num_envs=2, vectorization_mode="vector_entry_point")
    env.reset(seed=0)
    env.step(env.action_space.sample())
for agent in ("uniform", "q-ucb"):
    board = "darkroom-6-v0"
    anymdp_bench.evaluate(agent, board, runs=1, context_episodes=20, train_episodes=20, test_every=10)
"""
    )
    done = run_python(code, NUMBA_DISABLE_JIT="1")
    assert done.stderr == ""
    assert done.stdout == expected_first_task()


def test_a_damaged_cache_is_compiled_again(tmp_path: Path) -> None:
    code = """
import numpy as np
from anymdp_bench.foundation.compiling import choose
from anymdp_bench.foundation import exact
choose.EAGERNESS = float("inf")
print(exact.total(np.arange(4.0)), exact.total.stats.cache_hits.total())
"""
    for damage in (None, b"", b"no pickle"):
        for file in tmp_path.rglob("*.nb?"):
            if damage is not None:
                file.write_bytes(damage)
        done = run_python(code, NUMBA_CACHE_DIR=str(tmp_path))
        assert (done.stderr, done.stdout) == ("", "6.0 0\n")
    done = run_python(code, NUMBA_CACHE_DIR=str(tmp_path))
    assert done.stdout == "6.0 1\n"


def test_no_flipped_bit_of_compiled_code_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the digests one in six flips in the code's file ends the process inside the compiler."""
    rng = np.random.default_rng(0)
    (tmp_path / "kept_twice.py").write_text("def kept(x):\n    return 2.0 * x\n")
    monkeypatch.syspath_prepend(tmp_path)
    function = importlib.import_module("kept_twice").kept
    kernel()(function)(2.0)
    files = {path: path.read_bytes() for path in tmp_path.rglob("*.nb?")}
    assert {path.suffix for path in files} == {".nbi", ".nbc"} and is_kept(function)
    for path, content in files.items():
        for _ in range(200):
            at, bit = int(rng.integers(len(content))), int(rng.integers(8))
            path.write_bytes(content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1 :])
            assert not is_kept(function)
        path.write_bytes(content)
    assert is_kept(function)


def is_kept(function: Any) -> bool:
    """Whether a new dispatcher finds code for a float on disk."""
    again = kernel()(function)
    signature = (numba.float64,)
    return bool(again._cache.holds(signature, again.targetctx))


def test_a_cache_that_takes_nothing_more_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cache.KernelCache, "_save_afresh", full)
    cache._tell_unsaved.cache_clear()

    @kernel()
    def double(x: float) -> float:
        return 2.0 * x

    assert double(2.0) == 4.0 and double(2) == 4
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "No space left on device" in told and "NUMBA_CACHE_DIR" in told


def copy_of_package(folder: Path) -> Path:
    """A copy beside which Python and numba can keep nothing: files stand where their folders would be."""
    shutil.copytree(ROOT, folder / ROOT.name, ignore=shutil.ignore_patterns("__pycache__", "data"))
    (folder / ROOT.name / "data").symlink_to(ROOT / "data")
    for path in [folder / ROOT.name, *(folder / ROOT.name).rglob("*/")]:
        if path.is_dir() and not path.is_symlink():
            (path / "__pycache__").touch()
    return folder


def test_no_folder_for_compiled_code(tmp_path: Path) -> None:
    home = str(copy_of_package(tmp_path) / "anymdp_bench" / "__pycache__")
    (tmp_path / "temporary").mkdir()
    places = {
        "PYTHONPATH": str(tmp_path),
        "HOME": home,
        "XDG_CACHE_HOME": home,
        "TMPDIR": str(tmp_path / "temporary"),
        "NUMBA_CACHE_DIR": "",
    }
    told = run_python(FIRST_TASK, tmp_path, **places)
    assert told.stdout == expected_first_task()
    assert told.stderr.count("\n") == 1
    assert f"{tmp_path}/temporary/anymdp-bench-" in told.stderr and "NUMBA_CACHE_DIR" in told.stderr
    code = "import sys; sys.argv = ['anymdp-bench', '--help']; from anymdp_bench.cli import main; main()"
    helped = run_python(code, tmp_path, **places, ANYMDP_BENCH_QUIET="1")
    assert (helped.returncode, helped.stderr) == (0, "")
    places["TMPDIR"] = home
    nowhere = run_python(f"import tempfile; tempfile.tempdir = {home!r}\n{FIRST_TASK}", tmp_path, **places)
    assert nowhere.stdout == expected_first_task()
    assert "cannot be kept anywhere" in nowhere.stderr and nowhere.stderr.count("\n") == 1


WAITING = """
import time
from anymdp_bench.foundation.compiling import kernel, notice
notice.PATIENT_SECONDS = 0.0
import multiprocessing
def work():
    for _ in range(2):
        @kernel()
        def slow(x): return x + 1
        slow(1)
        time.sleep(0.1)
"""


@pytest.mark.parametrize(("quiet", "lines"), [("", 1), ("0", 1), ("1", 0)])
def test_who_waits_for_the_compiler_is_told_once(quiet: str, lines: int) -> None:
    done = run_python(WAITING + "work()", ANYMDP_BENCH_QUIET=quiet)
    assert (done.returncode, done.stderr.count("\n")) == (0, lines)
    if lines:
        assert "compiling" in done.stderr and notice.QUIET in done.stderr


def test_workers_tell_nothing() -> None:
    code = WAITING + (
        "context = multiprocessing.get_context('fork')\n"
        "process = context.Process(target=work); process.start(); process.join()\n"
        "from joblib import Parallel, delayed\n"
        "def told(): return notice.is_worker()\n"
        "assert Parallel(n_jobs=2)(delayed(told)() for _ in range(2)) == [True, True]\n"
        "assert not notice.is_worker()"
    )
    done = run_python(code)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_collector_is_as_it_was_after_compiling() -> None:
    @kernel()
    def increase(x: float) -> float:
        return x + 1.0

    assert increase(1.0) == 2.0 and gc.isenabled()
    with pytest.raises(numba.TypingError):
        increase("no number")  # type: ignore[arg-type]
    assert gc.isenabled()
    gc.disable()
    try:
        assert increase(1) == 2 and not gc.isenabled()
    finally:
        gc.enable()


def test_compiling_of_others_is_not_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notice, "tell", lambda line: pytest.fail(line))
    monkeypatch.setattr(notice, "PATIENT_SECONDS", 0.0)
    assert numba.njit(lambda x: x + 1)(1) == 2


def test_a_batch_of_one_is_stepped_before_anything_is_compiled() -> None:
    env = batch_env([random_task(0)])
    env.reset(seed=0)
    assert env.step(np.zeros(1, np.int64))[0].dtype == np.int64
