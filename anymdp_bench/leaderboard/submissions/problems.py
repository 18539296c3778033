"""What is wrong with a submission: everything at once, in words that are safe to print."""

from __future__ import annotations

from collections.abc import Iterable

from anymdp_bench.foundation.errors import SubmissionRefused

MOST_SHOWN = 40
"""Problems that are listed one by one."""
LONGEST_SHOWN = 120
"""Characters of an untrusted value that a message repeats."""


def problem(check: str, text: str) -> str:
    """Say which check failed, what was found and what is legal."""
    return f"{check}: {text}"


def shown(value: object) -> str:
    """Spell an untrusted value in printable ASCII, shortened."""
    text = ascii(value)
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def refuse(problems: Iterable[str]) -> None:
    """Raise SubmissionRefused, naming every problem, if there is any."""
    found = list(problems)
    if len(found) > MOST_SHOWN:
        found = [*found[:MOST_SHOWN], f"and {len(found) - MOST_SHOWN} more"]
    if found:
        raise SubmissionRefused(found)
