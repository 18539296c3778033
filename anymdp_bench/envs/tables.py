"""Stepping tables: what the batched kernel reads, laid out for the memory system.

A batched step of tasks that do not fit the cache costs what its random memory reads cost. So every
(state, action) has one 64-byte line at an address that is known without another read, and every state a
16-byte record with what depends on the next state only.

The 12 slots of a line hold cumulative weights; a draw u in [0, 2**30) selects the first outcome whose
cumulative weight exceeds u, so the number of slots that are at most u is its index. Slots of at least
2**30 never count, and carry other things:

- SPAN, up to 13 successors without a gap: next state = first + index. Gaps repeat a cumulative weight.
- LISTED, up to 6 successors: slots 5-10 hold the successors + 2**30.
- WIDE_SPAN, WIDE_LISTED: slots 0-9 are the ends of equal segments; the cumulative weights (and, if
  listed, behind them the successors) begin in `wide` at slot 10 - 2**30.
- Rows with rewards or scores per outcome (flag EXTRA) find them in `extra` at slot 11 - 2**30 + index.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.foundation.compiling import elements, kernel
from anymdp_bench.foundation.errors import InvalidConfig
from anymdp_bench.foundation.seeding import WEIGHT_TOTAL
from anymdp_bench.foundation.types import FloatArray, IntArray
from anymdp_bench.tasks.task import TabularTask

LINE_BYTES = 64
LINE = np.dtype(
    [("first", "<u2"), ("marks", "<u2"), ("slots", "<u4", 12), ("noise", "<f4"), ("reward", "<f8")]
)
"""first: first successor (number of successors if WIDE_LISTED); marks: kind, EXTRA, segment size."""
ARRIVAL = np.dtype([("reward", "<f8"), ("noise", "<f4"), ("tag", "<u4")])
"""tag: 2 * observation id + terminal."""
START = np.dtype([("cumulative", "<u4"), ("state", "<u4")])

RecordArray: TypeAlias = NDArray[Any]

SPAN, LISTED, WIDE_SPAN, WIDE_LISTED = range(4)
KIND_MASK, EXTRA, SIZE_SHIFT = 3, 4, 3
SLOTS, SEGMENTS, LISTED_WIDTH = 12, 11, 6
LIST_SLOT, WIDE_SLOT, EXTRA_SLOT = 5, 10, 11
LARGEST_STATES = 1 << 16


class StepTables(NamedTuple):
    """Tables of several tasks, one behind the other.

    Attributes:
        lines: LINE ``[sum of S * A]``, aligned to 64 bytes.
        arrivals: ARRIVAL ``[sum of S]``.
        wide: uint32 ``[...]``, cumulative weights (and successors) of rows that overflow their line.
        extra: float64 ``[..., 2]``, part of the mean reward, and scored reward, of single outcomes.
        starts: START ``[...]``, the states of positive start probability.
    """

    lines: RecordArray
    arrivals: RecordArray
    wide: NDArray[np.uint32]
    extra: FloatArray
    starts: RecordArray


@kernel(inner=True)
def _row_kind(successor: NDArray[np.int32], extra: bool) -> tuple[int, int]:
    """Kind of a row's line, and how many cumulative weights it has."""
    width = len(successor)
    span = int(successor[width - 1]) - int(successor[0]) + 1
    if (span == width or not extra) and span <= SLOTS + (0 if extra else 1):
        return SPAN, span
    if width <= LISTED_WIDTH:
        return LISTED, width
    if span == width or (not extra and span < 2 * width):
        return WIDE_SPAN, span
    return WIDE_LISTED, width


@kernel(work=elements)
def _wide_size(row_start: IntArray, successor: NDArray[np.int32], extra: bool) -> int:
    """Number of entries of `wide` that a task needs."""
    size = 0
    for row in range(len(row_start) - 1):
        low, high = row_start[row], row_start[row + 1]
        if high > low:
            kind, count = _row_kind(successor[low:high], extra)
            size += count if kind == WIDE_SPAN else 2 * count if kind == WIDE_LISTED else 0
    return size


@kernel(inner=True)
def _cumulate(successor: NDArray[np.int32], weight: IntArray, by_span: bool, out: NDArray[np.uint32]) -> None:
    """Write cumulative weights of a row, per successor or per state of its span."""
    total = 0
    position = 0
    for k in range(len(successor)):
        if by_span:
            while position < successor[k] - successor[0]:
                out[position] = total
                position += 1
        total += weight[k]
        out[position] = total
        position += 1


