"""Random sparse grids to train on, lakes, cliffs, rooms with or without walls (numba); no board's shapes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.kernels import WEIGHT_TOTAL, Outcomes, draw, kernel, next_integer, next_uniform, next_unit
from omnirl_reference.stream.learners import Stream
from omnirl_reference.stream.worlds import Ints, World

BOARD_SHAPES = ((4, 4), (4, 12), (12, 4), (6, 6), (8, 8), (10, 10))
"""Height and width of the grids that boards are made of."""
LONGEST_SIDE = 12
FREE, HAZARD, WALL, GOAL = range(4)
MOVES = np.array([[0, 1], [1, 0], [0, -1], [-1, 0], [0, 0]])
"""(row, column) change of the actions; the fifth, where there is one, stays."""
MOST_TRIES = 100
HORIZON = 100
LEAST_ROOM_SIDE = 3


def grid_shapes(most_cells: int) -> NDArray[np.int64]:
    """Heights and widths int64 ``[K, 2]`` of grids of half of `most_cells` to all of them."""
    sides = range(2, LONGEST_SIDE + 1)
    shapes = [(h, w) for h in sides for w in sides if most_cells // 2 <= h * w <= most_cells]
    return _training_shapes(shapes)


def room_shapes(most_cells: int) -> NDArray[np.int64]:
    """The same of rooms, from the smallest."""
    sides = range(LEAST_ROOM_SIDE, LONGEST_SIDE + 1)
    return _training_shapes([(h, w) for h in sides for w in sides if h * w <= most_cells])


def _training_shapes(shapes: list[tuple[int, int]]) -> NDArray[np.int64]:
    return np.array([shape for shape in shapes if shape not in BOARD_SHAPES])


@kernel(nogil=True)
def _lay_out(stream: Stream, height: int, width: int) -> tuple[Ints, int]:
    """Draw what every cell is, int64 ``[cells]``, and the start."""
    n = height * width
    cells = np.full(n, FREE)
    start, goal = 0, n - 1
    style = next_unit(stream)
    if style < 0.25:
        start, goal = n - width, n - 1
        cells[n - width + 1 : n - 1] = HAZARD
    else:
        if style < 0.65:
            goal = next_integer(stream, 1, n - 1)
        if next_unit(stream) < 0.3:
            start = next_integer(stream, 0, n - 1)
        hazards = next_uniform(stream, 0.05, 0.3) if next_unit(stream) < 0.55 else 0.0
        walls = next_uniform(stream, 0.05, 0.2) if next_unit(stream) < 0.3 else 0.0
        for s in range(n):
            place = next_unit(stream)
            cells[s] = HAZARD if place < hazards else WALL if place < hazards + walls else FREE
    if start == goal:
        start = (goal + 1) % n
    cells[start], cells[goal] = FREE, GOAL
    return cells, start


@kernel(nogil=True)
def _target(cells: Ints, height: int, width: int, s: int, move: int) -> int:
    row = min(max(s // width + MOVES[move, 0], 0), height - 1)
    column = min(max(s % width + MOVES[move, 1], 0), width - 1)
    t = row * width + column
    return s if cells[t] == WALL else t


@kernel(nogil=True)
def _reaches(cells: Ints, height: int, width: int, start: int) -> bool:
    """Whether a way leads from the start to the goal."""
    reached = np.zeros(len(cells), dtype=np.bool_)
    reached[start] = True
    for _ in range(len(cells)):
        for s in range(len(cells)):
            if reached[s] and cells[s] == FREE:
                for move in range(4):
                    reached[_target(cells, height, width, s, move)] = True
    return bool((reached & (cells == GOAL)).any())


@kernel(nogil=True)
def _slip(stream: Stream) -> int:
    """Weight of each of the two moves at right angles."""
    kind = next_unit(stream)
    if kind < 0.5:
        return 0
    return WEIGHT_TOTAL // 3 if kind < 0.75 else int(next_uniform(stream, 0.0, 0.25) * WEIGHT_TOTAL)


@kernel(nogil=True)
def _begin(stream: Stream, cells: Ints, start: int) -> Ints:
    """Weights of the first state: the start, or with luck any free cell."""
    if next_unit(stream) >= 0.6:
        return _anywhere(cells)
    weight = np.zeros(len(cells), dtype=np.int64)
    weight[start] = WEIGHT_TOTAL
    return weight


@kernel(nogil=True)
def _anywhere(cells: Ints) -> Ints:
    """Weights of the first state that may be any free cell."""
    weight = np.zeros(len(cells), dtype=np.int64)
    free = np.flatnonzero(cells == FREE)
    weight[free] = WEIGHT_TOTAL // len(free)
    weight[free[0]] += WEIGHT_TOTAL - weight.sum()
    return weight


@kernel(nogil=True)
def grid_world(key: np.uint64, shapes: Ints, n_actions: int) -> World:
    """World of a random grid in which the goal can be reached; a function of the arguments alone.

    Args:
        key: Of all its draws.
        shapes: int64 ``[K, 2]``, heights and widths to choose from.
        n_actions: 4, or 5 with an action that stays.
    """
    stream = np.empty(1, dtype=np.uint64)
    stream[0] = draw(key, np.uint64(0))
    shape = shapes[next_integer(stream, 0, len(shapes) - 1)]
    height, width = shape[0], shape[1]
    cells, start = _lay_out(stream, height, width)
    for _ in range(MOST_TRIES):
        if _reaches(cells, height, width, start):
            break
        cells, start = _lay_out(stream, height, width)
    side, stays = _slip(stream), next_unit(stream) < 0.12
    returns = not stays and next_unit(stream) < 0.15
    reward_next = np.full(len(cells), 0.0 if next_unit(stream) < 0.4 else -next_uniform(stream, 0.005, 0.1))
    loss = 0.0 if next_unit(stream) < 0.3 else -next_uniform(stream, 0.3, 1.5)
    reward_next[cells == HAZARD] = loss
    reward_next[cells == GOAL] = next_uniform(stream, 0.5, 1.5)
    noise = next_uniform(stream, 0.0, 0.2) if next_unit(stream) < 0.15 else 0.0
    terminal = (cells == WALL) | ((cells == HAZARD) & (not returns)) | ((cells == GOAL) & (not stays))
    returning = start if returns else -1
    outcomes, weight = _moves(cells, height, width, terminal, side, returning, n_actions)
    begin = _begin(stream, cells, start)
    k = len(weight)
    return World(
        outcomes, weight, reward_next[outcomes.successor], np.full(k, noise), begin, terminal, HORIZON
    )


@kernel(nogil=True)
def darkroom_world(key: np.uint64, shapes: Ints, n_actions: int) -> World:
    """World of a random room with the rules of Darkroom: its goal is all that there is; arguments as above.

    Episodes begin anywhere but at the goal, a step costs 0.01, the goal pays 1 and ends the episode.
    """
    stream = np.empty(1, dtype=np.uint64)
    stream[0] = draw(key, np.uint64(0))
    shape = shapes[next_integer(stream, 0, len(shapes) - 1)]
    cells = np.full(shape[0] * shape[1], FREE)
    goal = next_integer(stream, 0, len(cells) - 1)
    cells[goal] = GOAL
    terminal = cells == GOAL
    outcomes, weight = _moves(cells, shape[0], shape[1], terminal, 0, -1, n_actions)
    mean = np.where(outcomes.successor == goal, 1.0, -0.01)
    return World(outcomes, weight, mean, np.zeros(len(weight)), _anywhere(cells), terminal, HORIZON)


@kernel(nogil=True)
def _moves(
    cells: Ints,
    height: int,
    width: int,
    terminal: NDArray[np.bool_],
    side: int,
    returning: int,
    n_actions: int,
) -> tuple[Outcomes, Ints]:
    """Where moves lead that slip by the weight `side`; hazards to cell `returning`, unless it is -1."""
    n = len(cells)
    row_start = np.zeros(n * n_actions + 1, dtype=np.int64)
    successor = np.zeros(3 * n * n_actions, dtype=np.int32)
    weight = np.zeros(3 * n * n_actions, dtype=np.int64)
    k = 0
    for s in range(n):
        for a in range(n_actions):
            if not terminal[s]:
                turned = side if a < 4 else 0
                for turn in range(-1, 2):
                    share = WEIGHT_TOTAL - 2 * turned if turn == 0 else turned
                    if share > 0:
                        move = (a + turn) % 4 if a < 4 else a
                        falls = returning >= 0 and cells[s] == HAZARD
                        successor[k] = returning if falls else _target(cells, height, width, s, move)
                        weight[k] = share
                        k += 1
            row_start[s * n_actions + a + 1] = k
    successor, weight = successor[:k].copy(), weight[:k].copy()
    return Outcomes(row_start, successor, weight / WEIGHT_TOTAL), weight
