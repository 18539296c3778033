"""The stand-in for a sequence model that lives in a process of its own."""

from __future__ import annotations

import json
from typing import NamedTuple

import numpy as np

from anymdp_bench.evaluation.isolation.messages import HEADER, Broken, Kind
from anymdp_bench.evaluation.isolation.process import Limits
from anymdp_bench.evaluation.isolation.remote import Remote
from anymdp_bench.evaluation.isolation.segments import answer_bytes, decode_answers, encode_segment
from anymdp_bench.evaluation.isolation.settings import AgentSource
from anymdp_bench.evaluation.sequence.model import Answers, Segment

LONGEST_CODE = 64


class Held(NamedTuple):
    """Stands for a state that the model's process keeps; there is only the latest.

    Attributes:
        nbytes: Its size, as that process says.
    """

    nbytes: int


class IsolatedModel(Remote):
    """Reads as the model that an entry point names would read in this process, to the bit.

    The process is started by the first `begin` and ended by `close`; an exception, a wrong answer, an exit or
    a silence there is an `AgentError` here.

    Args:
        entry_point: ``"package.module:factory"``.
        limits: What its process may use.

    Attributes:
        entry_point: As given.

    Raises:
        AgentError: the model cannot be made.
    """

    def __init__(self, entry_point: str, limits: Limits | None = None) -> None:
        """Make it once, to know what code it is."""
        super().__init__(AgentSource(name=entry_point), limits)
        self.entry_point = entry_point
        self._seconds = 0.0
        try:
            self.code = self._start(Kind.MODEL, _code)
        finally:
            self.close()

    def begin(self, n: int, n_observations: int, n_actions: int) -> Held:
        """Begin in the model's process; start it, if it is not there."""
        self._n, self._sizes = n, (n_observations, n_actions)
        if self._process is None:
            self._start(Kind.MODEL, _code)
        numbers = np.array([n, n_observations, n_actions], np.int64)
        self._ask(Kind.READ, numbers.tobytes(), seconds=self._limits.start_seconds)
        return Held(0)

    def answer(self, segment: Segment, state: Held) -> tuple[Answers, Held]:
        """Lead the latest state on by a segment; `state` stands for it."""
        return self._request(Kind.SEGMENT, segment)

    def foresee(self, segment: Segment) -> Answers:
        """Answers from a copy of the latest state, which stays as it is."""
        return self._request(Kind.FORESEE, segment)[0]

    def process_time(self) -> float:
        """CPU seconds of the model's process at its latest answer, as that process says."""
        return self._seconds

    def _request(self, kind: Kind, segment: Segment) -> tuple[Answers, Held]:
        shape = segment.actions.shape
        frame = self._ask(kind, encode_segment(segment), answer_bytes(shape, self._sizes))
        self._seconds, held, answers = decode_answers(frame, HEADER.size, shape, self._sizes)
        return answers, Held(held)


def _code(text: bytes) -> str:
    try:
        code = json.loads(text)["code"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise Broken(f"describes itself in an unknown way ({type(error).__name__})") from error
    if not isinstance(code, str):
        raise Broken("declares a code that is no text")
    return code[:LONGEST_CODE]