@kernel(inner=True)
def _fill_line(
    line: Any,
    successor: NDArray[np.int32],
    weight: IntArray,
    extra_at: int,
    wide: NDArray[np.uint32],
    wide_at: int,
    cumulative: NDArray[np.uint32],
) -> int:
    """Write one row's line and overflow; return where the next overflow goes."""
    extra = extra_at >= 0
    kind, count = _row_kind(successor, extra)
    by_span = kind in (SPAN, WIDE_SPAN)
    _cumulate(successor, weight, by_span, cumulative)
    slots = line.slots
    for j in range(SLOTS):
        slots[j] = WEIGHT_TOTAL
    size = 1
    line.first = successor[0] if by_span else count
    if kind in (SPAN, LISTED):
        for j in range(count - 1):
            slots[j] = cumulative[j]
    else:
        size = -(-count // SEGMENTS)
        for j in range(SEGMENTS - 1):
            slots[j] = cumulative[min((j + 1) * size, count) - 1]
        slots[WIDE_SLOT] = WEIGHT_TOTAL + wide_at
        for j in range(count):
            wide[wide_at + j] = cumulative[j]
        wide_at += count
    if kind == LISTED:
        for j in range(count):
            slots[LIST_SLOT + j] = WEIGHT_TOTAL + successor[j]
    elif kind == WIDE_LISTED:
        for j in range(count):
            wide[wide_at + j] = successor[j]
        wide_at += count
    if extra:
        slots[EXTRA_SLOT] = WEIGHT_TOTAL + extra_at
    line.marks = kind | (EXTRA if extra else 0) | (size << SIZE_SHIFT)
    return wide_at


@kernel(work=lambda lines, row_start, successor, *rest: 20 * len(lines) + len(successor))
def _fill_lines(
    lines: RecordArray,
    row_start: IntArray,
    successor: NDArray[np.int32],
    weight: IntArray,
    reward: FloatArray,
    noise: FloatArray,
    extra_at: int,
    wide: NDArray[np.uint32],
    wide_at: int,
) -> int:
    """Write a task's lines; `extra_at` is -1 without rewards per outcome. Returns the next `wide_at`."""
    cumulative = np.empty(len(lines), np.uint32)
    for row in range(len(lines)):
        low, high = row_start[row], row_start[row + 1]
        lines[row].reward = reward[row]
        lines[row].noise = noise[row]
        if high > low:
            at = extra_at + low if extra_at >= 0 else -1
            wide_at = _fill_line(
                lines[row], successor[low:high], weight[low:high], at, wide, wide_at, cumulative
            )
    return wide_at


def _has_extra(task: TabularTask) -> bool:
    return task.reward_outcome is not None or task.score_outcome is not None


def _extra_of(task: TabularTask) -> FloatArray:
    """Float64 ``[K, 2]``: part of the mean reward, scored reward; no rows where none are per outcome."""
    if not _has_extra(task):
        return np.zeros((0, 2))
    reward = np.zeros(len(task.weight)) if task.reward_outcome is None else task.reward_outcome
    return np.stack([reward, task.outcome_score], axis=1)


def _starts_of(task: TabularTask) -> RecordArray:
    states = np.flatnonzero(task.initial_weight)
    starts = np.zeros(len(states), START)
    starts["state"] = states
    starts["cumulative"] = np.cumsum(task.initial_weight[states])
    return starts


def _arrivals_of(task: TabularTask) -> RecordArray:
    arrivals = np.zeros(task.n_states, ARRIVAL)
    arrivals["reward"] = task.reward_next
    arrivals["noise"] = task.noise_next
    arrivals["tag"] = 2 * task.state_ids.astype(np.int64) + task.terminal
    return arrivals


def _aligned_lines(count: int) -> RecordArray:
    raw = np.zeros((count + 1) * LINE_BYTES, np.uint8)
    offset = -raw.ctypes.data % LINE_BYTES
    return raw[offset : offset + count * LINE_BYTES].view(LINE)


def build_tables(tasks: Sequence[TabularTask]) -> tuple[StepTables, IntArray]:
    """Lay out the tables of some tasks.

    Args:
        tasks: Different tasks with equal numbers of actions.

    Returns:
        The tables, and where each task's part begins, int64 ``[3, len(tasks)]``: its state 0 among all
        states, and the range of its entries in `starts`.

    Raises:
        InvalidConfig: a task has more than 65,536 inner states.
    """
    largest = max(task.n_states for task in tasks)
    if largest > LARGEST_STATES:
        raise InvalidConfig(f"A task has {largest} inner states; batches take at most {LARGEST_STATES}.")
    starts = [_starts_of(task) for task in tasks]
    last_start = np.cumsum([len(start) for start in starts])
    first_state = np.cumsum([0, *(task.n_states for task in tasks)])[:-1]
    first_start = np.concatenate([[0], last_start[:-1]])
    extras = [_extra_of(task) for task in tasks]
    tables = StepTables(
        lines=_aligned_lines(sum(task.reward_sa.size for task in tasks)),
        arrivals=np.concatenate([_arrivals_of(task) for task in tasks]),
        wide=np.empty(sum(_wide_size(t.row_start, t.successor, _has_extra(t)) for t in tasks), np.uint32),
        extra=np.concatenate(extras),
        starts=np.concatenate(starts),
    )
    _fill(tables, tasks, extras)
    return tables, np.stack([first_state, first_start, last_start])


def _fill(tables: StepTables, tasks: Sequence[TabularTask], extras: Sequence[FloatArray]) -> None:
    line = wide_at = extra_at = 0
    for task, extra in zip(tasks, extras, strict=True):
        rows = task.reward_sa.size
        wide_at = _fill_lines(
            tables.lines[line : line + rows],
            task.row_start,
            task.successor,
            task.weight,
            task.reward_sa.reshape(-1),
            task.noise_sa.reshape(-1),
            extra_at if len(extra) else -1,
            tables.wide,
            wide_at,
        )
        line += rows
        extra_at += len(extra)
