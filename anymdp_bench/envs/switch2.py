"""Switch2 for two players: each sees an id of its own and takes an action of its own."""

from __future__ import annotations

from typing import Any

from gymnasium.spaces import MultiDiscrete

from anymdp_bench.envs import options as given
from anymdp_bench.envs.options import Spaces
from anymdp_bench.envs.tabular import TabularEnv
from anymdp_bench.errors import InvalidConfig
from anymdp_bench.task import IntArray, Task
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
        return self._row // self._n_actions

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


def parallel_env(**settings: Any) -> Any:
    """Make Switch2 as a PettingZoo parallel environment.

    Args:
        **settings: `step_cost`, `reward`, `observation`, `info_level`, as for `Switch2Env`.

    Returns:
        A `pettingzoo.ParallelEnv` of the agents ``"player_0"`` and ``"player_1"``.

    Raises:
        InvalidConfig: PettingZoo is not installed, or a setting is not legal.
    """
    try:
        from anymdp_bench.envs.switch2_parallel import Switch2ParallelEnv
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("pettingzoo"):
            raise
        raise InvalidConfig(
            "parallel_env needs PettingZoo: install it with pip install 'anymdp-bench[multiagent]'."
        ) from error
    return Switch2ParallelEnv(**settings)
