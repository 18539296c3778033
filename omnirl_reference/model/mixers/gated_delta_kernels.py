"""The gated delta rule and its gradient, position by position, in main memory (numba, float32).

A head's state is a few kilobytes, so it stays in the innermost cache from the first position to the last.
That makes the plain recurrence several times faster on a CPU than the chunked form, which exists for devices
that need long rows of parallel work.

Notation as in `gated_delta`, with the decayed state ``D = a S_{t-1}``, the error ``e = v - D' k``, the change
``c = b e``, and G the gradient of the loss by S_t.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.kernels import kernel

Floats = NDArray[np.float32]
EVERY = 32
"""Positions between two kept states; those between are computed again on the way back."""


class Inputs(NamedTuple):
    """What goes in, float32 and contiguous.

    Attributes:
        q: Queries ``[B, T, H, D]``.
        k: Keys of unit length ``[B, T, H, D]``.
        v: Values ``[B, T, H, D]``.
        decay: ``[B, T, H]`` in (0, 1].
        write: ``[B, T, H]`` in (0, 1).
    """

    q: Floats
    k: Floats
    v: Floats
    decay: Floats
    write: Floats


@kernel(nogil=True, fastmath=True)
def forward(
    x: Inputs, first: int, last: int, state: Floats, kept: Floats, errors: Floats, outputs: Floats
) -> None:
    """Run heads ``first <= b * H + h < last``.

    Args:
        x: Inputs.
        first: First head to run.
        last: Head to stop before.
        state: ``[B, H, D, D]``, key by value; replaced by the state after the last position.
        kept: Written: states before every `EVERY`-th position, ``[B, H, ceil(T / EVERY), D, D]``.
        errors: Written: ``[B, T, H, D]``.
        outputs: Written: ``[B, T, H, D]``.
    """
    _, length, heads, width = x.q.shape
    read, change, out = np.empty((3, width), np.float32)
    s = np.empty((width, width), np.float32)
    for head in range(first, last):
        b, h = head // heads, head % heads
        s[:] = state[b, h]
        for t in range(length):
            if t % EVERY == 0:
                kept[b, h, t // EVERY] = s
            q, k = x.q[b, t, h], x.k[b, t, h]
            decay, write = x.decay[b, t, h], x.write[b, t, h]
            read[:] = 0
            for i in range(width):
                row, key = s[i], k[i]
                for j in range(width):
                    read[j] += key * row[j]
            for j in range(width):
                error = x.v[b, t, h, j] - decay * read[j]
                errors[b, t, h, j] = error
                change[j] = write * error
            out[:] = 0
            for i in range(width):
                row, key, query = s[i], k[i], q[i]
                for j in range(width):
                    y = decay * row[j] + key * change[j]
                    row[j] = y
                    out[j] += query * y
            outputs[b, t, h] = out
        state[b, h] = s


@kernel(nogil=True, fastmath=True)
def backward(
    x: Inputs,
    first: int,
    last: int,
    kept: Floats,
    errors: Floats,
    d_outputs: Floats,
    d_state: Floats,
    d: Inputs,
) -> None:
    """Gradients of heads ``first <= b * H + h < last``.

    Args:
        x: Inputs.
        first: First head to run.
        last: Head to stop before.
        kept: Of `forward`.
        errors: Of `forward`.
        d_outputs: Gradient by the outputs, ``[B, T, H, D]``.
        d_state: Gradient by the last state ``[B, H, D, D]``; replaced by that by the first.
        d: Written: gradients by the inputs; that of the decay is by its logarithm.
    """
    _, length, heads, width = x.q.shape
    states = np.empty((EVERY, width, width), np.float32)
    g = np.empty((width, width), np.float32)
    scratch = np.empty((4, width), np.float32)
    for head in range(first, last):
        b, h = head // heads, head % heads
        g[:] = d_state[b, h]
        for start in range((length - 1) // EVERY * EVERY, -1, -EVERY):
            end = min(start + EVERY, length)
            _again(x, b, h, start, end, kept[b, h, start // EVERY], errors, states)
            for t in range(end - 1, start - 1, -1):
                _one_back(x, b, t, h, states[t - start], errors[b, t, h], d_outputs[b, t, h], g, scratch, d)
        d_state[b, h] = g


@kernel(nogil=True, fastmath=True, inline="always")
def _again(
    x: Inputs, b: int, h: int, start: int, end: int, kept: Floats, errors: Floats, states: Floats
) -> None:
    """States before the positions start..end-1."""
    width = kept.shape[0]
    states[0] = kept
    for t in range(start, end - 1):
        k, decay, write = x.k[b, t, h], x.decay[b, t, h], x.write[b, t, h]
        error, old, new = errors[b, t, h], states[t - start], states[t - start + 1]
        for i in range(width):
            strength = k[i] * write
            for j in range(width):
                new[i, j] = decay * old[i, j] + strength * error[j]


@kernel(nogil=True, fastmath=True, inline="always")
def _one_back(
    x: Inputs,
    b: int,
    t: int,
    h: int,
    s: Floats,
    error: Floats,
    d_out: Floats,
    g: Floats,
    scratch: Floats,
    d: Inputs,
) -> None:
    """Go back over one position, whose old state is `s`; `g` becomes the gradient by that state."""
    width = len(error)
    q, k = x.q[b, t, h], x.k[b, t, h]
    decay, write = x.decay[b, t, h], x.write[b, t, h]
    change, d_change, d_read, along = scratch[0], scratch[1], scratch[2], scratch[3]
    for j in range(width):
        change[j] = write * error[j]
    d_change[:] = 0
    for i in range(width):
        row, key, query = g[i], k[i], q[i]
        felt = np.float32(0)
        for j in range(width):
            y = row[j] + query * d_out[j]
            row[j] = y
            d_change[j] += key * y
            felt += y * change[j]
        d.k[b, t, h, i] = felt
    d_write = answered = np.float32(0)
    for j in range(width):
        d_write += d_change[j] * error[j]
        answered += change[j] * d_out[j]
        d_read[j] = -write * d_change[j]
        along[j] = 0
    for j in range(width):
        d.v[b, t, h, j] = -d_read[j]
    d.write[b, t, h] = d_write
    for i in range(width):
        row, old, key = g[i], s[i], k[i]
        read = out = np.float32(0)
        for j in range(width):
            y = decay * old[j]
            z = row[j] + key * d_read[j]
            read += y * d_read[j]
            out += y * d_out[j]
            along[j] += z * y
            row[j] = decay * z
        d.k[b, t, h, i] += read
        d.q[b, t, h, i] = out + key * answered
    total = np.float32(0)
    for j in range(width):
        total += along[j]
    d.decay[b, t, h] = total
