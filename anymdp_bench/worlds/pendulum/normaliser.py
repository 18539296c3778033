"""Measure the references: ``python -m anymdp_bench.worlds.pendulum.normaliser [GRAVITY ...]``.

Writes ``references.json``, for random starts and for the fixed one; takes about 3 CPU-minutes for each
gravity. Without gravities it does those of the boards and of the siblings that agents are tuned on.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.progress import track

from anymdp_bench.foundation.files import replacing
from anymdp_bench.foundation.seeding import child_seed
from anymdp_bench.foundation.types import FloatArray
from anymdp_bench.worlds.pendulum.references import PATH, identity
from anymdp_bench.worlds.pendulum.solve import (
    Dynamics,
    dynamics_of,
    grid_optimum,
    policy_returns,
    starts_of,
    train_policy,
    uniform_returns,
)
from anymdp_bench.worlds.pendulum.task import STARTS, PendulumTask

GRAVITIES = (1.0, 2.0, 3.5, 5.0, 7.0, 9.8)
POLICIES = 5
EPISODES = 100_000
"""Fresh episodes behind a mean: standard errors are below 0.3 % of it. A fixed start needs one."""
GRID = 600
"""Angles of the finer grid; the coarser one has half as many."""


def measure(task: PendulumTask) -> dict[str, Any]:
    """Measure one pendulum's references; see the keys of the data file."""
    dynamics = dynamics_of(task)
    starts = starts_of(_seed(task, "test"), EPISODES, dynamics)
    uniform_starts = np.resize(starts, (EPISODES, 2))
    policies = [train_policy(_seed(task, "policy", k), dynamics) for k in range(POLICIES)]
    played = [policy_returns(policy, starts, dynamics) for policy in policies]
    best = int(np.argmax([returns.mean() for returns in played]))
    return {
        "task": identity(task),
        "random": _summary(uniform_returns(_seed(task, "uniform"), uniform_starts, dynamics)),
        "normaliser": _summary(played[best])
        | {"policy": best, "mean_of_each": [float(returns.mean()) for returns in played]},
        "optimum": _optimum(dynamics),
        "policies": ["".join(map(str, policy)) for policy in policies],
    }


def _seed(task: PendulumTask, *purpose: str | int) -> np.uint64:
    start = () if task.start == "random" else (task.start,)
    return np.uint64(child_seed(0, "pendulum", task.g.hex(), *start, *purpose))


def _summary(returns: FloatArray) -> dict[str, float]:
    std = float(returns.std(ddof=1)) if len(returns) > 1 else 0.0
    return {
        "mean": float(returns.mean()),
        "std": std,
        "standard_error": std / math.sqrt(len(returns)),
        "episodes": len(returns),
    }


def _optimum(dynamics: Dynamics) -> dict[str, float]:
    return {
        "value": grid_optimum(dynamics, GRID),
        "value_on_half_grid": grid_optimum(dynamics, GRID // 2),
        "grid": GRID,
    }


def main(gravities: Sequence[str]) -> None:
    """Measure some gravities, or all, and put them into the data file; what else it holds stays."""
    chosen = [float(text) for text in gravities] or GRAVITIES
    tasks = [PendulumTask(g=g, start=start) for start in STARTS for g in chosen]
    for task in track(tasks, description="measuring"):
        _keep(measure(task))


def _keep(entry: dict[str, Any]) -> None:
    kept = json.loads(PATH.read_text(encoding="utf-8"))["pendulums"] if PATH.is_file() else []
    others = [other for other in kept if other["task"] != entry["task"]]
    entries = sorted([*others, entry], key=_order)
    content = {"command": "python -m anymdp_bench.worlds.pendulum.normaliser", "pendulums": entries}
    with replacing(PATH) as file:
        file.write((json.dumps(content, indent=1) + "\n").encode())


def _order(entry: dict[str, Any]) -> tuple[int, float]:
    return STARTS.index(entry["task"]["start"]), entry["task"]["g"]


if __name__ == "__main__":
    main(sys.argv[1:])
