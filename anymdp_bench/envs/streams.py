"""The random streams of a batch of environments: a seed, an episode number and a key for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray

from anymdp_bench.envs.options import BoolArray
from anymdp_bench.seeding import EMISSION_STREAM, ENV_STREAM, draw, stream_keys

KeyArray: TypeAlias = NDArray[np.uint64]

FRESH_SEEDS = 1 << 62
"""Unseeded environments draw their first seed below this, so that ``seed + i`` stays legal."""
ONE = np.uint64(1)


@numba.njit(cache=True)
def _begin_episodes(mask: BoolArray, keys: KeyArray, episode: KeyArray, out: KeyArray) -> None:
    for i in range(len(mask)):
        if mask[i]:
            out[i] = draw(keys[i], episode[i])


class Streams:
    """Keys of the draws of n environments.

    Attributes:
        episode_keys: uint64 ``[n]``, keys of the running episodes' transitions; never replaced.
        emission_keys: uint64 ``[n]``, keys of the running episodes' observations; never replaced.
        ready: Every environment has been seeded.
    """

    def __init__(self, n: int) -> None:
        """Make n streams without a seed."""
        self.episode_keys, self.emission_keys = np.zeros(n, np.uint64), np.zeros(n, np.uint64)
        self.ready = False
        self._keys, self._emissions = np.zeros(n, np.uint64), np.zeros(n, np.uint64)
        self._episode = np.zeros(n, np.uint64)
        self._seeded = np.zeros(n, np.bool_)

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
        self._keys[chosen] = stream_keys(values[chosen], ENV_STREAM)
        self._emissions[chosen] = stream_keys(values[chosen], EMISSION_STREAM)
        self._episode[mask] += ONE
        self._episode[chosen] = 0
        self._seeded |= chosen
        self.ready = bool(self._seeded.all())
        self._begin(mask)

    def next_episode(self, mask: BoolArray) -> None:
        """Go on to the next episode where `mask` (bool ``[n]``)."""
        self._episode[mask] += ONE
        self._begin(mask)

    def _begin(self, mask: BoolArray) -> None:
        _begin_episodes(mask, self._keys, self._episode, self.episode_keys)
        _begin_episodes(mask, self._emissions, self._episode, self.emission_keys)
