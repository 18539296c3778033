"""Read a spoilt submission; nothing but the package's own error may come out, and nothing may be left."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from anymdp_bench.foundation.errors import SubmissionRefused
from tests.support.hostile.parts import Parts

Found = TypeVar("Found")
_PRINTABLE = re.compile(r"[ -~\n]*")


def attempt(
    parts: Parts, spoil: Callable[..., None], seed: int, read: Callable[[Path], Found]
) -> Found | SubmissionRefused:
    """Spoil a legal submission and read its folder."""
    spoil(parts, np.random.default_rng(seed))
    with tempfile.TemporaryDirectory() as scratch:
        folder = parts.write(Path(scratch))
        before = sorted(Path(scratch).rglob("*"))
        try:
            return read(folder)
        except SubmissionRefused as error:
            assert error.problems and _PRINTABLE.fullmatch(str(error)), str(error)
            assert all(len(text) < 1000 for text in error.problems)
            return error
        finally:
            assert sorted(Path(scratch).rglob("*")) == before
