"""The two tracks: agents that learn in their context, and learners that are frozen and tested."""

from __future__ import annotations

import time

import numpy as np

from anymdp_bench.agents.protocol import Episodes
from anymdp_bench.envs.base import BatchEnv
from anymdp_bench.evaluation.boards import Board
from anymdp_bench.evaluation.protocols.frozen import FrozenTest
from anymdp_bench.evaluation.protocols.moves import Moves, has_advantages
from anymdp_bench.evaluation.protocols.player import Player
from anymdp_bench.evaluation.protocols.rollout import OnEpisodes, rollout
from anymdp_bench.records.record import Points, ShardRecord, block_points, join_episodes


def live_in_context(
    player: Player, env: BatchEnv, board: Board, on_episodes: OnEpisodes, controls: bool = False
) -> ShardRecord:
    """Live the board's episodes in one unbroken context; blocks of them are the evaluation points.

    With `controls` the record also holds the exact advantages of what was done, where there are any.
    """
    start = time.monotonic()
    clock = np.zeros((len(player.cells), board.context_episodes))
    known = controls and all(map(has_advantages, env.tasks))
    moves = Moves(len(player.cells)) if known else None
    lived = rollout(player, env, board.context_episodes, on_episodes=on_episodes, clock=clock, moves=moves)
    sums = None if moves is None else moves.sums(env.tasks, lived.lengths)
    return ShardRecord(block_points(lived, board.block, clock - start), lived, sums)


def train_and_test(
    player: Player, env: BatchEnv, board: Board, test: FrozenTest, on_episodes: OnEpisodes
) -> ShardRecord:
    """Alternate training and frozen tests until the board's training episodes are lived."""
    start = time.monotonic()
    parts: list[Episodes] = []
    values, steps, seconds = [], [], []
    for _ in range(board.train_episodes // board.test_every):
        parts.append(_train(player, env, board.test_every, on_episodes))
        steps.append(player.steps.copy())
        player.freeze()
        values.append(test(player))
        player.unfreeze()
        seconds.append(np.full(len(player.cells), time.monotonic() - start))
    points = Points(
        episodes=np.arange(1, len(values) + 1) * board.test_every,
        steps=np.stack(steps, axis=1),
        counts=np.array([value.episodes for value in values]),
        mean=np.stack([value.mean for value in values], axis=1),
        even=np.stack([value.even for value in values], axis=1),
        odd=np.stack([value.odd for value in values], axis=1),
        seconds=np.stack(seconds, axis=1),
    )
    return ShardRecord(points, join_episodes(parts, axis=1))


def _train(player: Player, env: BatchEnv, n_episodes: int, on_episodes: OnEpisodes) -> Episodes:
    episodes = player.learn_episodes(env, n_episodes)
    if episodes is None:
        return rollout(player, env, n_episodes, on_episodes=on_episodes)
    on_episodes(episodes.lengths.size)
    return episodes
