"""Choose the settings of tabular CQL on validation tasks: ``python -m baselines.cql.tuning``.

For every family, each candidate plays the offline, offline-uniform and imitation boards' specification on
validation tasks of the family's first bank (siblings of the board's task, where there is only one). The
largest mean of the scores of own episodes 1-20 and 181-200 over the three wins.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np

from anymdp_bench import Task, evaluate, get_board, load_bank
from baselines.cql.agent import TUNED, Settings, TabularCQL
from baselines.families import FAMILIES

KINDS = ("offline", "offline-uniform", "imitation")
COLUMNS = ("episodes_1_20", "episodes_181_200")
GRID = {"alpha": (0.03, 0.1, 0.3), "explore_share": (0.0, 0.3, 1.0)}
BANKS = {
    "frozenlake": ("frozenlake-v0", "frozenlake-slippery-v0"),
    "pendulum": ("pendulum-g5-v0",),
}
"""Banks to choose on, where it is not the family's first alone: ice that slides is another matter, and one
pendulum alone has leaderboards with a teacher."""
N_TASKS, CELLS = 8, 8


def candidates() -> list[Settings]:
    """All combinations of the grid."""
    pairs = itertools.product(GRID["alpha"], GRID["explore_share"])
    return [Settings(alpha=alpha, explore_share=share) for alpha, share in pairs]


def value(settings: Settings, bank: str) -> float:
    """Mean score of the two windows over the three kinds of context, on validation tasks."""
    split = load_bank(bank).validation
    tasks = [split[i] for i in range(min(N_TASKS, len(split)))]
    runs = max(1, CELLS // len(tasks))
    found = []
    for kind, alike in itertools.product(KINDS, _by_size(tasks)):
        board = get_board(bank.replace("-v0", f"-{kind}-v0"))
        scores = evaluate(TabularCQL(settings), board, tasks=alike, runs=runs).scores()
        found.append(len(alike) * scores.loc[0, list(COLUMNS)].to_numpy(dtype=float).mean())
    return float(np.sum(found)) / (len(KINDS) * len(tasks))


def _by_size(tasks: list[Task]) -> list[list[Task]]:
    """Tasks that can be played together: siblings may be of other sizes."""
    groups: dict[int, list[Task]] = {}
    for task in tasks:
        groups.setdefault(task.n_observations, []).append(task)
    return list(groups.values())


def choose(family: str) -> dict[str, Any]:
    """Best candidate of a family, and what it reached."""
    banks = BANKS.get(family, FAMILIES[family][:1])
    values = [float(np.mean([value(settings, bank) for bank in banks])) for settings in candidates()]
    best = int(np.argmax(values))
    return {
        "settings": dataclasses.asdict(candidates()[best]),
        "score": round(values[best], 4),
        "banks": [f"{bank}/validation" for bank in banks],
    }


def main() -> None:
    """Search the families asked for, and write the file that the agent reads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--family", action="append", choices=list(FAMILIES), help="default: all")
    families = parser.parse_args().family or list(FAMILIES)
    path = Path(__file__).parents[1] / TUNED
    known = json.loads(path.read_text(encoding="utf-8"))["families"] if path.exists() else {}
    for family in families:
        known[family] = choose(family)
        content = {"command": "python -m baselines.cql.tuning", "grid": GRID, "families": known}
        path.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
