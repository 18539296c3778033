"""The draws of one episode, handed to pure Python in blocks.

A compiled call fills a block; stepping then reads plain lists. Blocks grow, so that a short episode
draws little ahead.
"""

from __future__ import annotations

import numba
import numpy as np

from anymdp_bench import exact
from anymdp_bench.seeding import draw, noise_offset, outcome_bits
from anymdp_bench.task import FloatArray, IntArray

FIRST_BLOCK = 16
LARGEST_BLOCK = 512


@numba.njit(cache=True)
def fill_draws(key: np.uint64, episode: np.uint64, first: int, outcomes: IntArray, noise: FloatArray) -> None:
    """Write an episode's draws with counters ``first``, ``first + 1``, ...

    Args:
        key: Key of the environment's stream.
        episode: Number of the episode.
        first: Counter of the first draw.
        outcomes: int64 ``[m]``, written: uniform integers in [0, 2**30).
        noise: float64 ``[m]``, written: the same draws' standard normals; ``[0]`` if not wanted.
    """
    episode_key = draw(key, episode)
    for i in range(len(outcomes)):
        bits = draw(episode_key, np.uint64(first + i))
        outcomes[i] = np.int64(outcome_bits(bits))
        if len(noise) > 0:
            q = noise_offset(bits)
            noise[i] = exact.normal_central(q) if abs(q) <= 0.425 else exact.normal_tail(q)


class DrawBlocks:
    """Lists of draws with consecutive counters, beginning at 0 for each episode.

    Attributes:
        outcomes: Integers in [0, 2**30) of the current block.
        noise: Standard normals of the current block, empty if not wanted.
    """

    def __init__(self, *, noise: bool) -> None:
        """Make blocks with or without normals; `begin` fills the first one."""
        self._outcomes = np.empty(LARGEST_BLOCK, np.int64)
        self._noise = np.empty(LARGEST_BLOCK)
        self._wants_noise = noise
        self.outcomes: list[int] = []
        self.noise: list[float] = []

    def begin(self, key: np.uint64, episode: int, limit: int) -> None:
        """Begin an episode and fill a block of at most `limit` draws (the episode needs no more)."""
        self._key, self._episode = key, np.uint64(episode)
        self._next = 0
        self._size = min(FIRST_BLOCK, limit)
        self.refill()

    def refill(self) -> None:
        """Replace the block by the next one."""
        size = self._size
        outcomes = self._outcomes[:size]
        noise = self._noise[: size if self._wants_noise else 0]
        fill_draws(self._key, self._episode, self._next, outcomes, noise)
        self.outcomes, self.noise = outcomes.tolist(), noise.tolist()
        self._next += size
        self._size = min(2 * size, LARGEST_BLOCK)
