"""The draws of one environment's episodes, handed to pure Python in blocks.

A compiled call fills a block; stepping then reads plain lists. Blocks grow, so that a short episode draws
little ahead; and the first blocks of several episodes are filled together, so that many short episodes
need few calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np

from anymdp_bench.foundation import exact
from anymdp_bench.foundation.compiling import kernel
from anymdp_bench.foundation.seeding import draw, noise_offset, outcome_bits
from anymdp_bench.foundation.types import FloatArray, IntArray

FIRST_BLOCK, LARGEST_BLOCK = 8, 512
MOST_AHEAD = 32
"""Episodes whose first blocks are filled together, at most."""
CENTRAL = 0.425
"""Where the two branches of the normal quantile meet."""

NextDraw: TypeAlias = Callable[[], tuple[int, float]]
"""Returns an integer in [0, 2**30) and a standard normal; raises StopIteration at the end of the block."""


@kernel(work=lambda key, episode, first, outcomes, noise: 15 * outcomes.size)
def fill_draws(key: np.uint64, episode: np.uint64, first: int, outcomes: IntArray, noise: FloatArray) -> None:
    """Write draws with counters ``first``, ``first + 1``, ... of consecutive episodes.

    Args:
        key: Key of the environment's stream.
        episode: Number of the first episode.
        first: Counter of each episode's first draw.
        outcomes: int64 ``[episodes, m]``, written: uniform integers in [0, 2**30).
        noise: float64 ``[episodes, m]``, written: the same draws' standard normals.
    """
    for e in range(outcomes.shape[0]):
        episode_key = draw(key, episode + np.uint64(e))
        for i in range(outcomes.shape[1]):
            bits = draw(episode_key, np.uint64(first + i))
            outcomes[e, i] = np.int64(outcome_bits(bits))
            q = noise_offset(bits)
            noise[e, i] = exact.normal_central(q) if abs(q) <= CENTRAL else exact.normal_tail(q)


class DrawBlocks:
    """Blocks of draws with consecutive counters, which begin at 0 for each episode."""

    def __init__(self) -> None:
        """Make blocks without a key; `begin` comes first."""
        self._key = np.uint64(0)
        self._episode = 0
        self._ahead: list[Iterator[tuple[int, float]]] = []
        self._many = 1
        self._size = self._counter = 0

    def begin(self, key: np.uint64, episode: int) -> NextDraw:
        """Begin an episode of a stream; return the source of its first block.

        Args:
            key: Key of the stream; the same object as long as the stream is the same.
            episode: Number of the episode.
        """
        follows = episode == self._episode + 1 and key is self._key
        if not (follows and self._ahead):
            self._many = min(2 * self._many, MOST_AHEAD) if follows else 1
            self._key = key
            self._ahead = self._fill(self._many, episode, FIRST_BLOCK, 0)
        self._episode = episode
        self._size = self._counter = FIRST_BLOCK
        return self._ahead.pop().__next__

    def resume(self, key: np.uint64, episode: int, counter: int) -> NextDraw:
        """Go on with an episode at the draw of a counter; return the source of a block."""
        self._key, self._episode, self._ahead = key, episode, []
        self._size, self._counter = FIRST_BLOCK, counter
        return self.more()

    def more(self) -> NextDraw:
        """Return the source of the episode's next block."""
        self._size = min(2 * self._size, LARGEST_BLOCK)
        (block,) = self._fill(1, self._episode, self._size, self._counter)
        self._counter += self._size
        return block.__next__

    def _fill(self, many: int, episode: int, size: int, counter: int) -> list[Iterator[tuple[int, float]]]:
        """Blocks of `many` episodes, the first episode last."""
        outcomes, noise = np.empty((many, size), np.int64), np.empty((many, size))
        fill_draws(self._key, np.uint64(episode), counter, outcomes, noise)
        return list(map(zip, outcomes[::-1].tolist(), noise[::-1].tolist()))
