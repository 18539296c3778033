"""What a lane's life is like: how long, taught by whom, and by what it acts (numba)."""

from __future__ import annotations

import numpy as np

from anymdp_bench.kernels import exp, kernel, log, next_integer, next_uniform, next_unit
from omnirl_reference.stream.learners import Floats, Stream
from omnirl_reference.stream.worlds import Ints

UNIFORM, SAMPLED, OPTIMIST, VALUES, GAINS = range(5)
"""How a lane acts: at random, by logits, greedily by the fixed optimist, or by leaves of either head."""
KIND_SHARES = np.array([0.05, 0.3, 0.45, 0.75, 1.0])
"""Cumulative, in that order."""
STATE, ELAPSED, AGE, END, KIND, QUANTILE, TAUGHT, TAG, SHOWN = range(9)
TEMPERATURE, KAPPA, EPSILON = range(3)
NO_EPISODE = -1
TAUGHT_SHARE, SHOWN_SHARE = 0.22, 0.8
MOST_TEACHER_EPISODES, MOST_TEACHER_STEPS = 120, 20000
TAUGHT_LIFE = 2000
"""Own steps after a teacher at most: what counts is how they begin."""
SHORTEST_LIFE = 0.05
"""Of the longest one."""
SWITCH_CHANCE = 0.05
N_QUANTILES = 4


@kernel(nogil=True)
def _between(stream: Stream, low: float, high: float) -> float:
    """Log-uniform number."""
    return low * exp(next_unit(stream) * log(high / low))


@kernel(nogil=True)
def _draw_kind(stream: Stream, whole: Ints, real: Floats) -> None:
    place = next_unit(stream)
    whole[KIND] = UNIFORM
    while KIND_SHARES[whole[KIND]] < place:
        whole[KIND] += 1
    whole[QUANTILE] = next_integer(stream, 0, N_QUANTILES - 1)
    real[KAPPA] = _between(stream, 0.005, 0.2)
    real[TEMPERATURE] = _between(stream, 0.03, 1.5)


@kernel(nogil=True)
def draw_life(stream: Stream, whole: Ints, real: Floats, horizon: int, life: int) -> None:
    """Draw how a lane lives in its next task, of at most `life` own steps."""
    whole[ELAPSED], whole[AGE], whole[TAUGHT] = NO_EPISODE, 0, 0
    whole[END] = int(_between(stream, SHORTEST_LIFE * life, life))
    _draw_kind(stream, whole, real)
    if next_unit(stream) >= TAUGHT_SHARE:
        return
    episodes = _between(stream, 1.0, float(MOST_TEACHER_EPISODES))
    whole[TAUGHT] = min(int(episodes * horizon), MOST_TEACHER_STEPS)
    most = min(life, TAUGHT_LIFE)
    whole[END] = int(_between(stream, SHORTEST_LIFE * most, most))
    whole[TAG] = 3 if next_unit(stream) < 0.6 else next_integer(stream, 0, 3)
    whole[SHOWN] = next_unit(stream) < SHOWN_SHARE
    how = next_unit(stream)
    real[EPSILON] = 0.0 if how < 0.35 else 0.5 if how < 0.65 else 1.0 if how < 0.75 else next_unit(stream)
    if next_unit(stream) < 0.7:
        whole[KIND], real[TEMPERATURE] = SAMPLED, _between(stream, 0.03, 0.3)


@kernel(nogil=True)
def tick_steps(stream: Stream, whole: Ints, real: Floats) -> int:
    """Steps until the next look; now and then the way to act changes."""
    if next_unit(stream) < SWITCH_CHANCE:
        _draw_kind(stream, whole, real)
    return max(2, int(whole[AGE] * next_uniform(stream, 0.04, 0.1)))
