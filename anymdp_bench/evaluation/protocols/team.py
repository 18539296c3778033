"""Decentralised play: each player of a team has its own copy of the agent, observation and memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Discrete, Space
from numpy.typing import NDArray

from anymdp_bench.agents.handling import as_array
from anymdp_bench.agents.protocol import Actions, Agent, AgentInfo, Observations
from anymdp_bench.contexts import Context, join_rows
from anymdp_bench.foundation.errors import AgentError
from anymdp_bench.foundation.types import BoolArray, FloatArray, IntArray
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.worlds.switch2 import N_MOVES, N_PLAYER_IDS, switch2_arrived, switch2_player_ids

N_PLAYERS = 2


def seat_team(agent: Agent, tasks: Sequence[Task]) -> Agent:
    """Wrap an agent that plays Switch2 and is not a joint controller; return any other as it is."""
    if agent.info.joint or tasks[0].family != "switch2":
        return agent
    return Team(agent, tasks)


class Team:
    """Two copies of an agent that together act as one controller of the joint Switch2 task.

    Rows 2i and 2i + 1 of the inner agent are the players of joint row i. Each is told its own observation
    and action and the team's summed reward; for a player that arrives the episode has terminated, and it
    is told nothing until the next one.
    """

    def __init__(self, agent: Agent, tasks: Sequence[Task]) -> None:
        """Read from the tasks (which differ in nothing that is read) what each player sees."""
        self.info: AgentInfo = agent.info
        self._agent = agent
        self._ids: IntArray = switch2_player_ids(tasks[0])
        self._arrived: NDArray[np.bool_] = switch2_arrived(tasks[0])
        self._n_ids = N_PLAYER_IDS[str(tasks[0].config["observation"])]
        if hasattr(agent, "policy_table"):
            self.policy_table = self._joint_policy

    def begin(
        self,
        n: int,
        observation_space: Space[Any],
        action_space: Space[Any],
        seed: int,
        context: Context | None = None,
        tasks: Sequence[Task] | None = None,
    ) -> None:
        """Begin ``2 n`` rows with the spaces of one player, and what the teacher's players recorded."""
        spaces = Discrete(self._n_ids), Discrete(N_MOVES)
        inner = None if tasks is None else [task for task in tasks for _ in range(N_PLAYERS)]
        recorded = None if context is None else self._per_player(context)
        try:
            self._agent.begin(N_PLAYERS * n, *spaces, seed, context=recorded, tasks=inner)
        except AgentError as error:
            raise _joint_row(error) from error

    def act(self, observations: Observations, active: BoolArray) -> Actions:
        """Join the players' actions: ``5 * action of player 0 + action of player 1``."""
        try:
            actions = self._agent.act(self._ids[observations].ravel(), self._playing(observations, active))
        except AgentError as error:
            raise _joint_row(error) from error
        array = as_array(actions, "one integer for each player")
        if array.dtype.kind not in "iu" or array.shape != (N_PLAYERS * len(active),):
            raise AgentError(
                f"{array.dtype} {array.shape} for {N_PLAYERS * len(active)} players; give one integer each."
            )
        pairs = array.reshape(-1, N_PLAYERS).astype(np.int64)
        playing = self._playing(observations, active).reshape(-1, N_PLAYERS)
        illegal = playing & ~((pairs >= 0) & (pairs < N_MOVES))
        if illegal.any():
            raise AgentError(f"action {pairs[illegal][0]} is not in 0..4.", int(illegal.any(axis=1).argmax()))
        pairs[~playing] = 0
        joint: IntArray = pairs[:, 0] * N_MOVES + pairs[:, 1]
        return joint

    def observe(
        self,
        observations: Observations,
        actions: Actions,
        rewards: FloatArray,
        next_observations: Observations,
        terminated: BoolArray,
        truncated: BoolArray,
        active: BoolArray,
    ) -> None:
        """Tell each player that has not arrived before its own transition."""
        arrived = self._arrived[next_observations].ravel()
        try:
            self._agent.observe(
                self._ids[observations].ravel(),
                np.stack(np.divmod(actions, N_MOVES), axis=1).ravel(),
                rewards.repeat(N_PLAYERS),
                self._ids[next_observations].ravel(),
                terminated.repeat(N_PLAYERS) | arrived,
                truncated.repeat(N_PLAYERS) & ~arrived,
                self._playing(observations, active),
            )
        except AgentError as error:
            raise _joint_row(error) from error

    def freeze(self) -> None:
        """Freeze both players."""
        self._agent.freeze()  # type: ignore[attr-defined]

    def unfreeze(self) -> None:
        """Let both players learn again."""
        self._agent.unfreeze()  # type: ignore[attr-defined]

    def _joint_policy(self) -> FloatArray:
        """Product of the players' policies, float64 ``[n, S, 25]``."""
        tables = as_array(self._agent.policy_table(), "a float64 array")  # type: ignore[attr-defined]
        first, second = (tables[p::N_PLAYERS, self._ids[:, p]] for p in range(N_PLAYERS))
        joint: FloatArray = (first[..., :, None] * second[..., None, :]).reshape(*first.shape[:2], -1)
        return joint

    def _per_player(self, context: Context) -> Context:
        """Episodes of a joint teacher as each player would have lived them, players of a row adjacent."""
        players = [self._of_player(context, player) for player in range(N_PLAYERS)]
        joined = join_rows(players)
        return joined.rows([p * context.n_rows + i for i in range(context.n_rows) for p in range(N_PLAYERS)])

    def _of_player(self, context: Context, player: int) -> Context:
        playing = ~self._arrived[context.observations, player]
        arrives = self._arrived[context.next_observations[playing], player]
        return dataclasses.replace(
            context,
            n_observations=self._n_ids,
            n_actions=N_MOVES,
            observations=self._ids[context.observations[playing], player],
            actions=np.divmod(context.actions[playing], N_MOVES)[player],
            rewards=context.rewards[playing],
            next_observations=self._ids[context.next_observations[playing], player],
            terminated=context.terminated[playing] | arrives,
            truncated=context.truncated[playing] & ~arrives,
            tags=context.tags[playing],
            episode_start=np.concatenate([[0], np.cumsum(playing)])[context.episode_start],
        )

    def _playing(self, observations: Observations, active: BoolArray) -> BoolArray:
        playing: BoolArray = active.repeat(N_PLAYERS) & ~self._arrived[observations].ravel()
        return playing


def _joint_row(error: AgentError) -> AgentError:
    """Say the joint row instead of the player's."""
    row = None if error.row is None else error.row // N_PLAYERS
    return AgentError(str(error), row, error.call)
