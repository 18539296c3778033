"""How a value outside its legal range is refused, everywhere in the same words: what was given, what to give.

`Whole`, `Number`, `OneOf` and `Kind` say what is legal; `check_fields` checks a record's fields against them,
and the functions ``check_...`` a single value. Integers are Python's and NumPy's of any kind; True is no
number.
"""

from __future__ import annotations

import dataclasses
import math
import numbers
import operator
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from anymdp_bench.foundation.errors import BenchError, InvalidConfig


class Limit(Protocol):
    """Legal values; its text completes "give ..."."""

    def accepts(self, value: object) -> bool:
        """Whether a value is legal."""
        ...


def plain(value: Any) -> Any:
    """A NumPy number, or array of a single one, as Python's own; everything else as it is."""
    single = isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0)
    return value.item() if single else value


def store_plain(record: Any, *names: str) -> None:
    """Replace NumPy numbers in some fields of a dataclass, by default in all, by Python's own."""
    for name in names or [field.name for field in dataclasses.fields(record)]:
        object.__setattr__(record, name, plain(getattr(record, name)))


def as_integer(value: object) -> int | None:
    """Return an integer of any kind, also a NumPy array of one, as int; None for everything else."""
    if isinstance(value, bool | np.bool_):
        return None
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None


class Whole(NamedTuple):
    """Integers from `least` to `most`; None too, where a value may be left open."""

    least: int
    most: int | None = None
    or_none: bool = False

    def accepts(self, value: object) -> bool:
        """Whether a value is legal; True and 3.0 are no integers."""
        if value is None:
            return self.or_none
        whole = as_integer(value)
        return whole is not None and self.least <= whole and (self.most is None or whole <= self.most)

    def __str__(self) -> str:
        """Say what is legal."""
        span = f"of at least {self.least}" if self.most is None else f"in {self.least}..{self.most}"
        return f"an integer {span}" + (" or null" if self.or_none else "")


class Number(NamedTuple):
    """Finite numbers from `least`, or `above` it, to `most`, or `below` it."""

    least: float = 0.0
    most: float = math.inf
    above: bool = False
    below: bool = False

    def accepts(self, value: object) -> bool:
        """Whether a value is legal; True is no number."""
        if not isinstance(value, numbers.Real) or isinstance(value, bool) or not math.isfinite(value):
            return False
        real = float(value)
        low = real > self.least if self.above else real >= self.least
        return low and (real < self.most if self.below else real <= self.most)

    def __str__(self) -> str:
        """Say what is legal."""
        if math.isfinite(self.least) and math.isfinite(self.most):
            left, right = "(" if self.above else "[", ")" if self.below else "]"
            return f"a number in {left}{self.least:g}, {self.most:g}{right}"
        if math.isfinite(self.most):
            return f"a finite number of at most {self.most:g}"
        return f"a finite number {'above' if self.above else 'of at least'} {self.least:g}"


class Kind(NamedTuple):
    """Instances of a type, or of one of several."""

    type: Any
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
        return isinstance(value, str) and value in self.words

    def __str__(self) -> str:
        """Say what is legal."""
        return "one of " + ", ".join(map(repr, self.words))


SHARE = Number(0, 1)
FLAG = Kind(bool | np.bool_, "True or False")
TEXT = Kind(str, "a text")
FIELDS = Kind(Mapping, "an object")


def check(
    condition: bool, name: str, value: object, legal: object, error: type[BenchError] = InvalidConfig
) -> None:
    """Raise `error` unless a condition holds."""
    if not condition:
        raise error(f"{name}={value!r} is not legal: give {legal}.")


def check_limit(name: str, value: object, limit: Limit, error: type[BenchError] = InvalidConfig) -> None:
    """Raise `error` unless `value` is within `limit`."""
    check(limit.accepts(value), name, value, limit, error)


def check_fields(owner: object, limits: Mapping[str, Limit]) -> None:
    """Raise InvalidConfig unless each field of a record is within its limit; store Python's own numbers."""
    store_plain(owner, *limits)
    for field, limit in limits.items():
        check_limit(field, getattr(owner, field), limit)


def check_integer(
    name: str,
    value: object,
    low: int,
    high: int | None = None,
    error: type[BenchError] = InvalidConfig,
) -> int:
    """Return `value` as int; raise `error` unless it is an integer in low..high (None: without end)."""
    check_limit(name, value, Whole(low, high), error)
    return operator.index(value)  # type: ignore[arg-type]


def check_number(name: str, value: object, low: float, high: float) -> float:
    """Return `value` as float; raise InvalidConfig unless it is a finite number in [low, high]."""
    check_limit(name, value, Number(low, high))
    return float(value)  # type: ignore[arg-type]


def check_choice(
    name: str, value: object, legal: Iterable[str], error: type[BenchError] = InvalidConfig
) -> None:
    """Raise `error` unless `value` is one of the texts `legal`."""
    check_limit(name, value, OneOf(tuple(legal)), error)


def check_flag(name: str, value: object) -> None:
    """Raise InvalidConfig unless `value` is True or False."""
    check_limit(name, value, FLAG)
