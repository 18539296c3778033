"""Boards that have a leaderboard from the start; others get one with their first submission."""

from __future__ import annotations

from anymdp_bench.evaluation.boards import BOARDS, Board, board_name
from anymdp_bench.evaluation.paper import Figures, environments, published

TAUGHT_BANKS = (
    "anymdp-16x5-v0",
    "frozenlake-slippery-v0",
    "cliffwalking-v0",
    "pendulum-g5-v0",
    "darkroom-10-v0",
)
"""Banks whose offline and imitation boards are listed."""
PARTIAL_BANKS = ("anypomdp-64x5-v0",)
"""Partially observed, scored against full information."""
PUBLISHED_LEARNERS = ("TQL-UCB", "PPO")
"""The paper's methods that stand beside learners; the others learn in their context."""
TAUGHT_KINDS = ("offline", "offline-uniform", "imitation")
FIXED_BANKS = ("pendulum-g1-fixed-v0", "pendulum-g5-fixed-v0", "pendulum-g9.8-fixed-v0")
"""Pendulums that start like the paper's. They came after the overall board, whose rows never change."""


def paper_boards() -> tuple[str, ...]:
    """One online board for each row of the paper's main table, in the order of `BOARDS`.

    These are the overall board's rows; of each pendulum it is the one with random starts.
    """
    wanted = {board_name(bank, "online") for bank in environments() if bank not in FIXED_BANKS}
    return tuple(name for name in BOARDS if name in wanted)


def listed_boards() -> tuple[str, ...]:
    """Names of all boards with a leaderboard, in the order of `BOARDS`."""
    wanted = set(paper_boards())
    wanted |= {board_name(bank, "online") for bank in (*PARTIAL_BANKS, *FIXED_BANKS)}
    wanted |= {board_name(bank, kind) for bank in TAUGHT_BANKS for kind in TAUGHT_KINDS}
    return tuple(name for name in BOARDS if name in wanted)


def paper_figures(board: Board, track: str) -> dict[str, Figures]:
    """Published figures that stand in a track of a board, by method."""
    if board.protocol != "online":
        return {}
    return {
        method: figures
        for method, figures in published().get(board.bank, {}).items()
        if (method in PUBLISHED_LEARNERS) == (track == "learner")
    }
