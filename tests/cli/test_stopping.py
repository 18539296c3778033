"""A run that is stopped from outside: nothing is left behind, no worker lives on, one line says why."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.scripted import Scripted

ROOT = Path(__file__).parents[2]
PATIENCE = 180.0

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="reads /proc")


class Sleepy(Scripted):
    """Never finishes within the test."""

    def act(self, observations: Any, active: Any) -> Any:
        time.sleep(0.01)
        return super().act(observations, active)


def children(pid: int) -> list[int]:
    return [
        int(kid) for file in Path(f"/proc/{pid}/task").glob("*/children") for kid in file.read_text().split()
    ]


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def wait_until(condition: Callable[[], object]) -> bool:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and not condition():
        time.sleep(0.05)
    return bool(condition())


def heed_every_signal() -> None:
    """Undo what a parent such as nohup has set: children inherit which signals are ignored."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class Running:
    """A command with two workers at work."""

    def __init__(self, scratch: Path) -> None:
        self.out, self.temporary = scratch / "out", scratch / "tmp"
        self.temporary.mkdir()
        agent = "tests.cli.test_stopping:Sleepy"
        words = ("run", agent, "--board", "darkroom-6-v0", "--jobs", "2", "--out", str(self.out))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "anymdp_bench.cli", *words],
            cwd=ROOT,
            env=os.environ | {"TMPDIR": str(self.temporary), "PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=heed_every_signal,
        )
        self.workers: list[int] = []

    def wait(self) -> None:
        assert wait_until(lambda: len(self.find_workers()) >= 2 and list(self.temporary.glob("*/progress")))
        self.workers = self.find_workers()

    def find_workers(self) -> list[int]:
        return [kid for kid in children(self.process.pid) if "LokyProcess" in command_of(kid)]

    def end(self) -> list[str]:
        """Lines that the command left on its error stream, progress bars aside."""
        _, told = self.process.communicate(timeout=PATIENCE)
        return [line for line in told.splitlines() if line.startswith(("anymdp-bench", "Traceback", " "))]

    def workers_end(self) -> bool:
        return wait_until(lambda: not any("LokyProcess" in command_of(worker) for worker in self.workers))


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    found = Running(tmp_path)
    try:
        found.wait()
        yield found
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(found.process.pid, signal.SIGKILL)
        found.process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_every_request_to_stop_unwinds(number: signal.Signals, running: Running) -> None:
    running.process.send_signal(number)
    assert running.end() == []
    assert running.process.returncode == 128 + number
    assert running.workers_end()
    assert list(running.temporary.iterdir()) == []
    assert [path for path in running.out.rglob(".*") if path.is_file()] == []


def test_workers_end_when_their_parent_was_killed(running: Running) -> None:
    running.process.send_signal(signal.SIGKILL)
    assert running.workers_end()


def test_a_worker_that_dies_is_told_in_one_line(running: Running) -> None:
    os.kill(running.workers[0], signal.SIGKILL)
    told = running.end()
    assert len(told) == 1 and "A worker process has died" in told[0]
    assert running.process.returncode == 2
    assert running.workers_end()


def test_a_signal_that_was_ignored_stays_ignored(tmp_path: Path) -> None:
    code = (
        "import os, signal\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "from anymdp_bench.foundation.stopping import stopping_cleanly\n"
        "with stopping_cleanly():\n"
        "    os.kill(os.getpid(), signal.SIGHUP)\n"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0
