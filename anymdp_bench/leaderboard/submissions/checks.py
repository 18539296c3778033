"""What must be true of a submission; every check reports what it finds, none stops the others."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.evaluation.protocols.shards import cells_of
from anymdp_bench.foundation.types import BoolArray, FloatArray
from anymdp_bench.leaderboard.submissions.curves import BLOCK
from anymdp_bench.leaderboard.submissions.facts import Basis, BoardFacts
from anymdp_bench.leaderboard.submissions.metadata import Metadata
from anymdp_bench.leaderboard.submissions.parquet import Columns
from anymdp_bench.leaderboard.submissions.problems import problem, shown
from anymdp_bench.records.record import Cell, CellReferences

TOLERANCE = 1e-9
"""Relative error of a sum of rewards in another order."""
CHANCE = 1e-9
"""Probability at most that an honest mean lies above the optimum by more than is allowed."""


class Claim(NamedTuple):
    """A submission that has been read, beside the truth about its board.

    Attributes:
        metadata: Who and what.
        facts: The board.
        points: Rows of the points table; None if they could not be read.
        lived: Rows of the lived table; None for an in-context agent, or if they could not be read.
    """

    metadata: Metadata
    facts: BoardFacts
    points: Columns | None
    lived: Columns | None

    @property
    def n_tasks(self) -> int:
        """Tasks that were played."""
        return len(self.metadata.fingerprints)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Cells that must be there, in order."""
        return cells_of(self.facts.board, self.n_tasks)

    @property
    def of_cell(self) -> NDArray[np.int64]:
        """Task of each cell."""
        return np.array([cell.task for cell in self.cells])

    @property
    def tolerance(self) -> FloatArray:
        """Rounding error allowed to a mean return, for each cell, ``[C, 1]``."""
        largest = np.maximum(np.abs(self.facts.low), np.abs(self.facts.high))[self.of_cell]
        return np.asarray(TOLERANCE * np.maximum(1.0, largest)[:, None])

    def grid(self, columns: Columns, name: str) -> NDArray[Any]:
        """A column as ``[C, rows of a cell]``."""
        return columns[name].reshape(len(self.cells), -1)


def n_points(metadata: Metadata, facts: BoardFacts) -> int:
    """Evaluation points of every cell."""
    board = facts.board
    if metadata.agent.learner:
        return board.train_episodes // board.test_every
    return board.context_episodes // board.block


def n_blocks(facts: BoardFacts) -> int:
    """Rows of every cell in the lived table."""
    return facts.board.train_episodes // BLOCK


def check_board(claim: Basis) -> Iterator[str]:
    """The specification is the registered one; a field that did not exist yet has its default."""
    known = claim.facts.board.as_dict()
    default = {field.name: field.default for field in dataclasses.fields(type(claim.facts.board))}
    given = default | claim.metadata.board
    for field in sorted(known.keys() | given.keys()):
        same = field in known and type(given[field]) is type(known[field]) and given[field] == known[field]
        if field != "n_tasks" and not same:
            legal = f"the board's is {known[field]!r}" if field in known else "a board has no such field"
            yield problem("board", f"{shown(field)[1:-1]} is {shown(given[field])}; {legal}")


def check_tasks(claim: Basis) -> Iterator[str]:
    """The tasks are the board's, all of them or a legal prefix."""
    legal = claim.facts.legal_lengths
    if claim.n_tasks not in legal:
        yield problem(
            "tasks", f"{claim.n_tasks} tasks; this board is played on {' or '.join(map(str, legal))}"
        )
    asked = claim.metadata.board.get("n_tasks")
    if type(asked) is not int or min(asked, claim.facts.n_tasks) != claim.n_tasks:
        yield problem("tasks", f"the specification asks for {shown(asked)} tasks; there are {claim.n_tasks}")
    pairs = zip(claim.metadata.fingerprints, claim.facts.fingerprints, strict=False)
    for index, (given, known) in enumerate(pairs):
        if given != known:
            yield problem("tasks", f"task {index} has fingerprint {given[:16]}, the board's is {known[:16]}")
            return


