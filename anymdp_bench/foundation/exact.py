"""Elementary functions that give the same bits on every processor.

libm and LAPACK choose code by processor and differ in the last bits. These use only IEEE-exact
operations (+, -, *, /, sqrt, scaling by powers of two) in a fixed order, so that a sampled task or a
drawn reward is the same everywhere. Each agrees with `math` to a few units in the last place.

References:
    Normal quantile: M. J. Wichura, Algorithm AS 241 (PPND16), Applied Statistics 37 (1988).
    Argument reductions: the split constants of fdlibm (Sun Microsystems, 1993).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.foundation.compiling import elements, kernel

LN2_HIGH = 6.93147180369123816490e-01
LN2_LOW = 1.90821492927058770002e-10
HALF_PI_HIGH = 1.57079632673412561417e00
HALF_PI_MIDDLE = 6.07710050630396597660e-11
HALF_PI_LOW = 2.02226624879595063154e-21
SQRT_HALF = 0.7071067811865476
SMALLEST_EXPONENT = -745.0
OFFSET_OF_ONE = 1100
POWERS_OF_TWO = np.ldexp(1.0, np.arange(-OFFSET_OF_ONE, 1024))
INVERSE_FACTORIALS = tuple(1.0 / math.factorial(n) for n in range(21))


@kernel(work=elements)
def log(x: float) -> float:
    """Natural logarithm of a positive finite number."""
    mantissa, exponent = math.frexp(x)
    if mantissa < SQRT_HALF:
        mantissa *= 2.0
        exponent -= 1
    s = (mantissa - 1.0) / (mantissa + 1.0)
    z = s * s
    series = 0.0
    for odd in range(21, 1, -2):
        series = z * (series + 1.0 / odd)
    return exponent * LN2_HIGH + (2.0 * s * (series + 1.0) + exponent * LN2_LOW)


@kernel(work=elements)
def exp(x: float) -> float:
    """Exponential of x < 709; 0 below -745."""
    if x < SMALLEST_EXPONENT:
        return 0.0
    k = math.floor(x / (LN2_HIGH + LN2_LOW) + 0.5)
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    series = INVERSE_FACTORIALS[14]
    for n in range(13, -1, -1):
        series = series * r + INVERSE_FACTORIALS[n]
    return float(series * POWERS_OF_TWO[int(k) + OFFSET_OF_ONE])


@kernel(work=elements)
def sin_cos(x: float) -> tuple[float, float]:
    """Sine and cosine of an angle in radians, abs(x) < 1e5."""
    k = math.floor(x / (HALF_PI_HIGH + HALF_PI_MIDDLE) + 0.5)
    r = ((x - k * HALF_PI_HIGH) - k * HALF_PI_MIDDLE) - k * HALF_PI_LOW
    z = r * r
    sine = INVERSE_FACTORIALS[19]
    cosine = INVERSE_FACTORIALS[20]
    for n in range(17, 0, -2):
        sine = INVERSE_FACTORIALS[n] - sine * z
    for n in range(18, -1, -2):
        cosine = INVERSE_FACTORIALS[n] - cosine * z
    sine *= r
    quadrant = int(k) & 3
    if quadrant == 0:
        return sine, cosine
    if quadrant == 1:
        return cosine, -sine
    if quadrant == 2:
        return -sine, -cosine
    return -cosine, sine


@kernel(work=elements, inline="always")
def normal_central(q: float) -> float:
    """AS 241 for abs(q) <= 0.425, q = probability - 0.5."""
    r = 0.180625 - q * q
    a = 2509.0809287301226727 * r + 33430.575583588128105
    a = ((a * r + 67265.770927008700853) * r + 45921.953931549871457) * r + 13731.693765509461125
    a = ((a * r + 1971.5909503065514427) * r + 133.14166789178437745) * r + 3.387132872796366608
    b = 5226.495278852854561 * r + 28729.085735721942674
    b = ((b * r + 39307.89580009271061) * r + 21213.794301586595867) * r + 5394.1960214247511077
    b = ((b * r + 687.1870074920579083) * r + 42.313330701600911252) * r + 1.0
    return q * a / b


@kernel(work=elements)
def normal_tail(q: float) -> float:
    """AS 241 for abs(q) > 0.425, q = probability - 0.5."""
    r = math.sqrt(-log(0.5 - q if q > 0.0 else 0.5 + q))
    if r <= 5.0:
        r -= 1.6
        a = 7.7454501427834140764e-4 * r + 0.0227238449892691845833
        a = ((a * r + 0.24178072517745061177) * r + 1.27045825245236838258) * r
        a = ((a + 3.64784832476320460504) * r + 5.7694972214606914055) * r
        a = (a + 4.6303378461565452959) * r + 1.42343711074968357734
        b = 1.05075007164441684324e-9 * r + 5.475938084995344946e-4
        b = ((b * r + 0.0151986665636164571966) * r + 0.14810397642748007459) * r
        b = ((b + 0.68976733498510000455) * r + 1.6763848301838038494) * r
        b = (b + 2.05319162663775882187) * r + 1.0
    else:
        r -= 5.0
        a = 2.01033439929228813265e-7 * r + 2.71155556874348757815e-5
        a = ((a * r + 0.0012426609473880784386) * r + 0.026532189526576123093) * r
        a = ((a + 0.29656057182850489123) * r + 1.7848265399172913358) * r
        a = (a + 5.4637849111641143699) * r + 6.6579046435011037772
        b = 2.04426310338993978564e-15 * r + 1.4215117583164458887e-7
        b = ((b * r + 1.8463183175100546818e-5) * r + 7.868691311456132591e-4) * r
        b = ((b + 0.0148753612908506148525) * r + 0.13692988092273580531) * r
        b = (b + 0.59983220655588793769) * r + 1.0
    return a / b if q > 0.0 else -a / b


@kernel(work=elements)
def normal_quantile(probability: float) -> float:
    """Standard normal quantile of a probability in (0, 1)."""
    q = probability - 0.5
    if abs(q) <= 0.425:
        return normal_central(q)
    return normal_tail(q)


@kernel(work=elements)
def total(values: NDArray[np.float64]) -> float:
    """Sum of float64 ``[n]``, added one by one: NumPy adds in another order than compiled code."""
    result = 0.0
    for value in values:
        result += value
    return result
