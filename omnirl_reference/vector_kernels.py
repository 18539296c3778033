"""Vectors and matrices in float32 (numba): plain operations in a fixed order, equal on every processor."""

from __future__ import annotations

import math
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
ONE, TINY = np.float32(1.0), np.float32(1e-12)
NORM_EPSILON = np.float32(np.finfo(np.float32).eps)
LOG2_E = np.float32(math.log2(math.e))
LN2_HIGH, LN2_LOW = np.float32(0.693359375), np.float32(math.log(2) - 0.693359375)
LARGEST_EXPONENT = np.float32(87.0)
POWERS_OF_TWO = np.array([2.0**n for n in range(-126, 128)], dtype=np.float32)
SERIES = np.array([1 / math.factorial(n) for n in range(8)], dtype=np.float32)


@numba.njit(cache=True, inline="always")
def exp32(x: Any) -> Any:
    """Exponential in float32 of x, cut to [-87, 87]."""
    x = min(max(x, -LARGEST_EXPONENT), LARGEST_EXPONENT)
    k = np.float32(math.floor(x * LOG2_E + np.float32(0.5)))
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    series = SERIES[7]
    series = series * r + SERIES[6]
    series = series * r + SERIES[5]
    series = series * r + SERIES[4]
    series = series * r + SERIES[3]
    series = series * r + SERIES[2]
    series = series * r + SERIES[1]
    series = series * r + SERIES[0]
    return series * POWERS_OF_TWO[np.uint32(np.int32(k) + np.int32(126))]


@numba.njit(cache=True)
def silu(x: Floats, out: Floats) -> None:
    """Write x / (1 + exp(-x))."""
    for j in range(len(x)):
        out[j] = x[j] / (ONE + exp32(-x[j]))


@numba.njit(cache=True)
def multiply(x: Floats, matrix: Floats, out: Floats, n: int) -> None:
    """Add ``x @ matrix`` to the first `n` rows of `out`, in the order of the inputs."""
    n_in, n_out = matrix.shape
    for k in range(0, n_in - 3, 4):
        w0, w1, w2, w3 = matrix[k], matrix[k + 1], matrix[k + 2], matrix[k + 3]
        for i in range(n):
            x0, x1, x2, x3 = x[i, k], x[i, k + 1], x[i, k + 2], x[i, k + 3]
            y = out[i]
            for j in range(n_out):
                y[j] = y[j] + x0 * w0[j] + x1 * w1[j] + x2 * w2[j] + x3 * w3[j]
    for k in range(n_in - n_in % 4, n_in):
        for i in range(n):
            for j in range(n_out):
                out[i, j] += x[i, k] * matrix[k, j]


@numba.njit(cache=True)
def normalise(x: Floats, gain: Floats, out: Floats) -> None:
    """Root-mean-square norm of a vector."""
    total = np.float32(0.0)
    for j in range(len(x)):
        total += x[j] * x[j]
    scale = ONE / np.float32(math.sqrt(total / np.float32(len(x)) + NORM_EPSILON))
    for j in range(len(x)):
        out[j] = x[j] * scale * gain[j]


@numba.njit(cache=True)
def unit(x: Floats) -> None:
    """Divide a vector by its length."""
    total = np.float32(0.0)
    for j in range(len(x)):
        total += x[j] * x[j]
    scale = ONE / max(np.float32(math.sqrt(total)), TINY)
    for j in range(len(x)):
        x[j] *= scale
