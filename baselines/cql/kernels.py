"""Compiled parts of tabular CQL: counting, sweeping, acting."""

from __future__ import annotations

import math
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.kernels import exp, kernel, next_unit

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
Bools: TypeAlias = NDArray[np.bool_]


class Data(NamedTuple):
    """Everything that was recorded or lived, as counts of n rows, O ids and A actions.

    Attributes:
        counts: float64 ``[n, O, A, O + 1]``, transitions; the last column counts terminations.
        rewards: float64 ``[n, O, A]``, sums of received rewards.
        visits: float64 ``[n, O, A]``, all steps.
        recorded: float64 ``[n, O, A]``, the teacher's steps among them.
        moments: float64 ``[n, 3]``, number, sum and sum of squares of all received rewards.
        extremes: float64 ``[n, 2]``, lowest and highest received reward, 0 included.
    """

    counts: Floats
    rewards: Floats
    visits: Floats
    recorded: Floats
    moments: Floats
    extremes: Floats


@kernel()
def add_steps(
    data: Data,
    rows: Ints,
    observations: Ints,
    actions: Ints,
    rewards: Floats,
    next_observations: Ints,
    terminated: Bools,
    is_recorded: bool,
) -> None:
    """Count some steps; all arrays have one entry for each."""
    n_ids = data.visits.shape[1]
    for k in range(len(rows)):
        i, s, a, reward = rows[k], observations[k], actions[k], rewards[k]
        after = n_ids if terminated[k] else next_observations[k]
        data.counts[i, s, a, after] += 1.0
        data.rewards[i, s, a] += reward
        data.visits[i, s, a] += 1.0
        if is_recorded:
            data.recorded[i, s, a] += 1.0
        data.moments[i, 0] += 1.0
        data.moments[i, 1] += reward
        data.moments[i, 2] += reward * reward
        data.extremes[i, 0] = min(data.extremes[i, 0], reward)
        data.extremes[i, 1] = max(data.extremes[i, 1], reward)


@kernel()
def reward_scale(moments: Floats) -> float:
    """Standard deviation of the rewards of a row; their mean size, or 1, where they do not vary."""
    if moments[0] == 0.0:
        return 1.0
    mean = moments[1] / moments[0]
    variance = moments[2] / moments[0] - mean * mean
    if variance > 1e-12 * moments[2] / moments[0]:
        return math.sqrt(variance)
    return abs(mean) if mean != 0.0 else 1.0


@kernel()
def _targets(data: Data, row: int, s: int, discount: float, value: Floats, target: Floats) -> None:
    """Write the mean target of each tried action of a state."""
    counts, visits = data.counts[row, s], data.visits[row, s]
    for a in range(len(target)):
        if visits[a] > 0.0:
            total = 0.0
            for after in range(len(value)):
                total += counts[a, after] * value[after]
            target[a] = (data.rewards[row, s, a] + discount * total) / visits[a]


@kernel()
def _soft_shares(q: Floats, tried: Floats, scale: float, share: Floats) -> None:
    """Write the softmax of ``q / scale`` over the tried actions."""
    best = -np.inf
    for a in range(len(q)):
        if tried[a] > 0.0:
            best = max(best, q[a])
    total = 0.0
    for a in range(len(q)):
        share[a] = exp((q[a] - best) / scale) if tried[a] > 0.0 else 0.0
        total += share[a]
    for a in range(len(q)):
        share[a] /= total


@kernel()
def _improve(
    q: Floats, visits: Floats, recorded: Floats, target: Floats, alpha: float, scale: float, share: Floats
) -> float:
    """One step of a state's values towards the minimum of its conservative loss; returns the change."""
    _soft_shares(q, visits, scale, share)
    n, n_recorded = visits.sum(), recorded.sum()
    pressure = alpha * n_recorded / n
    change = 0.0
    for a in range(len(q)):
        if visits[a] == 0.0:
            continue
        weight = visits[a] / n
        slope = weight * (target[a] - q[a])
        if n_recorded > 0.0:
            slope -= pressure * scale * (share[a] - recorded[a] / n_recorded)
        # The curvature of the loss is at most this: log-sum-exp bends by at most one half.
        step = slope / (weight + 0.5 * pressure)
        q[a] += step
        change = max(change, abs(step))
    return change


