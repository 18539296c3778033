"""The figures that the paper reports, to stand beside our own."""

from __future__ import annotations

import csv
import math
from functools import cache
from importlib.resources import files
from typing import NamedTuple

METHODS = {
    "q-ucb": "TQL-UCB",
    "ppo": "PPO",
    "omnirl-16": "OmniRL (AnyMDP)",
    "omnirl-16-garnet": "OmniRL (Garnet)",
    "omnirl-128": "OmniRL (AnyMDP)",
    "omnirl-any": "OmniRL (AnyMDP)",
    "omnirl-any-anymdp": "OmniRL (AnyMDP)",
    "omnirl-any-garnet": "OmniRL (Garnet)",
}
"""Which of the paper's methods an agent stands for."""


class Figures(NamedTuple):
    """One cell of the paper's main table; NaN where it reports nothing.

    Attributes:
        performance: Normalised performance, 1 is the oracle.
        steps: Environment steps to 99 % of it.
        episodes: Episodes to 99 % of it.
    """

    performance: float
    steps: float
    episodes: float


@cache
def published() -> dict[str, dict[str, Figures]]:
    """All published figures by bank and method (arXiv 2502.02869, main table)."""
    table: dict[str, dict[str, Figures]] = {}
    for row in _rows():
        if not row["method"]:
            continue
        figures = Figures(
            _number(row["performance_percent"]) / 100, _number(row["steps"]), _number(row["episodes"])
        )
        table.setdefault(row["bank"], {})[row["method"]] = figures
    return table


@cache
def environments() -> dict[str, str]:
    """Name of each row by bank: those of the paper's main table in its order, and ours between them."""
    return {row["bank"]: row["environment"] for row in _rows()}


def _rows() -> list[dict[str, str]]:
    text = (files("anymdp_bench.evaluation") / "paper_table.csv").read_text(encoding="utf-8")
    return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))


def _number(text: str) -> float:
    return float(text) if text else math.nan
