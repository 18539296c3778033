"""Observation tokens drawn for a hidden state, and the law of actions made of several tokens."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.envs.draws import DrawBlocks
from anymdp_bench.seeding import WEIGHT_TOTAL
from anymdp_bench.task import FloatArray, IntArray, TabularTask


class Emitter:
    """Draws the observation tokens of one environment, in the order of its steps.

    Token t of the observation after k steps uses the draw with counter ``k * T + t``.
    """

    def __init__(self, weight: IntArray) -> None:
        """Prepare a task's emission weights, int64 ``[T, S, O]``."""
        self._tokens, self._states, self._ids = map(int, weight.shape)
        self._cumulative: list[int] = np.cumsum(weight, axis=2).ravel().tolist()
        self._draws = DrawBlocks(noise=False)
        self._position = 0

    def begin(self, key: np.uint64, episode: int, horizon: int) -> None:
        """Begin an episode of at most `horizon` steps."""
        self._draws.begin(key, episode, (horizon + 1) * self._tokens)
        self._position = 0

    def emit(self, state: int) -> int | NDArray[np.int64]:
        """Draw the observation of `state`: an id, or int64 ``[T]`` for several tokens."""
        tokens = [self._token(t, state) for t in range(self._tokens)]
        return tokens[0] if self._tokens == 1 else np.array(tokens)

    def _token(self, token: int, state: int) -> int:
        if self._position == len(self._draws.outcomes):
            self._draws.refill()
            self._position = 0
        start = (token * self._states + state) * self._ids
        outcome = self._draws.outcomes[self._position]
        self._position += 1
        return bisect_right(self._cumulative, outcome, start, start + self._ids - 1) - start


def action_law(task: TabularTask, state: int, actions: Sequence[int]) -> FloatArray:
    """Law of the inner state, float64 ``[S]``, after `actions` were executed one after another.

    Moves stop at a terminal state.
    """
    law = np.zeros(task.n_states)
    law[state] = 1.0
    for action in actions:
        following = np.where(task.terminal, law, 0.0)
        for origin in np.flatnonzero(np.where(task.terminal, 0.0, law)):
            row = origin * task.n_actions + action
            outcomes = slice(task.row_start[row], task.row_start[row + 1])
            following[task.successor[outcomes]] += law[origin] * task.weight[outcomes] / WEIGHT_TOTAL
        law = following
    return law
