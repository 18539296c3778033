"""Observation tokens drawn for a hidden state, and the law of actions made of several tokens."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.envs.draws import DrawBlocks, NextDraw
from anymdp_bench.foundation.seeding import WEIGHT_TOTAL
from anymdp_bench.foundation.types import FloatArray, IntArray
from anymdp_bench.tasks.task import TabularTask


class Emitter:
    """Draws the observation tokens of one environment, in the order of its steps.

    Token t of the observation after k steps uses the draw with counter ``k * T + t``.
    """

    def __init__(self, weight: IntArray) -> None:
        """Prepare a task's emission weights, int64 ``[T, S, O]``."""
        self._tokens, self._states, self._ids = map(int, weight.shape)
        self._cumulative: list[int] = np.cumsum(weight, axis=2).ravel().tolist()
        self._draws = DrawBlocks()
        self._next_draw: NextDraw

    def begin(self, key: np.uint64, episode: int) -> None:
        """Begin an episode."""
        self._next_draw = self._draws.begin(key, episode)

    def resume(self, key: np.uint64, episode: int, steps: int) -> None:
        """Go on with an episode whose observations of steps 0..`steps` - 1 have been drawn."""
        self._next_draw = self._draws.resume(key, episode, steps * self._tokens)

    def emit(self, state: int) -> int | NDArray[np.int64]:
        """Draw the observation of `state`: an id, or int64 ``[T]`` for several tokens."""
        tokens = [self._token(t, state) for t in range(self._tokens)]
        return tokens[0] if self._tokens == 1 else np.array(tokens)

    def _token(self, token: int, state: int) -> int:
        try:
            bits, _ = self._next_draw()
        except StopIteration:
            self._next_draw = self._draws.more()
            bits, _ = self._next_draw()
        start = (token * self._states + state) * self._ids
        return bisect_right(self._cumulative, bits, start, start + self._ids - 1) - start


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
