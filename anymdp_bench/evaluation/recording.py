"""Every transition of an agent's run, for those who learn from recorded episodes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from gymnasium.spaces import Space

from anymdp_bench.agents.handling import copy_agent
from anymdp_bench.agents.protocol import Agent
from anymdp_bench.agents.registry import check_is_agent, make_agent
from anymdp_bench.contexts import Context, join_rows
from anymdp_bench.contexts.listener import Listener
from anymdp_bench.evaluation.boards import Board, get_board
from anymdp_bench.evaluation.evaluate import change_board, choose_tasks
from anymdp_bench.evaluation.protocols import play_with, shards_of
from anymdp_bench.foundation.types import FloatArray
from anymdp_bench.tasks.protocol import Task


def record_run(
    agent: Agent | str, board: Board | str, *, tasks: Sequence[Task] | str | None = None, **changes: Any
) -> Context:
    """Run an agent as `evaluate` does, and return the episodes that it lives.

    Args:
        agent: As for `evaluate`; an agent of the in-context track, or a learner whose training is recorded.
        board: As for `evaluate`.
        tasks: As for `evaluate`; all of one shape.
        **changes: Fields of the board to replace.

    Returns:
        One row for each run on each task; recorded by the agent's name, with tags 7 (unknown).

    Raises:
        AgentError: the agent raised or answered illegally, or plays several players at once.
        InvalidConfig: a changed field is not legal, or there is no task.

    Examples:
        >>> record_run("uniform", "darkroom-6-v0", context_episodes=10).n_episodes
        10
    """
    spec = change_board(get_board(board) if isinstance(board, str) else board, changes)
    player = make_agent(agent, bank=spec.bank) if isinstance(agent, str) else check_is_agent(agent)
    spec, chosen = choose_tasks(spec, tasks)
    shards = shards_of(spec, player.info, chosen)
    parts = []
    for cells in shards:
        recorded = _Recorded(copy_agent(player))
        play_with(recorded, spec, cells, dict(enumerate(chosen)), sum(map(len, shards)), _ignore)
        parts.append(recorded.context(spec))
    return join_rows(parts)


def _ignore(n_episodes: int) -> None:
    """Report nothing."""


class _Recorded:
    """An agent whose training transitions are written down; its own way to train episodes is not used."""

    def __init__(self, agent: Agent) -> None:
        self._agent: Any = agent
        self.info = agent.info
        self._frozen = False
        if hasattr(agent, "policy_table"):
            self.policy_table: Callable[[], FloatArray] = agent.policy_table

    def begin(
        self,
        n: int,
        observation_space: Space[Any],
        action_space: Space[Any],
        seed: int,
        context: Context | None = None,
        tasks: Sequence[Task] | None = None,
    ) -> None:
        self._listener = Listener(n)
        self._spaces = observation_space, action_space
        self._agent.begin(n, observation_space, action_space, seed, context=context, tasks=tasks)

    def act(self, observations: Any, active: Any) -> Any:
        return self._agent.act(observations, active)

    def observe(self, *transition: Any) -> None:
        if not self._frozen:
            self._listener.hear(*transition)
        self._agent.observe(*transition)

    def freeze(self) -> None:
        self._frozen = True
        self._agent.freeze()

    def unfreeze(self) -> None:
        self._frozen = False
        self._agent.unfreeze()

    def context(self, board: Board) -> Context:
        """Return the episodes that the agent has lived."""
        n_episodes = board.train_episodes if self.info.learner else board.context_episodes
        n_observations, n_actions = (_largest(space) for space in self._spaces)
        return self._listener.context(self.info.name, n_episodes, n_observations, n_actions)


def _largest(space: Any) -> int:
    """Number of ids of a Discrete space, or of the tokens of a MultiDiscrete one."""
    return int(np.max(space.nvec)) if hasattr(space, "nvec") else int(space.n)
