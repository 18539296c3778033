"""Switch2 for two players: each sees an id of its own and takes an action of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import MultiDiscrete
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import ArrayLike, NDArray

from anymdp_bench.envs import options as given
from anymdp_bench.envs.base import StepResult
from anymdp_bench.envs.options import Spaces
from anymdp_bench.envs.tabular import TabularEnv
from anymdp_bench.envs.vector import TabularVectorEnv
from anymdp_bench.envs.watched import StepBatch
from anymdp_bench.foundation.checks import check_choice, check_integer
from anymdp_bench.foundation.errors import InvalidConfig
from anymdp_bench.foundation.types import BoolArray, IntArray
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.worlds.switch2 import N_MOVES, N_PLAYER_IDS, switch2, switch2_player_ids

N_PLAYERS = 2


def player_spaces(task: Task) -> Spaces:
    """Observation and action space of both players together.

    Raises:
        InvalidConfig: `task` is not a Switch2 task.
    """
    if task.family != "switch2":
        raise InvalidConfig(f"{task!r} is no Switch2 task: give one that worlds.switch2 made.")
    n_ids = N_PLAYER_IDS[str(task.config["observation"])]
    return MultiDiscrete([n_ids] * N_PLAYERS), MultiDiscrete([N_MOVES] * N_PLAYERS)


class Switch2Env(TabularEnv):
    """Two players must swap sides through a corridor that only one can use at a time.

    Description:
        The joint environment: it observes what both players see, and takes both actions at once. The rules
        and the arguments are those of `worlds.switch2`; `parallel_env` is the same game for PettingZoo.

    Observation Space:
        ``MultiDiscrete([105, 105])``: for each player ``own cell + 15 * other player's column``. With
        ``observation="own"`` 15 ids (the own cell), with ``"area"`` 45 (the other's zone).

    Action Space:
        ``MultiDiscrete([5, 5])``: for each player 0 down, 1 left, 2 up, 3 right, 4 stay.

    Starting State:
        Player 0 at (0, 1), player 1 at (0, 5); goals (0, 6) and (0, 0).

    Rewards:
        The sum over players. Raw: 5 on arrival, `step_cost` before it, 0 afterwards. Shaped: +1, +0.08
        closer, -0.12 farther, -0.04 otherwise.

    Episode End:
        Terminated when both have arrived, else truncated after 50 steps.

    Information:
        As for `TabularEnv`; ``inner_state`` and ``transition_row`` count joint states.

    Version History:
        v0: first version.
    """

    def __init__(
        self,
        step_cost: float = -0.1,
        reward: str = "raw",
        observation: str = "column",
        *,
        info_level: str = "none",
        render_mode: str | None = None,
    ) -> None:
        """See the class.

        Raises:
            InvalidConfig: a setting is not legal.
        """
        super().__init__(
            switch2(step_cost, reward, observation), info_level=info_level, render_mode=render_mode
        )

    def _make_spaces(self, task: Task) -> Spaces:
        return player_spaces(task)

    def _load(self, task: Task) -> None:
        super()._load(task)
        self._player_ids = switch2_player_ids(task)

    @property
    def joint_state(self) -> int:
        """Index of the current joint state."""
        return self.inner_state

    def _begin(self) -> tuple[IntArray, dict[str, Any]]:
        state, info = super()._begin()
        return self._player_ids[state].copy(), info

    def step(self, action: Any) -> tuple[IntArray, float, bool, bool, dict[str, Any]]:
        """Move both players.

        Args:
            action: ints ``[2]`` in 0..4.

        Raises:
            InvalidAction: before anything has changed, an action of wrong type, shape or range.
            EpisodeOver: the episode has ended or was never begun.
        """
        first, second = given.check_actions(action, (N_PLAYERS,)).tolist()
        if not (0 <= first < N_MOVES and 0 <= second < N_MOVES):
            raise given.illegal_action([first, second], self.action_space)
        state, reward, terminated, truncated, info = super().step(N_MOVES * first + second)
        return self._player_ids[state].copy(), reward, terminated, truncated, info


class Switch2VectorEnv(VectorEnv[IntArray, IntArray, NDArray[Any]]):
    """Many games of Switch2: a batch of joint tasks behind the players' ids and actions.

    Besides Gymnasium's interface it has `restart` and `advance`, as `BatchEnv` has.

    Args:
        tasks: Switch2 tasks, one for each environment, that show the same number of ids.
        autoreset_mode: As for `BatchEnv`.
        info_level: As for `BatchEnv`; ``inner_state`` and ``transition_row`` count joint states.
        render_mode: As for `BatchEnv`.

    Raises:
        InvalidConfig: a task that is not Switch2, or of other spaces, or another setting.

    Version History:
        v0: first version.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        *,
        autoreset_mode: str = "NextStep",
        info_level: str = "none",
        render_mode: str | None = None,
    ) -> None:
        """See the class."""
        self._joint = TabularVectorEnv(
            tasks, autoreset_mode=autoreset_mode, info_level=info_level, render_mode=render_mode
        )
        self.render_mode = render_mode
        self.num_envs, self.metadata = self._joint.num_envs, self._joint.metadata
        self.autoreset_mode = self._joint.autoreset_mode
        self._spaces = player_spaces(tasks[0])
        self._check_tasks(tasks)
        self.single_observation_space, self.single_action_space = self._spaces
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)
        self.action_space = batch_space(self.single_action_space, self.num_envs)
        self._read_ids()

    def _check_tasks(self, tasks: Sequence[Task]) -> None:
        for task in {id(task): task for task in tasks}.values():
            given.check_spaces(task, player_spaces(task), self._spaces)

    def _read_ids(self) -> None:
        """Lay out the ids ``[K, S, 2]`` of the K distinct tasks, and each environment's task ``[n]``."""
        distinct = {id(task): task for task in self.tasks}
        number = {key: k for k, key in enumerate(distinct)}
        self._ids = np.stack([switch2_player_ids(task) for task in distinct.values()])
        self._which = np.array([number[id(task)] for task in self.tasks])

    @property
    def tasks(self) -> tuple[Task, ...]:
        """The task of each environment."""
        return self._joint.tasks

    def reset(
        self, *, seed: int | Sequence[int | None] | None = None, options: dict[str, Any] | None = None
    ) -> tuple[IntArray, dict[str, Any]]:
        """Begin an episode everywhere, or where ``options["reset_mask"]`` says; see `BatchEnv.reset`."""
        chosen = options or {}
        self._check_tasks([chosen["task"]] if "task" in chosen else chosen.get("tasks", ()))
        states, info = self._joint.reset(seed=seed, options=options)
        self._read_ids()
        return self._seen(states), info

    def restart(self, mask: BoolArray) -> IntArray:
        """Begin the next episode where `mask`; see `BatchEnv.restart`."""
        return self._seen(self._joint.restart(mask))

    def advance(self, actions: ArrayLike, active: BoolArray | None = None) -> StepBatch:
        """Move both players of each game without any reset; see `BatchEnv.advance`."""
        rows = np.ones(self.num_envs, np.bool_) if active is None else active
        rows = given.check_mask("active", rows, self.num_envs)
        batch = self._joint.advance(self._join(actions, rows), rows)
        return batch._replace(observations=self._seen(batch.observations))

    def step(self, actions: ArrayLike) -> StepResult:
        """Move both players of each game; see `BatchEnv.step`.

        Args:
            actions: ints ``[n, 2]`` in 0..4.

        Raises:
            InvalidAction: before anything has changed, an action of wrong type, shape or range.
            EpisodeOver: never reset; or, in mode Disabled, an episode has ended.
        """
        states, rewards, terminated, truncated, info = self._joint.step(self._join(actions, self._moving()))
        for row in np.flatnonzero(info.get("_final_obs", ())):
            info["final_obs"][row] = self._ids[self._which[row], info["final_obs"][row]]
        return self._seen(states), rewards, terminated, truncated, info

    def render(self) -> tuple[Any, ...] | None:
        """Show the last step of each game; see `BatchEnv.render`."""
        return self._joint.render()

    def _moving(self) -> BoolArray:
        """Rows whose actions the next step executes: in mode NextStep, ended games begin anew instead."""
        if self.metadata["autoreset_mode"] is AutoresetMode.NEXT_STEP:
            return ~self._joint._over
        return np.ones(self.num_envs, np.bool_)

    def _join(self, actions: ArrayLike, active: BoolArray) -> IntArray:
        """Joint actions ``[n]``; those of rows that are not active mean nothing."""
        pairs = given.check_actions(actions, (self.num_envs, N_PLAYERS))
        illegal = ((pairs < 0) | (pairs >= N_MOVES)).any(axis=1)
        refused = np.flatnonzero(illegal & active)
        if refused.size:
            row = int(refused[0])
            raise given.illegal_action(pairs[row].tolist(), self.single_action_space, row=row)
        joint: IntArray = np.where(illegal, 0, pairs[:, 0] * N_MOVES + pairs[:, 1])
        return joint

    def _seen(self, states: IntArray) -> IntArray:
        seen: IntArray = self._ids[self._which, states]
        return seen


