"""SHA-256 of what files hold, so that a changed bit is noticed when they are read.

JSON objects carry the digest of their own content under `SEAL`; files of older versions carry none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from typing import Any

SEAL = "sha256"
"""Key of an object's own digest."""


def sha256(content: bytes | memoryview) -> str:
    """SHA-256 (hex) of some bytes."""
    return hashlib.sha256(content).hexdigest()


def sealed(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a JSON object with its own digest, whatever digest it carried before."""
    content = {name: value for name, value in values.items() if name != SEAL}
    return content | {SEAL: _digest(content)}


def check_seal(values: Any, known: Collection[str] | None = None) -> dict[str, Any]:
    """Return a JSON object that was read from a file, without its digest.

    Args:
        values: What was read.
        known: Keys that an object may have, so that a changed key of the digest is noticed; None: any.

    Raises:
        ValueError: it is no object, has another key, or its digest is not that of its content.
    """
    if not isinstance(values, dict):
        raise ValueError(f"holds a JSON {type(values).__name__}, not an object")
    content = {name: value for name, value in values.items() if name != SEAL}
    unknown = [] if known is None else sorted(content.keys() - set(known))
    if unknown:
        raise ValueError(f"has a key {unknown[0]!r} that is not known")
    if SEAL in values and values[SEAL] != _digest(content):
        raise ValueError(f"its content does not have the SHA-256 that it names, {values[SEAL]!r}")
    return content


def _digest(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return sha256(text.encode())
