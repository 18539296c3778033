"""FrozenLake-v1 and CliffWalking-v1 of Gymnasium as finite tasks, with the paper's shaped rewards."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.foundation.checks import check_choice, check_flag, check_integer
from anymdp_bench.foundation.errors import InvalidConfig
from anymdp_bench.foundation.seeding import TASK_STREAM, check_seed, next_unit, stream_keys
from anymdp_bench.foundation.types import FloatArray
from anymdp_bench.tasks.build import build_task
from anymdp_bench.tasks.task import TabularTask

HORIZON = 100
REWARDS = ("shaped", "raw")
FROZEN_LAKE_4X4 = "SFFF/FHFH/FFFH/HFFG"
"""Gymnasium's 4x4 map; rows from north to south are joined by a slash."""
LARGEST_SIDE = 32
"""Bounds the dense table that a task is built from to 32 MiB."""

FROZEN_SHARE = 0.8
"""Chance that a cell of a random lake is frozen, as in Gymnasium's map generator."""

CLIFF_MOVES = ((-1, 0), (0, 1), (1, 0), (0, -1))
"""(row, column) change of the actions 0 up, 1 right, 2 down, 3 left, as in CliffWalking-v1."""
FALL_REWARD = -100.0


def frozenlake(
    is_slippery: bool = True, reward: str = "shaped", layout: str = FROZEN_LAKE_4X4
) -> TabularTask:
    """Gymnasium's FrozenLake-v1: its tables, its ids, 100 steps, the paper's shaped reward.

    Shaped, the agent receives +1 at the goal, -1 in a hole and, for every other step, 0 on slippery and
    -0.05 on firm ice. The score always counts the raw reward: 1 at the goal.

    This is the rule that the paper prints. Its public code differs: there a truncated episode also
    ends with -1, which depends on the clock and so is no reward of a Markov decision process, and firm ice
    costs nothing.

    Args:
        is_slippery: Slide at right angles to the intended direction with probability 1/3 each.
        reward: What the agent receives, ``"shaped"`` or ``"raw"``.
        layout: Rows of S (start, once), F (frozen), H (hole), G (goal) joined by slashes, 2..32 cells a side.

    Raises:
        InvalidConfig: a setting is not legal, or no way leads from S to G.
    """
    from gymnasium.envs.toy_text.frozen_lake import FrozenLakeEnv

    check_flag("is_slippery", is_slippery)
    check_choice("reward", reward, REWARDS)
    rows = _lake_rows(layout)
    env = FrozenLakeEnv(desc=list(rows), is_slippery=bool(is_slippery))
    letters = np.array(list("".join(rows)))
    terminal = np.isin(letters, ["G", "H"])
    transition = np.zeros((len(letters), 4, len(letters)))
    for state in np.flatnonzero(~terminal):
        for action, outcomes in env.P[int(state)].items():
            for probability, target, _, _ in outcomes:
                transition[state, action, target] += probability
    raw = (letters == "G").astype(np.float64)
    shaped = raw - (letters == "H") - (0.0 if is_slippery else 0.05) * ~terminal
    return _shaped_task(
        transition,
        shaped=shaped,
        raw=raw,
        reward=reward,
        start=int(np.flatnonzero(letters == "S")[0]),
        family="frozenlake",
        config={"is_slippery": bool(is_slippery), "reward": reward, "layout": layout},
    )


def cliffwalking(
    is_slippery: bool = False,
    reward: str = "shaped",
    rows: int = 4,
    columns: int = 12,
    mirrored: bool = False,
) -> TabularTask:
    """Gymnasium's CliffWalking-v1, where falling ends the episode, in 100 steps.

    Shaped, the agent receives +1 at the goal, -1 for a fall and -0.03 for every other step. The score
    always counts the raw reward: -100 for a fall, -1 for every other step, the last one included.

    Gymnasium sends a fallen agent back to the start and goes on. The paper's public code ends the episode,
    and the paper's return of uniform play (-109.8) fits only that. A fall still shows the id of the start,
    which is what Gymnasium returns: every cliff cell is a terminal state under the start's id. At the default
    size the tables are otherwise those of CliffWalking-v1.

    Args:
        is_slippery: Move at right angles to the intended direction with probability 1/3 each.
        reward: What the agent receives, ``"shaped"`` or ``"raw"``.
        rows: Height, 2..32.
        columns: Width, 3..32. The cliff lies between start and goal in the bottom row.
        mirrored: Start at the bottom right and reach the bottom left, instead of the reverse.

    Raises:
        InvalidConfig: a setting is not legal.
    """
    check_flag("is_slippery", is_slippery)
    check_flag("mirrored", mirrored)
    check_choice("reward", reward, REWARDS)
    rows = check_integer("rows", rows, 2, LARGEST_SIDE)
    columns = check_integer("columns", columns, 3, LARGEST_SIDE)
    n = rows * columns
    left, right = n - columns, n - 1
    start, goal = (right, left) if mirrored else (left, right)
    cliff = np.arange(left + 1, right)
    transition = _cliff_transition(rows, columns, is_slippery)
    transition[[goal, *cliff]] = 0.0
    shaped, raw, state_ids = np.full(n, -0.03), np.full(n, -1.0), np.arange(n)
    shaped[goal], shaped[cliff], raw[cliff], state_ids[cliff] = 1.0, -1.0, FALL_REWARD, start
    return _shaped_task(
        transition,
        shaped=shaped,
        raw=raw,
        reward=reward,
        start=start,
        state_ids=state_ids,
        family="cliffwalking",
        config={
            "is_slippery": bool(is_slippery),
            "reward": reward,
            "rows": rows,
            "columns": columns,
            "mirrored": bool(mirrored),
        },
    )