def make_switch2_vec(
    num_envs: int = 1,
    step_cost: float = -0.1,
    reward: str = "raw",
    observation: str = "column",
    *,
    tasks: str = "own",
    autoreset_mode: str = "NextStep",
    info_level: str = "none",
    render_mode: str | None = None,
) -> Switch2VectorEnv:
    """Make the vector environment of ``Switch2-v0``.

    Args:
        num_envs: Number of environments, at least 1.
        step_cost: As for `worlds.switch2`, like the next two.
        reward: ``"raw"`` or ``"shaped"``.
        observation: ``"column"``, ``"own"`` or ``"area"``.
        tasks: ``"own"`` or ``"shared"``; the same here, because the settings leave nothing to draw.
        autoreset_mode: As for `BatchEnv`.
        info_level: As for `BatchEnv`.
        render_mode: As for `BatchEnv`.

    Raises:
        InvalidConfig: a setting is not legal.
    """
    given.check_render_mode(render_mode)
    num_envs = check_integer("num_envs", num_envs, 1)
    check_choice("tasks", tasks, ("own", "shared"))
    task = switch2(step_cost, reward, observation)
    return Switch2VectorEnv(
        [task] * num_envs, autoreset_mode=autoreset_mode, info_level=info_level, render_mode=render_mode
    )
