"""Reference returns of Discrete-Pendulum, measured once and kept as data.

The inner state is continuous, so there is no exact table. 0 is uniform play; 1 the best of five policies on
the observation ids, each long-trained by search; the optimum is that of an agent that sees angle and speed.
With the fixed start, 1 is the constant of OmniRL's public code where it has one.
``python -m anymdp_bench.worlds.pendulum.normaliser`` measured them.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from anymdp_bench.foundation.errors import NotTabular
from anymdp_bench.foundation.types import IntArray
from anymdp_bench.planning import References
from anymdp_bench.planning import references as exact_references
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.worlds.pendulum.task import PendulumTask

PATH = Path(__file__).parent / "references.json"
PUBLIC_CODE_RETURNS = {1.0: -40.0, 5.0: -200.0, 9.8: -385.0}
"""By gravity, what OmniRL's public code counts as 100 %; the paper's figures are read against it."""


def references(task: Task) -> References:
    """Return a task's references: exact where it has tables, measured for a known Discrete-Pendulum.

    Args:
        task: Of a bank or of one's own.

    Raises:
        NotTabular: a pendulum whose references have not been measured.

    Examples:
        >>> found = references(sample_task("anymdp", seed=7))
        >>> found.random < found.oracle <= found.optimal
        True
    """
    if not isinstance(task, PendulumTask):
        return exact_references(task)
    entry = _entry(task)
    searched = entry["normaliser"]["mean"]
    one = PUBLIC_CODE_RETURNS.get(task.g, searched) if task.start == "fixed" else searched
    return References(
        random=entry["random"]["mean"],
        oracle=one,
        optimal=entry["optimum"]["value"],
        random_std=entry["random"]["std"],
        oracle_std=entry["normaliser"]["std"],
    )


def has_references(task: Task) -> bool:
    """Tell whether `references` knows a task."""
    return not isinstance(task, PendulumTask) or _key(identity(task)) in _entries()


def normaliser_policy(task: PendulumTask) -> IntArray:
    """Best policy on the ids that was found: action of each observation, int64 ``[O]``; see `references`.

    Raises:
        NotTabular: a pendulum whose references have not been measured.
    """
    entry = _entry(task)
    return np.array(list(entry["policies"][entry["normaliser"]["policy"]]), dtype=np.int64)


def identity(task: PendulumTask) -> dict[str, Any]:
    """Settings that decide a task's references: all but the received reward, which is not scored."""
    names = ("g", "angle_bins", "speed_bins", "torques", "start", "horizon")
    return {name: getattr(task, name) for name in names}


def _entry(task: PendulumTask) -> dict[str, Any]:
    found = _entries().get(_key(identity(task)))
    if found is None:
        known = ", ".join(f"{g:g}" for g in sorted({entry["task"]["g"] for entry in _entries().values()}))
        raise NotTabular(
            f"{task!r} has a continuous inner state, and its references have not been measured. Known are "
            f"12 x 5 bins, 5 torques, 200 steps and g in {known}."
        )
    return found


@cache
def _entries() -> dict[str, dict[str, Any]]:
    content = json.loads(PATH.read_text(encoding="utf-8"))
    return {_key(entry["task"]): entry for entry in content["pendulums"]}


def _key(settings: dict[str, Any]) -> str:
    return json.dumps(settings, sort_keys=True)
