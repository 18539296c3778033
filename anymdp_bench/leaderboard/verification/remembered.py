"""Whether some of many tasks are known by heart: task by task, submitted play against play under other names.

The submitted play of an honest agent could be swapped with those under other names, in every task. So how
far it stands out is compared with how far plays stand out that are picked at random for every task: an exact
test, whatever scores look like. Squares make a few large rises count for more than the noise of all others.
The first tenth of the points counts as well as the last, for what is known by heart need not be learnt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from anymdp_bench.agents.protocol import Agent
from anymdp_bench.foundation.types import FloatArray
from anymdp_bench.leaderboard.submissions.acting import Submission
from anymdp_bench.leaderboard.verification.again import renamed_record
from anymdp_bench.leaderboard.verification.comparison import MIN_PAIRS, early_scores, late_scores
from anymdp_bench.leaderboard.verification.findings import Remembered
from anymdp_bench.leaderboard.verification.replay import heading_of
from anymdp_bench.records.record import Record
from anymdp_bench.scoring.intervals import task_means

SUSPICION = 0.03
"""An entry whose first renamed play is less probable than this plays again; of honest ones so many do."""
PLAYS = 3
"""Renamed plays of an entry under suspicion; with one, chance puts eight tasks first once in 2^8 times."""
DRAWS = 1 << 17
"""Random picks; the least probability that they can show is 1 / (DRAWS + 1)."""
CHUNK = 1 << 12


def play_remembered(
    submission: Submission, agent: Agent, first: Record, *, seed: int, jobs: int = 1
) -> Remembered | None:
    """Test for tasks that are known by heart; plays again only if a renamed play raises a suspicion.

    Args:
        submission: Read and checked.
        agent: From `submitted_agent`.
        first: Its play on renamed tasks.
        seed: Drawn now; further plays have it and its successors.
        jobs: Worker processes.

    Returns:
        None where there is no suspicion, or there are too few tasks.

    Raises:
        AgentError: the agent fails.
    """

    def play(seed: int) -> FloatArray:
        return _scores(renamed_record(submission, agent, seed=seed, jobs=jobs))

    scores = _scores(submission.record), _scores(first)
    return find_remembered(heading_of(submission), *scores, play, seed=seed)


def find_remembered(
    heading: Mapping[str, Any],
    submitted: FloatArray,
    first: FloatArray,
    play: Callable[[int], FloatArray],
    *,
    seed: int,
) -> Remembered | None:
    """The same for scores ``[n, k]`` of whatever was played or read.

    Args:
        heading: What every finding says.
        submitted: Scores of the submission.
        first: Scores on renamed tasks.
        play: Scores on renamed tasks once more, with a seed.
        seed: Drawn now.
    """
    scores = [submitted, first]
    if len(submitted) < MIN_PAIRS or chance_of_standing_out(scores, seed) > SUSPICION:
        return None
    scores += [play(seed + more) for more in range(1, PLAYS)]
    return Remembered(
        **heading,
        kind="remembered",
        seed=seed,
        tasks=len(submitted),
        plays=PLAYS,
        chance=chance_of_standing_out(scores, seed),
    )


def chance_of_standing_out(plays: Sequence[FloatArray], seed: int) -> float:
    """Probability that a play picked at random for each task rises above the others as the first does.

    Args:
        plays: At least two, each float64 ``[n, k]``: k scores of n tasks.
        seed: Of the random picks.

    Returns:
        In (0, 1]; of an honest first play it is below any p with probability p at most.
    """
    scores = np.stack(plays, axis=1)
    n_tasks, n_plays, _ = scores.shape
    others = (scores.sum(axis=1, keepdims=True) - scores) / (n_plays - 1)
    rise = ((scores - others) * np.abs(scores - others)).sum(axis=2)
    generator = np.random.Generator(np.random.PCG64(seed))
    seen, rows = rise[:, 0].sum(), np.arange(n_tasks)
    reached = 0
    for _ in range(DRAWS // CHUNK):
        picked = generator.integers(n_plays, size=(CHUNK, n_tasks))
        reached += int((rise[rows, picked].sum(axis=1) >= seen - 1e-12).sum())
    return (1 + reached) / (1 + DRAWS)


def _scores(record: Record) -> FloatArray:
    """Early and late score of each task, float64 ``[n, 2]``."""
    kinds = early_scores(record), late_scores(record)
    return np.stack([task_means(values, record.task_index) for values in kinds], axis=1)
