"""Columns over the episodes that an agent lives while it learns; they compare across tracks."""

from __future__ import annotations

import numpy as np

from anymdp_bench.foundation.types import FloatArray, IntArray
from anymdp_bench.scoring.normalise import Scored

LIVED_STEPS = (1_000, 2_000, 5_000, 10_000, 100_000, 1_000_000)
BLOCK = 10
"""Episodes that a value is averaged over: the block of the in-context track."""


def regret(scored: Scored) -> dict[str, float]:
    """Mean of 1 - score over the track's whole episode budget."""
    return {"regret": float(1 - scored.lived.mean())}


def lived(scored: Scored) -> dict[str, float]:
    """Mean score of the last block of ten episodes that ended within the first N learning steps.

    Undefined (NaN) unless every cell has finished a block by then and has lived for N steps: the
    tasks with the longest episodes alone would be another test set.
    """
    blocks, ends = blocks_of(scored)
    alive = scored.lived_steps[:, -1]
    return {
        f"lived_{steps}": float(recent_scores(blocks, ends, alive, steps).mean()) for steps in LIVED_STEPS
    }


def blocks_of(scored: Scored) -> tuple[FloatArray, IntArray]:
    """Mean score and cumulative steps of each block of ten lived episodes, ``[C, B]`` each.

    An incomplete last block is left out; fewer than ten episodes are one block.
    """
    n_cells, n_episodes = scored.lived.shape
    size = min(BLOCK, n_episodes)
    n_blocks = n_episodes // size
    blocks = scored.lived[:, : n_blocks * size].reshape(n_cells, n_blocks, size).mean(axis=2)
    return blocks, scored.lived_steps[:, size - 1 :: size]


def recent_scores(blocks: FloatArray, ends: IntArray, alive: IntArray, steps: int) -> FloatArray:
    """Score of each cell's last block within `steps`, float64 ``[C]``; NaN where there is none.

    Args:
        blocks: float64 ``[C, B]``, mean score of each block.
        ends: int64 ``[C, B]``, cumulative steps at each block's end.
        alive: int64 ``[C]``, all steps that the cell has lived.
        steps: Number of learning steps.
    """
    within = (ends <= steps).sum(axis=1)
    defined = (within > 0) & (alive >= steps)
    if not defined.any():
        return np.full(len(blocks), np.nan)
    return np.where(defined, blocks[np.arange(len(blocks)), np.maximum(within, 1) - 1], np.nan)
