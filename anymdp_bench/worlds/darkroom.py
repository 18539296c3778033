"""Darkroom: find an invisible goal in a square room."""

from __future__ import annotations

import numpy as np

from anymdp_bench.foundation.checks import check, check_integer
from anymdp_bench.foundation.errors import InvalidConfig
from anymdp_bench.foundation.types import JsonScalar
from anymdp_bench.tasks.build import build_task
from anymdp_bench.tasks.task import TabularTask

HORIZON = 100
GOAL_REWARD = 1.0
STEP_REWARD = -0.01
MOVES = {"d": (1, 0), "u": (-1, 0), "r": (0, 1), "l": (0, -1)}
"""(row, column) change of a move down, up, right, left; in this order they are the actions 0 to 3."""
USUAL = "".join(MOVES)
MOST_ACTIONS = 64
LARGEST_SIZE = 32
"""Bounds the dense table that the task is built from to 32 MiB."""


def darkroom(size: int = 10, goal: str = "corner", moves: str = USUAL) -> TabularTask:
    """Square room with one rewarding cell.

    The observation is ``row * size + column``. Walls clip. An episode starts in a uniform cell other than
    the goal, pays -0.01 a step, and ends with +1 at the goal or after 100 steps.

    The literature knows many Darkrooms (size, start, stay action, length, reward at every visit). This one
    has the rules of OmniRL's public environment and the 100 steps of the paper's figure. The returns that the
    paper prints for it (oracle 0.22, random -15.07) fit a step reward of -0.1 and a longer horizon, so raw
    returns cannot be compared with them; normalised scores can.

    Args:
        size: Cells along each side, 2..32.
        goal: ``"corner"`` for (size - 1, size - 1), or ``"row,column"``.
        moves: What each action does, one letter of d, u, r, l each: other orders rename the actions, and a
            letter may occur several times. 1 to 64 letters.

    Raises:
        InvalidConfig: `size`, `goal` or `moves` is outside its range.

    References:
        F. Wang et al., Towards Large-Scale In-Context Reinforcement Learning by Meta-Training in Randomized
        Worlds (OmniRL), the Darkroom experiments.
    """
    size = check_integer("size", size, 2, LARGEST_SIZE)
    goal_row, goal_column = _parse_goal(goal, size)
    legal = isinstance(moves, str) and 0 < len(moves) <= MOST_ACTIONS and set(moves) <= set(MOVES)
    check(legal, "moves", moves, f"1 to {MOST_ACTIONS} of the letters {', '.join(MOVES)}")
    n = size * size
    goal_cell = goal_row * size + goal_column
    transition = np.zeros((n, len(moves), n))
    row, column = np.divmod(np.arange(n), size)
    for action, letter in enumerate(moves):
        down, right = MOVES[letter]
        target = np.clip(row + down, 0, size - 1) * size + np.clip(column + right, 0, size - 1)
        transition[np.arange(n), action, target] = 1.0
    transition[goal_cell] = 0.0
    reward_next = np.full(n, STEP_REWARD)
    reward_next[goal_cell] = GOAL_REWARD
    initial = np.full(n, 1.0 / (n - 1))
    initial[goal_cell] = 0.0
    config: dict[str, JsonScalar] = {"size": size, "goal": f"{goal_row},{goal_column}"}
    if moves != USUAL:
        config["moves"] = moves
    return build_task(
        transition,
        initial=initial,
        horizon=HORIZON,
        reward_next=reward_next,
        family="darkroom",
        config=config,
    )


def _parse_goal(goal: object, size: int) -> tuple[int, int]:
    if goal == "corner":
        return size - 1, size - 1
    parts = goal.split(",") if isinstance(goal, str) else []
    if len(parts) == 2 and all(part.strip().isdecimal() for part in parts):
        row, column = (int(part) for part in parts)
        if row < size and column < size:
            return row, column
    raise InvalidConfig(
        f"goal={goal!r} is not legal: give 'corner' or 'row,column' with both in 0..{size - 1}, "
        f"for example '{size - 1},0'."
    )
