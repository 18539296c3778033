"""Random numbers of an agent: every row's are a function of its own seed (numba)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.kernels import AGENT_STREAM, exp, kernel, log, next_unit, permutation, stream_key

Streams = NDArray[np.uint64]


@kernel()
def _new_streams(seeds: Streams) -> Streams:
    streams = np.empty(len(seeds), dtype=np.uint64)
    for i in range(len(seeds)):
        streams[i] = stream_key(seeds[i], AGENT_STREAM)
    return streams


def new_streams(seeds: Sequence[int]) -> Streams:
    """Sequential streams uint64 ``[n]`` of seeds in [0, 2**64)."""
    return _new_streams(np.array(seeds, dtype=np.uint64))


@kernel()
def permutations(streams: Streams, size: int) -> NDArray[np.int64]:
    """One uniform permutation of 0..size-1 for every stream, int64 ``[n, size]``; the streams advance."""
    orders = np.empty((len(streams), size), dtype=np.int64)
    for i in range(len(streams)):
        orders[i] = permutation(streams[i : i + 1], size)
    return orders


@kernel()
def between(first: float, last: float, share: NDArray[np.float64]) -> NDArray[np.float64]:
    """Numbers ``[n]`` at some shares of the geometric way from `first` to `last`, equal on every machine."""
    way = np.empty(len(share))
    for i in range(len(share)):
        way[i] = first * exp(share[i] * log(last / first))
    return way


@kernel()
def choose(
    logits: NDArray[np.float32],
    temperature: NDArray[np.float64],
    rows: NDArray[np.int64],
    streams: Streams,
    chosen: NDArray[np.int64],
) -> None:
    """Draw an action for each of `rows` from softmax(logits / temperature); their streams advance.

    Args:
        logits: ``[len(rows), A]``.
        temperature: ``[len(rows)]``, above 0.
        rows: Which of the n streams act.
        streams: ``[n]``.
        chosen: int64 ``[n]``, written at `rows`.
    """
    n_actions = logits.shape[1]
    chances = np.empty(n_actions)
    for i in range(len(rows)):
        best = logits[i].max()
        for a in range(n_actions):
            chances[a] = exp((np.float64(logits[i, a]) - best) / temperature[i])
        left = next_unit(streams[rows[i] : rows[i] + 1]) * chances.sum()
        action = 0
        while action < n_actions - 1 and left >= chances[action]:
            left -= chances[action]
            action += 1
        chosen[rows[i]] = action
