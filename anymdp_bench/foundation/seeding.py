"""One counter-based generator for samplers, single and vector environments, and agents.

A draw is a pure function of (key, counter): ``mix(key + (counter + 1) * GOLDEN)`` with the splitmix64
finaliser. Keys are derived from a user's seed and a named stream, so that no two purposes share draws.
An episode of an environment has a key of its own; its draws do not depend on earlier episodes.

References:
    G. Steele, D. Lea, C. Flood, Fast Splittable Pseudorandom Number Generators (OOPSLA 2014).
"""

from __future__ import annotations

import hashlib
import operator
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.foundation import exact
from anymdp_bench.foundation.compiling import elements, kernel
from anymdp_bench.foundation.errors import InvalidSeed

MASK = (1 << 64) - 1
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
FIRST_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
SECOND_FACTOR = np.uint64(0x94D049BB133111EB)
ONE = np.uint64(1)
RESET_COUNTER = np.uint64(0)
"""Counter of the draw that picks an episode's first state; step draws count from 1."""

WEIGHT_BITS = 30
WEIGHT_TOTAL = 1 << WEIGHT_BITS
"""Sum of the integer weights of the outcomes of one (state, action); weight / WEIGHT_TOTAL is a probability.

Examples:
    >>> WEIGHT_TOTAL == 2**30
    True
"""
NOISE_BITS = 64 - WEIGHT_BITS
"""One 64-bit draw serves a step: the upper 30 bits choose the outcome, the lower 34 the reward noise."""


def check_seed(seed: object) -> int:
    """Return `seed` as an int.

    Raises:
        InvalidSeed: it is not an integer, or lies outside [0, 2**64).
    """
    try:
        value = operator.index(seed)  # type: ignore[arg-type]
    except TypeError:
        value = -1
    if isinstance(seed, bool | np.bool_) or not 0 <= value <= MASK:
        raise InvalidSeed(
            f"seed={seed!r} ({type(seed).__name__}) is not legal: give an integer in [0, 2**64)."
        )
    return value


def child_seed(seed: int, *names: str | int) -> int:
    """Derive a seed in [0, 2**63) for a named purpose, e.g. ``child_seed(0, "bank", "test", 3)``.

    Args:
        seed: In [0, 2**64).
        *names: Texts and integers; other ones give other seeds.

    Raises:
        InvalidSeed: `seed` is none.
        TypeError: a name is neither a text nor an integer.

    Examples:
        >>> child_seed(7, "a") == child_seed(7, "b")
        False
    """
    parts = [name if isinstance(name, str) else operator.index(name) for name in names]
    text = "/".join([str(check_seed(seed)), *map(repr, parts)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1


def stream_constant(name: str) -> int:
    """64-bit constant of a named stream."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")


ENV_STREAM = np.uint64(stream_constant("environment"))
EMISSION_STREAM = np.uint64(stream_constant("emission"))
TASK_STREAM = np.uint64(stream_constant("task"))
AGENT_STREAM = np.uint64(stream_constant("agent"))
"""Stream of random numbers that agents draw from, apart from those of environments and tasks.

Examples:
    >>> 0 <= stream_key(np.uint64(7), AGENT_STREAM) < 2**64  # key of seed 7
    True
"""


@kernel(inline="always")
def mix(z: np.uint64) -> np.uint64:
    """Splitmix64 finaliser."""
    z = (z ^ (z >> np.uint64(30))) * FIRST_FACTOR
    z = (z ^ (z >> np.uint64(27))) * SECOND_FACTOR
    return z ^ (z >> np.uint64(31))


@kernel(inline="always")
def draw(key: np.uint64, counter: np.uint64) -> np.uint64:
    """64 random bits of (key, counter)."""
    return mix(key + (counter + ONE) * GOLDEN)


@kernel()
def stream_key(seed: np.uint64, stream: np.uint64) -> np.uint64:
    """Key of a seed's named stream."""
    return mix(mix(seed + GOLDEN) ^ stream)


@kernel(inline="always")
def outcome_bits(bits: np.uint64) -> np.uint64:
    """Upper 30 bits: a uniform integer in [0, 2**30), compared with cumulative weights."""
    return bits >> np.uint64(NOISE_BITS)


@kernel(inline="always")
def noise_offset(bits: np.uint64) -> float:
    """Lower 34 bits as (probability - 0.5), in (-0.5, 0.5), never exactly at the ends."""
    lower = bits & np.uint64((1 << NOISE_BITS) - 1)
    return (np.float64(np.int64(lower)) + 0.5) * (1.0 / (1 << NOISE_BITS)) - 0.5


@kernel()
def unit(bits: np.uint64) -> float:
    """Uniform float64 in (0, 1) from the upper 52 bits."""
    return (np.float64(np.int64(bits >> np.uint64(12))) + 0.5) * (1.0 / (1 << 52))


@kernel(work=elements)
def next_bits(state: NDArray[np.uint64]) -> np.uint64:
    """Advance a sequential stream held in ``state[0]`` and return 64 bits."""
    state[0] += GOLDEN
    return mix(state[0])


@kernel(work=elements)
def next_unit(state: NDArray[np.uint64]) -> float:
    """Advance a sequential stream; uniform in (0, 1)."""
    return unit(next_bits(state))


@kernel(work=elements)
def next_uniform(state: NDArray[np.uint64], low: float, high: float) -> float:
    """Advance a sequential stream; uniform in (low, high)."""
    return low + (high - low) * next_unit(state)


@kernel(work=elements)
def next_normal(state: NDArray[np.uint64]) -> float:
    """Advance a sequential stream; standard normal."""
    return exact.normal_quantile(next_unit(state))


@kernel(work=elements)
def next_exponential(state: NDArray[np.uint64], mean: float) -> float:
    """Advance a sequential stream; exponential with the given mean."""
    return -mean * exact.log(next_unit(state))


@kernel(work=elements)
def next_integer(state: NDArray[np.uint64], low: int, high: int) -> int:
    """Advance a sequential stream; uniform integer in low..high, both inclusive."""
    return low + min(int(next_unit(state) * (high - low + 1)), high - low)


@kernel(work=lambda state, n: 5 * n)
def permutation(state: NDArray[np.uint64], n: int) -> NDArray[np.int64]:
    """Advance a sequential stream; uniform permutation of 0..n-1 (Fisher-Yates)."""
    order = np.arange(n)
    for i in range(n - 1, 0, -1):
        j = next_integer(state, 0, i)
        order[i], order[j] = order[j], order[i]
    return order


def stream_keys(seeds: Sequence[int] | NDArray[np.uint64], stream: np.uint64) -> NDArray[np.uint64]:
    """Keys ``uint64[n]`` of several seeds' named stream."""
    return _stream_keys(np.array(seeds, dtype=np.uint64), stream)


@kernel(work=elements)
def _stream_keys(seeds: NDArray[np.uint64], stream: np.uint64) -> NDArray[np.uint64]:
    keys = np.empty(len(seeds), dtype=np.uint64)
    for i in range(len(seeds)):
        keys[i] = stream_key(seeds[i], stream)
    return keys
