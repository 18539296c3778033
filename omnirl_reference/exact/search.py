"""Choose how an exact-memory agent acts, by its return on validation tasks.

A setting's worth is the mean, over plans, of the clipped mean score in the windows that count. One field
after another is moved through its candidates, for as long as that helps; nothing is learnt, and no test task
is played.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from omnirl_reference.exact.acting import Acting, acting
from omnirl_reference.exact.agent import ExactAgent
from omnirl_reference.exact.checkpoint import load_network
from omnirl_reference.exact.network import QUANTILES
from omnirl_reference.playing.validation import Plan, validate

FIRST_STEP = 500
"""Windows that begin earlier say more of the task than of the agent."""
CANDIDATES: dict[str, tuple[Any, ...]] = {
    "leaf": ("values", "gains", "optimist"),
    "quantile": QUANTILES,
    "kappa": (0.003, 0.01, 0.03, 0.1, 0.3),
    "fade": (0.0, 0.5, 1.0, 2.0),
    "probe": (0.0, 3.0, 6.0, 12.0),
    "probe_length": (16.0, 32.0, 64.0),
    "probe_kappa": (0.3, 0.5, 1.0, 2.0),
    "probe_fade": (0.5, 1.0, 1.5, 2.0),
    "offset": (-0.3, 0.0, 0.3, 1.0),
    "logits": (0.0, 0.1, 0.3),
    "discount": (0.99, 0.994, 0.997),
    "growth": (0.01, 0.02, 0.05),
    "alone": (0.0, 0.1, 0.25, 0.5, 1.0),
}
"""Fields of `Acting`, in the order in which they are moved, and what they are moved through."""
MOST_ROUNDS = 2

Told = Callable[[Acting, float, dict[str, float]], None]


def worth(agent: ExactAgent, plans: Sequence[Plan]) -> dict[str, float]:
    """Mean clipped score of the windows that count, by plan."""
    found = {}
    for plan in plans:
        scores = validate(agent, plan)
        counted = [
            score.clipped
            for score in scores
            if plan.protocol != "online" or int(score.window.split("-")[0]) >= FIRST_STEP
        ]
        found[f"{plan.bank} {plan.protocol}"] = float(np.mean(counted)) if counted else np.nan
    return found


def search(
    folder: Path,
    plans: Sequence[Plan],
    fields: Sequence[str] = tuple(CANDIDATES),
    *,
    start: Acting | None = None,
    told: Told = lambda how, mean, each: None,
) -> Acting:
    """Move the fields of `Acting` in turn, each to its best candidate.

    Args:
        folder: A checkpoint, or a run.
        plans: What is played, each plan counts the same.
        fields: What may move, of `CANDIDATES`.
        start: Where to begin; default: how the checkpoint acts.
        told: Told every setting that was played, its worth, and that of each plan.

    Returns:
        The best setting found.
    """
    network, notes = load_network(folder)
    best = start or acting(notes.get("acting", {}))
    known: dict[Acting, float] = {}

    def value(how: Acting) -> float:
        if how not in known:
            each = worth(ExactAgent(network, "search", how), plans)
            known[how] = float(np.mean(list(each.values())))
            told(how, known[how], each)
        return known[how]

    for _ in range(MOST_ROUNDS):
        before = best
        for field in fields:
            options = [dataclasses.replace(best, **{field: x}) for x in CANDIDATES[field]]
            best = max([best, *options], key=value)
        if best == before:
            break
    return best
