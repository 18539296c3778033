"""What was fixed when a bank was released: fingerprints and counts of unscorable draws."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

FILE = "fingerprints.json"
DIGITS = 16
"""Hexadecimal digits kept of a fingerprint: 64 bits notice any accident."""


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    """One bank's record.

    Attributes:
        fingerprints: Leading digits of each task's fingerprint, by split.
        rejected: Unscorable draws passed over, by split.
    """

    fingerprints: Mapping[str, Sequence[str]]
    rejected: Mapping[str, int]


@cache
def _table() -> dict[str, Any]:
    path = files("anymdp_bench.banks") / "data" / FILE
    table: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return table


def frozen_bank(name: str) -> Frozen:
    """Return a bank's record; empty before it is frozen."""
    return Frozen(**_table().get(name, {"fingerprints": {}, "rejected": {}}))
