"""Many trials at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import ArrayLike, NDArray

from anymdp_bench.envs import options as given
from anymdp_bench.envs.base import StepResult
from anymdp_bench.envs.episodes import Episodes, Outputs
from anymdp_bench.envs.trials.kernels import Choice, Trials, begin_trials, go_on
from anymdp_bench.envs.trials.pool import TrainTasks, check_pool
from anymdp_bench.envs.trials.views import View
from anymdp_bench.envs.vector import NOTHING, TabularVectorEnv
from anymdp_bench.envs.watched import StepBatch
from anymdp_bench.foundation.checks import check_choice, check_integer
from anymdp_bench.foundation.types import BoolArray, FloatArray, IntArray
from anymdp_bench.tasks.protocol import Task


class TrialVectorEnv(TabularVectorEnv):
    """A batch of trials; they equal those of `TrialEnv`, seed by seed.

    Args:
        tasks: What trials are played on; ``reset(options={"tasks": [...]})`` gives others.
        num_envs: Number of environments n, at least 1.
        episodes: Episodes of a trial.
        observation: ``"vector"`` or ``"dict"``, see `TrialEnv`.
        autoreset_mode: As for `BatchEnv`; it is about trials.
        info_level: As for `BatchEnv`.
        render_mode: As for `BatchEnv`; what is shown is the running episode of each task.

    Raises:
        InvalidConfig: no task, tasks of different or other than Discrete spaces, or an illegal setting.
        NotTabular: a task without tables.

    Version History:
        v0: first version.

    Examples:
        >>> envs = TrialVectorEnv(load_bank("anymdp-1x5-v0").train[:4], num_envs=2, episodes=3)
        >>> observations, infos = envs.reset(seed=0)
        >>> observations.shape
        (2, 9)
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        *,
        num_envs: int = 1,
        episodes: int = 10,
        observation: str = "vector",
        autoreset_mode: str | AutoresetMode = "NextStep",
        info_level: str = "none",
        render_mode: str | None = None,
    ) -> None:
        """See the class."""
        n = check_integer("num_envs", num_envs, 1)
        self._episodes = check_integer("episodes", episodes, 1)
        self._view = View(observation)
        played, actions = np.zeros((2, n), np.int64)
        self._trials = Trials(np.zeros(n, np.uint64), played, actions, np.zeros(n), np.zeros(n, np.bool_))
        super().__init__(
            [check_pool(tasks)[0]] * n,
            autoreset_mode=autoreset_mode,
            info_level=info_level,
            render_mode=render_mode,
        )
        self._set_tasks(tasks)

    def _make_spaces(self, task: Task) -> given.Spaces:
        return self._view.spaces(task)

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The task that each environment's trial is played on."""
        return tuple(self._distinct[k] for k in self._which.tolist())

    def _set_tasks(self, tasks: Sequence[Task]) -> None:
        """Take tasks to play trials on, any number of them."""
        for task in check_pool(tasks):
            given.check_task(task)
            given.check_spaces(task, self._make_spaces(task), self._spaces)
        self._load(tasks)

    def _load(self, tasks: Sequence[Task]) -> None:
        super()._load(tasks)
        self._numbers = self._which
        self._task_horizons = np.array([task.horizon for task in self._distinct], dtype=np.int32)
        self._which = np.full(self.num_envs, self._numbers[0])
        self._state = np.zeros(self.num_envs, np.int64)
        self._horizons = self._task_horizons[self._which]
        self._places = np.take(self._task_places, self._which, axis=1)

    def _begin(self, mask: BoolArray) -> None:
        self._begin_trials(mask, fresh=True)
        self._n_over = int(self._over.sum())

    def _begin_trials(self, mask: BoolArray, *, fresh: bool) -> None:
        begin_trials(
            mask,
            fresh,
            Choice(self._episodes, self._n_actions, self._numbers, self._task_places, self._task_horizons),
            self._which,
            self._tables.starts,
            Episodes(
                self._streams.table, self._places, self._state, self._elapsed, self._horizons, self._over
            ),
            self._trials,
        )

    def _observe(self) -> Any:
        return self._show(super()._observe())

    def _film_start(self, mask: BoolArray) -> None:
        if self._camera is not None:
            inner, seen = self._inner(), super()._observe()
            for row in np.flatnonzero(mask).tolist():
                self._camera.begin(row, inner[row], seen[row])

    def _move(self, actions: IntArray, active: BoolArray) -> StepBatch:
        if self._camera is None:
            return self._advance(actions, active)
        before = self._inner()
        batch = self._advance(actions, active)
        inner, seen = self._inner(), super()._observe()
        begun = self._trials.ends & ~self._over
        self._film_start(active & begun)
        for row in np.flatnonzero(active & ~begun).tolist():
            reward = float(batch.rewards[row])
            self._camera.step(row, before[row], [int(actions[row])], reward, inner[row], seen[row])
        return batch

    def render(self) -> tuple[Any, ...] | None:
        """Show the running episode of each environment, as `BatchEnv` does."""
        return None if self._camera is None else self._camera.show(self.tasks)

    def _show(self, ids: IntArray) -> Any:
        return self._view.many(ids, self._trials.actions, self._trials.rewards, self._trials.ends)

    def _details(self, before: NDArray[Any], actions: IntArray) -> dict[str, NDArray[Any]]:
        # A row that has just begun a trial has not moved: its old state belongs to another task.
        moved = self._trials.played + self._elapsed > 0
        return super()._details(np.where(moved, before, 0), np.where(moved, actions, 0))

    def _advance(self, actions: IntArray, active: BoolArray) -> StepBatch:
        n = self.num_envs
        means = np.empty(n) if self._info_level == "full" else NOTHING
        out = self._play(actions, active, np.empty(n), means)
        self._means = means
        return StepBatch(self._seen(out), out.rewards, out.scores, out.terminated, out.truncated)

    def _step_next(self, actions: ArrayLike) -> StepResult:
        if self._info_level != "none" or self._camera is not None:
            return super()._step_next(actions)
        self._require_reset()
        legal, active = given.check_actions(actions, self._action_shape), self._all
        if self._n_over:
            active = ~self._over
        if given.first_illegal(legal, active, self._n_actions) >= 0:
            self._check_range(legal, active)
        if self._n_over:
            self._begin_trials(self._over, fresh=False)
        out = self._play(legal, active, NOTHING, NOTHING)
        return self._seen(out), out.rewards, out.terminated, out.truncated, {}

    def _seen(self, out: Outputs) -> Any:
        return self._show(out.observations) if self._emissions is None else self._observe()

    def _play(self, actions: IntArray, active: BoolArray, scores: FloatArray, means: FloatArray) -> Outputs:
        """Take one step where `active`, and begin the next episodes of trials that have some left."""
        out = self._execute(actions, active, scores, means, autoreset=False)
        self._n_over = go_on(
            self._episodes,
            actions,
            active,
            self._tables.arrivals,
            self._tables.starts,
            self._streams.table,
            self._places,
            self._state,
            self._elapsed,
            self._horizons,
            self._over,
            *out[:4],
            *self._trials[1:],
        )
        return out


