"""One trial at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from anymdp_bench.envs import options as given
from anymdp_bench.envs.making import SinglePoint
from anymdp_bench.envs.tabular import TabularEnv
from anymdp_bench.envs.trials.kernels import task_number
from anymdp_bench.envs.trials.pool import TrainTasks, check_pool
from anymdp_bench.envs.trials.views import View
from anymdp_bench.foundation.checks import check_integer
from anymdp_bench.tasks.protocol import Task


class TrialEnv(TabularEnv):
    """Several episodes of one fresh task as one episode (RL²).

    Description:
        A trial chooses one of the tasks and plays so many episodes on it. What an agent learns about the task
        in one episode serves it in the next, if it remembers; so it sees what its last action led to.

    Observation Space:
        ``observation="vector"``: ``Box`` of float32, the observation's id one-hot (O numbers), the last
        action one-hot (A + 1 numbers, the last of them: none), its reward, and 1 if it ended an episode.
        ``"dict"``: ``observation`` Discrete(O), ``action`` Discrete(A + 1), ``reward`` Box ``[1]``,
        ``end`` Discrete(2).

    Action Space:
        ``Discrete(A)``.

    Starting State:
        The first state of an episode of the task. The task is chosen uniformly; which one, and all that
        happens, is a function of the seed and the number of the trial.

    Rewards:
        Those of the task.

    Episode End:
        When an episode of the task ends, the next one begins within the same step: the observation is its
        first one, with ``end`` 1. The last episode's end terminates the trial and shows its last observation.

    Information:
        As for `TabularEnv`; ``inner_state`` is that of the observation.

    Args:
        tasks: What trials are played on; ``reset(options={"tasks": [...]})`` gives others.
        episodes: Episodes of a trial.
        observation: ``"vector"`` or ``"dict"``.
        info_level: As for `SingleEnv`.
        render_mode: As for `SingleEnv`; what is shown is the running episode of the task.

    Raises:
        InvalidConfig: no task, tasks of different or other than Discrete spaces, or an illegal setting.
        NotTabular: a task without tables.

    References:
        Y. Duan et al., RL² (arXiv 1611.02779); J. Wang et al., Learning to reinforcement learn (1611.05763).

    Version History:
        v0: first version.

    Examples:
        >>> env = TrialEnv(load_bank("anymdp-1x5-v0").train[:4], episodes=3)
        >>> observation, info = env.reset(seed=0)
        >>> observation.shape  # one id, five actions and "none", reward, end
        (9,)
    """

    OPTIONS = ("task", "tasks")

    def __init__(
        self,
        tasks: Sequence[Task],
        *,
        episodes: int = 10,
        observation: str = "vector",
        info_level: str = "none",
        render_mode: str | None = None,
    ) -> None:
        """See the class."""
        self._episodes = check_integer("episodes", episodes, 1)
        self._view = View(observation)
        self._pool: Sequence[Task] = check_pool(tasks)
        self._trial = self._played = self._seen = 0
        super().__init__(tasks[0], info_level=info_level, render_mode=render_mode)

    def _make_spaces(self, task: Task) -> given.Spaces:
        return self._view.spaces(task)

    def _switch(self, chosen: dict[str, Any]) -> None:
        if chosen:
            pool = check_pool(chosen["tasks"] if "tasks" in chosen else [chosen["task"]])
            for task in pool:
                self._check(task)
            self._pool = pool

    def _check(self, task: Task) -> None:
        given.check_task(task)
        given.check_spaces(task, self._make_spaces(task), self._spaces)

    def _begin(self) -> tuple[Any, dict[str, Any]]:
        self._trial = 0 if self._episode == 0 else self._trial + 1
        task = self._pool[task_number(self._stream, np.uint64(self._trial), len(self._pool))]
        if task is not self._task:
            self._check(task)
            self._load(task)
            self._task = task  # type: ignore[assignment]
        self._episode, self._played = self._trial * self._episodes, 0
        self._seen, info = super()._begin()
        return self._view.one(self._seen, self._n_actions, 0.0, False), info

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """Begin a trial.

        Args:
            seed: Begins the first trial of this seed; without it the next trial begins.
            options: ``{"task": t}`` or ``{"tasks": [...]}`` give other tasks to play trials on.

        Raises:
            InvalidConfig: an unknown option, or tasks of other spaces.
            InvalidSeed: a seed that is not an integer in [0, 2**64).
        """
        found = super().reset(seed=seed, options=options)
        self._film()
        return found

    def _film(self) -> None:
        if self._camera is not None:
            self._camera.begin(0, self._inner(), self._seen)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take one action.

        Args:
            action: int in 0..A-1.

        Raises:
            InvalidAction: before anything has changed, an action of wrong type or range.
            EpisodeOver: the trial has ended or was never begun.
        """
        observation, reward, terminated, truncated, info = super().step(action)
        ended, over = terminated or truncated, False
        if ended:
            self._played += 1
            over = self._played == self._episodes
            if not over:
                self._episode += 1
                self._over = False
                observation, begun = super()._begin()
                self._seen, info = observation, info | begun
                self._film()
        return self._view.one(observation, int(action), reward, ended), reward, over, False, info


def make_trial(
    *,
    bank: str = "anymdp-16x5-v0",
    n_tasks: int = 256,
    episodes: int = 10,
    observation: str = "vector",
    info_level: str = "none",
    render_mode: str | None = None,
) -> TrialEnv:
    """Make trials on training tasks of a bank.

    Args:
        bank: Name of the bank.
        n_tasks: Trials are played on its first so many training tasks (all, where there are fewer).
        episodes: As for `TrialEnv`, and so are the others.
        observation: ``"vector"`` or ``"dict"``.
        info_level: ``"none"``, ``"score"`` or ``"full"``.
        render_mode: None, ``"ansi"`` or ``"rgb_array"``.

    Raises:
        UnknownName: no such bank.
        InvalidConfig: a setting is illegal, or the bank's tasks have several tokens.
        NotTabular: the bank's tasks have no tables.
    """
    return TrialEnv(
        TrainTasks(bank, n_tasks),
        episodes=episodes,
        observation=observation,
        info_level=info_level,
        render_mode=render_mode,
    )


trial = SinglePoint(make_trial)
