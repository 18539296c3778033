"""How a setting outside its legal range is refused: what was given, and what to give."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from anymdp_bench.errors import InvalidConfig


def _refuse(name: str, value: object, legal: str) -> InvalidConfig:
    return InvalidConfig(f"{name}={value!r} is not legal: give {legal}.")


def check_integer(name: str, value: object, low: int, high: int) -> None:
    """Raise InvalidConfig unless `value` is an integer in low..high."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not low <= value <= high:
        raise _refuse(name, value, f"an integer in {low}..{high}")


def check_number(name: str, value: object, low: float, high: float) -> None:
    """Raise InvalidConfig unless `value` is a number in [low, high]."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise _refuse(name, value, f"a number in [{low}, {high}]")


def check_choice(name: str, value: object, legal: Iterable[str]) -> None:
    """Raise InvalidConfig unless `value` is one of the texts `legal`."""
    texts = list(legal)
    if not isinstance(value, str) or value not in texts:
        raise _refuse(name, value, f"one of {', '.join(map(repr, texts))}")


def check_flag(name: str, value: object) -> None:
    """Raise InvalidConfig unless `value` is True or False."""
    if not isinstance(value, bool | np.bool_):
        raise _refuse(name, value, "True or False")
