"""The random streams of a batch of environments: a seed, an episode number and a key for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.foundation.compiling import elements, kernel
from anymdp_bench.foundation.seeding import EMISSION_STREAM, ENV_STREAM, draw, stream_keys
from anymdp_bench.foundation.types import BoolArray

KeyArray: TypeAlias = NDArray[np.uint64]

FRESH_SEEDS = 1 << 62
"""Unseeded environments draw their first seed below this, so that ``seed + i`` stays legal."""
ONE = np.uint64(1)


@kernel(work=elements)
def begin_episodes(mask: BoolArray, table: KeyArray) -> None:
    """Derive the keys of the running episodes where `mask`; see `Streams.table`."""
    for i in range(len(mask)):
        if mask[i]:
            table[3, i] = draw(table[0, i], table[2, i])
            table[4, i] = draw(table[1, i], table[2, i])


class Streams:
    """Keys of the draws of n environments.

    Attributes:
        table: uint64 ``[5, n]``: keys of the seeds' environment streams, keys of their emission streams,
            numbers of the running episodes, keys of these episodes' transitions and observations.
        ready: Every environment has been seeded.
    """

    def __init__(self, n: int) -> None:
        """Make n streams without a seed."""
        self.table = np.zeros((5, n), np.uint64)
        self.ready = False
        self._seeded = np.zeros(n, np.bool_)

    @property
    def episode_keys(self) -> KeyArray:
        """Keys of the running episodes' transitions, uint64 ``[n]``."""
        keys: KeyArray = self.table[3]
        return keys

    @property
    def emission_keys(self) -> KeyArray:
        """Keys of the running episodes' observations, uint64 ``[n]``."""
        keys: KeyArray = self.table[4]
        return keys

    def seed(self, seeds: Sequence[int | None], mask: BoolArray, generator: np.random.Generator) -> None:
        """Begin an episode where `mask`: the first of the seed given, or the next of the old seed.

        Args:
            seeds: One for each environment; None keeps the stream, or draws one where there was none.
            mask: bool ``[n]``, the environments concerned.
            generator: Draws the missing seeds.
        """
        named = np.array([s is not None for s in seeds])
        values = np.array([s or 0 for s in seeds], dtype=np.uint64)
        chosen = mask & (named | ~self._seeded)
        if (chosen & ~named).any():
            start = np.uint64(generator.integers(FRESH_SEEDS))
            values = np.where(named, values, start + np.arange(len(seeds), dtype=np.uint64))
        self.table[0, chosen] = stream_keys(values[chosen], ENV_STREAM)
        self.table[1, chosen] = stream_keys(values[chosen], EMISSION_STREAM)
        self.table[2, mask] += ONE
        self.table[2, chosen] = 0
        self._seeded |= chosen
        self.ready = bool(self._seeded.all())
        self._begin(mask)

    def next_episode(self, mask: BoolArray) -> None:
        """Go on to the next episode where `mask` (bool ``[n]``)."""
        self.table[2, mask] += ONE
        self._begin(mask)

    def _begin(self, mask: BoolArray) -> None:
        begin_episodes(mask, self.table)
