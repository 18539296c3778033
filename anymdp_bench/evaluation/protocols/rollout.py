"""The episode loop that every evaluation shares: restart, act, advance, observe."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.agents.protocol import Episodes
from anymdp_bench.envs.base import BatchEnv
from anymdp_bench.evaluation.protocols.player import Player
from anymdp_bench.foundation.compiling import elements, kernel
from anymdp_bench.foundation.types import BoolArray, FloatArray, IntArray

OnEpisodes: TypeAlias = Callable[[int], None]


class Tally(NamedTuple):
    """Running sums of n rows, and the episodes that they have finished."""

    score: FloatArray
    reward: FloatArray
    length: IntArray
    done: IntArray
    scores: FloatArray
    rewards: FloatArray
    lengths: IntArray


@kernel(work=elements)
def _count(
    tally: Tally,
    steps: IntArray,
    active: BoolArray,
    scores: FloatArray,
    rewards: FloatArray,
    terminated: BoolArray,
    truncated: BoolArray,
    again: BoolArray,
) -> int:
    """Add one step to the tally; write which rows begin another episode; return how many ended one."""
    n_ended = 0
    n_episodes = tally.scores.shape[1]
    for i in range(len(active)):
        again[i] = False
        if not active[i]:
            continue
        steps[i] += 1
        tally.score[i] += scores[i]
        tally.reward[i] += rewards[i]
        tally.length[i] += 1
        if terminated[i] or truncated[i]:
            k = tally.done[i]
            tally.scores[i, k] = tally.score[i]
            tally.rewards[i, k] = tally.reward[i]
            tally.lengths[i, k] = tally.length[i]
            tally.score[i] = 0.0
            tally.reward[i] = 0.0
            tally.length[i] = 0
            tally.done[i] = k + 1
            again[i] = k + 1 < n_episodes
            n_ended += 1
    return n_ended


def _new_tally(n: int, n_episodes: int) -> Tally:
    sums = np.zeros(n), np.zeros(n), np.zeros(n, np.int64), np.zeros(n, np.int64)
    shape = (n, n_episodes)
    return Tally(*sums, np.zeros(shape), np.zeros(shape), np.zeros(shape, np.int64))


def _ignore(n_episodes: int) -> None:
    """Count nothing."""


def rollout(
    player: Player,
    env: BatchEnv,
    n_episodes: int,
    *,
    on_episodes: OnEpisodes = _ignore,
    clock: FloatArray | None = None,
    steps: NDArray[np.int64] | None = None,
) -> Episodes:
    """Play `n_episodes` new episodes in every row.

    Rows do not wait for each other: each begins its next episode at once, and rests when it has played
    all of its own.

    Args:
        player: The agent.
        env: Reset, with no episode that matters open.
        n_episodes: Episodes of each row, at least 1.
        on_episodes: Told how many episodes have just ended.
        clock: float64 ``[n, n_episodes]``, written: `time.monotonic` at each episode's end.
        steps: int64 ``[n]``, step counters to advance; default: the player's own.
    """
    n = len(player.cells)
    tally = _new_tally(n, n_episodes)
    again = np.ones(n, dtype=np.bool_)
    counted = player.steps if steps is None else steps
    active = again.copy()
    observations = env.restart(again)
    playing = True
    while playing:
        actions = player.act(observations, active)
        step = player.advance(env, actions, active)
        player.observe(observations, actions, step, active)
        observations = step.observations
        n_ended = _count(
            tally, counted, active, step.scores, step.rewards, step.terminated, step.truncated, again
        )
        if n_ended:
            on_episodes(n_ended)
            if clock is not None:
                ended = np.flatnonzero(active & (step.terminated | step.truncated))
                clock[ended, tally.done[ended] - 1] = time.monotonic()
            active = tally.done < n_episodes
            playing = bool(active.any())
            if again.any():
                observations = env.restart(again)
    return Episodes(tally.scores, tally.rewards, tally.lengths)
