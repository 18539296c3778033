"""Standard normals of whole blocks of draws.

The same numbers as `exact.normal_central` and `exact.normal_tail`, bit for bit, in loops that the
compiler can turn into vector instructions: no call, no branch, no check for division by zero.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.foundation.compiling import kernel
from anymdp_bench.foundation.exact import LN2_HIGH, LN2_LOW, SQRT_HALF, normal_central
from anymdp_bench.foundation.seeding import noise_offset
from anymdp_bench.foundation.types import FloatArray, IntArray

CENTRAL = 0.425
"""Where the two branches of the quantile meet."""
LANES = 8
"""Float64 lanes of the widest vectors in use."""
MANTISSA = (1 << 52) - 1
HALF_EXPONENT, EXPONENT_BIAS = 1022 << 52, 1022


@kernel(inline="always")
def _log(x: float) -> float:
    """`exact.log` of a positive normal number."""
    bits = np.float64(x).view(np.int64)
    mantissa = np.int64((bits & MANTISSA) | HALF_EXPONENT).view(np.float64)
    exponent = np.float64((bits >> 52) - EXPONENT_BIAS)
    small = mantissa < SQRT_HALF
    mantissa = mantissa * 2.0 if small else mantissa
    exponent = exponent - 1.0 if small else exponent
    s = (mantissa - 1.0) / (mantissa + 1.0)
    z = s * s
    series = z * (1.0 / 21)
    series = z * (series + 1.0 / 19)
    series = z * (series + 1.0 / 17)
    series = z * (series + 1.0 / 15)
    series = z * (series + 1.0 / 13)
    series = z * (series + 1.0 / 11)
    series = z * (series + 1.0 / 9)
    series = z * (series + 1.0 / 7)
    series = z * (series + 1.0 / 5)
    series = z * (series + 1.0 / 3)
    return exponent * LN2_HIGH + (2.0 * s * (series + 1.0) + exponent * LN2_LOW)


@kernel(inline="always")
def _tail(q: float) -> float:
    """`exact.normal_tail` of a draw: 34 bits keep its argument in the first of the two tail branches."""
    r = math.sqrt(-_log(0.5 - abs(q))) - 1.6
    a = 7.7454501427834140764e-4 * r + 0.0227238449892691845833
    a = ((a * r + 0.24178072517745061177) * r + 1.27045825245236838258) * r
    a = ((a + 3.64784832476320460504) * r + 5.7694972214606914055) * r
    a = (a + 4.6303378461565452959) * r + 1.42343711074968357734
    b = 1.05075007164441684324e-9 * r + 5.475938084995344946e-4
    b = ((b * r + 0.0151986665636164571966) * r + 0.14810397642748007459) * r
    b = ((b + 0.68976733498510000455) * r + 1.6763848301838038494) * r
    b = (b + 2.05319162663775882187) * r + 1.0
    return math.copysign(a / b, q)


@kernel(inline="always")
def _whole_vectors(count: int) -> int:
    """Round up, so that no remainder is left to a scalar loop."""
    return (count + LANES - 1) & -LANES


@kernel(inner=True, nogil=True, error_model="numpy")
def fill_normals(
    bits: NDArray[np.uint64], count: int, z: FloatArray, tail: FloatArray, tail_index: IntArray
) -> None:
    """Write the standard normals of the first `count` draws.

    Args:
        bits: uint64 ``[m]``, draws; their lower 34 bits are used. m is a multiple of 8.
        count: How many, at most m.
        z: float64 ``[m]``, written; entries from `count` on are undefined.
        tail: float64 ``[m + 8]``, workspace, finite.
        tail_index: int64 ``[m + 8]``, workspace.
    """
    for j in range(_whole_vectors(count)):
        z[j] = normal_central(noise_offset(bits[j]))
    tails = 0
    for j in range(count):
        q = noise_offset(bits[j])
        tail[tails] = q
        tail_index[tails] = j
        tails += abs(q) > CENTRAL
    for k in range(_whole_vectors(tails)):
        tail[k] = _tail(tail[k])
    for k in range(tails):
        z[tail_index[k]] = tail[k]
