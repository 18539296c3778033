"""Let an in-context agent play tasks that did not exist when it was submitted."""

from __future__ import annotations

import numpy as np
from joblib import Parallel, delayed
from scipy import special

from anymdp_bench.agents.protocol import Agent
from anymdp_bench.banks import BANKS
from anymdp_bench.banks.sampled import SampledSource
from anymdp_bench.evaluation.evaluate import evaluate
from anymdp_bench.foundation.types import FloatArray
from anymdp_bench.leaderboard.submissions.problems import problem, refuse
from anymdp_bench.leaderboard.submissions.submission import Submission
from anymdp_bench.leaderboard.verification.permutation import late_scores
from anymdp_bench.leaderboard.verification.verdict import Fresh
from anymdp_bench.scoring.intervals import task_means
from anymdp_bench.tasks.task import TabularTask

N_TASKS = 64
CONFIDENCE = 0.999


def play_fresh(
    submission: Submission, agent: Agent, *, seed: int, jobs: int = 1, n_tasks: int = N_TASKS
) -> Fresh:
    """Evaluate the agent on new tasks of the board's kind.

    An agent that has seen the board's tasks before does better on them than on these.

    Args:
        submission: Of an in-context agent on a board of sampled tasks.
        agent: From `submitted_agent`.
        seed: Chosen after submission.
        jobs: Worker processes.
        n_tasks: How many tasks, at least 2.

    Raises:
        SubmissionRefused: the agent learns outside its context, or the board's tasks are hand-made.
        AgentError: the agent fails.
    """
    board = submission.facts.board
    source = BANKS[board.bank]
    if submission.metadata.agent.learner or not isinstance(source, SampledSource):
        refuse([problem("fresh", "is for in-context agents on boards of sampled tasks")])
    tasks = fresh_tasks(source, seed, n_tasks)  # type: ignore[arg-type]
    record = evaluate(agent, board, tasks=tasks, jobs=jobs).record
    submitted = task_means(late_scores(submission.record), submission.record.task_index)
    found = task_means(late_scores(record), record.task_index)
    low, high = difference_interval(submitted, found)
    means = float(submitted.mean()), float(found.mean())
    return Fresh(
        seed=seed,
        tasks=n_tasks,
        submitted=means[0],
        fresh=means[1],
        drop=means[0] - means[1],
        low=low,
        high=high,
    )


def fresh_tasks(source: SampledSource, seed: int, n_tasks: int) -> list[TabularTask]:
    """Draw scorable tasks of a bank's kind that are in none of its splits."""
    drawn = Parallel(n_jobs=2, backend="threading")(
        delayed(source.draw)(f"fresh-{seed}", index) for index in range(n_tasks)
    )
    return [task for task, _ in drawn]


def difference_interval(first: FloatArray, second: FloatArray) -> tuple[float, float]:
    """Interval of ``mean(first) - mean(second)`` at 99.9 %.

    References:
        B. L. Welch, The generalization of Student's problem, Biometrika 34 (1947).
    """
    errors = [values.var(ddof=1) / len(values) for values in (first, second)]
    total = float(sum(errors))
    gap = float(first.mean() - second.mean())
    if total == 0.0:
        return gap, gap
    weights = sum(e * e / (len(v) - 1) for e, v in zip(errors, (first, second), strict=True))
    half = float(special.stdtrit(total * total / weights, (1 + CONFIDENCE) / 2)) * np.sqrt(total)
    return float(gap - half), float(gap + half)
