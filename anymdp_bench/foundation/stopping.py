"""Signals that ask a command to stop unwind it as Ctrl-C does: temporary files go, workers end."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

SIGNALS = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
SHELL_OFFSET = 128
"""Shells report a process that signal n has ended with status 128 + n."""


@contextlib.contextmanager
def stopping_cleanly() -> Iterator[None]:
    """Turn SIGTERM and SIGHUP into KeyboardInterrupt; one that was ignored before, as by nohup, stays so.

    Raises:
        SystemExit: with the status that shells expect, after a signal has unwound the block.
    """
    received: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt

    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number, handler in before.items():
        if handler == signal.SIG_DFL:
            signal.signal(number, interrupt)
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        if received:
            raise SystemExit(SHELL_OFFSET + received[0]) from None
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
