"""Hostile answers of an agent's process: bounded, checked, refused."""

from __future__ import annotations

import time

import numpy as np
import pytest

from anymdp_bench.agents.protocol import AgentInfo
from anymdp_bench.evaluation.isolation import messages
from anymdp_bench.evaluation.isolation.settings import Description


def served(*frames: bytes) -> messages.Pipe:
    """The evaluation's end of a pipe, on whose other side these bytes were sent before it closed."""
    import socket

    ours, theirs = socket.socketpair()
    with theirs:
        theirs.sendall(b"".join(frames))
    pipe = messages.Pipe(ours)
    pipe.limit(1)
    return pipe


def frame(kind: int, payload: bytes = b"", length: int | None = None) -> bytes:
    return messages.HEADER.pack(kind, len(payload) if length is None else length) + payload


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (b"", "has ended"),
        (b"abc", "has ended"),
        (frame(7, b"1234567"), "kind 7 with 7 bytes; the answer has 8"),
        (frame(7, b"", 1 << 60), "the answer has 8"),
        (frame(3, b"12345678"), "kind 3"),
        (frame(99, b"12345678"), "kind 99"),
        (frame(8, b"", 1 << 40), "kind 8"),
        (frame(8, b"x" * 9, 24), "has ended"),
        (frame(7, b"1234", 8), "has ended"),
    ],
)
def test_any_other_answer_is_refused(sent: bytes, message: str) -> None:
    pipe = served(sent)
    with pytest.raises(messages.Broken, match=message):
        pipe.receive_answer(bytearray(messages.HEADER.size + 8))
    pipe.close()


def test_faults_are_bounded_and_printable() -> None:
    fault = messages.Fault(5, "act", "x\x1b[31m" + "y" * 9000)
    pipe = served(frame(8, fault.encode()))
    payload = pipe.receive_answer(bytearray(messages.HEADER.size + 8))
    assert payload is not None
    found = messages.Fault.decode(payload, 3, ("act",))
    assert found.row is None and found.message.startswith("x [31my") and len(found.message) <= 2000
    assert messages.Fault.decode(payload, 6, ("act",)).row == 5
    with pytest.raises(messages.Broken, match="names no call"):
        messages.Fault.decode(payload, 3, ("begin",))
    with pytest.raises(messages.Broken, match="a fault of 3 bytes"):
        messages.Fault.decode(b"abc", 3, ("act",))
    pipe.close()


def test_silence_and_dripping_are_bounded() -> None:
    import socket
    import threading

    ours, theirs = socket.socketpair()
    pipe = messages.Pipe(ours)
    pipe.limit(0.2)
    with pytest.raises(messages.Broken, match=r"silent for 0\.2 s"):
        pipe.receive_answer(bytearray(24))

    def drip() -> None:
        for byte in frame(7, b"12345678"):
            time.sleep(0.05)
            theirs.send(bytes([byte]))

    thread = threading.Thread(target=drip)
    thread.start()
    with pytest.raises(messages.Broken, match=r"has not finished its answer within 0\.2 s"):
        pipe.receive_answer(bytearray(24))
    thread.join()
    theirs.close()
    pipe.close()


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\xff",
        b"[" * 60_000,
        b"1",
        b"{}",
        b'{"info": {"name": 3}, "code": "x", "offered": []}',
        b'{"info": {"name": "a", "privileged": 0, "learner": false, "joint": false, "config": {}, '
        b'"shard_size": null}, "code": "x", "offered": []}',
        b'{"info": {"name": "a", "privileged": false, "learner": false, "joint": false, "config": {"a": []}, '
        b'"shard_size": null}, "code": "x", "offered": []}',
        b'{"info": {"name": "a", "privileged": false, "learner": false, "joint": false, "config": {"a": NaN},'
        b' "shard_size": null}, "code": "x", "offered": []}',
        b'{"info": {"name": "a", "privileged": false, "learner": false, "joint": false, "config": {}, '
        b'"shard_size": null}, "code": "x", "offered": ["learn_episodes"]}',
    ],
)
def test_descriptions_are_not_trusted(text: bytes) -> None:
    with pytest.raises(messages.Broken):
        Description.decode(text)


def test_a_description_survives_the_way() -> None:
    info = AgentInfo(name="a", learner=True, config={"x": 0.1}, shard_size=np.int64(3).item())
    description = Description(info, "f" * 64, ("freeze",))
    assert Description.decode(description.encode()) == description
