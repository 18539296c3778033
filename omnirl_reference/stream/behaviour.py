"""Who acts in a training sequence, and with which tag (numba)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.kernels import (
    exp,
    kernel,
    next_exponential,
    next_integer,
    next_normal,
    next_uniform,
    next_unit,
)
from omnirl_reference.config.stream import TAG_MODEL_LEARNER, TAG_Q_LEARNER, TAG_RANDOM
from omnirl_reference.stream.learners import Floats, Learners, Stream, act_by_model, act_by_q, pick

UNIFORM, SOFTMAX, Q_LEARNER, MODEL_LEARNER, MIXED, NOISY, PURE = range(7)
FIRST_ORACLE_KIND = MIXED
LOGIT_MEAN = 2.0
"""Standard deviation of a fixed random policy's logits is Exp(2)."""

EPSILON, EPSILON_STEP, EPSILON_FLOOR, ORACLE, ORACLE_STEP, ORACLE_CAP = range(6)


class Behaviour(NamedTuple):
    """A behaviour policy and how its noise stands.

    Attributes:
        kind: int64 ``[2]``: kind, and index of the oracle's discount.
        noise: float64 ``[6]``: chance of a random action, its fall a step and its floor; chance of the
            oracle, its rise a step and its cap.
        policy: float64 ``[n, A]``, chances of the fixed random policy.
    """

    kind: NDArray[np.int64]
    noise: Floats
    policy: Floats


@kernel()
def new_behaviour(n: int, n_actions: int) -> Behaviour:
    """Room for a behaviour; `redraw` fills it."""
    return Behaviour(np.zeros(2, dtype=np.int64), np.zeros(6), np.ones((n, n_actions)))


@kernel()
def redraw(stream: Stream, behaviour: Behaviour, cumulative: Floats, n_discounts: int, fall: Floats) -> None:
    """Draw a behaviour by the cumulative shares of the named list, and its noise schedule.

    Args:
        stream: Sequential stream.
        behaviour: Is overwritten.
        cumulative: Of all behaviours.
        n_discounts: Number of oracles.
        fall: float64 ``[2]``, least and most steps after which a noisy oracle is without noise; a most of 0
            means the paper's schedule.
    """
    place = next_unit(stream) * cumulative[-1]
    index = 0
    while cumulative[index] < place:
        index += 1
    kind, oracle = index, 0
    if index >= FIRST_ORACLE_KIND:
        kind = FIRST_ORACLE_KIND + (index - FIRST_ORACLE_KIND) // n_discounts
        oracle = (index - FIRST_ORACLE_KIND) % n_discounts
    behaviour.kind[0], behaviour.kind[1] = kind, oracle
    if kind == SOFTMAX:
        _redraw_policy(stream, behaviour.policy)
    _redraw_noise(stream, kind, behaviour.policy.size, fall, behaviour.noise)


@kernel()
def _redraw_policy(stream: Stream, policy: Floats) -> None:
    scale = next_exponential(stream, LOGIT_MEAN)
    for s in range(policy.shape[0]):
        for a in range(policy.shape[1]):
            policy[s, a] = exp(min(scale * next_normal(stream), 50.0))


@kernel()
def _redraw_noise(stream: Stream, kind: int, n_pairs: int, fall: Floats, noise: Floats) -> None:
    """Schedules of the paper's public code, in units of 1 / (n * A); or a fall from 1 to 0 at any pace."""
    noise[:] = 0.0
    if kind == NOISY and fall[1] > 0.0:
        end = next_uniform(stream, fall[0], fall[1])
        noise[EPSILON_STEP] = 1.0 / max(end * next_unit(stream), 1.0)
        noise[EPSILON] = end * noise[EPSILON_STEP]
    elif kind == NOISY:
        noise[EPSILON] = 1.0
        noise[EPSILON_STEP] = next_uniform(stream, 0.0, 1.0 / n_pairs)
    elif kind == MIXED:
        noise[EPSILON] = next_unit(stream)
        noise[EPSILON_STEP] = next_uniform(stream, 0.0, 0.1 / n_pairs)
        noise[EPSILON_FLOOR] = next_uniform(stream, -0.5, 0.5)
        noise[ORACLE] = next_uniform(stream, -2.0, -0.5)
        noise[ORACLE_STEP] = next_uniform(stream, 0.0, 0.1 / n_pairs)
        noise[ORACLE_CAP] = next_uniform(stream, 0.0, 0.2)
    elif kind in (Q_LEARNER, MODEL_LEARNER) and next_unit(stream) < 0.5:
        noise[EPSILON] = next_uniform(stream, 0.1, 0.5)
        noise[EPSILON_STEP] = next_uniform(stream, 0.0, 0.1 / n_pairs)


@kernel()
def act(
    stream: Stream, behaviour: Behaviour, learners: Learners, oracle_actions: NDArray[np.int64], s: int
) -> tuple[int, int]:
    """Return (action, tag) of the next step and move the noise schedule on.

    Args:
        stream: Sequential stream.
        behaviour: Who acts.
        learners: The learners' tables.
        oracle_actions: int64 ``[discounts, n]``.
        s: Inner state.
    """
    kind, oracle = behaviour.kind[0], behaviour.kind[1]
    n_actions = behaviour.policy.shape[1]
    noise = behaviour.noise
    random = next_unit(stream) < noise[EPSILON]
    guided = next_unit(stream) < noise[ORACLE]
    noise[EPSILON] = max(noise[EPSILON] - noise[EPSILON_STEP], noise[EPSILON_FLOOR])
    noise[ORACLE] = min(noise[ORACLE] + noise[ORACLE_STEP], noise[ORACLE_CAP])
    if random or kind == UNIFORM:
        return next_integer(stream, 0, n_actions - 1), TAG_RANDOM
    if kind == SOFTMAX:
        return pick(stream, behaviour.policy[s], behaviour.policy[s].sum()), TAG_RANDOM
    if kind == Q_LEARNER:
        return act_by_q(stream, learners, s), TAG_Q_LEARNER
    if kind == MODEL_LEARNER or (kind == MIXED and not guided):
        return act_by_model(stream, learners, s), TAG_MODEL_LEARNER
    return oracle_actions[oracle, s], oracle
