"""What an update is made of: the statistics of all lanes, and their labels."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from anymdp_bench.kernels import Statistic, kernel
from omnirl_reference.exact.features import (
    CERTAIN,
    PAIR_FEATURES,
    STATE_FEATURES,
    TASK_FEATURES,
    Floats,
    Plans,
    Singles,
    write_features,
)
from omnirl_reference.exact.features import (
    OPTIMIST as OPTIMIST_PLAN,
)
from omnirl_reference.exact.lanes import Lanes, LaneState
from omnirl_reference.exact.leaves import DISCOUNT, MOST, best_tried, plan_on_leaves, write_leaves
from omnirl_reference.exact.lives import GAINS, KAPPA, KIND, QUANTILE, SAMPLED, VALUES
from omnirl_reference.exact.network import QUANTILES, Answers, Inputs


class Labels(NamedTuple):
    """What the network should have said; ids in the order in which they were seen.

    Attributes:
        policy: float32 ``[B, N, A]``, the oracle's soft choice.
        values, gains: float32 ``[B, N, A]``; see `network.Answers`.
        weight: float32 ``[B, N]``, sums to 1 over a row's states.
    """

    policy: Tensor
    values: Tensor
    gains: Tensor
    weight: Tensor


class Batch(NamedTuple):
    """An update's contexts and labels, and float64 ``[B, 3]`` reward scales."""

    inputs: Inputs
    labels: Labels
    scale: Floats


@kernel(nogil=True, error_model="numpy")
def _write_flow(statistic: Statistic, i: int, place: Floats, forward: Singles, backward: Singles) -> None:
    """Write the dense shares of row i: of a pair's steps by successor, of a state's arrivals by pair."""
    n_actions = statistic.visits.shape[2]
    arrivals = np.zeros(statistic.n_seen[i])
    for j in range(statistic.n_seen[i]):
        place[statistic.order[i, j]] = j
    for j in range(statistic.n_seen[i]):
        s = statistic.order[i, j]
        for a in range(n_actions):
            begin = statistic.first[i, s, a]
            for k in range(begin, begin + statistic.degree[i, s, a]):
                t = int(place[statistic.successors[i, k]])
                forward[j * n_actions + a, t] = statistic.counts[i, k] / statistic.visits[i, s, a]
                backward[j * n_actions + a, t] = statistic.counts[i, k]
                arrivals[t] += statistic.counts[i, k]
    for row in range(statistic.n_seen[i] * n_actions):
        for t in range(statistic.n_seen[i]):
            if backward[row, t] > 0.0:
                backward[row, t] /= arrivals[t]


@kernel(nogil=True, error_model="numpy")
def _arsinh(x: float) -> float:
    return min(max(math.asinh(x), -MOST), MOST)


@kernel(nogil=True, error_model="numpy")
def _write_labels(
    statistic: Statistic,
    i: int,
    plans: Plans,
    q: Floats,
    labels: Floats,
    spread: float,
    policy: Singles,
    values: Singles,
    gains: Singles,
    weight: Singles,
) -> None:
    total = 0.0
    for j in range(statistic.n_seen[i]):
        s = statistic.order[i, j]
        base = plans.values[i, CERTAIN, s]
        b = best_tried(statistic, i, s, plans.q[i, CERTAIN])
        visits = 0
        for a in range(q.shape[1]):
            visits += statistic.visits[i, s, a]
            policy[j, a] = labels[s, a]
            values[j, a] = _arsinh((q[s, a] - base) / spread)
            gains[j, a] = values[j, a] if b < 0 else _arsinh((q[s, a] - q[s, b]) / spread)
        if labels[s].sum() > 0.0:
            weight[j] = math.sqrt(visits + 0.5)
            total += weight[j]
    if total > 0.0:
        weight /= total


