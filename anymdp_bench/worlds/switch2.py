"""Switch2: two players must swap sides through a corridor that only one can use at a time."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Mapping

import numpy as np

from anymdp_bench.foundation.checks import Number, check_choice, check_limit
from anymdp_bench.foundation.errors import InvalidTask
from anymdp_bench.foundation.types import FloatArray, IntArray
from anymdp_bench.tasks.build import build_task
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.task import TabularTask, require_tabular

HORIZON = 50
ARRIVAL_REWARD = 5.0
CLOSER, FARTHER, SAME, ARRIVED = 0.08, -0.12, -0.04, 1.0
"""Shaped reward of one player, by how its Manhattan distance to the goal changes."""

FREE_CELLS = tuple(
    (row, column) for row in range(3) for column in range(7) if row == 1 or column not in (2, 3, 4)
)
"""(row, column) of cells 0..14, row by row; the rest of the 3 x 7 grid is wall."""
N_CELLS = len(FREE_CELLS)
MOVES = ((1, 0), (0, -1), (-1, 0), (0, 1), (0, 0))
"""(row, column) change of a player's actions 0 down, 1 left, 2 up, 3 right, 4 stay."""
N_MOVES = len(MOVES)
GOALS = (FREE_CELLS.index((0, 6)), FREE_CELLS.index((0, 0)))
STARTS = {
    "standard": (FREE_CELLS.index((0, 1)), FREE_CELLS.index((0, 5))),
    "mirrored": (FREE_CELLS.index((2, 1)), FREE_CELLS.index((2, 5))),
}
ZONES = tuple((column > 1) + (column > 4) for _, column in FREE_CELLS)
"""0 left room (columns 0-1), 1 corridor (2-4), 2 right room (5-6), for each cell."""
SEEN_OF_THE_OTHER = {
    "column": tuple(column for _, column in FREE_CELLS),
    "own": (0,) * N_CELLS,
    "area": ZONES,
}
N_PLAYER_IDS = {name: N_CELLS * (max(seen) + 1) for name, seen in SEEN_OF_THE_OTHER.items()}
"""Ids of one player's observation: column 105, own 15, area 45."""

JointCells = tuple[int, int]


def switch2(
    step_cost: float = -0.1, reward: str = "raw", observation: str = "column", starts: str = "standard"
) -> TabularTask:
    """Two-player Switch of ma-gym as one joint Markov decision process.

    A state is a pair of cells (those that can be reached are numbered in order of discovery; the state's
    own id is seen by a joint controller), an action is ``5 * action of player 0 + action of player 1``.
    Player 0 walks from (0, 1) to (0, 6), player 1 from (0, 5) to (0, 0). In each step player 0 moves first;
    a move into a wall, the edge or the other player leaves the mover where it is, so players cannot change
    places. A player that has arrived stays, does nothing, and still blocks its cell. The episode ends when
    both have arrived, or after 50 steps.

    The raw reward is the sum over players of 5 on arrival, `step_cost` on every other step before it, and 0
    afterwards. The shaped reward is the sum over players of +1 on arrival, +0.08 closer to the goal
    (Manhattan distance), -0.12 farther, -0.04 otherwise, and 0 afterwards; the score still counts the raw
    reward. The paper's code gives each player the sum only until the first of them arrives, and scores the
    shaped reward; here, as in the paper's text, both always receive the sum.

    Args:
        step_cost: Raw reward of a step on the way, finite and at most 0 (ma-gym: class default 0,
            registered ids -0.1).
        reward: What the players receive, ``"raw"`` or ``"shaped"``.
        observation: What one player sees, see `switch2_player_ids`.
        starts: ``"standard"``, or ``"mirrored"``: both start in the bottom row, (2, 1) and (2, 5).

    Raises:
        InvalidConfig: a setting is not legal.

    References:
        A. Koul, ma-gym: Collection of multi-agent environments based on OpenAI gym (2019), Switch.
    """
    _check_settings(step_cost, reward, observation, starts)
    states = _joint_states(starts)
    index = {state: i for i, state in enumerate(states)}
    n, n_actions = len(states), N_MOVES * N_MOVES
    transition = np.zeros((n, n_actions, n))
    raw, shaped = np.zeros((n, n_actions)), np.zeros((n, n_actions))
    for s, state in enumerate(states):
        if state == GOALS:
            continue
        for action in range(n_actions):
            after = _move_both(state, action)
            transition[s, action, index[after]] = 1.0
            raw[s, action] = sum(_raw_reward(p, state, after, step_cost) for p in range(2))
            shaped[s, action] = sum(_shaped_reward(p, state, after) for p in range(2))
    return build_task(
        transition,
        initial=np.eye(n)[0],
        horizon=HORIZON,
        reward_sa=shaped if reward == "shaped" else raw,
        score=_per_outcome(raw, transition) if reward == "shaped" else None,
        family="switch2",
        config={
            "step_cost": float(step_cost),
            "reward": reward,
            "observation": observation,
            "starts": starts,
        },
    )


