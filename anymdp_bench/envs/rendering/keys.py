"""Keyboards for `gymnasium.utils.play`."""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.task import TabularTask

KEYS = string.digits[1:] + "0" + string.ascii_lowercase
"""Keys of actions 0, 1, 2, ... where they have no direction: the first key is 1."""
DIRECTIONS = ({(-1, 0): "w", (0, -1): "a", (1, 0): "s", (0, 1): "d"},
              {(-1, 0): "i", (0, -1): "j", (1, 0): "k", (0, 1): "l"})  # fmt: skip
"""Keys of each player's moves, by their (row, column) change."""


def keys_of(task: Task, shape: tuple[int, ...]) -> dict[str, Any]:
    """Return the action of each combination of keys.

    Grid worlds are played with W, A, S, D; the second player of Switch2 has I, J, K, L, and who presses
    nothing stays. Elsewhere 1 is action 0, 2 is action 1 and so on, up to 0 and then the letters; with
    several action tokens a key repeats its move.

    Args:
        task: What is played.
        shape: Of an action.
    """
    from anymdp_bench.envs.rendering.rooms import room_of

    room = room_of(task) if isinstance(task, TabularTask) else None
    if room is None:
        return {key: _action(number, shape) for number, key in enumerate(KEYS[: task.n_actions])}
    if not room.goals:
        return {DIRECTIONS[0][move]: number for number, move in enumerate(room.moves)}
    options = [{keys.get(move, ""): a for a, move in enumerate(room.moves)} for keys in DIRECTIONS]
    pairs = {first + second: (a, b) for first, a in options[0].items() for second, b in options[1].items()}
    return {keys: np.array(pair) for keys, pair in pairs.items() if keys}


def _action(number: int, shape: tuple[int, ...]) -> Any:
    return np.full(shape, number) if shape else number
