"""Checks that every agent passes before its results mean anything; run them on your own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from anymdp_bench.agents.handling import copy_agent
from anymdp_bench.agents.protocol import Agent
from anymdp_bench.agents.registry import check_is_agent
from anymdp_bench.evaluation.boards import Board
from anymdp_bench.evaluation.protocols import play_with
from anymdp_bench.foundation.errors import AgentError
from anymdp_bench.records.record import Cell, ShardRecord
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.worlds import frozenlake, random_lake_map

TRIAL = Board(
    name="trial",
    bank="trial",
    context_episodes=20,
    train_episodes=20,
    test_every=10,
    test_episodes=2,
    shard_size=2,
)


def check_agent(agent: Agent, tasks: Sequence[Task] | None = None) -> None:
    """Play an agent on a few tasks and check that it keeps the rules.

    Checked: it has all calls and answers legally; equal seeds give equal play; `begin` forgets everything
    (also what is kept on the class or the module); what happens in one row changes nothing in another;
    a learner's own way to train episodes equals the plain loop.

    Args:
        agent: Not changed; copies play.
        tasks: Three tasks of the same spaces; default: small slippery lakes.

    Raises:
        AgentError: naming the rule that is broken.

    Examples:
        >>> check_agent(make_agent("uniform"))
    """
    check_is_agent(agent)
    first, second, third = tasks or [frozenlake(True, layout=random_lake_map(seed)) for seed in range(3)]
    together = _play(copy_agent(agent), first, second)
    _demand(together, _play(copy_agent(agent), first, second), "equal seeds must give equal play", agent)
    used = copy_agent(agent)
    _play(used, third, first)
    _demand(together, _play(used, first, second), "begin must forget everything", agent)
    rule = "what happens in one task must change nothing in another"
    _demand(together, _play(copy_agent(agent), first, third), rule, agent, n_rows=1)
    if hasattr(agent, "learn_episodes"):
        plain: Any = copy_agent(agent)
        plain.learn_episodes = _decline
        rule = "learn_episodes must equal the plain loop"
        _demand(together, _play(plain, first, second), rule, agent)


def _decline(env: object, n_episodes: int) -> None:
    """Stand for a learner that cannot train by itself."""


def _play(agent: Agent, *tasks: Task) -> ShardRecord:
    cells = [Cell(index, 0) for index in range(len(tasks))]
    ignore: Callable[[int], None] = lambda n_episodes: None  # noqa: E731
    return play_with(agent, TRIAL, cells, dict(enumerate(tasks)), len(cells), ignore)


def _demand(one: ShardRecord, other: ShardRecord, rule: str, agent: Agent, n_rows: int | None = None) -> None:
    """Raise AgentError unless the first `n_rows` rows (default all) of two plays are equal."""
    pairs = [*zip(one.lived, other.lived, strict=True)]
    pairs += [(getattr(one.points, name), getattr(other.points, name)) for name in ("mean", "even", "odd")]
    if not all(np.array_equal(first[:n_rows], second[:n_rows]) for first, second in pairs):
        raise AgentError(f"Agent {agent.info.name!r}: {rule}, but two such plays differ.")