def make_trial_vec(
    *,
    bank: str = "anymdp-16x5-v0",
    n_tasks: int = 256,
    num_envs: int = 1,
    episodes: int = 10,
    observation: str = "vector",
    tasks: str = "own",
    autoreset_mode: str = "NextStep",
    info_level: str = "none",
    render_mode: str | None = None,
) -> TrialVectorEnv:
    """Make a batch of trials on training tasks of a bank.

    Args:
        bank: Name of the bank.
        n_tasks: Trials are played on its first so many training tasks (all, where there are fewer).
        num_envs: As for `TrialVectorEnv`, and so are the others.
        episodes: Episodes of a trial.
        observation: ``"vector"`` or ``"dict"``.
        tasks: ``"own"`` or ``"shared"``; the same here, because trials choose their tasks by their seeds.
        autoreset_mode: About trials.
        info_level: ``"none"``, ``"score"`` or ``"full"``.
        render_mode: None, ``"ansi"`` or ``"rgb_array"``.

    Raises:
        UnknownName: no such bank.
        InvalidConfig: a setting is illegal, or the bank's tasks have several tokens.
        NotTabular: the bank's tasks have no tables.
    """
    check_choice("tasks", tasks, ("own", "shared"))
    return TrialVectorEnv(
        TrainTasks(bank, n_tasks),
        num_envs=num_envs,
        episodes=episodes,
        observation=observation,
        autoreset_mode=autoreset_mode,
        info_level=info_level,
        render_mode=render_mode,
    )
