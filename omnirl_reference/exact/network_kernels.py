"""The network's answer for one row, on sparse counts (numba, float32).

Plain multiplications and additions in a fixed order, row by row: an answer depends neither on other rows nor
on the processor. Memory is a few times ``ids seen * actions * width`` float32.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.kernels import Statistic, exp, kernel, log
from omnirl_reference.exact.features import FIRST_ADVANTAGE, N_PLANNERS, Ints, Singles
from omnirl_reference.exact.network import N_QUANTILES, ExactNetwork
from omnirl_reference.playing.vector_kernels import multiply, normalise

ZERO = np.float32(0.0)
ANSWERS = 1 + 2 * N_QUANTILES
"""Numbers answered for a pair: logit, quantiles of the value, quantiles of the gain."""
LOGIT, VALUE, GAIN = 0, 1, 1 + N_QUANTILES


class Layer(NamedTuple):
    """Weights float32 ``[in, out]`` and bias ``[out]``."""

    weight: Singles
    bias: Singles


class Weights(NamedTuple):
    """All layers of an `ExactNetwork`, under its names."""

    rounds: int
    from_pair: Layer
    from_state: Layer
    from_task: Layer
    encoded: Layer
    state_in: Layer
    state_task: Layer
    norm: Singles
    following: Layer
    here: Layer
    message: Layer
    gather: Layer
    update: Layer
    policy: Layer
    logit: Layer
    spread: Layer
    quantiles: Layer
    shortcut: Singles


def weights_of(network: ExactNetwork) -> Weights:
    """Weights in the form that the kernel takes."""
    found: dict[str, object] = {"rounds": network.rounds}
    for name in Weights._fields[1:]:
        part = getattr(network, name)
        if name == "shortcut":
            found[name] = part.detach().numpy().copy()
        elif name == "norm":
            found[name] = part.weight.detach().numpy().copy()
        else:
            weight = np.ascontiguousarray(part.weight.detach().numpy().T)
            bias = np.zeros(weight.shape[1], np.float32) if part.bias is None else part.bias.detach().numpy()
            found[name] = Layer(weight, bias.copy())
    return Weights(**found)  # type: ignore[arg-type]


@kernel(nogil=True)
def _apply(layer: Layer, x: Singles, n: int) -> Singles:
    """Layer of the first n rows of `x`."""
    out = np.empty((n, layer.weight.shape[1]), dtype=np.float32)
    for i in range(n):
        out[i] = layer.bias
    multiply(x, layer.weight, out, n)
    return out


@kernel(nogil=True)
def _cut(x: Singles) -> None:
    """Rectify in place."""
    for i in range(x.shape[0]):
        for k in range(x.shape[1]):
            x[i, k] = max(x[i, k], ZERO)


@kernel(nogil=True)
def _normalise(h: Singles, gain: Singles) -> None:
    for i in range(len(h)):
        normalise(h[i], gain, h[i])


@kernel(nogil=True)
def _spread_task(layer: Layer, task: Singles, out: Singles) -> None:
    """Add a layer of the task's features to every row of `out`."""
    row = _apply(layer, task.reshape(1, -1), 1)[0]
    for i in range(len(out)):
        for k in range(len(row)):
            out[i, k] += row[k]


@kernel(nogil=True, error_model="numpy")
def _lead(
    statistic: Statistic, i: int, place: Ints, pair: Singles, following: Singles, here: Singles, out: Singles
) -> None:
    """Write for every pair: its code, its state's, and the mean code of its successors; rectified."""
    n_actions = statistic.visits.shape[2]
    for j in range(statistic.n_seen[i]):
        s = statistic.order[i, j]
        for a in range(n_actions):
            row = out[j * n_actions + a]
            code = pair[j * n_actions + a]
            for k in range(len(row)):
                row[k] = code[k] + here[j, k]
            begin = statistic.first[i, s, a]
            for c in range(begin, begin + statistic.degree[i, s, a]):
                share = np.float32(statistic.counts[i, c] / statistic.visits[i, s, a])
                successor = following[place[statistic.successors[i, c]]]
                for k in range(len(row)):
                    row[k] += share * successor[k]
            for k in range(len(row)):
                row[k] = max(row[k], ZERO)


