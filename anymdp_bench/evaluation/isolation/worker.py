"""What runs in an agent's process: take a request, call the agent, answer."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from anymdp_bench.agents.registry import make_agent
from anymdp_bench.evaluation.isolation.messages import HEADER, Broken, Fault, Kind, Pipe
from anymdp_bench.evaluation.isolation.reader import Reader
from anymdp_bench.evaluation.isolation.settings import OFFERED, Beginning, Description
from anymdp_bench.evaluation.isolation.turns import HAS_LOOK, HAS_STEP, Layout, Turn
from anymdp_bench.evaluation.sequence.model import make_model
from anymdp_bench.foundation.errors import AgentError
from anymdp_bench.records.provenance import agent_hash

PR_SET_PDEATHSIG = 1
LARGEST_FILE = 1 << 30
"""Bytes of a file that an agent's process writes."""


def main(descriptor: int, parent: int, memory_mib: int) -> None:
    """Serve the evaluation until it is gone."""
    _die_with(parent)
    _limit(memory_mib)
    end = socket.socket(fileno=descriptor)
    _keep_from_children(end)
    with contextlib.suppress(Broken):
        Server(Pipe(end)).serve()


def _die_with(parent: int) -> None:
    """End when the parent ends, also while the agent is busy."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the evaluation has ended")


def _keep_from_children(end: socket.socket) -> None:
    """The evaluation sees that this process has ended, though processes that it started live on."""
    end.set_inheritable(False)
    os.register_at_fork(after_in_child=end.close)


def _limit(memory_mib: int) -> None:
    for what, most in (
        (resource.RLIMIT_DATA, memory_mib << 20),
        (resource.RLIMIT_FSIZE, LARGEST_FILE),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (least, least))


class Server:
    """Serves one agent.

    Args:
        pipe: To the evaluation.
    """

    def __init__(self, pipe: Pipe) -> None:
        """Make no agent yet."""
        self._pipe = pipe
        self._agent: Any = None
        self._call = "make"
        self._next = bytearray(HEADER.size)
        self._answers: dict[int, Callable[[bytearray], bytes | bytearray]] = {
            Kind.MAKE: self._make,
            Kind.BEGIN: self._begin,
            Kind.FREEZE: lambda _: self._switch("freeze"),
            Kind.UNFREEZE: lambda _: self._switch("unfreeze"),
            Kind.TABLE: self._table,
            Kind.MODEL: self._make_model,
        }

    def serve(self) -> None:
        """Answer one request after the other."""
        while True:
            kind, frame = self._pipe.receive(self._next)
            try:
                if kind == Kind.TURN:
                    self._take(self._turn)
                else:
                    self._pipe.send(Kind.ANSWER, self._answers[kind](frame[HEADER.size :]))
            except AgentError as error:
                self._pipe.send(Kind.FAULT, Fault(error.row, self._call, str(error)).encode())
            except Exception as error:
                text = f"{type(error).__name__}: {error}"
                self._pipe.send(Kind.FAULT, Fault(None, self._call, text).encode())
            if kind == Kind.TURN:
                self._expect_turn()

    def _make(self, payload: bytearray) -> bytes:
        source = json.loads(payload)
        self._call = "make"
        self._agent = make_agent(source["name"], bank=source["bank"], options=source["options"])
        offered = tuple(name for name in OFFERED if hasattr(self._agent, name))
        return Description(self._agent.info, agent_hash(self._agent), offered).encode()

    def _make_model(self, payload: bytearray) -> bytes:
        self._call = "make"
        reader = Reader(make_model(json.loads(payload)["name"]), self._enter)
        self._answers |= reader.answers
        return reader.description()

    def _enter(self, call: str) -> None:
        """Note which call of the model would be at fault."""
        self._call = call

    def _begin(self, payload: bytearray) -> bytes:
        self._call = "begin"
        n, *spaces, seed, context = Beginning.decode(payload)
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(1)
        self._layout = Layout(n, *(space.shape or () for space in spaces))
        self._expect_turn()
        self._frame, self._actions = self._layout.new_answer()
        self._agent.begin(n, *spaces, seed, context=context, tasks=None)
        return b""

    def _expect_turn(self) -> None:
        """Make the next frame and its views now, while the evaluation is at work: agents may keep theirs."""
        self._next, self._turn = self._layout.new_frame()

    def _take(self, turn: Turn) -> None:
        flags, observations, following, seen, actions, rewards, *masks, active = turn
        if flags[0] & HAS_STEP:
            self._call = "observe"
            self._agent.observe(observations, actions, rewards, following, *masks)
        if not flags[0] & HAS_LOOK:
            self._pipe.send(Kind.ANSWER)
            return
        self._call = "act"
        answer = np.asarray(self._agent.act(seen, active))
        if answer.dtype.kind not in "iu" or answer.shape != self._actions.shape:
            text = f"answered {answer.dtype} {answer.shape}; actions are integers {self._actions.shape}."
            raise AgentError(text)
        self._actions[...] = answer
        self._pipe.send_framed(self._frame)

    def _switch(self, name: str) -> bytes:
        self._call = name
        getattr(self._agent, name)()
        return b""

    def _table(self, payload: bytearray) -> bytes:
        self._call = "policy_table"
        shape = tuple(np.frombuffer(payload, np.int64).tolist())
        table = np.asarray(self._agent.policy_table())
        if table.shape != shape or table.dtype.kind not in "fiu":
            raise AgentError(f"answered {table.dtype} {table.shape}; the table is float64 {shape}.")
        return table.astype(np.float64).tobytes()
