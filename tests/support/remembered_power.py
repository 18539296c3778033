"""How often known tasks are found, and honest entries suspected, in simulated plays of 64 tasks.

``python -m tests.support.remembered_power [sets of plays a case]`` prints a Markdown table.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable

import numpy as np
from rich.progress import track

from anymdp_bench.foundation.types import FloatArray
from anymdp_bench.leaderboard.verification.findings import LEAST_CHANCE
from anymdp_bench.leaderboard.verification.remembered import PLAYS, SUSPICION, chance_of_standing_out

TASKS = 64
LEARNT = ((0.6,), (0.8,), (0.2, 0.8))
"""Honest scores at the points that are compared: late, or early and late."""
KNOWN = (0, 4, 6, 8)
VARIATIONS = (0.05, 0.1, 0.15)
"""Standard deviation of a task's score from play to play."""


def plays(generator: np.random.Generator, learnt: tuple[float, ...], known: int, sd: float) -> FloatArray:
    """Scores of `PLAYS` plays, the first with `known` tasks at 1, float64 ``[PLAYS, TASKS, k]``."""
    scores = generator.normal(learnt, sd, size=(PLAYS, TASKS, len(learnt)))
    scores[0, :known] = 1.0
    return scores


def outcome(scores: FloatArray, seed: int) -> tuple[bool, bool]:
    """Whether an entry with these plays is suspected, and whether it falls."""
    suspected = chance_of_standing_out(list(scores[:2]), seed) <= SUSPICION
    return suspected, suspected and chance_of_standing_out(list(scores), seed) <= LEAST_CHANCE


def cell(learnt: tuple[float, ...], known: int, sd: float, repeats: int) -> str:
    """Share of simulated entries that fall; of honest ones, that are suspected."""
    seeds = np.random.SeedSequence([known, int(1000 * sd)]).generate_state(repeats).tolist()
    drawn = [plays(np.random.default_rng(seed), learnt, known, sd) for seed in seeds]
    suspected, fell = np.mean([outcome(*case) for case in zip(drawn, seeds, strict=True)], axis=0)
    return f"{100 * fell:.0f} %" + f" ({100 * suspected:.0f} % suspected)" * (known == 0)


def table(repeats: int) -> Iterable[str]:
    """Lines of the table."""
    heads = ["honest scores", "known", *(f"sd {sd}" for sd in VARIATIONS)]
    yield f"| {' | '.join(heads)} |"
    yield "|---" * len(heads) + "|"
    for learnt, known in track(list(itertools.product(LEARNT, KNOWN)), transient=True):
        level = ", ".join(f"{score:g}" for score in learnt)
        cells = [cell(learnt, known, sd, repeats) for sd in VARIATIONS]
        yield f"| {' | '.join([level, str(known), *cells])} |"


if __name__ == "__main__":
    for line in table(int(sys.argv[1]) if len(sys.argv) > 1 else 100):
        sys.stdout.write(line + "\n")