def check_references(claim: Claim) -> Iterator[str]:
    """References are what the planner computes."""
    for name in CellReferences._fields:
        given = getattr(claim.metadata.references, name)
        known = getattr(claim.facts.references, name)[: claim.n_tasks]
        if len(given) != len(known):
            yield problem("references", f"{name} has {len(given)} values for {len(known)} tasks")
            continue
        values = np.array([math.nan if value is None else value for value in given])
        wrong = ~np.isclose(values, known, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True)
        if wrong.any():
            task = int(wrong.argmax())
            yield problem(
                "references", f"{name} of task {task} is {values[task]}; the planner has {known[task]}"
            )


def check_declaration(claim: Claim) -> Iterator[str]:
    """What the agent is has been declared without contradiction."""
    if not claim.metadata.agent.learner and not claim.metadata.gradient_free:
        yield problem("declaration", "an agent that takes gradient steps while it is evaluated is a learner")


def check_rows(claim: Claim) -> Iterator[str]:
    """Every cell and every point is there once, in order."""
    board = claim.facts.board
    step = board.test_every if claim.metadata.agent.learner else board.block
    tables = ("points", claim.points, step), ("lived", claim.lived, BLOCK)
    for what, columns, every in tables:
        if columns is None:
            continue
        each = len(columns["task"]) // len(claim.cells)
        expected = np.array(claim.cells).repeat(each, axis=0)
        episodes = np.tile(np.arange(1, each + 1) * every, len(claim.cells))
        found = np.stack([columns["task"], columns["run"], columns["episodes"]], axis=1)
        wrong = (found != np.column_stack([expected, episodes])).any(axis=1)
        if wrong.any():
            row = int(wrong.argmax())
            names = "task, run, episodes"
            yield problem(
                "rows",
                f"{what}: row {row} holds ({names}) {found[row].tolist()}; expected are "
                f"{[*expected[row].tolist(), int(episodes[row])]}",
            )


def check_finite(claim: Claim) -> Iterator[str]:
    """No return is NaN or infinite."""
    for what, columns in (("points", claim.points), ("lived", claim.lived)):
        for name, values in (columns or {}).items():
            bad = ~np.isfinite(values)
            if bad.any():
                row = int(bad.argmax())
                yield problem("finite", f"{what}: {name} is {values[row]} in row {row}")


def check_counts(claim: Claim) -> Iterator[str]:
    """Points rest on as many episodes as the board says, the same number everywhere."""
    if claim.points is None:
        return
    legal = claim.facts.counts(claim.metadata.agent.learner, claim.n_tasks)
    found = np.unique(claim.points["count"])
    if len(found) > 1 or found[0] not in legal:
        wanted = " or all on ".join(map(str, legal))
        yield problem("counts", f"points rest on {shown(found[:5].tolist())} episodes; all rest on {wanted}")


def check_halves(claim: Claim) -> Iterator[str]:
    """A point's mean is that of its even and its odd episodes; an exact point has one value."""
    if claim.points is None:
        return
    mean, even, odd = (claim.grid(claim.points, name) for name in ("return", "return_even", "return_odd"))
    exact = claim.grid(claim.points, "count") == 0
    with np.errstate(invalid="ignore", over="ignore"):
        wrong = np.abs(mean - (even + odd) / 2) > 10 * claim.tolerance
        wrong |= exact & ((mean != even) | (mean != odd))
    yield from _first_wrong(claim, wrong, "halves", "return is not the mean of return_even and return_odd")


def check_steps(claim: Claim) -> Iterator[str]:
    """Every episode takes at least one step and at most its task's horizon."""
    horizons = claim.facts.horizons[claim.of_cell][:, None]
    for what, columns in (("points", claim.points), ("lived", claim.lived)):
        if columns is None:
            continue
        steps, episodes = claim.grid(columns, "steps"), claim.grid(columns, "episodes").astype(np.int64)
        n_steps, n_episodes = np.diff(steps, axis=1, prepend=0), np.diff(episodes, axis=1, prepend=0)
        wrong = (n_steps < n_episodes) | (n_steps > n_episodes * horizons)
        text = f"{what}: steps do not rise by 1 to horizon steps an episode"
        yield from _first_wrong(claim, wrong, "steps", text)


