"""The one datum that everything else passes on: a task.

A tabular task is a finite Markov decision process whose probabilities are integers in units of 2**-30,
so that sampling from them is exact, and whose outcomes are stored sparsely: row ``s * n_actions + a``
owns the slice ``row_start[row]:row_start[row + 1]`` of ``successor`` and ``weight``. Rewards are kept
factored: ``reward(s, a, s') = reward_sa[s, a] + reward_next[s'] + reward_outcome[k]``.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from os import PathLike
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from anymdp_bench.foundation.checks import plain, store_plain
from anymdp_bench.foundation.errors import NotTabular
from anymdp_bench.foundation.registry import load_object
from anymdp_bench.tasks import checks as task_checks
from anymdp_bench.tasks.archive import write_task
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.tables import TaskTables

if TYPE_CHECKING:
    from matplotlib.figure import Figure

REWARD_UNIT = 2.0**-20
"""Grid of sampled rewards and of every fingerprint."""


def require_tabular(task: Task) -> TabularTask:
    """Return `task` if it has tables.

    Raises:
        NotTabular: its inner state is continuous (Discrete-Pendulum).
    """
    if not isinstance(task, TabularTask):
        raise NotTabular(
            f"{type(task).__name__} (family {getattr(task, 'family', '?')!r}) has no tables: its inner "
            "state is continuous. Use roll-outs, or a tabular task."
        )
    return task


@dataclasses.dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TabularTask(TaskTables):
    """A finite, episodic Markov decision process; immutable and validated.

    Fields and derived tables are described in `TaskTables`. Arrays are copied, cast to the dtype given there,
    checked and made read-only; the flag survives copy, deepcopy, pickle and `dataclasses.replace`.

    Raises:
        InvalidTask: naming the field, the value and the remedy.

    Examples:
        >>> task = sample_task("garnet", seed=7)
        >>> isinstance(task, TabularTask), task.transition.shape
        (True, (16, 5, 16))
    """

    def __post_init__(self) -> None:
        """Cast, check and freeze."""
        for name, dtype in task_checks.ARRAY_DTYPES.items():
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, task_checks.cast(name, value, dtype))
        for name in ("noise_sa", "noise_next"):
            object.__setattr__(self, name, getattr(self, name).astype(np.float32).astype(np.float64))
        store_plain(self, *task_checks.NUMBERS, "seed")
        config = {name: plain(value) for name, value in self.config.items()}
        object.__setattr__(self, "config", MappingProxyType(config))
        task_checks.check_task(self)
        for name in task_checks.ARRAY_DTYPES:
            value = getattr(self, name)
            if value is not None:
                value.setflags(write=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild through the constructor, so that arrays stay read-only."""
        return _rebuild, (self.as_dict(),)

    def __deepcopy__(self, memo: dict[int, Any]) -> TabularTask:
        """Return the task itself: it cannot change."""
        return self

    def fingerprint(self) -> str:
        """SHA-256 (hex) over everything that an agent can experience.

        Reals enter as integers in units of 2**-20; family, config and seed do not enter.
        """
        digest = hashlib.sha256()
        sizes = [self.horizon, self.n_observations, self.n_actions, self.action_tokens, self.n_states]
        digest.update(json.dumps(sizes).encode())
        for name in task_checks.ARRAY_DTYPES:
            value = getattr(self, name)
            digest.update(name.encode())
            if value is not None:
                digest.update(task_checks.canonical_bytes(value))
        return digest.hexdigest()

    def plot(self) -> Figure:
        """Draw transitions, rewards, values, visits (extra ``[plot]``); see `planning.figures.plot_task`."""
        # By name: what solves a task is built on tasks.
        figure: Figure = load_object("anymdp_bench.planning.figures:plot_task")(self)
        return figure

    def save(self, path: str | PathLike[str]) -> None:
        """Write the task as a compressed npz without pickled objects; see `load_task`."""
        write_task(path, "tabular", self.as_dict())

    def __repr__(self) -> str:
        """Show sizes, not numbers."""
        return (
            f"TabularTask(family={self.family!r}, seed={self.seed}, n_states={self.n_states}, "
            f"n_observations={self.n_observations}, n_actions={self.n_actions}, horizon={self.horizon})"
        )


def _rebuild(values: dict[str, Any]) -> TabularTask:
    return TabularTask(**values)
