"""Candidate settings of the model-based agents, for `tuning`."""

from __future__ import annotations

from typing import Any

Candidates = list[dict[str, Any]]


def _each(**choices: list[Any]) -> Candidates:
    """One candidate for each value of each setting; the other settings keep their default."""
    return [{name: value} for name, values in choices.items() for value in values]


SHARED = _each(discount=[0.98, 0.994], aliased_discount=[0.7, 0.9])
GRIDS: dict[str, Candidates] = {
    "oim": [
        {},
        *_each(kappa=[0.0001, 0.0003, 0.0006, 0.002, 0.005], reach=[1.0, 3.0, 30.0]),
        *SHARED,
        {"kappa": 0.0003, "reach": 3.0},
        {"kappa": 0.0003, "reach": 3.0, "growth": 0.003},
        {"kappa": 0.003, "reach": 1.0},
    ],
    "ucbvi": [{}, *_each(bonus=[0.0001, 0.0003], reach=[0.0, 1.0])],
    "psrl": [{}, *_each(unknown=[0.02], sharpness=[10.0], ceiling=[True])],
}
