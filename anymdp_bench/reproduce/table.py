"""The paper's main table with our results beside its figures, as a frame; `table_text` writes it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from anymdp_bench.banks import load_bank
from anymdp_bench.evaluation.boards import Board, get_board
from anymdp_bench.evaluation.paper import METHODS, Figures, environments, published
from anymdp_bench.reproduce.compact import Compact
from anymdp_bench.reproduce.runs import Cell
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.task import TabularTask
from anymdp_bench.worlds.pendulum.references import PUBLIC_CODE_RETURNS
from anymdp_bench.worlds.pendulum.task import PendulumTask

NO_FIGURES = Figures(math.nan, math.nan, math.nan)
CANNOT_PLAY, NOT_RUN = "cannot play", "not run"
Results = Mapping[tuple[str, str], Compact]
"""Results by (bank, agent)."""


class Limit(NamedTuple):
    """What an agent needs of a task, and what to say where it is missing."""

    needs: str
    fits: Callable[[Task], bool]


def _at_most(n_states: int) -> Limit:
    """Sizes that a checkpoint was trained for; a Switch2 player sees 105 states."""
    largest = {"switch2": 105}
    return Limit(
        f"needs at most {n_states} states",
        lambda task: largest.get(task.family, task.n_observations) <= n_states,
    )


LIMITS: Mapping[str, Limit] = {
    "oracle": Limit("needs tables to solve", lambda task: isinstance(task, TabularTask)),
    "ppo": Limit("needs copies of one player's task", lambda task: task.family != "switch2"),
    "omnirl-16": _at_most(16),
    "omnirl-16-garnet": _at_most(16),
    "omnirl-128": _at_most(128),
}
"""Agents that cannot play every row; asked without making the agent, which may take seconds."""


class Row(NamedTuple):
    """One row of the table: its name, and our board."""

    environment: str
    board: Board


def paper_rows(n_tasks: int | None = None) -> list[Row]:
    """All rows of `environments`; `n_tasks` limits the boards that have many."""
    rows = []
    for bank, environment in environments().items():
        board = get_board(bank)
        if n_tasks is not None and len(load_bank(bank).test) > 1:
            board = Board.from_dict(board.as_dict() | {"n_tasks": n_tasks})
        rows.append(Row(environment, board))
    return rows


def can_play(agent: str, bank: str) -> bool:
    """Tell whether an agent can play a bank."""
    limit = LIMITS.get(agent)
    return limit is None or limit.fits(load_bank(bank).test[0])


def paper_cells(agents: Sequence[str], n_tasks: int | None = None) -> list[Cell]:
    """Every cell of the table that can be filled, row by row."""
    return [
        Cell(agent, row.board, row.board.bank, any_tasks=n_tasks is None)
        for row in paper_rows(n_tasks)
        for agent in agents
        if can_play(agent, row.board.bank)
    ]


def paper_figures(bank: str, method: str) -> Figures:
    """What the paper reports of a method on a row; NaN where it reports nothing."""
    return published().get(bank, {}).get(method, NO_FIGURES)


def paper_frame(results: Results, agents: Sequence[str]) -> pd.DataFrame:
    """One line for each row and agent, with every column that the texts below show, and the command."""
    return pd.DataFrame(
        [_line(row, agent, results) for agent in agents for row in paper_rows()]
    )  # fmt: skip


def _line(row: Row, agent: str, results: Results) -> dict[str, Any]:
    bank = row.board.bank
    figures = paper_figures(bank, METHODS.get(agent, ""))
    paper = {f"paper_{name}": value for name, value in figures._asdict().items()}
    head = {"environment": row.environment, "board": row.board.name, "agent": agent}
    found = results.get((bank, agent))
    if found is None:
        status = NOT_RUN if can_play(agent, bank) else f"{CANNOT_PLAY}: {LIMITS[agent].needs}"
        return head | {"status": status} | paper
    played = {
        "status": "run",
        "track": found.manifest.track,
        "tasks": found.n_tasks,
        "runs": found.manifest.board.runs,
        "seconds": found.seconds,
        "command": command_of(found),
        "git_commit": found.manifest.provenance.get("git_commit"),
    }
    return head | played | paper | raw_returns(found) | found.scores


def command_of(found: Compact) -> str:
    """Command that repeats a run."""
    board = found.manifest.board
    tasks = "" if board.n_tasks == get_board(board.name).n_tasks else f" --tasks {board.n_tasks}"
    return f"anymdp-bench run {found.manifest.agent.name} --board {board.name}{tasks}"


def raw_returns(found: Compact) -> dict[str, float]:
    """Returns behind the scores of a board of one task; nothing for many, whose returns have no scale.

    ``raw_return`` is the return at `performance`, ``share_of_optimum`` its place between uniform play (0) and
    the optimum (1; of the full state on a grid for Discrete-Pendulum), ``public_code_score`` its place
    between uniform play and the return that the authors' public code counts as 100 %.
    """
    if found.n_tasks > 1:
        return {}
    random, oracle, optimal = (found.reference(name) for name in ("random", "oracle", "optimal"))
    gain = found.scores["performance"] * (oracle - random)
    columns = {
        "raw_return": random + gain,
        "random_return": random,
        "oracle_return": oracle,
        "optimal_return": optimal,
        "share_of_optimum": gain / (optimal - random),
    }
    task = load_bank(found.manifest.board.bank).test[0]
    if isinstance(task, PendulumTask):
        columns["public_code_score"] = gain / (PUBLIC_CODE_RETURNS[task.g] - random)
    return columns
