"""The house's end of a process in which somebody else's object lives."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from typing import Any, TypeVar

from anymdp_bench.evaluation.isolation.messages import HEADER, Broken, Fault, Kind
from anymdp_bench.evaluation.isolation.process import AgentProcess, Limits
from anymdp_bench.evaluation.isolation.settings import OFFERED, AgentSource
from anymdp_bench.foundation.errors import AgentError
from anymdp_bench.records.provenance import agent_hash

CALLS = ("make", "begin", "act", "observe", "answer", *OFFERED)
T = TypeVar("T")


class Remote:
    """Asks one process at a time; every request has one answer.

    Args:
        source: How to make what lives there.
        limits: What its process may use.

    Attributes:
        code: Hash of its source, as its process says.
    """

    code: str

    def __init__(self, source: AgentSource, limits: Limits | None = None) -> None:
        """Start no process yet."""
        self._source = source
        self._limits = limits or Limits()
        self._process: AgentProcess | None = None
        self._n = 0

    def __del__(self) -> None:
        """Leave no process behind."""
        if getattr(self, "_process", None) is not None:
            self.close()

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def _start(self, kind: Kind, decode: Callable[[bytes], T]) -> T:
        """Start a process, let it make what the source names, and return what it says of it."""
        self._process = AgentProcess(self._limits)
        self._process.pipe.limit(self._limits.start_seconds)
        source = dataclasses.asdict(self._source) | {"options": dict(self._source.options)}
        try:
            self._process.pipe.send(kind, json.dumps(source).encode())
            made, text = self._process.pipe.receive_text()
            if made:
                description = decode(text)
                self._process.pipe.limit(self._limits.call_seconds)
                return description
            raise self._error(Fault.decode(text, 0, CALLS))
        except Broken as error:
            raise self._lost(error) from error

    def _ask(
        self, kind: Kind, payload: bytes = b"", size: int = 0, seconds: float | None = None
    ) -> bytearray:
        """Send a request and return its answer, a frame of `size` bytes of payload."""
        pipe = self._running.pipe
        answer = bytearray(HEADER.size + size)
        if seconds is not None:
            pipe.limit(seconds)
        self._exchange(HEADER.pack(kind, len(payload)) + payload, answer)
        if seconds is not None:
            pipe.limit(self._limits.call_seconds)
        return answer

    @property
    def _running(self) -> AgentProcess:
        if self._process is None:
            raise AgentError("its process has ended; call begin first.")
        return self._process

    def _exchange(self, frame: bytes | bytearray, answer: bytearray) -> None:
        pipe = self._running.pipe
        try:
            pipe.send_framed(frame)
            fault = pipe.receive_answer(answer)
            if fault is not None:
                raise self._error(Fault.decode(fault, self._n, CALLS))
        except Broken as error:
            raise self._lost(error) from error

    def _error(self, fault: Fault) -> AgentError:
        return AgentError(fault.message, fault.row, fault.call)

    def _lost(self, error: Broken) -> AgentError:
        how = self._running.obituary()
        self.close()
        return AgentError(f"its process {error}{how}")


def agent_code(agent: Any) -> str:
    """Hash of the source of an agent or a model; of what lives in its own process, as that says."""
    return agent.code if isinstance(agent, Remote) else agent_hash(agent)
