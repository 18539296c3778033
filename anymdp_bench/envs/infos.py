"""Infos of batched environments in Gymnasium's form."""

from __future__ import annotations

from typing import Any

import numpy as np

from anymdp_bench.foundation.types import BoolArray, IntArray


def same_step_info(info: dict[str, Any], observations: IntArray, done: BoolArray) -> dict[str, Any]:
    """Move the ended rows' infos to ``final_info`` and their observations to ``final_obs``."""
    names = [name for name in info if not name.startswith("_")]
    final = np.full(len(done), None, dtype=object)
    for row in np.flatnonzero(done):
        final[row] = observations[row]
    moved = {name: info[name] for name in names} | {f"_{name}": done.copy() for name in names}
    kept = {name: info[name].copy() for name in names} | {f"_{name}": ~done for name in names}
    return kept | {"final_obs": final, "_final_obs": done, "final_info": moved, "_final_info": done.copy()}