def switch2_player_ids(task: Task) -> IntArray:
    """Observation id of each player in each joint state of a Switch2 task.

    The id is ``own cell + 15 * x``, where x is, by the task's `observation` setting: ``"column"`` the other
    player's column 0..6 (105 ids), ``"own"`` always 0 (15 ids), ``"area"`` the other player's zone: 0 left
    room (columns 0-1), 1 corridor (2-4), 2 right room (5-6) (45 ids).

    Returns:
        int64 ``[S, 2]``, read-only.

    Raises:
        NotTabular: `task` has no tables.
        InvalidTask: `task` was not made by `switch2`.
    """
    cells = switch2_cells(require_tabular(task))
    seen = np.array(SEEN_OF_THE_OTHER[str(task.config["observation"])])
    ids: IntArray = cells + N_CELLS * seen[cells[:, ::-1]]
    ids.setflags(write=False)
    return ids


def switch2_arrived(task: Task) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """Whether each player has arrived, bool ``[S, 2]``, for each joint state of a Switch2 task.

    Raises:
        NotTabular: `task` has no tables.
        InvalidTask: `task` was not made by `switch2`.
    """
    arrived: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = switch2_cells(require_tabular(task)) == GOALS
    return arrived


def switch2_cells(task: TabularTask) -> IntArray:
    """Cells of both players in each joint state, int64 ``[S, 2]``."""
    starts, observation = task.config.get("starts"), task.config.get("observation")
    if task.family != "switch2" or starts not in STARTS or observation not in SEEN_OF_THE_OTHER:
        raise InvalidTask(
            f"family={task.family!r} with config {dict(task.config)!r} is not a Switch2 task: "
            "give one that worlds.switch2 made."
        )
    return np.array(_joint_states(str(starts)), dtype=np.int64)


def _check_settings(step_cost: object, reward: str, observation: str, starts: str) -> None:
    check_limit("step_cost", step_cost, Number(-math.inf, 0))
    check_choice("reward", reward, ("raw", "shaped"))
    check_choice("observation", observation, SEEN_OF_THE_OTHER)
    check_choice("starts", starts, STARTS)


@functools.cache
def _joint_states(starts: str) -> tuple[JointCells, ...]:
    """Pairs of cells that can be reached, breadth first from the start."""
    states = [STARTS[starts]]
    seen = set(states)
    for state in states:
        if state == GOALS:
            continue
        for action in range(N_MOVES * N_MOVES):
            after = _move_both(state, action)
            if after not in seen:
                seen.add(after)
                states.append(after)
    return tuple(states)


@functools.cache
def _move_table() -> Mapping[tuple[int, int], int]:
    """Cell that a (cell, action) leads to on an empty grid."""
    index = {cell: i for i, cell in enumerate(FREE_CELLS)}
    table = {}
    for (i, (row, column)), (a, (down, right)) in itertools.product(enumerate(FREE_CELLS), enumerate(MOVES)):
        table[i, a] = index.get((row + down, column + right), i)
    return table


def _move_both(state: JointCells, action: int) -> JointCells:
    """Joint state after one joint action; player 0 moves first."""
    cells = list(state)
    for player, move in enumerate(divmod(action, N_MOVES)):
        target = _move_table()[cells[player], move]
        if cells[player] != GOALS[player] and target != cells[1 - player]:
            cells[player] = target
    return cells[0], cells[1]


def _raw_reward(player: int, before: JointCells, after: JointCells, step_cost: float) -> float:
    if before[player] == GOALS[player]:
        return 0.0
    return ARRIVAL_REWARD if after[player] == GOALS[player] else step_cost


def _shaped_reward(player: int, before: JointCells, after: JointCells) -> float:
    if before[player] == GOALS[player]:
        return 0.0
    change = _distance(player, after[player]) - _distance(player, before[player])
    if after[player] == GOALS[player]:
        return ARRIVED
    return SAME if change == 0 else CLOSER if change < 0 else FARTHER


def _distance(player: int, cell: int) -> int:
    (row, column), (goal_row, goal_column) = FREE_CELLS[cell], FREE_CELLS[GOALS[player]]
    return abs(row - goal_row) + abs(column - goal_column)


def _per_outcome(values: FloatArray, transition: FloatArray) -> FloatArray:
    """Values ``[S, A]`` spread over next states, ``[S, A, S]``."""
    spread: FloatArray = np.broadcast_to(values[:, :, None], transition.shape)
    return spread
