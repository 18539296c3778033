"""Whether what ranks an entry stands out: the interquartile mean of all tasks, and of the first ones.

A mean says little of it: who throws away a quarter of the tasks keeps the mean down and loses no rank. So the
figure itself is tested, by exchanging what could be exchanged if the agent knew nothing: plays of the same
task, or tasks of the same family. Such a test is exact, whatever scores look like.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from anymdp_bench.foundation.types import FloatArray
from anymdp_bench.leaderboard.verification.comparison import late_scores
from anymdp_bench.records.record import Record
from anymdp_bench.scoring.intervals import interquartile_mean

DRAWS = 1 << 14
"""Random exchanges; the least probability that they can show is 1 / (DRAWS + 1)."""
CHUNK_VALUES = 1 << 20
TIES = 1e-12
Exchange = Callable[[np.random.Generator, int], tuple[FloatArray, FloatArray]]


def chance_on_same_tasks(first: Record, second: Record, lengths: Iterable[int], seed: int) -> float:
    """Probability that an honest first play ranks above a second one of the same tasks as this one does.

    Args:
        first: The submitted play.
        second: Another one, of the same tasks.
        lengths: Numbers of first tasks by which boards rank.
        seed: Of the random exchanges.

    Returns:
        In (0, 1]; of an honest play it is below any p with probability p at most.
    """
    before, after = late_by_task(first), late_by_task(second)

    def of(n: int) -> float:
        pooled, n_runs = np.concatenate([before[:n], after[:n]], axis=1), before.shape[1]

        def exchange(generator: np.random.Generator, size: int) -> tuple[FloatArray, FloatArray]:
            mixed = generator.permuted(np.broadcast_to(pooled, (size, *pooled.shape)), axis=2)
            return mixed[..., :n_runs], mixed[..., n_runs:]

        return _chance(before[:n], after[:n], exchange, pooled.size, seed)

    return _least(map(of, lengths))


def chance_on_fresh_tasks(first: Record, fresh: Record, lengths: Iterable[int], seed: int) -> float:
    """The same against fresh tasks: an honest play would rank alike on any tasks of the family."""
    before, after = late_by_task(first), late_by_task(fresh).mean(axis=1)

    def of(n: int) -> float:
        pooled = np.concatenate([before[:n].mean(axis=1), after])

        def exchange(generator: np.random.Generator, size: int) -> tuple[FloatArray, FloatArray]:
            mixed = generator.permuted(np.broadcast_to(pooled, (size, len(pooled))), axis=1)[..., None]
            return mixed[:, :n], mixed[:, n:]

        return _chance(before[:n], after[:, None], exchange, pooled.size, seed)

    return _least(map(of, lengths))


def late_by_task(record: Record) -> FloatArray:
    """Late scores float64 ``[tasks, runs]``, tasks ascending."""
    order = np.argsort(record.task_index, kind="stable")
    return late_scores(record)[order].reshape(len(set(record.task_index.tolist())), -1)


def figure(scores: FloatArray) -> FloatArray:
    """What ranks, of ``[..., tasks, runs]``: interquartile mean over tasks; of one task, over its runs."""
    return interquartile_mean(scores[..., 0, :] if scores.shape[-2] == 1 else scores.mean(axis=-1))


def _chance(first: FloatArray, second: FloatArray, exchange: Exchange, n_values: int, seed: int) -> float:
    """Share of exchanges after which the first figure is as far above the second, at least."""
    seen = figure(first) - figure(second)
    generator = np.random.Generator(np.random.PCG64(seed))
    size = max(1, CHUNK_VALUES // n_values)
    reached = 0
    for begin in range(0, DRAWS, size):
        one, other = exchange(generator, min(size, DRAWS - begin))
        reached += int((figure(one) - figure(other) >= seen - TIES).sum())
    return (1 + reached) / (1 + DRAWS)


def _least(chances: Iterable[float]) -> float:
    """The least of several probabilities, times their number (Bonferroni)."""
    found = list(chances)
    return min(1.0, len(found) * min(found))
