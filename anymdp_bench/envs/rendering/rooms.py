"""Grid worlds as rooms: Darkroom, FrozenLake, CliffWalking, and Switch2 with both players."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TypeAlias

from anymdp_bench.envs.rendering.canvas import (
    FAINT,
    INK,
    PLAYERS,
    Canvas,
    Colour,
    Point,
    readable_on,
    reward_colour,
    write_status,
)
from anymdp_bench.envs.rendering.frame import Frame, Pixels
from anymdp_bench.tasks.task import TabularTask
from anymdp_bench.worlds.darkroom import MOVES as DARKROOM_MOVES
from anymdp_bench.worlds.darkroom import USUAL
from anymdp_bench.worlds.gridworlds import CLIFF_MOVES
from anymdp_bench.worlds.switch2 import FREE_CELLS, GOALS, switch2_cells
from anymdp_bench.worlds.switch2 import MOVES as PLAYER_MOVES

Steps: TypeAlias = tuple[tuple[int, int], ...]

FLOOR, START, GOAL, HOLE, CLIFF, WALL = ".", "S", "G", "O", "C", "#"
"""Letters of cells."""
LAKE = {"S": START, "F": FLOOR, "H": HOLE, "G": GOAL}
LAKE_MOVES = ((0, -1), (1, 0), (0, 1), (-1, 0))
"""(row, column) change of the actions 0 left, 1 down, 2 right, 3 up, as in FrozenLake-v1."""
NAMES = {(-1, 0): "up", (1, 0): "down", (0, -1): "left", (0, 1): "right", (0, 0): "stay"}

NIGHT: Mapping[str, Colour] = {FLOOR: (52, 56, 78), GOAL: (74, 78, 104), "edge": (66, 70, 94)}
ICE: Mapping[str, Colour] = {FLOOR: (219, 236, 246), HOLE: (219, 236, 246), "edge": (186, 214, 231)}
STONE: Mapping[str, Colour] = {FLOOR: (226, 221, 207), CLIFF: (122, 84, 62), "edge": (204, 198, 182)}
TILES: Mapping[str, Colour] = {FLOOR: (233, 233, 229), WALL: (70, 74, 88), "edge": (208, 208, 203)}
STAR, WATER, CREVICE = (245, 190, 50), (36, 74, 120), (92, 60, 44)

FALLEN = 0.6
"""Size of an agent in a hole or over a cliff, in units of its usual size."""
WIDEST, LARGEST_CELL, LEAST_WIDTH = 640, 72, 320
"""Pixels: of a picture, of a cell, and of a picture of few cells. All are even, as video codecs ask."""
HEADER, FOOTER, MARGIN = 52, 52, 16


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Room:
    """How a grid world looks.

    Attributes:
        rows: Letters of the cells, one text a row.
        cells: Cells (row, column) of the players in each inner state.
        moves: (row, column) change of each action of one player.
        colours: Colour of each letter, and of the lines between cells.
        goals: Goal of each player where players have their own.
    """

    rows: tuple[str, ...]
    cells: Callable[[int], list[tuple[int, int]]]
    moves: Steps
    colours: Mapping[str, Colour]
    goals: tuple[tuple[int, int], ...] = ()


def room_of(task: TabularTask) -> Room | None:
    """Return the room of a grid world of this package, or None for every other task."""
    if task.family not in _ROOMS:
        return None
    build, settings = _ROOMS[task.family]
    return build(task) if settings <= set(task.config) else None


def _grid(task: TabularTask, letters: str, columns: int, moves: Steps, colours: Mapping[str, Colour]) -> Room:
    rows = tuple(letters[i : i + columns] for i in range(0, task.n_states, columns))
    return Room(rows, lambda state: [divmod(state, columns)], moves, colours)


def _darkroom(task: TabularTask) -> Room:
    size = int(str(task.config["size"]))
    letters = "".join(GOAL if flag else FLOOR for flag in task.terminal)
    moves = tuple(DARKROOM_MOVES[letter] for letter in str(task.config.get("moves", USUAL)))
    return _grid(task, letters, size, moves, NIGHT)


def _frozenlake(task: TabularTask) -> Room:
    rows = str(task.config["layout"]).split("/")
    letters = "".join(LAKE[letter] for letter in "".join(rows))
    return _grid(task, letters, len(rows[0]), LAKE_MOVES, ICE)


def _cliffwalking(task: TabularTask) -> Room:
    columns = int(str(task.config["columns"]))
    start = int(task.initial.argmax())
    letters = [FLOOR] * task.n_states
    for state in range(task.n_states):
        if task.terminal[state]:
            letters[state] = CLIFF if task.state_ids[state] == start else GOAL
    letters[start] = START
    return _grid(task, "".join(letters), columns, CLIFF_MOVES, STONE)


def _switch2(task: TabularTask) -> Room:
    free = set(FREE_CELLS)
    rows = tuple("".join(FLOOR if (r, c) in free else WALL for c in range(7)) for r in range(3))
    numbers = switch2_cells(task).tolist()
    goals = tuple(FREE_CELLS[goal] for goal in GOALS)
    return Room(
        rows,
        lambda state: [FREE_CELLS[cell] for cell in numbers[state]],
        PLAYER_MOVES,
        TILES,
        goals,
    )


_ROOMS: Mapping[str, tuple[Callable[[TabularTask], Room], set[str]]] = {
    "darkroom": (_darkroom, {"size"}),
    "frozenlake": (_frozenlake, {"layout"}),
    "cliffwalking": (_cliffwalking, {"columns"}),
    "switch2": (_switch2, {"starts", "observation"}),
}
"""For each family what builds its room, and the settings that this needs."""


class RoomPainter:
    """Shows a grid world and who stands where.

    Args:
        task: The world's task.
        room: How it looks.
    """

    def __init__(self, task: TabularTask, room: Room) -> None:
        """See the class."""
        self._task, self._room = task, room
        self._height, self._width = len(room.rows), len(room.rows[0])
        fitting = (WIDEST - 2 * MARGIN) // max(self._height, self._width)
        self._cell = min(LARGEST_CELL, fitting - fitting % 2)
        self._players = len(room.goals) or 1

    def _moved(self, frame: Frame) -> str:
        """Name the last action of each player."""
        if self._players == 1:
            (action,) = frame.actions
            return NAMES[self._room.moves[action]]
        return ", ".join(NAMES[self._room.moves[a]] for a in divmod(frame.actions[0], len(self._room.moves)))

    def text(self, frame: Frame) -> str:
        """Draw the room in letters: @ (or 0 and 1) who plays, G goal, O hole, C cliff, # wall."""
        rows = [list(row) for row in self._room.rows]
        for player, (row, column) in enumerate(self._room.cells(int(frame.inner))):
            rows[row][column] = "@" if self._players == 1 else str(player)
        lines = [f"step {frame.steps} of {self._task.horizon}, return {frame.total:.4g}"]
        if frame.actions:
            lines.append(f"{self._moved(frame)}: reward {frame.reward:+.4g}")
        return "\n".join([*lines, *(" ".join(row) for row in rows)]) + "\n"

    def picture(self, frame: Frame) -> Pixels:
        """Draw the room, the players, and the last step."""
        width = max(self._width * self._cell + 2 * MARGIN, LEAST_WIDTH)
        canvas = Canvas(width, self._height * self._cell + HEADER + FOOTER)
        for row, letters in enumerate(self._room.rows):
            for column, letter in enumerate(letters):
                self._draw_cell(canvas, (row, column), letter)
        for player, goal in enumerate(self._room.goals):
            self._draw_goal(canvas, goal, player)
        for player, cell in enumerate(self._room.cells(int(frame.inner))):
            self._draw_player(canvas, cell, player)
        self._draw_words(canvas, frame)
        return canvas.pixels()

    def _corner(self, canvas: Canvas, cell: tuple[int, int]) -> Point:
        left = (canvas.width - self._width * self._cell) / 2
        return left + cell[1] * self._cell, HEADER + cell[0] * self._cell

    def _middle(self, canvas: Canvas, cell: tuple[int, int]) -> Point:
        x, y = self._corner(canvas, cell)
        return x + self._cell / 2, y + self._cell / 2

    def _draw_cell(self, canvas: Canvas, cell: tuple[int, int], letter: str) -> None:
        colours, side = self._room.colours, self._cell
        corner, middle = self._corner(canvas, cell), self._middle(canvas, cell)
        canvas.box(corner, (side, side), colours.get(letter, colours[FLOOR]), colours["edge"])
        if letter == GOAL:
            canvas.star(middle, 0.36 * side, STAR)
        elif letter == HOLE:
            canvas.circle(middle, 0.36 * side, WATER, (160, 196, 220), 0.05 * side)
        elif letter == CLIFF:
            for part in (0.25, 0.5, 0.75):
                x, y = corner[0] + part * side, corner[1]
                canvas.line(
                    [(x, y + 2), (x - 0.12 * side, y + 0.45 * side), (x, y + side - 2)], CREVICE, 0.05 * side
                )
        elif letter == START:
            canvas.circle(middle, 0.3 * side, None, FAINT, 0.04 * side)

    def _draw_goal(self, canvas: Canvas, cell: tuple[int, int], player: int) -> None:
        x, y = self._corner(canvas, cell)
        inset = 0.08 * self._cell
        side = self._cell - 2 * inset
        canvas.box((x + inset, y + inset), (side, side), None, PLAYERS[player], 0.06 * self._cell, inset)
        canvas.star(self._middle(canvas, cell), 0.2 * self._cell, (*PLAYERS[player], 110))

    def _draw_player(self, canvas: Canvas, cell: tuple[int, int], player: int) -> None:
        fallen = self._room.rows[cell[0]][cell[1]] in (HOLE, CLIFF)
        side = FALLEN * self._cell if fallen else self._cell
        (x, y), colour = self._middle(canvas, cell), PLAYERS[player]
        canvas.circle((x, y), 0.34 * side, (255, 255, 255))
        canvas.circle((x, y), 0.3 * side, colour)
        if self._players > 1:
            canvas.text((x, y), str(player), 0.3 * side, readable_on(colour), bold=True)
            return
        for offset in (-0.1, 0.1):
            canvas.circle((x + offset * side, y - 0.05 * side), 0.055 * side, (255, 255, 255))

    def _draw_words(self, canvas: Canvas, frame: Frame) -> None:
        if frame.actions:
            reward = f"{frame.reward:+.2f}"
            canvas.text((MARGIN, HEADER / 2), self._moved(frame), 16, INK, anchor="lm")
            canvas.text(
                (canvas.width - MARGIN, HEADER / 2),
                reward,
                22,
                reward_colour(frame.reward),
                anchor="rm",
                bold=True,
            )
        else:
            canvas.text((MARGIN, HEADER / 2), "an episode begins", 16, FAINT, anchor="lm")
        write_status(
            canvas, canvas.height - 32, steps=frame.steps, horizon=self._task.horizon, total=frame.total
        )
