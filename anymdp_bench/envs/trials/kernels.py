"""How the trials of a batch begin and go on, in kernels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.envs.episodes import Episodes, restart
from anymdp_bench.envs.streams import ONE, KeyArray
from anymdp_bench.envs.tables import RecordArray
from anymdp_bench.foundation.compiling import elements, kernel
from anymdp_bench.foundation.seeding import TASK_STREAM, draw, stream_key
from anymdp_bench.foundation.types import BoolArray, FloatArray, IntArray


class Trials(NamedTuple):
    """State of the trials of n environments.

    Attributes:
        trial: uint64 ``[n]``, number of the trial of its seed.
        played: int64 ``[n]``, episodes of the trial that have ended.
        actions: int64 ``[n]``, the last action; A where there is none.
        rewards: float64 ``[n]``, its reward.
        ends: bool ``[n]``, it ended an episode.
    """

    trial: KeyArray
    played: IntArray
    actions: IntArray
    rewards: FloatArray
    ends: BoolArray


class Choice(NamedTuple):
    """What trials are chosen from; K distinct tasks.

    Attributes:
        episodes: Episodes of a trial.
        n_actions: Number of actions A.
        numbers: int64, numbers of the tasks to choose from among the distinct ones.
        places: int64 ``[3, K]``, as `Episodes.places`.
        horizons: int32 ``[K]``.
    """

    episodes: int
    n_actions: int
    numbers: IntArray
    places: IntArray
    horizons: NDArray[np.int32]


@kernel(nogil=True)
def task_number(stream: np.uint64, trial: np.uint64, n_tasks: int) -> int:
    """Place of a trial's task, uniform in 0..n_tasks-1; `stream` is the key of the seed's draws."""
    return int(np.int64(draw(stream_key(stream, TASK_STREAM), trial) % np.uint64(n_tasks)))


@kernel(work=elements, nogil=True)
def begin_trials(
    mask: BoolArray,
    fresh: bool,
    choice: Choice,
    which: IntArray,
    starts: RecordArray,
    episodes: Episodes,
    trials: Trials,
) -> None:
    """Begin trials where `mask`: choose their tasks, and begin the first episodes.

    Args:
        mask: bool ``[n]``.
        fresh: Numbers in ``episodes.streams[2]`` that are 0 begin a seed's first trial; else the next one of
            each environment begins.
        choice: What is chosen from.
        which: Written, int64 ``[n]``, numbers of the chosen tasks among the distinct ones.
        starts: Of the tables.
        episodes: Written.
        trials: Written.
    """
    streams = episodes.streams
    for i in range(len(mask)):
        if not mask[i]:
            continue
        trial = np.uint64(0) if fresh and streams[2, i] == 0 else trials.trial[i] + ONE
        task = choice.numbers[task_number(streams[0, i], trial, len(choice.numbers))]
        which[i] = task
        episodes.places[:, i] = choice.places[:, task]
        episodes.horizons[i] = choice.horizons[task]
        # `restart` begins the episode after the one that is noted.
        streams[2, i] = trial * np.uint64(choice.episodes) - ONE
        restart(i, starts, episodes)
        trials.trial[i], trials.played[i] = trial, 0
        trials.actions[i], trials.rewards[i], trials.ends[i] = choice.n_actions, 0.0, False


@kernel(work=elements, nogil=True)
def go_on(
    episodes: int,
    actions: IntArray,
    active: BoolArray,
    arrivals: RecordArray,
    starts: RecordArray,
    streams: KeyArray,
    places: IntArray,
    state: IntArray,
    elapsed: NDArray[np.int32],
    horizons: NDArray[np.int32],
    over: BoolArray,
    observations: IntArray,
    rewards: FloatArray,
    terminated: BoolArray,
    truncated: BoolArray,
    played: IntArray,
    last_actions: IntArray,
    last_rewards: FloatArray,
    ends: BoolArray,
) -> int:
    """After a step, begin the next episodes of trials that have some left, and note what was done.

    The arguments are `Episodes`, the first fields of `Outputs`, and fields of `Trials`, one by one: handing
    over named tuples would take longer than the work.

    Returns:
        In how many environments the trial is over.
    """
    finished = 0
    running = Episodes(streams, places, state, elapsed, horizons, over)
    for i in range(len(active)):
        if active[i]:
            last_actions[i], last_rewards[i], ends[i] = actions[i], rewards[i], over[i]
        if active[i] and over[i]:
            played[i] += 1
            terminated[i], truncated[i] = played[i] == episodes, False
            if played[i] < episodes:
                restart(i, starts, running)
                observations[i] = arrivals[places[0, i] + state[i]].tag >> 1
        finished += over[i]
    return finished
