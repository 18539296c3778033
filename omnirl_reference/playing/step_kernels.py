"""One step of a packed gated-delta model for a few rows at a time (numba, float32).

Every number is computed by plain multiplications and additions in a fixed order, row by row: a row's result
depends neither on the other rows, nor on their number, nor on the processor. Rows go through the layers in
blocks, so that the weights, which do not fit the inner caches, are read once for all rows of a block.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.kernels import exp, kernel, log
from omnirl_reference.playing.vector_kernels import Floats, multiply, normalise, silu, unit

Ints = NDArray[np.int64]
BLOCK = 8
"""Rows that share one reading of the weights."""
REWARD_SCALE = 10.0


class Weights(NamedTuple):
    """A model's weights, float32; matrices are input by output, layers are stacked.

    d channels, H heads of D, h hidden channels, S states, A actions, L layers.

    Attributes:
        state: ``[S, d]``, the constant prompt included.
        previous_state: ``[S + 1, d]``.
        tag: ``[8, d]``.
        action: ``[A + 2, d]``.
        reward: ``[4, d]``: three features and the bias.
        join_in: ``[d, 2 d]``, and its bias ``[2 d]``.
        join_in_bias: See above.
        join_out: ``[2 d, d]``, and its bias ``[d]``.
        join_out_bias: See above.
        mixer_norm: ``[L, d]``.
        project: ``[L, d, 4 d + 2 H]``.
        decay: ``[L, 2, H]``: logarithm of the rate, and offset.
        head_norm: ``[L, D]``.
        mixed: ``[L, d, d]``.
        forward_norm: ``[L, d]``.
        into: ``[L, d, 2 h]``.
        out: ``[L, h, d]``.
        norm: ``[d]``.
        policy: ``[d, A]``, and its bias ``[A]``.
        policy_bias: See above.
    """

    state: Floats
    previous_state: Floats
    tag: Floats
    action: Floats
    reward: Floats
    join_in: Floats
    join_in_bias: Floats
    join_out: Floats
    join_out_bias: Floats
    mixer_norm: Floats
    project: Floats
    decay: Floats
    head_norm: Floats
    mixed: Floats
    forward_norm: Floats
    into: Floats
    out: Floats
    norm: Floats
    policy: Floats
    policy_bias: Floats


class Memory(NamedTuple):
    """What n rows remember.

    Attributes:
        states: float32 ``[n, L, H, D, D]``, key by value.
        before: int64 ``[n, 3]``: previous state, tag and action.
        reward: float32 ``[n]``, previous reward.
    """

    states: Floats
    before: Ints
    reward: Floats


@kernel()
def _delta(
    state: Floats, q: Floats, k: Floats, v: Floats, decay: np.float32, write: np.float32, out: Floats
) -> None:
    """Move one head's state ``[D, D]`` on and read it: equations 8-10 of arXiv 2412.06464."""
    size = len(q)
    for j in range(size):
        out[j] = np.float32(0.0)
    for i in range(size):
        row = state[i]
        for j in range(size):
            row[j] *= decay
            out[j] += k[i] * row[j]
    for j in range(size):
        v[j] = write * (v[j] - out[j])
        out[j] = np.float32(0.0)
    for i in range(size):
        row = state[i]
        for j in range(size):
            row[j] += k[i] * v[j]
            out[j] += q[i] * row[j]


@kernel()
def _mix(projected: Floats, decay: Floats, head_norm: Floats, states: Floats, out: Floats) -> None:
    """Gated DeltaNet of one row and layer: ``states`` is ``[H, D, D]``, ``out`` ``[d]``."""
    n_heads, size = states.shape[0], states.shape[1]
    d = n_heads * size
    silu(projected[: 4 * d], projected[: 4 * d])
    for head in range(n_heads):
        part = slice(head * size, (head + 1) * size)
        q, k, v = projected[:d][part], projected[d : 2 * d][part], projected[2 * d : 3 * d][part]
        unit(q)
        unit(k)
        rate = exp(np.float64(decay[0, head]))
        shown = np.float64(projected[4 * d + head] + decay[1, head])
        softplus = max(shown, 0.0) + log(1.0 + exp(-abs(shown)))
        strength = np.float32(1.0 / (1.0 + exp(-np.float64(projected[4 * d + n_heads + head]))))
        _delta(states[head], q, k, v, np.float32(exp(-rate * softplus)), strength, out[part])
        normalise(out[part], head_norm, out[part])
    for j in range(d):
        out[j] *= projected[3 * d + j]


@kernel()
def _tanh(x: float) -> float:
    return 1.0 - 2.0 / (exp(2.0 * min(max(x, -20.0), 20.0)) + 1.0)


