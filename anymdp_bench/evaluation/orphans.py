"""Workers that end by themselves when the process that started them is gone."""

from __future__ import annotations

import os
import threading
import time

POLL_SECONDS = 1.0


def end_with_parent(parent: int) -> None:
    """End this process soon after its parent's end, however that ended.

    Args:
        parent: Process id of the parent, as the parent knows it.
    """
    threading.Thread(target=_watch, args=(parent,), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os._exit(1)
