"""One submission, scored and summarised; its records are no longer needed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from anymdp_bench import scoring
from anymdp_bench.foundation.errors import UndefinedScore
from anymdp_bench.foundation.types import FloatArray, IntArray
from anymdp_bench.leaderboard.standings.trust import Trusted
from anymdp_bench.leaderboard.submissions.acting import Submission
from anymdp_bench.leaderboard.submissions.claims import Ownership
from anymdp_bench.leaderboard.submissions.curves import first_tasks
from anymdp_bench.leaderboard.submissions.metadata import Metadata
from anymdp_bench.leaderboard.verification.comparison import late_scores
from anymdp_bench.leaderboard.verification.findings import Findings
from anymdp_bench.leaderboard.verification.verdict import Verdict
from anymdp_bench.leaderboard.verification.verify import needs_of
from anymdp_bench.records.record import Record
from anymdp_bench.scoring.intervals import interquartile_mean, task_means

TASK_POINTS = 25
"""Points of a single task's curve, at most."""
Scores = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Curve:
    """A learning curve of P points over n tasks; raw returns where the board has no references.

    Attributes:
        episodes: int64 ``[P]``.
        steps: float64 ``[P]``, mean over cells.
        mean, low, high: float64 ``[P]``: mean, lower and upper quartile over tasks.
        task_points: int64 ``[Q]``, which points the tasks' own curves keep.
        tasks: float64 ``[n, Q]``.
    """

    episodes: IntArray
    steps: FloatArray
    mean: FloatArray
    low: FloatArray
    high: FloatArray
    task_points: IntArray
    tasks: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(Trusted):
    """A submission of an agent in the standings.

    Attributes:
        metadata: Who and what.
        n_tasks: Tasks that were played.
        scores: Score columns by number of tasks; empty where the board has no references.
        late: float64 ``[n]``, mean score of each task over the last tenth of the points.
        curve: Learning curve.
    """

    metadata: Metadata
    n_tasks: int
    scores: Mapping[int, Scores]
    late: FloatArray
    curve: Curve

    @property
    def track(self) -> str:
        """``"learner"`` or ``"in-context"``."""
        return self.metadata.track

    @property
    def declared(self) -> tuple[str, ...]:
        """Words on what it is."""
        agent, geometry = self.metadata.agent, self.metadata.uses_geometry
        words = {"uses geometry": geometry, "privileged": agent.privileged, "joint": agent.joint}
        return tuple(word for word, is_so in words.items() if is_so)

    @property
    def apart(self) -> str | None:
        """What it is that keeps it outside the ranking."""
        agent = self.metadata.agent
        return "privileged" if agent.privileged else "joint" if agent.joint else None

    def late_mean(self, n_tasks: int) -> float:
        """Interquartile mean over the first tasks of the mean score over the last tenth."""
        return float(interquartile_mean(self.late[:n_tasks])) if self.scores else math.nan


def make_entry(
    submission: Submission,
    lengths: Iterable[int],
    findings: Findings | None = None,
    older: Verdict | None = None,
    ownership: Ownership = "unclaimed",
) -> Entry:
    """Score and summarise a submission.

    Args:
        submission: Read and checked.
        lengths: Numbers of tasks to score on; those beyond the submission's are left out.
        findings: What verification found; None before.
        older: What it found under the older rules.
        ownership: Whether the key that owns the name has signed it.
    """
    record = submission.record
    n_tasks = submission.n_tasks
    scores = {n: _score(record if n == n_tasks else first_tasks(record, n)) for n in lengths if n <= n_tasks}
    return Entry(
        metadata=submission.metadata,
        board=submission.facts.board.name,
        n_tasks=n_tasks,
        scores={n: found for n, found in scores.items() if found},
        late=task_means(late_scores(record), record.task_index),
        curve=curve_of(record),
        findings=findings or Findings(),
        needs=needs_of(submission),
        older=older,
        ownership=ownership,
    )


def _score(record: Record) -> Scores:
    try:
        return scoring.score(record)
    except UndefinedScore:
        return {}


def curve_of(record: Record) -> Curve:
    """Summarise a record's evaluation points."""
    points = record.points
    random, oracle, _ = (values[:, None] for values in record.references)
    scored = bool(np.isfinite(oracle - random).all())
    values = (points.mean - random) / (oracle - random) if scored else points.mean
    runs = len(record.cells) // len(set(record.task_index.tolist()))
    by_task = values.reshape(-1, runs, values.shape[1]).mean(axis=1)
    spread = values if len(by_task) == 1 else by_task
    low, high = np.quantile(spread, [0.25, 0.75], axis=0)
    n_points = values.shape[1]
    kept = np.unique(np.linspace(0, n_points - 1, min(TASK_POINTS, n_points)).round().astype(np.int64))
    return Curve(
        episodes=points.episodes,
        steps=points.steps.mean(axis=0),
        mean=by_task.mean(axis=0),
        low=low,
        high=high,
        task_points=kept,
        tasks=by_task[:, kept],
    )
