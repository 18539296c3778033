"""Many tabular tasks at once, stepped by one compiled call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anymdp_bench.envs import options as given
from anymdp_bench.envs.base import BatchEnv, StepResult
from anymdp_bench.envs.emissions import build_emissions, emit
from anymdp_bench.envs.episodes import Outputs, begin
from anymdp_bench.envs.kernels import step_range
from anymdp_bench.envs.partial import action_law
from anymdp_bench.envs.tables import build_tables
from anymdp_bench.envs.threads import run_in_ranges
from anymdp_bench.envs.watched import StepBatch
from anymdp_bench.foundation.types import BoolArray, FloatArray, IntArray
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.task import require_tabular

THREAD_ROWS, PART_ROWS = 8192, 8192
"""Environments that a thread must have to be worth waking, and the least that it takes at once: every call of
the kernel holds the interpreter's lock while its arguments are read, so few large parts are fastest."""
NOTHING = np.zeros(0)


class TabularVectorEnv(BatchEnv):
    """A batch of tabular tasks; trajectories equal those of `TabularEnv`, seed by seed.

    Environments that are given the same task object share its tables; equal tasks that are different
    objects get tables of their own. Infos at level ``"full"`` hold ``transition_row``, float64 ``[n, S]``,
    the law of the next inner state given the last one and the action; S is that of the largest task.

    Version History:
        v0: first version.
    """

    def _load(self, tasks: Sequence[Task]) -> None:
        distinct = {id(task): require_tabular(task) for task in tasks}
        numbers = {key: k for k, key in enumerate(distinct)}
        self._distinct = list(distinct.values())
        self._which = np.array([numbers[id(task)] for task in tasks])
        self._tokens = self._distinct[0].action_tokens
        self._state = np.zeros(len(tasks), np.int64)
        self._build_tables()

    def _build_tables(self) -> None:
        self._tables, self._task_places = build_tables(self._distinct)
        self._places = np.take(self._task_places, self._which, axis=1)
        hidden = any(task.emission_weight is not None for task in self._distinct)
        self._emissions = build_emissions(self._distinct) if hidden else None

    def __getstate__(self) -> dict[str, Any]:
        """Leave the tables behind: a copy would lose their alignment."""
        return {k: v for k, v in vars(self).items() if k not in ("_tables", "_emissions", "_places")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Lay out the tables again."""
        vars(self).update(state)
        self._build_tables()

    def _begin(self, mask: BoolArray) -> None:
        begin(mask, self._tables.starts, self._places, self._episode_keys, self._state)

    def _observe(self) -> IntArray:
        if self._emissions is None:
            tags = self._tables.arrivals["tag"][self._places[0] + self._state]
            ids: IntArray = (tags >> 1).astype(np.int64)
            return ids
        out = np.empty((self.num_envs, self._emissions.shape[1]), np.int64)
        emit(self._emissions, self._places, self._state, self._elapsed, self._emission_keys, out)
        return out if out.shape[1] > 1 else out[:, 0]

    def _inner(self) -> IntArray:
        return self._state.copy()

    def live_states(self) -> IntArray:
        """The environment's own array of inner states ``[n]``, changed by every step; only to be read."""
        return self._state

    def _details(self, before: NDArray[Any], actions: IntArray) -> dict[str, NDArray[Any]]:
        rows = np.zeros((self.num_envs, max(task.n_states for task in self._distinct)))
        moves = actions.reshape(self.num_envs, -1).tolist()
        for i, (number, state) in enumerate(zip(self._which, before, strict=True)):
            law = action_law(self._distinct[number], int(state), moves[i])
            rows[i, : len(law)] = law
        return {"transition_row": rows}

    def _advance(self, actions: IntArray, active: BoolArray) -> StepBatch:
        n = self.num_envs
        means = np.empty(n) if self._info_level == "full" else NOTHING
        out = self._execute(actions, active, np.empty(n), means, autoreset=False)
        self._means = means
        observations = out.observations if self._emissions is None else self._observe()
        return StepBatch(observations, out.rewards, out.scores, out.terminated, out.truncated)

    def _step_next(self, actions: ArrayLike) -> StepResult:
        """Resets and moves in one call of the kernel, where nothing is asked about the steps."""
        if self._info_level != "none" or self._camera is not None:
            return super()._step_next(actions)
        self._require_reset()
        legal = given.check_actions(actions, self._action_shape)
        if given.first_illegal(legal.reshape(-1), self._all, self._n_actions) >= 0:
            self._check_range(legal, ~self._over)
        active = ~self._over if self._tokens > 1 else self._all
        out = self._execute(legal, active, NOTHING, NOTHING, autoreset=True)
        observations = out.observations if self._emissions is None else self._observe()
        return observations, out.rewards, out.terminated, out.truncated, {}

    def _execute(
        self, actions: IntArray, active: BoolArray, scores: FloatArray, means: FloatArray, *, autoreset: bool
    ) -> Outputs:
        """Execute all action tokens; `active` is who moves."""
        n = self.num_envs
        out = Outputs(np.empty(n, np.int64), np.empty(n), np.empty(n, bool), np.empty(n, bool), scores, means)
        flat = actions.reshape(-1)
        for token in range(self._tokens):
            if token > 0:
                active, autoreset = active & ~out.terminated, False
            self._execute_token(flat, active, token, autoreset, out)
        return out

    def _execute_token(
        self, actions: IntArray, active: BoolArray, token: int, autoreset: bool, out: Outputs
    ) -> None:
        def kernel(low: int, high: int) -> None:
            step_range(
                low,
                high,
                actions,
                active,
                self._n_actions,
                self._tokens,
                token,
                autoreset,
                *self._tables,
                self._streams.table,
                self._places,
                self._state,
                self._elapsed,
                self._horizons,
                self._over,
                *out,  # type: ignore[arg-type]
            )

        run_in_ranges(kernel, self.num_envs, THREAD_ROWS, PART_ROWS)
