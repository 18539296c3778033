"""Switch2 as a PettingZoo parallel environment; imported by `switch2.parallel_env` alone."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from gymnasium.spaces import Discrete
from pettingzoo import ParallelEnv

from anymdp_bench.envs.options import RENDER_FPS, RENDER_MODES
from anymdp_bench.envs.switch2.joint import N_PLAYERS, Switch2Env
from anymdp_bench.foundation.errors import EpisodeOver, InvalidAction
from anymdp_bench.foundation.types import IntArray
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.worlds.switch2 import MOVES, N_MOVES, N_PLAYER_IDS, switch2_arrived

STAY = MOVES.index((0, 0))
PerPlayer: TypeAlias = dict[str, Any]


class Switch2ParallelEnv(ParallelEnv):  # type: ignore[misc]
    """Both players of Switch2, named ``"player_0"`` and ``"player_1"``.

    A player that arrives has terminated and leaves `agents`; its piece stays and blocks its goal. Each
    player in play receives the team's summed reward. Observations are NumPy integers, and infos hold for the
    joint step. Unknown reset options
    are ignored, as PettingZoo's API demands.
    """

    def __init__(self, **settings: Any) -> None:
        """See `switch2.parallel_env`."""
        self.metadata: dict[str, Any] = {
            "name": "switch2_v0",
            "render_modes": list(RENDER_MODES),
            "render_fps": RENDER_FPS,
            "is_parallelizable": True,
        }
        self._joint = Switch2Env(**settings)
        self.render_mode = self._joint.render_mode
        self.possible_agents = [f"player_{player}" for player in range(N_PLAYERS)]
        self.agents: list[str] = []
        n_ids = N_PLAYER_IDS[str(self._joint.task.config["observation"])]
        self.observation_spaces = {agent: Discrete(n_ids) for agent in self.possible_agents}
        self.action_spaces = {agent: Discrete(N_MOVES) for agent in self.possible_agents}

    @property
    def task(self) -> Task:
        """The current task."""
        return self._joint.task

    def observation_space(self, agent: str) -> Discrete:
        """Return the ids that a player may see; the same object at every call."""
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> Discrete:
        """Return a player's moves; the same object at every call."""
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[PerPlayer, PerPlayer]:
        """Begin an episode.

        Args:
            seed: Integer in [0, 2**64), or None.
            options: ``{"task": t}`` switches to a Switch2 task of the same spaces; others are ignored.

        Returns:
            Observations and infos by player.

        Raises:
            InvalidConfig: a task of other spaces.
            InvalidSeed: a seed that is not an integer in [0, 2**64).
        """
        known = {name: value for name, value in (options or {}).items() if name == "task"}
        seen, info = self._joint.reset(seed=seed, options=known)
        self._arrived = switch2_arrived(self._joint.task)
        self.agents = list(self.possible_agents)
        return self._by_player(seen), {agent: dict(info) for agent in self.agents}

    def step(self, actions: dict[str, Any]) -> tuple[PerPlayer, PerPlayer, PerPlayer, PerPlayer, PerPlayer]:
        """Move the players in play; the others' actions are ignored.

        Args:
            actions: One int in 0..4 for each name in `agents`.

        Returns:
            Observations, rewards, terminations, truncations and infos of the players that were in play.

        Raises:
            InvalidAction: before anything has changed, an action is missing or not legal.
            EpisodeOver: no player is in play.
        """
        if not self.agents:
            raise EpisodeOver("The episode has ended, or was never begun: call reset() before step().")
        moves = self._check_actions(actions)
        playing = self.agents
        seen, reward, _, truncated, info = self._joint.step(moves)
        arrived = dict(
            zip(self.possible_agents, self._arrived[self._joint.joint_state].tolist(), strict=True)
        )
        observations = self._by_player(seen)
        over = {a: (arrived[a], truncated and not arrived[a]) for a in playing}
        self.agents = [a for a in playing if not any(over[a])]
        return (
            {a: observations[a] for a in playing},
            dict.fromkeys(playing, reward),
            {a: over[a][0] for a in playing},
            {a: over[a][1] for a in playing},
            {a: dict(info) for a in playing},
        )

    def render(self) -> Any:
        """Show the last step; see `SingleEnv.render`."""
        return self._joint.render()

    def _check_actions(self, actions: dict[str, Any]) -> IntArray:
        """Moves of both players, int64 ``[2]``; one that has arrived stays."""
        moves = np.full(N_PLAYERS, STAY)
        for agent in self.agents:
            move = actions.get(agent)
            if not self.action_spaces[agent].contains(move):
                raise InvalidAction(
                    f"Action {move!r} of {agent!r} is not legal: give each of {self.agents} an integer in "
                    f"0..{N_MOVES - 1}."
                )
            moves[self.possible_agents.index(agent)] = move
        return moves

    def _by_player(self, seen: Any) -> PerPlayer:
        return dict(zip(self.possible_agents, seen, strict=True))
