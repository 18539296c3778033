"""The Garnet family: unstructured random MDPs.

References:
    T. Archibald, K. McKinnon, L. Thomas, On the generation of Markov decision processes (1995);
    S. Bhatnagar et al., Natural actor-critic algorithms (2009); rewards as in arXiv 2502.02869.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from anymdp_bench.foundation.checks import check_integer, check_number
from anymdp_bench.foundation.compiling import kernel
from anymdp_bench.foundation.seeding import WEIGHT_TOTAL, next_normal, next_unit, permutation
from anymdp_bench.planning.kernels import Floats, Ints, Successors
from anymdp_bench.samplers.assemble import round_reals
from anymdp_bench.samplers.settings import MOST_STATES, Settings
from anymdp_bench.samplers.structure import Stream, draw_horizon
from anymdp_bench.tasks.build import round_to_weights
from anymdp_bench.tasks.task import TabularTask


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GarnetSettings(Settings):
    """Settings of the Garnet family.

    Attributes:
        n_states: 1..1024.
        n_actions: 1..64.
        branching: Successors of each (state, action), 1..n_states.
        sigma: Standard deviation over transitions of the mean reward, in [0, 100]; rewards have no noise.
    """

    branching: int = 2
    sigma: float = 0.1

    def __post_init__(self) -> None:
        """Check the ranges."""
        Settings.__post_init__(self)
        check_integer("branching", self.branching, 1, min(self.n_states, MOST_STATES))
        check_number("sigma", self.sigma, 0.0, 100.0)


@kernel(inner=True, nogil=True)
def draw_row(stream: Stream, branching: int, cuts: Floats, weight: Ints) -> None:
    """Write one row's weights: the gaps between sorted uniforms, rounded."""
    cuts[0] = 0.0
    for j in range(1, branching):
        cuts[j] = next_unit(stream)
    cuts[branching] = 1.0
    cuts.sort()
    round_to_weights(cuts[1:] - cuts[:-1], weight)


@kernel(
    work=lambda key, n, n_actions, branching, sigma: 3 * n * n_actions * (n + branching),
    patience=500_000,
    nogil=True,
)
def draw_task(
    key: np.uint64, n: int, n_actions: int, branching: int, sigma: float
) -> tuple[Ints, int, Ints, Successors, Ints, Floats]:
    """Draw (ids, horizon, row_start, successor, weight, mean reward); successors ascend within a row."""
    stream = np.array([key], dtype=np.uint64)
    ids = permutation(stream, n)
    horizon = draw_horizon(stream, n)
    rows = n * n_actions
    row_start = np.zeros(rows + 1, dtype=np.int64)
    successor = np.empty(rows * branching, dtype=np.int32)
    weight = np.empty(rows * branching, dtype=np.int64)
    reward = np.empty(rows * branching)
    cuts = np.empty(branching + 1)
    row_weight = np.empty(branching, dtype=np.int64)
    kept = 0
    for row in range(rows):
        draw_row(stream, branching, cuts, row_weight)
        targets = np.sort(permutation(stream, n)[:branching])
        for j in range(branching):
            mean = sigma * next_normal(stream)
            if row_weight[j] > 0:
                successor[kept], weight[kept], reward[kept] = targets[j], row_weight[j], mean
                kept += 1
        row_start[row + 1] = kept
    return ids, horizon, row_start, successor[:kept].copy(), weight[:kept].copy(), reward[:kept].copy()


def sample(settings: GarnetSettings, key: np.uint64, seed: int) -> TabularTask:
    """Draw one Garnet task: every episode starts in inner state 0, none ends before the horizon."""
    n, a = settings.n_states, settings.n_actions
    ids, horizon, row_start, successor, weight, reward = draw_task(
        key, n, a, settings.branching, float(settings.sigma)
    )
    return TabularTask(
        family="garnet",
        config=settings.as_config(),
        seed=seed,
        horizon=horizon,
        n_observations=n,
        n_actions=a,
        row_start=row_start,
        successor=successor,
        weight=weight,
        reward_sa=np.zeros((n, a)),
        reward_next=np.zeros(n),
        reward_outcome=round_reals(reward),
        noise_sa=np.zeros((n, a)),
        noise_next=np.zeros(n),
        initial_weight=np.eye(n, dtype=np.int64)[0] * WEIGHT_TOTAL,
        terminal=np.zeros(n, dtype=np.bool_),
        state_ids=ids.astype(np.int32),
    )