def random_lake_map(seed: int, size: int = 4) -> str:
    """Random solvable lake other than Gymnasium's 4x4 map, a function of (seed, size) alone.

    Cells are frozen with probability 0.8; start and goal lie in opposite corners; maps without a way
    between them are drawn again.

    Args:
        seed: Integer in [0, 2**64).
        size: Cells along each side, 3..32.

    Returns:
        A `layout` for `frozenlake`.

    Raises:
        InvalidSeed: `seed` is not legal.
        InvalidConfig: `size` is not legal.
    """
    size = check_integer("size", size, 3, LARGEST_SIDE)
    stream = stream_keys([check_seed(seed)], TASK_STREAM)
    while True:
        frozen = [next_unit(stream) < FROZEN_SHARE for _ in range(size * size)]
        cells = ["S", *("F" if flag else "H" for flag in frozen[1:-1]), "G"]
        rows = ["".join(cells[i : i + size]) for i in range(0, size * size, size)]
        layout = "/".join(rows)
        if _is_solvable(rows) and layout != FROZEN_LAKE_4X4:
            return layout


def _lake_rows(layout: object) -> list[str]:
    rows = layout.split("/") if isinstance(layout, str) else []
    widths = {len(row) for row in rows}
    legal = bool(rows) and len(widths) == 1 and 2 <= min(widths) and max(len(rows), *widths) <= LARGEST_SIDE
    cells = "".join(rows)
    if not (legal and len(rows) > 1 and set(cells) <= set("SFHG") and cells.count("S") == 1):
        raise InvalidConfig(
            f"layout={layout!r} is not legal: join 2..{LARGEST_SIDE} rows of equal length by slashes, with "
            f"the letters S (once), F, H, G, for example {FROZEN_LAKE_4X4!r}."
        )
    if not _is_solvable(rows):
        raise InvalidConfig(f"layout={layout!r} has no way from S to a G: open one, or add a G.")
    return rows


def _is_solvable(rows: Sequence[str]) -> bool:
    """Whether a G can be reached from S without stepping on an H."""
    width = len(rows[0])
    frontier = [divmod("".join(rows).index("S"), width)]
    seen = set(frontier)
    while frontier:
        row, column = frontier.pop()
        if rows[row][column] == "G":
            return True
        for down, right in CLIFF_MOVES:
            cell = (row + down, column + right)
            inside = 0 <= cell[0] < len(rows) and 0 <= cell[1] < width
            if inside and cell not in seen and rows[cell[0]][cell[1]] != "H":
                seen.add(cell)
                frontier.append(cell)
    return False


def _cliff_transition(rows: int, columns: int, is_slippery: bool) -> FloatArray:
    """Walk on an open grid, float64 ``[S, A, S]``."""
    n = rows * columns
    row, column = np.divmod(np.arange(n), columns)
    slips = (-1, 0, 1) if is_slippery else (0,)
    transition = np.zeros((n, len(CLIFF_MOVES), n))
    for action in range(len(CLIFF_MOVES)):
        for slip in slips:
            down, right = CLIFF_MOVES[(action + slip) % len(CLIFF_MOVES)]
            target = np.clip(row + down, 0, rows - 1) * columns + np.clip(column + right, 0, columns - 1)
            transition[np.arange(n), action, target] += 1.0 / len(slips)
    return transition


def _shaped_task(
    transition: FloatArray,
    *,
    shaped: FloatArray,
    raw: FloatArray,
    reward: str,
    start: int,
    family: str,
    config: dict[str, str | int | bool],
    state_ids: NDArray[np.int64] | None = None,
) -> TabularTask:
    """Task whose received and scored rewards, each ``[S]``, depend on the next state."""
    n = len(transition)
    score = np.broadcast_to(raw, transition.shape) if reward == "shaped" else None
    return build_task(
        transition,
        initial=np.eye(n)[start],
        horizon=HORIZON,
        reward_next=shaped if reward == "shaped" else raw,
        score=score,
        state_ids=state_ids,
        n_observations=n,
        family=family,
        config=config,
    )