@kernel(nogil=True, error_model="numpy")
def _gather(
    statistic: Statistic, i: int, place: Ints, arrivals: Singles, message: Singles, h: Singles, out: Singles
) -> None:
    """Write for every state: best and mean message of its actions, mean message that arrives, mean code."""
    n, n_actions, d = statistic.n_seen[i], statistic.visits.shape[2], h.shape[1]
    out[:] = ZERO
    everywhere = np.zeros(d, dtype=np.float32)
    for j in range(n):
        for k in range(d):
            everywhere[k] += h[j, k]
    count, many = np.float32(n), np.float32(n_actions)
    for j in range(n):
        s, row = statistic.order[i, j], out[j]
        for a in range(n_actions):
            m = message[j * n_actions + a]
            for k in range(d):
                row[k] = m[k] if a == 0 else max(row[k], m[k])
                row[d + k] += m[k]
            begin = statistic.first[i, s, a]
            for c in range(begin, begin + statistic.degree[i, s, a]):
                t = place[statistic.successors[i, c]]
                share = np.float32(statistic.counts[i, c]) / arrivals[t]
                target = out[t]
                for k in range(d):
                    target[2 * d + k] += share * m[k]
        for k in range(d):
            row[d + k] /= many
            row[3 * d + k] = everywhere[k] / count


@kernel(nogil=True)
def _places(statistic: Statistic, i: int) -> tuple[Ints, Singles]:
    """Place of each id in the order of sight, and arrivals at each place."""
    place = np.zeros(statistic.visits.shape[1], dtype=np.int64)
    arrivals = np.zeros(statistic.n_seen[i], dtype=np.float32)
    for j in range(statistic.n_seen[i]):
        place[statistic.order[i, j]] = j
    for j in range(statistic.n_seen[i]):
        s = statistic.order[i, j]
        for a in range(statistic.visits.shape[2]):
            begin = statistic.first[i, s, a]
            for c in range(begin, begin + statistic.degree[i, s, a]):
                arrivals[place[statistic.successors[i, c]]] += np.float32(statistic.counts[i, c])
    return place, arrivals


@kernel(nogil=True)
def _quantiles(steps: Singles, out: Singles) -> None:
    """Write quantiles that do not cross: the first, then positive steps."""
    out[0] = steps[0]
    for k in range(1, N_QUANTILES):
        rise = float(steps[k]) - 1.0
        out[k] = out[k - 1] + np.float32(max(rise, 0.0) + log(1.0 + exp(-abs(rise))))


@kernel(nogil=True)
def _answer(weights: Weights, u: Singles, pairs: Singles, out: Singles) -> None:
    policy = _apply(weights.policy, u, len(u))
    _cut(policy)
    logit = _apply(weights.logit, policy, len(u))
    spread = _apply(weights.spread, u, len(u))
    _cut(spread)
    steps = _apply(weights.quantiles, spread, len(u))
    for p in range(len(u)):
        out[p, LOGIT] = logit[p, 0]
        for k in range(2 * N_PLANNERS):
            out[p, LOGIT] += pairs[p, FIRST_ADVANTAGE + k] * weights.shortcut[k]
        _quantiles(steps[p, :N_QUANTILES], out[p, VALUE:GAIN])
        _quantiles(steps[p, N_QUANTILES:], out[p, GAIN:])


@kernel(nogil=True)
def answer_row(
    weights: Weights,
    statistic: Statistic,
    i: int,
    pairs: Singles,
    states: Singles,
    task: Singles,
    out: NDArray[np.float32],
) -> None:
    """Write the network's answer for row i.

    Args:
        weights: Of the network.
        statistic: What was lived.
        i: Row, which has seen an id.
        pairs: float32 ``[O, A, PAIR_FEATURES]``, as `features.write_features` wrote them.
        states: float32 ``[O, STATE_FEATURES]``, likewise.
        task: float32 ``[TASK_FEATURES]``.
        out: float32 ``[O, A, ANSWERS]``; the first ``n_seen`` entries are written.
    """
    n, n_actions = statistic.n_seen[i], statistic.visits.shape[2]
    rows = n * n_actions
    flat = pairs[:n].copy().reshape(rows, -1)
    place, arrivals = _places(statistic, i)
    state = _apply(weights.from_state, states, n)
    _spread_task(weights.from_task, task, state)
    u = _apply(weights.from_pair, flat, rows)
    for p in range(rows):
        code = state[p // n_actions]
        for k in range(len(code)):
            u[p, k] += code[k]
    _cut(u)
    pair = _apply(weights.encoded, u, rows)
    h = _apply(weights.state_in, states, n)
    _spread_task(weights.state_task, task, h)
    _normalise(h, weights.norm)
    gathered = np.empty((n, 4 * h.shape[1]), dtype=np.float32)
    for _ in range(weights.rounds):
        _lead(statistic, i, place, pair, _apply(weights.following, h, n), _apply(weights.here, h, n), u)
        message = _apply(weights.message, u, rows)
        _gather(statistic, i, place, arrivals, message, h, gathered)
        change = _apply(weights.gather, gathered, n)
        _cut(change)
        h += _apply(weights.update, change, n)
        _normalise(h, weights.norm)
    _lead(statistic, i, place, message, _apply(weights.following, h, n), _apply(weights.here, h, n), u)
    answers = np.empty((rows, ANSWERS), dtype=np.float32)
    _answer(weights, u, flat, answers)
    out[:n] = answers.reshape(n, n_actions, ANSWERS)
