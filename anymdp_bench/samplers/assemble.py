"""From drawn reals to the rounded grids of a task (numba)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.foundation.compiling import elements, kernel
from anymdp_bench.planning.kernels import Floats, Ints, Successors
from anymdp_bench.tasks.build import round_to_weights
from anymdp_bench.tasks.task import REWARD_UNIT


@kernel(inner=True, nogil=True)
def append_row(
    probability: Floats, first: int, rounded: Ints, kept: int, successor: Successors, weight: Ints
) -> int:
    """Round the distribution over states first, first + 1, ... and store what is left from index `kept`.

    `rounded` is scratch of at least that length.

    Returns:
        The index after the last stored outcome; outcomes that round to 0 are dropped.
    """
    round_to_weights(probability, rounded)
    for j in range(len(probability)):
        if rounded[j] > 0:
            successor[kept] = first + j
            weight[kept] = rounded[j]
            kept += 1
    return kept


@kernel(inner=True, nogil=True)
def round_distribution(probability: Floats) -> Ints:
    """Round one distribution to weights that sum to 2**30."""
    weight = np.zeros(len(probability), dtype=np.int64)
    round_to_weights(probability, weight)
    return weight


@kernel(work=elements, nogil=True)
def round_reals(values: Floats) -> NDArray[np.float64]:
    """Round to the grid of 2**-20."""
    return np.rint(values / REWARD_UNIT) * REWARD_UNIT
