"""The episode loop that every evaluation shares: restart, act, advance, observe."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.agents.protocol import Episodes, Observations
from anymdp_bench.envs.base import BatchEnv
from anymdp_bench.evaluation.protocols.moves import Log, Moves, live_states
from anymdp_bench.evaluation.protocols.player import Player
from anymdp_bench.foundation.compiling import elements, kernel
from anymdp_bench.foundation.types import BoolArray, FloatArray, IntArray

OnEpisodes: TypeAlias = Callable[[int], None]
NOTHING = np.zeros(0, np.int64)
NO_LOG: Log = np.zeros((0, 0, 2), np.int16)


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
    actions: IntArray,
    states: IntArray,
    log: Log,
) -> int:
    """Add one step to the tally; write which rows begin another episode; return how many ended one.

    With a log (of more than no steps) also write each action and the state that it led to.
    """
    logs = log.shape[1] > 0
    n_ended = 0
    n_episodes = tally.scores.shape[1]
    for i in range(len(active)):
        again[i] = False
        if not active[i]:
            continue
        if logs:
            log[i, steps[i], 1] = actions[i]
            log[i, steps[i] + 1, 0] = states[i]
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
    moves: Moves | None = None,
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
        moves: Written: the inner state and the action of every step; only where `steps` is left out.
    """
    n = len(player.cells)
    tally = _new_tally(n, n_episodes)
    again = np.ones(n, dtype=np.bool_)
    counted = player.steps if steps is None else steps
    active = again.copy()
    states = NOTHING if moves is None else live_states(env)
    observations = _restart(env, again, counted, moves)
    playing = True
    while playing:
        actions = player.act(observations, active)
        step = player.advance(env, actions, active)
        player.observe(observations, actions, step, active)
        observations = step.observations
        done = step.scores, step.rewards, step.terminated, step.truncated
        taken = NOTHING if moves is None else actions
        log = NO_LOG if moves is None else moves.room()
        n_ended = _count(tally, counted, active, *done, again, taken, states, log)
        if n_ended:
            on_episodes(n_ended)
            if clock is not None:
                ended = np.flatnonzero(active & (step.terminated | step.truncated))
                clock[ended, tally.done[ended] - 1] = time.monotonic()
            active = tally.done < n_episodes
            playing = bool(active.any())
            if again.any():
                observations = _restart(env, again, counted, moves)
    return Episodes(tally.scores, tally.rewards, tally.lengths)


def _restart(env: BatchEnv, rows: BoolArray, steps: IntArray, moves: Moves | None) -> Observations:
    observations = env.restart(rows)
    if moves is not None:
        moves.begin(rows, steps, live_states(env))
    return observations
