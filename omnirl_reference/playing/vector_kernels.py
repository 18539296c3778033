"""Vectors and matrices in float32 (numba): plain operations in a fixed order, equal on every processor."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.kernels import kernel

Floats = NDArray[np.float32]
ONE, TINY = np.float32(1.0), np.float32(1e-12)
NORM_EPSILON = np.float32(np.finfo(np.float32).eps)
LOG2_E = np.float32(math.log2(math.e))
LN2_HIGH, LN2_LOW = np.float32(0.693359375), np.float32(math.log(2) - 0.693359375)
LARGEST_EXPONENT = np.float32(87.0)
ROUNDING = np.float32(1.5 * 2**23)
"""Added and taken away again, it rounds a float32 to an integer."""
EXPONENT_BIAS, MANTISSA_BITS = np.int32(127), np.int32(23)
C0, C1, C2, C3, C4, C5, C6, C7 = (np.float32(1 / math.factorial(n)) for n in range(8))


@kernel()
def silu(x: Floats, out: Floats) -> None:
    """Write x / (1 + exp(-x)); `out` may be `x`. Two loops without branches or tables, so they vectorise."""
    series = np.empty(len(x), dtype=np.float32)
    bits = np.empty(len(x), dtype=np.int32)
    power = bits.view(np.float32)
    for j in range(len(x)):
        y = min(max(-x[j], -LARGEST_EXPONENT), LARGEST_EXPONENT)
        k = (y * LOG2_E + ROUNDING) - ROUNDING
        r = (y - k * LN2_HIGH) - k * LN2_LOW
        series[j] = ((((((C7 * r + C6) * r + C5) * r + C4) * r + C3) * r + C2) * r + C1) * r + C0
        bits[j] = (np.int32(k) + EXPONENT_BIAS) << MANTISSA_BITS
    for j in range(len(x)):
        out[j] = x[j] / (ONE + series[j] * power[j])


@kernel()
def multiply(x: Floats, matrix: Floats, out: Floats, n: int) -> None:
    """Add ``x @ matrix`` to the first `n` rows of `out`, in the order of the inputs.

    Four inputs and two rows at a time: what is computed for a row is the same in a pair and alone.
    """
    n_in, n_out = matrix.shape
    whole = n_in - n_in % 4
    for k in range(0, whole, 4):
        w0, w1, w2, w3 = matrix[k], matrix[k + 1], matrix[k + 2], matrix[k + 3]
        for i in range(0, n - 1, 2):
            a0, a1, a2, a3 = x[i, k], x[i, k + 1], x[i, k + 2], x[i, k + 3]
            b0, b1, b2, b3 = x[i + 1, k], x[i + 1, k + 1], x[i + 1, k + 2], x[i + 1, k + 3]
            y, z = out[i], out[i + 1]
            for j in range(n_out):
                y[j] = y[j] + a0 * w0[j] + a1 * w1[j] + a2 * w2[j] + a3 * w3[j]
                z[j] = z[j] + b0 * w0[j] + b1 * w1[j] + b2 * w2[j] + b3 * w3[j]
        if n % 2:
            a0, a1, a2, a3 = x[n - 1, k], x[n - 1, k + 1], x[n - 1, k + 2], x[n - 1, k + 3]
            y = out[n - 1]
            for j in range(n_out):
                y[j] = y[j] + a0 * w0[j] + a1 * w1[j] + a2 * w2[j] + a3 * w3[j]
    for k in range(whole, n_in):
        for i in range(n):
            for j in range(n_out):
                out[i, j] += x[i, k] * matrix[k, j]


@kernel()
def _sum_of_squares(x: Floats) -> np.float32:
    """Four running sums, added up at the end: a single one would wait for itself."""
    a = b = c = d = np.float32(0.0)
    whole = len(x) - len(x) % 4
    for j in range(0, whole, 4):
        a += x[j] * x[j]
        b += x[j + 1] * x[j + 1]
        c += x[j + 2] * x[j + 2]
        d += x[j + 3] * x[j + 3]
    for j in range(whole, len(x)):
        a += x[j] * x[j]
    return (a + b) + (c + d)


@kernel()
def normalise(x: Floats, gain: Floats, out: Floats) -> None:
    """Root-mean-square norm of a vector."""
    mean = _sum_of_squares(x) / np.float32(len(x))
    scale = ONE / np.float32(math.sqrt(mean + NORM_EPSILON))
    for j in range(len(x)):
        out[j] = x[j] * scale * gain[j]


@kernel()
def unit(x: Floats) -> None:
    """Divide a vector by its length."""
    scale = ONE / max(np.float32(math.sqrt(_sum_of_squares(x))), TINY)
    for j in range(len(x)):
        x[j] *= scale
