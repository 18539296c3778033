"""The transitions that an agent lives, written down as they happen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.contexts.context import Context
from anymdp_bench.contexts.teachers import UNKNOWN
from anymdp_bench.foundation.errors import InvalidContext
from anymdp_bench.foundation.types import FloatArray, IntArray

HEARD = ("observations", "actions", "rewards", "next_observations", "terminated", "truncated")


class Listener:
    """Collects the transitions of n rows and makes a `Context` of the first episodes of each.

    Args:
        n_rows: Number of rows.
    """

    def __init__(self, n_rows: int) -> None:
        """Nothing has been heard yet."""
        self._n_rows = n_rows
        self._log: dict[str, list[NDArray[Any]]] = {name: [] for name in (*HEARD, "active")}

    def hear(
        self,
        observations: NDArray[Any],
        actions: NDArray[Any],
        rewards: FloatArray,
        next_observations: NDArray[Any],
        terminated: NDArray[np.bool_],
        truncated: NDArray[np.bool_],
        active: NDArray[np.bool_],
    ) -> None:
        """Write down one step; the arguments are those of `Agent.observe`, and are copied."""
        given = (observations, actions, rewards, next_observations, terminated, truncated, active)
        for name, value in zip(self._log, given, strict=True):
            self._log[name].append(np.array(value))

    def context(self, teacher: str, n_episodes: int, n_observations: int, n_actions: int) -> Context:
        """Return the first `n_episodes` of every row; who chose the actions is tagged unknown.

        Raises:
            InvalidContext: a row has finished fewer episodes.
        """
        if not self._log["active"]:
            raise InvalidContext("nothing has been heard: no step was taken.")
        active = np.stack(self._log["active"], axis=1)
        steps = {name: np.stack(self._log[name], axis=1)[active] for name in HEARD}
        ends = steps["terminated"] | steps["truncated"]
        rows = np.repeat(np.arange(self._n_rows), active.sum(axis=1))
        kept, lengths = self._first_episodes(ends, rows, n_episodes)
        arrays: dict[str, Any] = {name: array[kept] for name, array in steps.items()}
        return Context(
            n_rows=self._n_rows,
            n_observations=n_observations,
            n_actions=n_actions,
            **arrays,
            tags=np.full(int(kept.sum()), UNKNOWN),
            episode_start=np.concatenate([[0], np.cumsum(lengths)]),
            teachers=(teacher,) * len(lengths),
        )

    def _first_episodes(
        self, ends: NDArray[np.bool_], rows: IntArray, n_episodes: int
    ) -> tuple[NDArray[np.bool_], Sequence[int]]:
        """Which steps belong to the first episodes of their row, and the lengths of these episodes."""
        finished = np.bincount(rows[ends], minlength=self._n_rows)
        if (finished < n_episodes).any():
            row = int(finished.argmin())
            raise InvalidContext(f"row {row} finished {finished[row]} episodes; {n_episodes} were asked for.")
        before = np.concatenate([[0], np.cumsum(ends)])[:-1]
        number = before - (np.cumsum(finished) - finished)[rows]
        kept = number < n_episodes
        last = np.flatnonzero(ends[kept])
        return kept, np.diff(last, prepend=-1).tolist()
