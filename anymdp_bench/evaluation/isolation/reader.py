"""What runs in a sequence model's process: it keeps the state, and makes the copies that are asked ahead."""

from __future__ import annotations

import copy
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from anymdp_bench.evaluation.isolation.messages import Kind
from anymdp_bench.evaluation.isolation.segments import decode_segment, encode_answers
from anymdp_bench.evaluation.sequence.model import Answers, Segment, SequenceModel, state_bytes
from anymdp_bench.foundation.errors import AgentError
from anymdp_bench.records.provenance import agent_hash


class Reader:
    """Serves one model.

    Args:
        model: From `make_model`.
        enter: Told the name of each call before it is made.

    Attributes:
        answers: What answers each kind of request.
    """

    def __init__(self, model: SequenceModel, enter: Callable[[str], None]) -> None:
        """Read nothing yet."""
        self._model = model
        self._enter = enter
        self.answers: dict[int, Callable[[bytearray], bytes]] = {
            Kind.READ: self._begin,
            Kind.SEGMENT: self._answer,
            Kind.FORESEE: self._foresee,
        }

    def description(self) -> bytes:
        """What is said about the model when it has been made."""
        return json.dumps({"code": agent_hash(self._model)}).encode()

    def _begin(self, payload: bytearray) -> bytes:
        self._enter("begin")
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(1)
        n, *self._sizes = np.frombuffer(payload, np.int64).tolist()
        self._state: Any = self._model.begin(n, *self._sizes)
        return b""

    def _answer(self, payload: bytearray) -> bytes:
        segment = decode_segment(payload)
        answers, self._state = self._ask(segment, self._state)
        return self._encoded(answers, segment)

    def _foresee(self, payload: bytearray) -> bytes:
        segment = decode_segment(payload)
        answers, _ = self._ask(segment, copy.deepcopy(self._state))
        return self._encoded(answers, segment)

    def _ask(self, segment: Segment, state: Any) -> tuple[Answers, Any]:
        self._enter("answer")
        found = self._model.answer(segment, state)
        if not isinstance(found, tuple) or len(found) != 2 or not isinstance(found[0], Answers):
            raise AgentError("gave something else than Answers and the state after them.")
        return found

    def _encoded(self, answers: Answers, segment: Segment) -> bytes:
        held = state_bytes(self._state)
        return encode_answers(answers, segment.actions.shape, self._sizes, time.process_time(), held)
