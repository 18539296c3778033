"""The numbers of one step at fixed places of a frame: what came of the last actions, and what is seen."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.evaluation.isolation.messages import HEADER, Kind

HAS_STEP, HAS_LOOK = 1, 2
"""Flags: a transition is told; an action is asked for."""


class Turn(NamedTuple):
    """Views into a frame's payload, in its order; n rows.

    Attributes:
        flags: int64 ``[1]``.
        observations, next_observations, seen: int64 ``[n, ...]``; of the transition, and what is seen now.
        actions: int64 ``[n, ...]``, of the transition.
        rewards: float64 ``[n]``.
        terminated, truncated, stepped: bool ``[n]``, of the transition.
        active: bool ``[n]``, who acts now.
    """

    flags: NDArray[np.int64]
    observations: NDArray[np.int64]
    next_observations: NDArray[np.int64]
    seen: NDArray[np.int64]
    actions: NDArray[np.int64]
    rewards: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    stepped: NDArray[np.bool_]
    active: NDArray[np.bool_]


class Layout:
    """Where a turn's arrays lie, for n rows.

    Args:
        n: Rows.
        observation_shape: Shape of one observation.
        action_shape: Shape of one action.
    """

    def __init__(self, n: int, observation_shape: tuple[int, ...], action_shape: tuple[int, ...]) -> None:
        """Lay the arrays out, those of eight bytes first."""
        self._n = n
        self._ids, self._moves = (3, n, *observation_shape), (n, *action_shape)
        self._n_ids, self._n_moves = int(np.prod(self._ids)), int(np.prod(self._moves))
        self._actions_at = HEADER.size + 8 * (1 + self._n_ids)
        self._rewards_at = self._actions_at + 8 * self._n_moves
        self._masks_at = self._rewards_at + 8 * n
        self.frame_size = self._masks_at + 4 * n

    def turn(self, frame: bytearray) -> Turn:
        """Views into a frame of `frame_size` bytes; an agent gets new ones every step, so calls are few."""
        ids = np.frombuffer(frame, np.int64, 1 + self._n_ids, HEADER.size)
        masks = np.frombuffer(frame, np.bool_, 4 * self._n, self._masks_at)
        actions = np.frombuffer(frame, np.int64, self._n_moves, self._actions_at)
        observations, following, seen = ids[1:].reshape(self._ids)
        rewards = np.frombuffer(frame, np.float64, self._n, self._rewards_at)
        terminated, truncated, stepped, active = masks.reshape(4, self._n)
        moves = actions.reshape(self._moves)
        step = observations, following, seen, moves, rewards, terminated, truncated, stepped
        return Turn(ids[:1], *step, active)

    def new_frame(self) -> tuple[bytearray, Turn]:
        """Make a frame with its header, and the views into it."""
        frame = bytearray(self.frame_size)
        HEADER.pack_into(frame, 0, Kind.TURN, self.frame_size - HEADER.size)
        return frame, self.turn(frame)

    def new_answer(self) -> tuple[bytearray, NDArray[np.int64]]:
        """Make a frame for the actions that answer a turn, and the view into it."""
        size = 8 * self._n_moves
        frame = bytearray(HEADER.size + size)
        HEADER.pack_into(frame, 0, Kind.ANSWER, size)
        return frame, np.ndarray(self._moves, np.int64, frame, HEADER.size)
