"""A board of 2 tasks and 10 evaluation points, small enough to be attacked thousands of times."""

from __future__ import annotations

from anymdp_bench.evaluation.boards import Board
from anymdp_bench.foundation.registry import lookup
from anymdp_bench.leaderboard.submissions.facts import BoardFacts
from tests.support.tasks import random_task

TINY = Board(
    name="tiny-online-v0",
    bank="tiny-v0",
    n_tasks=2,
    context_episodes=100,
    block=10,
    train_episodes=200,
    test_every=20,
)
FACTS = BoardFacts.of(TINY, [random_task(seed, horizon=9) for seed in (3, 5)])


def facts_of(name: str) -> BoardFacts:
    return lookup("board", {TINY.name: FACTS}, name)
