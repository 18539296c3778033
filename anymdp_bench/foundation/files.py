"""Files that are replaced only by complete ones."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import IO


def write_bytes(path: str | PathLike[str], content: bytes | memoryview) -> None:
    """Replace a file at once."""
    with replacing(path) as file:
        file.write(content)


def write_text(path: str | PathLike[str], text: str) -> None:
    """Replace a file by UTF-8 text, at once."""
    write_bytes(path, text.encode())


@contextlib.contextmanager
def replacing(path: str | PathLike[str]) -> Iterator[IO[bytes]]:
    """Open a temporary file beside `path` that replaces it when the block succeeds."""
    target = Path(path)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, 0o666 & ~_umask())
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