def check_lived_steps(claim: Claim) -> Iterator[str]:
    """A learner's points stand at the steps that its lived table counts."""
    if claim.points is None or claim.lived is None or claim.facts.board.test_every % BLOCK:
        return
    every = claim.facts.board.test_every // BLOCK
    lived = claim.grid(claim.lived, "steps")[:, every - 1 :: every]
    wrong = claim.grid(claim.points, "steps") != lived
    yield from _first_wrong(claim, wrong, "steps", "points and lived disagree")


def check_limits(claim: Claim) -> Iterator[str]:
    """Every mean lies between the returns of the task's worst and best path."""
    low, high = (values[claim.of_cell][:, None] for values in (claim.facts.low, claim.facts.high))
    for what, columns in (("points", claim.points), ("lived", claim.lived)):
        for name in ("return", "return_even", "return_odd"):
            if columns is None or name not in columns:
                continue
            values = claim.grid(columns, name)
            wrong = (values < low - claim.tolerance) | (values > high + claim.tolerance)
            if wrong.any():
                cell, row = np.argwhere(wrong)[0]
                yield problem(
                    "limits",
                    f"{what}: {name} is {values[cell, row]} in {_where(claim, cell)}, row {row} of the cell; "
                    f"every episode of that task returns {low[cell, 0]:.6g} to {high[cell, 0]:.6g}",
                )


def check_optimum(claim: Claim) -> Iterator[str]:
    """No task's mean is above the optimum by more than chance allows (Hoeffding's inequality).

    The sum of an episode sequence's returns minus the optimum is a supermartingale for every agent, learning
    or not, so the bound holds for means over adaptive episodes as well.
    """
    for what, means, n_episodes in _task_means(claim):
        facts, tasks = claim.facts, slice(0, claim.n_tasks)
        spread = (facts.high - facts.low)[tasks, None]
        chance = 0.0 if n_episodes == 0 else math.sqrt(math.log(1 / CHANCE) / (2 * n_episodes))
        slack = TOLERANCE * np.maximum(1.0, np.abs(facts.high[tasks, None]))
        highest = facts.ceiling[tasks, None] + spread * chance + slack
        wrong = means > highest
        if wrong.any():
            task, column = np.argwhere(wrong)[0]
            yield problem(
                "optimum",
                f"{what}: task {task} returns {means[task, column]:.6g} on average over "
                f"{n_episodes or 'all'} episodes; its optimum is {facts.ceiling[task]:.6g}, and "
                f"{highest[task, 0]:.6g} is exceeded with probability {CHANCE} at most",
            )


def _task_means(claim: Claim) -> Iterator[tuple[str, FloatArray, int]]:
    """Mean returns of tasks over their runs, ``[tasks, columns]``, with the episodes behind each."""
    runs = claim.facts.board.runs
    shape = (claim.n_tasks, runs, -1)
    if claim.points is not None:
        means = claim.points["return"].reshape(shape)
        count = int(claim.points["count"].max(initial=0))
        exact = count == 0
        yield "points", means.max(axis=1) if exact else means.mean(axis=1), count * runs
        if not exact:
            yield "points", means.mean(axis=(1, 2))[:, None], count * runs * means.shape[2]
    if claim.lived is not None:
        means = claim.lived["return"].reshape(shape)
        yield "lived", means.mean(axis=(1, 2))[:, None], BLOCK * runs * means.shape[2]


def _first_wrong(claim: Claim, wrong: BoolArray, check: str, text: str) -> Iterator[str]:
    if wrong.any():
        cell, row = np.argwhere(wrong)[0]
        yield problem(check, f"{text}: {_where(claim, cell)}, row {row} of the cell")


def _where(claim: Claim, cell: int) -> str:
    return f"task {claim.cells[cell].task}, run {claim.cells[cell].run}"


Check = Callable[[Claim], Iterator[str]]
METADATA_CHECKS: tuple[Check, ...] = (check_board, check_tasks, check_references, check_declaration)
TABLE_CHECKS: tuple[Check, ...] = (
    check_rows,
    check_finite,
    check_counts,
    check_halves,
    check_steps,
    check_lived_steps,
    check_limits,
    check_optimum,
)
"""Checks of what was read of the tables; for submissions with a legal number of tasks."""
