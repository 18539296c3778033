"""Observation tokens of a batch of hidden states."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.envs.streams import KeyArray
from anymdp_bench.foundation.compiling import kernel
from anymdp_bench.foundation.seeding import WEIGHT_TOTAL, draw, outcome_bits
from anymdp_bench.foundation.types import IntArray
from anymdp_bench.tasks.task import TabularTask


def build_emissions(tasks: Sequence[TabularTask]) -> NDArray[np.uint32]:
    """Cumulative emission weights of several tasks, uint32 ``[sum of S, T, O]``.

    A task without emissions shows its state ids.
    """
    return np.concatenate([_cumulative(task) for task in tasks])


def _cumulative(task: TabularTask) -> NDArray[np.uint32]:
    weight = task.emission_weight
    if weight is None:
        weight = np.zeros((1, task.n_states, task.n_observations), np.int64)
        weight[0, np.arange(task.n_states), task.state_ids] = WEIGHT_TOTAL
    return np.cumsum(weight, axis=2).transpose(1, 0, 2).astype(np.uint32)


@kernel(work=lambda cumulative, places, state, elapsed, keys, out: 20 * out.size, nogil=True)
def emit(
    cumulative: NDArray[np.uint32],
    places: IntArray,
    state: IntArray,
    elapsed: NDArray[np.int32],
    emission_keys: KeyArray,
    out: IntArray,
) -> None:
    """Draw the current observations; token t after k steps uses the draw with counter ``k * T + t``.

    Args:
        cumulative: See `build_emissions`.
        places: int64 ``[3, n]``, see `build_tables`.
        state: int64 ``[n]``.
        elapsed: int32 ``[n]``, steps taken in the episode.
        emission_keys: uint64 ``[n]``, keys of the episodes.
        out: int64 ``[n, T]``, written.
    """
    tokens, ids = cumulative.shape[1:]
    for i in range(len(state)):
        for t in range(tokens):
            counter = np.uint64(np.int64(elapsed[i]) * tokens + t)
            u = np.uint32(outcome_bits(draw(emission_keys[i], counter)))
            row = cumulative[places[0, i] + state[i], t]
            low, high = 0, ids - 1
            while low < high:
                middle = (low + high) // 2
                if row[middle] > u:
                    high = middle
                else:
                    low = middle + 1
            out[i, t] = low