@kernel(nogil=True)
def sweep(
    data: Data, row: int, discount: float, alpha: float, most_sweeps: int, tolerance: float, q: Floats
) -> int:
    """Sweep over all states that were acted in, until no value changes by more than the tolerance.

    Args:
        data: What is known.
        row: Whose.
        discount: In [0, 1).
        alpha: Weight of the conservative term, in units of the scale of rewards.
        most_sweeps: Stop after so many.
        tolerance: In units of the scale of rewards.
        q: float64 ``[O, A]``, read and written; entries of untried actions keep their value.

    Returns:
        The number of sweeps.
    """
    n_ids, n_actions = q.shape
    scale = reward_scale(data.moments[row])
    value = np.zeros(n_ids + 1)
    target, share = np.zeros(n_actions), np.zeros(n_actions)
    for s in range(n_ids):
        value[s] = best_value(q[s], data.visits[row, s])
    for done in range(most_sweeps):
        change = 0.0
        for s in range(n_ids):
            visits = data.visits[row, s]
            if visits.sum() == 0.0:
                continue
            _targets(data, row, s, discount, value, target)
            change = max(change, _improve(q[s], visits, data.recorded[row, s], target, alpha, scale, share))
            value[s] = best_value(q[s], visits)
        if change <= tolerance * scale:
            return done + 1
    return most_sweeps


@kernel()
def best_value(q: Floats, visits: Floats) -> float:
    """Largest value of a tried action; 0 where none was tried."""
    best = best_action(q, visits)
    return float(q[best]) if best >= 0 else 0.0


@kernel(nogil=True)
def optimistic_sweep(
    data: Data, row: int, discount: float, prior: float, optimism: float, n_sweeps: int, q: Floats
) -> None:
    """Sweep an optimistic table: every action has been imagined to lead to the best of worlds.

    Args:
        data: What is known.
        row: Whose.
        discount: In [0, 1).
        prior: Imagined visits of every action of every state.
        optimism: What the best of worlds pays at each step more than the best reward seen, in units of the
            range of the rewards seen, 0 included.
        n_sweeps: Number of sweeps.
        q: float64 ``[O, A]``, read and written.
    """
    n_ids, n_actions = q.shape
    low, high = data.extremes[row, 0], data.extremes[row, 1]
    top = (high + optimism * (high - low)) / (1.0 - discount)
    value = np.full(n_ids + 1, top)
    value[n_ids] = 0.0
    target = np.zeros(n_actions)
    for s in range(n_ids):
        if data.visits[row, s].sum() > 0.0:
            value[s] = min(top, q[s].max())
    for _ in range(n_sweeps):
        for s in range(n_ids):
            visits = data.visits[row, s]
            _targets(data, row, s, discount, value, target)
            for a in range(n_actions):
                known = visits[a] * target[a] if visits[a] > 0.0 else 0.0
                q[s, a] = (known + prior * top) / (visits[a] + prior)
            value[s] = q[s].max()


@kernel()
def act_rows(
    data: Data,
    q: Floats,
    optimistic: Floats,
    exploring: Bools,
    observations: Ints,
    active: Bools,
    streams: NDArray[np.uint64],
    actions: Ints,
) -> None:
    """Write an action for every active row; its stream (uint64 ``[n, 1]``) advances by one draw.

    A row that explores is greedy on the optimistic table, equal actions chosen among at random; the others
    are greedy on the tried actions of the other table, and uniform where nothing was tried.
    """
    for i in range(len(active)):
        if active[i]:
            s, u = observations[i], next_unit(streams[i])
            if exploring[i]:
                actions[i] = _any_best(optimistic[i, s], u)
            else:
                found = best_action(q[i, s], data.visits[i, s])
                actions[i] = found if found >= 0 else min(int(u * q.shape[2]), q.shape[2] - 1)


@kernel()
def _any_best(q: Floats, u: float) -> int:
    """Index of a largest value; u in (0, 1) chooses among equals."""
    best = q.max()
    ties = 0
    for a in range(len(q)):
        ties += q[a] == best
    skip = min(int(u * ties), ties - 1)
    for a in range(len(q)):
        if q[a] == best:
            if skip == 0:
                return a
            skip -= 1
    return 0


@kernel()
def best_action(q: Floats, visits: Floats) -> int:
    """Tried action of the largest value, the lowest of equals; -1 where none was tried."""
    best = -1
    for a in range(len(q)):
        if visits[a] > 0.0 and (best < 0 or q[a] > q[best]):
            best = a
    return best
