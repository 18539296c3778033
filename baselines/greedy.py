"""The frozen policy of a learner with a table of estimates."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def greedy_policy(values: NDArray[np.float64], tried: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Policy that is greedy among the actions that were tried; uniform where none was.

    Args:
        values: Estimates, float64 ``[n, O, A]``.
        tried: bool ``[n, O, A]``.

    Returns:
        float64 ``[n, O, A]``; of equal values the lowest action.
    """
    n_actions = values.shape[2]
    greedy = np.eye(n_actions)[np.where(tried, values, -np.inf).argmax(axis=2)]
    table: NDArray[np.float64] = np.where(tried.any(axis=2, keepdims=True), greedy, 1.0 / n_actions)
    return table
