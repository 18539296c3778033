"""Infos of batched environments in Gymnasium's form."""

from __future__ import annotations

from typing import Any

import numpy as np

from anymdp_bench.foundation.types import BoolArray


def row_of(observations: Any, row: int) -> Any:
    """Return one environment's observation out of a batch of arrays, or of dicts of them."""
    if isinstance(observations, dict):
        return {name: values[row] for name, values in observations.items()}
    return observations[row]


def same_step_info(info: dict[str, Any], observations: Any, done: BoolArray) -> dict[str, Any]:
    """Move the ended rows' infos to ``final_info`` and their observations to ``final_obs``."""
    names = [name for name in info if not name.startswith("_")]
    final = np.full(len(done), None, dtype=object)
    for row in np.flatnonzero(done).tolist():
        final[row] = row_of(observations, row)
    moved = {name: info[name] for name in names} | {f"_{name}": done.copy() for name in names}
    kept = {name: info[name].copy() for name in names} | {f"_{name}": ~done for name in names}
    return kept | {"final_obs": final, "_final_obs": done, "final_info": moved, "_final_info": done.copy()}
