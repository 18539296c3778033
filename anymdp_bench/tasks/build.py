"""Build tabular tasks from dense probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anymdp_bench.foundation.compiling import elements, kernel
from anymdp_bench.foundation.errors import InvalidTask
from anymdp_bench.foundation.seeding import WEIGHT_TOTAL
from anymdp_bench.foundation.types import JsonScalar
from anymdp_bench.tasks.task import TabularTask

ROW_TOLERANCE = 1e-6


@kernel(inner=True)
def round_to_weights(probability: NDArray[np.float64], weight: NDArray[np.int64]) -> None:
    """Round one distribution to integers that sum to 2**30; the first largest takes the remainder.

    Args:
        probability: float64 ``[n]``, at least 0, sum close to 1.
        weight: int64 ``[n]``, written.
    """
    total = 0
    largest = 0
    for j in range(len(probability)):
        weight[j] = np.int64(probability[j] * WEIGHT_TOTAL + 0.5)
        total += weight[j]
        if weight[j] > weight[largest]:
            largest = j
    weight[largest] += WEIGHT_TOTAL - total


@kernel(work=elements)
def _round_rows(probability: NDArray[np.float64], weight: NDArray[np.int64]) -> None:
    for i in range(len(probability)):
        if probability[i].sum() > 0.5:
            round_to_weights(probability[i], weight[i])


def weights_of(field: str, probability: ArrayLike) -> NDArray[np.int64]:
    """Round distributions along the last axis to integers in units of 2**-30.

    Rows that sum to 0 stay 0 (terminal states).

    Raises:
        InvalidTask: not numeric, NaN, negative, or a row whose sum is neither 0 nor 1 within 1e-6.
    """
    table = np.asarray(probability)
    if table.dtype.kind not in "biuf" or table.ndim == 0 or table.size == 0:
        raise InvalidTask(f"{field} has dtype {table.dtype}, shape {table.shape}; give real probabilities.")
    table = np.array(table, dtype=np.float64, order="C")
    if not (table >= 0).all():
        raise InvalidTask(f"{field} holds {table[~(table >= 0)][0]}; probabilities are at least 0.")
    sums = table.sum(axis=-1)
    wrong = (np.abs(sums - 1) > ROW_TOLERANCE) & (sums != 0)
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise InvalidTask(
            f"{field}{list(where)} sums to {sums[where]}; rows must sum to 1 "
            "(or to 0, for a terminal state). Normalise them."
        )
    weight = np.zeros(table.shape, dtype=np.int64)
    _round_rows(table.reshape(-1, table.shape[-1]), weight.reshape(-1, table.shape[-1]))
    return weight


def build_task(
    transition: ArrayLike,
    *,
    initial: ArrayLike,
    horizon: int,
    reward_sa: ArrayLike | None = None,
    reward_next: ArrayLike | None = None,
    reward: ArrayLike | None = None,
    score: ArrayLike | None = None,
    noise_sa: ArrayLike | None = None,
    noise_next: ArrayLike | None = None,
    terminal: ArrayLike | None = None,
    state_ids: ArrayLike | None = None,
    n_observations: int | None = None,
    emissions: ArrayLike | None = None,
    action_tokens: int = 1,
    family: str = "custom",
    config: Mapping[str, JsonScalar] | None = None,
    seed: int | None = None,
) -> TabularTask:
    """Build a task from dense arrays.

    Args:
        transition: ``[S, A, S]`` probabilities; rows sum to 1 within 1e-6 (0 for terminal states) and
            are rounded to multiples of 2**-30.
        initial: ``[S]`` start distribution.
        horizon: Steps per episode at most.
        reward_sa: ``[S, A]`` part of the mean reward, default 0.
        reward_next: ``[S]`` part of the mean reward that depends on the next state, default 0.
        reward: ``[S, A, S]`` further part of the mean reward, default 0.
        score: ``[S, A, S]`` scored reward where it is not the mean received reward.
        noise_sa: ``[S, A]`` part of the reward's standard deviation, default 0.
        noise_next: ``[S]`` part that depends on the next state, default 0.
        terminal: ``[S]`` flags; default: states whose rows are all 0.
        state_ids: ``[S]`` observation ids, default 0..S-1.
        n_observations: Number of observation ids, default 1 + the largest.
        emissions: ``[T, S, O]`` law of each observation token, default: the id is seen.
        action_tokens: Moves per action.
        family: Name of the family.
        config: Settings that the task was made with, JSON scalars.
        seed: Seed that it was made with.

    Raises:
        InvalidTask: naming the field, the value and the remedy.

    Examples:
        >>> chain = np.array([[[0.5, 0.5]], [[0.0, 0.0]]])  # [S, A, S]
        >>> settings = {"initial": [1, 0], "terminal": [False, True], "reward_next": [0.0, 1.0]}
        >>> task = build_task(chain, horizon=10, **settings)
        >>> task.n_states, task.n_actions
        (2, 1)
    """
    dense = weights_of("transition", transition)
    if dense.ndim != 3 or dense.shape[0] != dense.shape[2]:
        raise InvalidTask(f"transition has shape {dense.shape}; it must be [S, A, S].")
    n, a, _ = dense.shape
    rows = dense.reshape(n * a, n)
    row, successor = np.nonzero(rows)
    index = (row // a, row % a, successor)
    ids = np.arange(n) if state_ids is None else np.asarray(state_ids)
    emission_weight = None if emissions is None else weights_of("emissions", emissions)
    if n_observations is None:
        n_observations = int(ids.max()) + 1 if emission_weight is None else emission_weight.shape[-1]
    return TabularTask(
        family=family,
        horizon=horizon,
        n_observations=n_observations,
        n_actions=a,
        row_start=np.concatenate([[0], np.cumsum((rows > 0).sum(axis=1))]),
        successor=successor.astype(np.int32),
        weight=rows[row, successor],
        reward_sa=np.zeros((n, a)) if reward_sa is None else reward_sa,  # type: ignore[arg-type]
        reward_next=np.zeros(n) if reward_next is None else reward_next,  # type: ignore[arg-type]
        noise_sa=np.zeros((n, a)) if noise_sa is None else noise_sa,  # type: ignore[arg-type]
        noise_next=np.zeros(n) if noise_next is None else noise_next,  # type: ignore[arg-type]
        initial_weight=weights_of("initial", initial),
        terminal=(rows.sum(axis=1) == 0).reshape(n, a).all(axis=1) if terminal is None else terminal,  # type: ignore[arg-type]
        state_ids=ids,  # type: ignore[arg-type]
        reward_outcome=_pick("reward", reward, (n, a, n), index),
        score_outcome=_pick("score", score, (n, a, n), index),
        emission_weight=emission_weight,
        action_tokens=action_tokens,
        config=config or {},
        seed=seed,
    )


def _pick(
    field: str, table: ArrayLike | None, shape: tuple[int, ...], index: tuple[NDArray[Any], ...]
) -> NDArray[Any] | None:
    if table is None:
        return None
    dense = np.asarray(table)
    if dense.shape != shape:
        raise InvalidTask(f"{field} has shape {dense.shape}; it must be {shape}.")
    picked: NDArray[Any] = dense[index]
    return picked
