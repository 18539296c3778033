"""An agent's process: started fresh, limited, ended with all that it started.

On Linux the evaluation's own process (the host) is not dumpable from the first agent's process on: others of
the same user, the agents among them, cannot read its memory. It is also the one that orphans of an agent's
process fall to, so that they can be ended too.
"""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from anymdp_bench.evaluation.isolation.messages import Pipe
from anymdp_bench.foundation.checks import Number, check_integer, check_limit

START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from anymdp_bench.evaluation.isolation.worker import main; main(*map(int, sys.argv[2:]))"
)
SECRET = ("TOKEN", "SECRET", "PASSWORD", "SSH_AUTH_SOCK", "API_KEY")
"""Parts of names of environment variables that an agent's process does not get."""
SHOWN_OF_LOG = 400
MIB = 1 << 20
PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER = 4, 36
ROUNDS = 100
"""Times that strays are looked for: those that are found may just have started others."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What an agent's process may use.

    Attributes:
        start_seconds: Until it is made, and for each `begin`; compiling and loading weights take their time.
        call_seconds: For each other answer.
        memory_mib: Memory that it may write to, in MiB.

    Raises:
        InvalidConfig: a limit is not positive.
    """

    start_seconds: float = 900.0
    call_seconds: float = 300.0
    memory_mib: int = 8192

    def __post_init__(self) -> None:
        """Check every field."""
        for name in ("start_seconds", "call_seconds"):
            check_limit(name, getattr(self, name), Number(above=True))
        check_integer("memory_mib", self.memory_mib, 1)


class AgentProcess:
    """A fresh process for one agent.

    Args:
        limits: What it may use.

    Attributes:
        pipe: The evaluation's end of the pipe.
    """

    def __init__(self, limits: Limits) -> None:
        """Start it."""
        _guard(os.getpid())
        ours, theirs = socket.socketpair()
        self.pipe = Pipe(ours)
        self._log = tempfile.TemporaryFile()
        numbers = theirs.fileno(), os.getpid(), limits.memory_mib
        with theirs, _SESSIONS.opening() as self._before:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", START, json.dumps(sys.path), *map(str, numbers)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                env={name: value for name, value in os.environ.items() if not _is_secret(name)},
                start_new_session=True,
            )
            _SESSIONS.add(self._process.pid)

    def obituary(self) -> str:
        """How it ended, and the last line that it wrote; empty while it lives."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        status = self._process.returncode
        if status is None:
            return ""
        how = f"exit status {status}" if status >= 0 else signal.Signals(-status).name
        end = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, end - SHOWN_OF_LOG))
        lines = self._log.read().decode("utf-8", "replace").strip().splitlines()
        last = "".join(c if c.isprintable() else " " for c in lines[-1]) if lines else ""
        return f" ({how}{': ' * bool(last)}{last})"

    def end(self) -> None:
        """End it and everything that it started, also what has left its session or lost its parent."""
        self.pipe.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._log.close()
        _SESSIONS.close(self._process.pid, self._before)


class _Child(NamedTuple):
    """A child of this process: numbers are given anew, with another beginning (in the system's ticks)."""

    pid: int
    began: int


class _Sessions:
    """Sessions of the agents' processes that live; what is left of the others is ended."""

    def __init__(self) -> None:
        """None yet."""
        self._lock = threading.RLock()
        self._alive: set[int] = set()
        self._opening = 0

    @contextlib.contextmanager
    def opening(self) -> Iterator[frozenset[_Child]]:
        """While a process is started no child is taken for a stray; yields the children before that."""
        with self._lock:
            self._opening += 1
            try:
                yield frozenset(_children())
            finally:
                self._opening -= 1

    def add(self, session: int) -> None:
        """Keep a session."""
        self._alive.add(session)

    def close(self, session: int, before: frozenset[_Child]) -> None:
        """Forget a session, and end the strays: what an agent's process has left to this one.

        Strays are children that were not there `before`, in sessions that are neither this process's own nor
        those of agents that live. A stray's children become children of this process when it ends, and the
        next round finds them. What else this process starts in a session of its own while an agent lives is
        taken for a stray.
        """
        with self._lock:
            self._alive.discard(session)
            for _ in range(0 if self._opening else ROUNDS):
                known = {os.getsid(0), *self._alive}
                found = _children().items()
                strays = [child.pid for child, its in found if its not in known and child not in before]
                if not strays:
                    break
                for pid in strays:
                    with contextlib.suppress(ProcessLookupError, PermissionError, ChildProcessError):
                        os.kill(pid, signal.SIGKILL)
                        os.waitpid(pid, 0)


_SESSIONS = _Sessions()


def _children() -> dict[_Child, int]:
    """Children of this process, ended ones too until they are waited for, and their sessions; Linux only."""
    here, children = os.getpid(), {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            # after the name, which may hold anything: state, parent, group, session, ..., start
            fields = (folder / "stat").read_bytes().rpartition(b")")[2].split()
            if int(fields[1]) == here:
                children[_Child(int(folder.name), int(fields[19]))] = int(fields[3])
    return children


@functools.cache
def _guard(process: int) -> None:
    """Hide this process's memory from others of the same user, and let orphans below it fall to it."""
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None).prctl
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)
        prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _is_secret(name: str) -> bool:
    return any(part in name.upper() for part in SECRET)