@kernel(nogil=True)
def _write_rows(
    statistic: Statistic,
    plans: Plans,
    q: Floats,
    oracle: Floats,
    features: tuple[Singles, Singles, Singles, Singles, Singles],
    targets: tuple[Singles, Singles, Singles, Singles],
    scale: Floats,
) -> None:
    pairs, states, task, forward, backward = features
    policy, values, gains, weight = targets
    extra, place = np.zeros(q.shape[1:]), np.zeros(q.shape[1])
    for i in range(len(pairs)):
        write_features(statistic, i, plans, extra, pairs[i], states[i], task[i], scale[i])
        _write_flow(statistic, i, place, forward[i], backward[i])
        _write_labels(
            statistic, i, plans, q[i], oracle[i], scale[i, 1], policy[i], values[i], gains[i], weight[i]
        )


def make_batch(lanes: Lanes) -> Batch:
    """Contexts and labels of all lanes as they stand; their fixed planners plan."""
    b, n, a = lanes.n, int(lanes.statistic.n_seen.max()), lanes.family.n_actions

    def room(*shape: int) -> Singles:
        return np.zeros((b, *shape), np.float32)

    features = (
        room(n, a, PAIR_FEATURES),
        room(n, STATE_FEATURES),
        room(TASK_FEATURES),
        room(n * a, n),
        room(n * a, n),
    )
    targets = room(n, a), room(n, a), room(n, a), room(n)
    scale = np.zeros((b, 3))
    _write_rows(lanes.statistic, lanes.plans, lanes.q, lanes.labels, features, targets, scale)
    inputs = Inputs(*map(torch.from_numpy, features))
    return Batch(inputs, Labels(*map(torch.from_numpy, targets)), scale)


class Losses(NamedTuple):
    """Mean over rows: policy (Kullback-Leibler), pinball losses of both heads."""

    policy: Tensor
    values: Tensor
    gains: Tensor


def losses(answers: Answers, labels: Labels) -> Losses:
    """Losses of a batch, every row's states weighed to a sum of 1."""
    rows = len(labels.weight)
    log_policy = F.log_softmax(answers.logits, dim=-1)
    divergence = (torch.xlogy(labels.policy, labels.policy) - labels.policy * log_policy).sum(dim=-1)

    def pinball(quantiles: Tensor, target: Tensor) -> Tensor:
        tau = torch.tensor(QUANTILES)
        off = target[..., None] - quantiles
        each = torch.maximum(tau * off, (tau - 1) * off).mean(dim=(2, 3))
        return (each * labels.weight).sum() / rows

    policy = (divergence * labels.weight).sum() / rows
    return Losses(policy, pinball(answers.values, labels.values), pinball(answers.gains, labels.gains))


@kernel(nogil=True)
def _write_tables(
    statistic: Statistic,
    plans: Plans,
    state: LaneState,
    logits: Singles,
    values: Singles,
    gains: Singles,
    scale: Floats,
) -> None:
    leaf, q = np.zeros(state.table.shape[1:]), np.zeros(state.table.shape[1:])
    for i in range(len(logits)):
        kind, quantile, spread = state.whole[i, KIND], state.whole[i, QUANTILE], scale[i, 1]
        if kind >= VALUES:
            z = gains[i, :, :, quantile] if kind == GAINS else values[i, :, :, quantile]
            write_leaves(statistic, i, plans, z, spread, 0.0, leaf)
            kappa = state.real[i, KAPPA]
            plan_on_leaves(statistic, i, leaf, kappa, 0.0, DISCOUNT, spread, state.values[i], q)
        for j in range(statistic.n_seen[i]):
            s = statistic.order[i, j]
            for a in range(logits.shape[2]):
                if kind >= VALUES:
                    state.table[i, s, a] = q[s, a]
                elif kind == SAMPLED:
                    state.table[i, s, a] = logits[i, j, a]
                else:
                    state.table[i, s, a] = plans.q[i, OPTIMIST_PLAN, s, a]


def write_tables(lanes: Lanes, answers: Answers, scale: Floats) -> None:
    """Tell every lane what to act by next."""
    logits, values, gains = (x.detach().numpy() for x in answers)
    _write_tables(lanes.statistic, lanes.plans, lanes.state, logits, values, gains, scale)
