"""Checks of the settings that the hand-made worlds share."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from anymdp_bench.errors import InvalidConfig


def check_choice(field: str, value: object, legal: Iterable[str]) -> None:
    """Raise InvalidConfig unless `value` is one of the strings `legal`."""
    names = list(legal)
    if not isinstance(value, str) or value not in names:
        raise InvalidConfig(f"{field}={value!r} is not legal: give one of {', '.join(map(repr, names))}.")


def check_range(field: str, value: object, low: int, high: int) -> None:
    """Raise InvalidConfig unless `value` is an integer in low..high."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not low <= value <= high:
        raise InvalidConfig(f"{field}={value!r} is not legal: give an integer in {low}..{high}.")


def check_flag(field: str, value: object) -> None:
    """Raise InvalidConfig unless `value` is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise InvalidConfig(f"{field}={value!r} is not legal: give True or False.")
