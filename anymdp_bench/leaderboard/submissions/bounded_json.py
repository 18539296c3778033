"""JSON of strangers: bounded in size, depth and length of numbers, without repeated keys."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from typing import Any

from anymdp_bench.leaderboard.submissions.problems import problem, refuse, shown

DEEPEST = 6
LONGEST_NUMBER = 30
_ESCAPE = re.compile(r"\\.", re.DOTALL)
_STRING = re.compile(r'"[^"]*"')
_BRACKET = re.compile(r"[\[{\]}]")


def parse_json(content: bytes, what: str) -> dict[str, Any]:
    """Parse a JSON object.

    Args:
        content: At most as large as the caller allows.
        what: Name of the file, for messages.

    Raises:
        SubmissionRefused: no UTF-8, no JSON object, nested too deeply, a repeated key, or a number that is
            not finite or too long.
    """
    try:
        text = content.decode("utf-8")
        _check_depth(text)
        values = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_int=_bounded_int,
            parse_float=_bounded_float,
        )
    except (ValueError, RecursionError) as error:
        refuse([problem("json", f"{what}: {error}")])
        raise
    if not isinstance(values, dict):
        refuse([problem("json", f"{what} holds a JSON {type(values).__name__}; give an object")])
    found: dict[str, Any] = values
    return found


def _check_depth(text: str) -> None:
    outside_strings = _STRING.sub("", _ESCAPE.sub("", text))
    depth = 0
    for bracket in _BRACKET.findall(outside_strings):
        depth += 1 if bracket in "[{" else -1
        if depth > DEEPEST:
            raise ValueError(f"nested more than {DEEPEST} deep")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        (twice, _), *_ = Counter(key for key, _ in pairs).most_common(1)
        raise ValueError(f"key {shown(twice)} is given twice")
    return values


def _no_constant(text: str) -> None:
    raise ValueError(f"{text} is not a number of JSON")


def _bounded_int(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"a number has {len(text)} digits; at most {LONGEST_NUMBER} are read")
    return int(text)


def _bounded_float(text: str) -> float:
    value = float(text) if len(text) <= LONGEST_NUMBER else math.nan
    if not math.isfinite(value):
        raise ValueError(f"the number {shown(text)} is too long or too large")
    return value
