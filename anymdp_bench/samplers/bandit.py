"""The one-state family: a pull is an episode.

The pull leads to a second inner state, terminal and seen under the same id.

References:
    Public sampler of arXiv 2502.02869 (n_states = 1); not part of the paper's training set.
"""

from __future__ import annotations

import numpy as np

from anymdp_bench.foundation import exact
from anymdp_bench.foundation.compiling import elements, kernel
from anymdp_bench.foundation.seeding import WEIGHT_TOTAL, next_exponential, next_uniform
from anymdp_bench.planning.kernels import Floats
from anymdp_bench.samplers.assemble import round_reals
from anymdp_bench.samplers.settings import Settings
from anymdp_bench.tasks.task import TabularTask

BEST_MEAN, BEST_LOW, BEST_HIGH = 1.0, 0.05, 2.0
"""Arm means lie in (b / 2, b) with b = clip(Exp(1), 0.05, 2)."""
LEAST_SPREAD = 0.01
"""Means are re-drawn until their standard deviation exceeds this."""
NOISE_BOUND = 0.3
"""Noise of every arm is its mean times one max(U(-0.3, 0.3), 0)."""
MOST_TRIES = 1000


@kernel(work=elements, nogil=True)
def draw_arms(key: np.uint64, means: Floats, noise: Floats) -> None:
    """Write the arms' means and standard deviations, float64 ``[A]``."""
    stream = np.array([key], dtype=np.uint64)
    spread = 0.0
    for _ in range(MOST_TRIES):
        best = min(max(next_exponential(stream, BEST_MEAN), BEST_LOW), BEST_HIGH)
        for a in range(len(means)):
            means[a] = next_uniform(stream, 0.5 * best, best)
        mean = exact.total(means) / len(means)
        spread = exact.total((means - mean) ** 2) / len(means)
        if spread > LEAST_SPREAD * LEAST_SPREAD:
            break
    noise[:] = max(next_uniform(stream, -NOISE_BOUND, NOISE_BOUND), 0.0) * means


def sample(settings: Settings, key: np.uint64, seed: int) -> TabularTask:
    """Draw one bandit. With a single arm there is nothing to spread, and the means are the last drawn."""
    a = settings.n_actions
    means, noise = np.empty(a), np.empty(a)
    draw_arms(key, means, noise)
    ending = np.zeros(a)
    return TabularTask(
        family="anymdp",
        config=settings.as_config(),
        seed=seed,
        horizon=1,
        n_observations=1,
        n_actions=a,
        row_start=np.concatenate([np.arange(a + 1), np.full(a, a)]),
        successor=np.ones(a, dtype=np.int32),
        weight=np.full(a, WEIGHT_TOTAL),
        reward_sa=np.stack([round_reals(means), ending]),
        reward_next=np.zeros(2),
        noise_sa=np.stack([round_reals(noise), ending]),
        noise_next=np.zeros(2),
        initial_weight=np.array([WEIGHT_TOTAL, 0]),
        terminal=np.array([False, True]),
        state_ids=np.zeros(2, dtype=np.int32),
    )
