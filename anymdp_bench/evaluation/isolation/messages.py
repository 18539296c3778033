"""Frames on the pipe between the evaluation and an agent's process: a kind, a length, and that many bytes."""

from __future__ import annotations

import enum
import math
import socket
import struct
import time
from typing import NamedTuple

HEADER = struct.Struct("<QQ")
FAULT = struct.Struct("<q16s")
LONGEST_FAULT = FAULT.size + 2000
LONGEST_TEXT = 1 << 16
NO_ROW = -1


class Kind(enum.IntEnum):
    """What a frame asks for, or answers; every request has one answer."""

    MAKE = 1
    BEGIN = 2
    TURN = 3
    FREEZE = 4
    UNFREEZE = 5
    TABLE = 6
    ANSWER = 7
    FAULT = 8
    MODEL = 9
    READ = 10
    SEGMENT = 11
    FORESEE = 12


class Broken(Exception):
    """The other side is gone, silent, or sends what the protocol does not know; the text says which."""


class Fault(NamedTuple):
    """An agent's failure: the batch row at fault (None if unknown), the call that failed, and why."""

    row: int | None
    call: str
    message: str

    def encode(self) -> bytes:
        """Return the payload of its frame; long messages are cut."""
        row = NO_ROW if self.row is None else self.row
        text = self.message.encode("utf-8", "replace")[: LONGEST_FAULT - FAULT.size]
        return FAULT.pack(row, self.call.encode()) + text

    @classmethod
    def decode(cls, payload: bytes, n_rows: int, calls: tuple[str, ...]) -> Fault:
        """Read a payload without trusting it.

        Raises:
            Broken: it is too short or names no call.
        """
        if len(payload) < FAULT.size:
            raise Broken(f"sent a fault of {len(payload)} bytes")
        row, name = FAULT.unpack_from(payload)
        call = name.rstrip(b"\0").decode("ascii", "replace")
        if call not in calls:
            raise Broken("sent a fault that names no call")
        text = payload[FAULT.size :].decode("utf-8", "replace")
        printable = "".join(c if c.isprintable() else " " for c in text)
        return cls(row if 0 <= row < n_rows else None, call, printable)


class Pipe:
    """One end of the pipe.

    Args:
        end: A connected stream socket; it is closed with the pipe.
    """

    def __init__(self, end: socket.socket) -> None:
        """Take the socket over."""
        self._socket = end
        self._head = bytearray(HEADER.size)
        self._seconds = math.inf

    def limit(self, seconds: float) -> None:
        """Let no later call wait longer than this."""
        whole = int(seconds)
        value = struct.pack("@ll", whole, max(int((seconds - whole) * 1e6), int(whole == 0)))
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            self._socket.setsockopt(socket.SOL_SOCKET, option, value)
        self._seconds = seconds

    def send(self, kind: Kind, payload: bytes | bytearray | memoryview = b"") -> None:
        """Send a frame.

        Raises:
            Broken: nobody takes it.
        """
        self.send_framed(HEADER.pack(kind, len(payload)) + bytes(payload))

    def send_framed(self, frame: bytes | bytearray | memoryview) -> None:
        """Send bytes that begin with their header.

        Raises:
            Broken: nobody takes them.
        """
        try:
            self._socket.sendall(frame)
        except BlockingIOError as error:
            raise Broken("does not take what it is told") from error
        except OSError as error:
            raise Broken("has ended") from error

    def receive(self, frame: bytearray) -> tuple[int, bytearray]:
        """Take a frame of any length from a side that is trusted, in one call where it has the expected size.

        Args:
            frame: Written: of the expected size, at least a header's.

        Returns:
            Its kind, and the whole frame: `frame` itself if the size is the expected one.

        Raises:
            Broken: the other side is gone.
        """
        got = self._some(frame)
        if got < HEADER.size:
            got = self._fill(memoryview(frame)[: HEADER.size], got)
        kind, length = HEADER.unpack_from(frame)
        size = HEADER.size + length
        if size > len(frame):
            frame = frame + bytes(size - len(frame))
        if got < size:
            self._fill(memoryview(frame)[:size], got)
        return kind, frame if len(frame) == size else frame[:size]

    def receive_answer(self, frame: bytearray) -> bytes | None:
        """Take an answer that fills `frame` (header and payload) exactly, or a fault.

        Args:
            frame: Written.

        Returns:
            None, or the fault's payload.

        Raises:
            Broken: gone, silent for longer than the limit, or any other frame.
        """
        got = self._some(frame)
        if got < len(frame) or not self._is_answer(frame):
            got = self._fill(memoryview(frame)[: HEADER.size], got)
            kind, length = HEADER.unpack_from(frame)
            if kind == Kind.FAULT and length <= LONGEST_FAULT:
                return self._fault(frame, got, length)
            self._check_answer(frame)
            self._fill(memoryview(frame), got)
        return None

    def receive_text(self) -> tuple[bool, bytes]:
        """Take a text of bounded length: whether it is an answer (else a fault), and its bytes.

        Raises:
            Broken: gone, silent for longer than the limit, or any other frame.
        """
        self._fill(memoryview(self._head))
        kind, length = HEADER.unpack(self._head)
        longest = {Kind.ANSWER: LONGEST_TEXT, Kind.FAULT: LONGEST_FAULT}.get(kind, -1)
        if length > longest:
            raise Broken(f"sent a frame of kind {kind} with {length} bytes")
        payload = bytearray(length)
        self._fill(memoryview(payload))
        return kind == Kind.ANSWER, bytes(payload)

    def close(self) -> None:
        """Close this end."""
        self._socket.close()

    def _is_answer(self, frame: bytearray) -> bool:
        return HEADER.unpack_from(frame) == (Kind.ANSWER, len(frame) - HEADER.size)

    def _check_answer(self, frame: bytearray) -> None:
        if not self._is_answer(frame):
            kind, length = HEADER.unpack_from(frame)
            raise Broken(
                f"sent a frame of kind {kind} with {length} bytes; the answer has {len(frame) - HEADER.size}"
            )

    def _fault(self, frame: bytearray, got: int, length: int) -> bytes:
        head = bytes(frame[HEADER.size : min(got, HEADER.size + length)])
        rest = bytearray(length - len(head))
        self._fill(memoryview(rest))
        return head + bytes(rest)

    def _some(self, view: memoryview | bytearray) -> int:
        try:
            got = self._socket.recv_into(view)
        except BlockingIOError as error:
            raise Broken(f"has been silent for {self._seconds:g} s") from error
        except OSError as error:
            raise Broken("has ended") from error
        if got == 0 and len(view):
            raise Broken("has ended")
        return got

    def _fill(self, view: memoryview, got: int = 0) -> int:
        """Read on until `view` is full; bytes that drip in do not prolong the limit."""
        if got >= len(view):
            return got
        deadline = time.monotonic() + self._seconds
        while got < len(view):
            got += self._some(view[got:])
            if time.monotonic() > deadline:
                raise Broken(f"has not finished its answer within {self._seconds:g} s")
        return got