@kernel()
def _happened(weights: Weights, before: Ints, reward: float, out: Floats) -> None:
    """Sum of the embeddings of what happened before this step."""
    x = np.float64(reward)
    symlog = np.float32(math.copysign(log(1.0 + abs(x)), x))
    near, far = np.float32(_tanh(x)), np.float32(_tanh(x / REWARD_SCALE))
    for j in range(len(out)):
        felt = (
            weights.reward[3, j]
            + symlog * weights.reward[0, j]
            + near * weights.reward[1, j]
            + far * weights.reward[2, j]
        )
        known = weights.previous_state[before[0], j] + weights.tag[before[1], j]
        out[j] = known + weights.action[before[2], j] + felt


@kernel()
def _tokens(weights: Weights, memory: Memory, states: Ints, rows: Ints, x: Floats) -> None:
    """Write the tokens ``[n, d]`` of some rows."""
    n, d = len(rows), weights.state.shape[1]
    happened = np.empty((n, d), dtype=np.float32)
    hidden = np.empty((n, weights.join_in.shape[1]), dtype=np.float32)
    for i in range(n):
        _happened(weights, memory.before[rows[i]], memory.reward[rows[i]], happened[i])
        hidden[i] = weights.join_in_bias
        x[i] = weights.join_out_bias
    multiply(happened, weights.join_in, hidden, n)
    for i in range(n):
        silu(hidden[i], hidden[i])
    multiply(hidden, weights.join_out, x, n)
    for i in range(n):
        for j in range(d):
            x[i, j] += weights.state[states[rows[i]], j]


@kernel()
def _layers(weights: Weights, memory: Memory, rows: Ints, x: Floats) -> None:
    """Send tokens ``[n, d]`` of some rows through all blocks, in place; their memories move on."""
    n, d = x.shape
    h = weights.out.shape[1]
    normed = np.empty((n, d), dtype=np.float32)
    mixed = np.empty((n, d), dtype=np.float32)
    projected = np.empty((n, weights.project.shape[2]), dtype=np.float32)
    hidden = np.empty((n, 2 * h), dtype=np.float32)
    for layer in range(len(weights.out)):
        for i in range(n):
            normalise(x[i], weights.mixer_norm[layer], normed[i])
        projected[:] = np.float32(0.0)
        multiply(normed, weights.project[layer], projected, n)
        for i in range(n):
            states = memory.states[rows[i], layer]
            _mix(projected[i], weights.decay[layer], weights.head_norm[layer], states, mixed[i])
        multiply(mixed, weights.mixed[layer], x, n)
        for i in range(n):
            normalise(x[i], weights.forward_norm[layer], normed[i])
        hidden[:] = np.float32(0.0)
        multiply(normed, weights.into[layer], hidden, n)
        for i in range(n):
            gate, value = hidden[i, :h], hidden[i, h:]
            silu(gate, gate)
            for j in range(h):
                gate[j] *= value[j]
        multiply(hidden[:, :h], weights.out[layer], x, n)


@kernel(nogil=True)
def decide(weights: Weights, memory: Memory, states: Ints, rows: Ints, logits: Floats) -> None:
    """Take in the states int64 ``[n]`` of `rows` and write their policy logits ``[len(rows), A]``."""
    x = np.empty((min(BLOCK, len(rows)), weights.state.shape[1]), dtype=np.float32)
    for first in range(0, len(rows), BLOCK):
        block = rows[first : first + BLOCK]
        n = len(block)
        _tokens(weights, memory, states, block, x[:n])
        _layers(weights, memory, block, x[:n])
        for i in range(n):
            normalise(x[i], weights.norm, x[i])
            logits[first + i] = weights.policy_bias
        multiply(x[:n], weights.policy, logits[first : first + n], n)


@kernel(nogil=True)
def remember(memory: Memory, states: Ints, tags: Ints, actions: Ints, rewards: Floats, rows: Ints) -> None:
    """Note the step ``[n]`` that `rows` just took."""
    for row in rows:
        memory.before[row, 0] = states[row]
        memory.before[row, 1] = tags[row]
        memory.before[row, 2] = actions[row]
        memory.reward[row] = rewards[row]


@kernel(nogil=True)
def read(
    weights: Weights, memory: Memory, start: Ints, states: Ints, tags: Ints, actions: Ints, rewards: Floats
) -> None:
    """Take in recorded sequences, all rows side by side; row i owns positions start[i]..start[i + 1] - 1."""
    n = len(start) - 1
    x = np.empty((min(BLOCK, n), weights.state.shape[1]), dtype=np.float32)
    now = np.empty(n, dtype=np.int64)
    rows = np.empty(n, dtype=np.int64)
    for t in range(np.max(start[1:] - start[:-1])):
        n_rows = 0
        for row in range(n):
            if start[row] + t < start[row + 1]:
                rows[n_rows] = row
                n_rows += 1
                now[row] = states[start[row] + t]
        for first in range(0, n_rows, BLOCK):
            block = rows[first : min(first + BLOCK, n_rows)]
            _tokens(weights, memory, now, block, x[: len(block)])
            _layers(weights, memory, block, x[: len(block)])
            for row in block:
                at = start[row] + t
                memory.before[row, 0], memory.before[row, 1] = states[at], tags[at]
                memory.before[row, 2], memory.reward[row] = actions[at], rewards[at]
