"""The running episodes of a batch: their state, how they begin, who moves, and what a step writes."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.envs.streams import ONE, KeyArray
from anymdp_bench.envs.tables import RecordArray
from anymdp_bench.foundation.compiling import elements, kernel
from anymdp_bench.foundation.seeding import RESET_COUNTER, draw, outcome_bits
from anymdp_bench.foundation.types import BoolArray, FloatArray, IntArray


class Episodes(NamedTuple):
    """State of n environments; the kernel reads and writes it.

    Attributes:
        streams: uint64 ``[5, n]``, see `Streams.table`.
        places: int64 ``[3, n]``, number of the task's state 0 among all states of the tables, and the range
            of the task's entries in `StepTables.starts`.
        state: int64 ``[n]``, inner state.
        elapsed: int32 ``[n]``, steps taken.
        horizons: int32 ``[n]``, steps allowed.
        over: bool ``[n]``, the episode has ended.
    """

    streams: KeyArray
    places: IntArray
    state: IntArray
    elapsed: NDArray[np.int32]
    horizons: NDArray[np.int32]
    over: BoolArray


class Moves(NamedTuple):
    """Who moves, and how.

    Attributes:
        actions: int64 ``[n * tokens]``, legal where an environment moves.
        active: bool ``[n]``, who moves; not read if `autoreset`.
        n_actions: Number of actions A.
        tokens: Number of tokens of an action.
        token: The one to execute.
        autoreset: Begin a new episode where the old one is over, and move everywhere else.
    """

    actions: IntArray
    active: BoolArray
    n_actions: int
    tokens: int
    token: int
    autoreset: bool


class Outputs(NamedTuple):
    """What a step writes, n entries each; `scores` and `means` may be empty: then they are not wanted."""

    observations: IntArray
    rewards: FloatArray
    terminated: BoolArray
    truncated: BoolArray
    scores: FloatArray
    means: FloatArray


@kernel(inner=True, nogil=True)
def _first_state(starts: RecordArray, low: int, high: int, episode_key: np.uint64) -> int:
    u = outcome_bits(draw(episode_key, RESET_COUNTER))
    while low < high - 1:
        middle = (low + high - 1) // 2
        if starts[middle].cumulative > u:
            high = middle + 1
        else:
            low = middle + 1
    return int(starts[low].state)


@kernel(work=elements, nogil=True)
def begin(
    mask: BoolArray, starts: RecordArray, places: IntArray, episode_keys: KeyArray, state: IntArray
) -> None:
    """Draw first states where `mask`; the episodes' keys are set already."""
    for i in range(len(mask)):
        if mask[i]:
            state[i] = _first_state(starts, places[1, i], places[2, i], episode_keys[i])


@kernel(inner=True, nogil=True)
def restart(i: int, starts: RecordArray, episodes: Episodes) -> None:
    """Begin the next episode of environment i."""
    streams, places = episodes.streams, episodes.places
    streams[2, i] += ONE
    streams[3, i] = draw(streams[0, i], streams[2, i])
    streams[4, i] = draw(streams[1, i], streams[2, i])
    episodes.elapsed[i] = 0
    episodes.over[i] = False
    episodes.state[i] = _first_state(starts, places[1, i], places[2, i], streams[3, i])


@kernel(inner=True, nogil=True)
def stay(i: int, arrivals: RecordArray, episodes: Episodes, out: Outputs) -> None:
    """Write the outputs of an environment that does not move."""
    out.observations[i] = arrivals[episodes.places[0, i] + episodes.state[i]].tag >> 1
    out.rewards[i] = 0.0
    out.terminated[i] = out.truncated[i] = False
    if len(out.scores) > 0:
        out.scores[i] = 0.0
    if len(out.means) > 0:
        out.means[i] = 0.0
