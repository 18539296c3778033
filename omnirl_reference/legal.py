"""What the fields of a configuration may be; errors say what was given and what is legal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from anymdp_bench import InvalidConfig


class Limit(Protocol):
    """Legal values of a field; its text completes "give ..."."""

    def accepts(self, value: object) -> bool:
        """Whether a value is legal."""
        ...


class Whole(NamedTuple):
    """Integers from `least`; None too, where the field may be left open."""

    least: int
    or_none: bool = False

    def accepts(self, value: object) -> bool:
        """Whether a value is legal; True and 3.0 are no integers."""
        if value is None:
            return self.or_none
        return isinstance(value, int) and not isinstance(value, bool) and value >= self.least

    def __str__(self) -> str:
        """Say what is legal."""
        return f"an integer of at least {self.least}" + (" or null" if self.or_none else "")


class Number(NamedTuple):
    """Finite numbers from `least`, or `above` it, to `most`."""

    least: float = 0.0
    most: float = math.inf
    above: bool = False

    def accepts(self, value: object) -> bool:
        """Whether a value is legal; True is no number."""
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            return False
        return (value > self.least if self.above else value >= self.least) and value <= self.most

    def __str__(self) -> str:
        """Say what is legal."""
        if math.isfinite(self.most):
            return f"a number in [{self.least:g}, {self.most:g}]"
        return f"a number {'above' if self.above else 'of at least'} {self.least:g}"


class Kind(NamedTuple):
    """Instances of a type."""

    type: type
    name: str

    def accepts(self, value: object) -> bool:
        """Whether a value is legal."""
        return isinstance(value, self.type)

    def __str__(self) -> str:
        """Say what is legal."""
        return self.name


class OneOf(NamedTuple):
    """Some words."""

    words: tuple[str, ...]

    def accepts(self, value: object) -> bool:
        """Whether a value is legal."""
        return value in self.words

    def __str__(self) -> str:
        """Say what is legal."""
        return "one of " + ", ".join(map(repr, self.words))


SHARE = Number(0, 1)
FLAG = Kind(bool, "true or false")
TEXT = Kind(str, "a text")
FIELDS = Kind(Mapping, "an object")


def check(condition: bool, field: str, value: object, legal: object) -> None:
    """Raise InvalidConfig unless a condition holds."""
    if not condition:
        raise InvalidConfig(f"{field}={value!r} is not legal: give {legal}.")


def check_fields(owner: object, limits: Mapping[str, Limit]) -> None:
    """Check the fields of a record, each against its limit."""
    for field, limit in limits.items():
        value = getattr(owner, field)
        check(limit.accepts(value), field, value, limit)
