"""An agent's process: started fresh, limited, ended with all that it started."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile

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
        ours, theirs = socket.socketpair()
        self.pipe = Pipe(ours)
        self._log = tempfile.TemporaryFile()
        numbers = theirs.fileno(), os.getpid(), limits.memory_mib
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", START, json.dumps(sys.path), *map(str, numbers)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                env={name: value for name, value in os.environ.items() if not _is_secret(name)},
                start_new_session=True,
            )

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
        """End it and everything in its session."""
        self.pipe.close()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._log.close()


def _is_secret(name: str) -> bool:
    return any(part in name.upper() for part in SECRET)
