"""Cells and lines of tables as Markdown and CSV."""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Iterable, Sequence

from anymdp_bench.leaderboard.standings.trust import Trusted

DASH = "-"
SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+.!|~&-])")


def escape(text: str) -> str:
    """Show text as it is, whatever Markdown makes of it."""
    return SPECIAL.sub(r"\\\1", text)


def percent(value: float) -> str:
    """A score in percent with one digit; a dash if there is none."""
    return DASH if math.isnan(value) else f"{100 * value:.1f}".replace("-0.0", "0.0")


def count(value: float) -> str:
    """A number of steps or episodes; a dash if there is none."""
    return DASH if math.isnan(value) else f"{value:,.0f}"


def head(headers: Sequence[str]) -> list[str]:
    """First two lines of a table; all columns but names and status are numbers."""
    rule = ["---" if header in ("agent", "status") else "---:" for header in headers]
    return [line(headers), line(rule)]


def line(cells: Iterable[str]) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


def linked_title(entry: Trusted) -> str:
    """Title of an entry, which leads to its code."""
    title = escape(entry.metadata.title)
    return f"[{title}]({entry.metadata.url})" if entry.metadata.url else title


def status_words(entry: Trusted) -> list[str]:
    """Words on how far an entry can be trusted, and what it is."""
    words = ["not by its owner"] * (entry.ownership == "foreign")
    words.append("not reproduced" if entry.refuted else entry.known)
    words += [f"falls on {kind} tasks" for kind in entry.fell]
    words += ["unclaimed name"] * (entry.ownership == "unclaimed")
    return [*words, *entry.declared]


def number(value: float) -> str:
    """Six digits: the last bits of a mean differ between processors."""
    return "" if math.isnan(value) else f"{value:.6g}"


def as_csv(rows: Iterable[Sequence[object]]) -> str:
    """Lines of a CSV file."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
