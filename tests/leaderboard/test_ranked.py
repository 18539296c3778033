"""What ranks is tested by exchanging plays: exact for honest ones, and sharp where tasks are thrown away."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from anymdp_bench.agents.registry import make_agent
from anymdp_bench.leaderboard.submissions.acting import Submission
from anymdp_bench.leaderboard.verification import ranked
from anymdp_bench.leaderboard.verification.again import ranked_lengths, renamed_record
from anymdp_bench.leaderboard.verification.findings import LEAST_CHANCE
from anymdp_bench.leaderboard.verification.ranked import (
    chance_on_fresh_tasks,
    chance_on_same_tasks,
    figure,
    late_by_task,
)

LENGTHS = (16, 32, 64)


def record(scores: Any) -> Any:
    """A record of late scores ``[tasks, runs]``."""
    scores = np.asarray(scores)
    n, runs = scores.shape
    return SimpleNamespace(
        task_index=np.repeat(np.arange(n), runs),
        points=SimpleNamespace(mean=scores.reshape(-1, 1)),
        references=(np.zeros(n * runs), np.ones(n * runs), np.ones(n * runs)),
    )


def test_the_figure_is_the_interquartile_mean_over_tasks_or_over_runs_of_one() -> None:
    assert figure(np.array([[0.0], [1.0], [2.0], [9.0]])) == 1.5
    assert figure(np.array([[0.0, 1.0, 2.0, 9.0]])) == 1.5


@pytest.mark.parametrize("test", [chance_on_same_tasks, chance_on_fresh_tasks])
@pytest.mark.parametrize("runs", [1, 3])
def test_honest_play_is_as_rare_as_the_chance_says(
    test: Any, runs: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranked, "DRAWS", 400)
    rng = np.random.default_rng(0)
    chances = []
    for seed in range(200):
        levels = rng.random((2, 64, 1))  # tasks differ; fresh ones are others
        again = levels[0] if test is chance_on_same_tasks else levels[1]
        first, second = (record(level + 0.2 * rng.standard_t(2, (64, runs))) for level in (levels[0], again))
        chances.append(test(first, second, [64], seed))
    for p in (0.05, 0.2, 0.5):
        assert np.mean(np.array(chances) <= p) == pytest.approx(p, abs=0.1)


@pytest.mark.parametrize("test", [chance_on_same_tasks, chance_on_fresh_tasks])
def test_tasks_that_are_thrown_away_do_not_hide_those_that_are_known(test: Any) -> None:
    rng = np.random.default_rng(1)
    honest, known = rng.normal(0, 0.3, (64, 1)), np.ones((64, 1))
    known[:15] = -3.0
    assert known.mean() < honest.mean() + 0.2
    assert test(record(known), record(honest), LENGTHS, 0) <= LEAST_CHANCE
    first = honest.copy()
    first[:13], first[40:45] = 1.0, -3.0
    assert test(record(first), record(honest), [64], 0) > LEAST_CHANCE
    assert test(record(first), record(honest), LENGTHS, 0) <= LEAST_CHANCE


def test_runs_of_a_single_task_are_exchanged() -> None:
    rng = np.random.default_rng(2)
    again = record(rng.normal(0, 0.3, (1, 30)))
    assert chance_on_same_tasks(record(np.ones((1, 10))), again, [1], 0) <= LEAST_CHANCE
    assert chance_on_same_tasks(record(rng.normal(0, 0.3, (1, 10))), again, [1], 0) > LEAST_CHANCE


def test_renamed_tasks_come_in_another_order_and_scores_find_back(
    bandits: tuple[Submission, Any],
) -> None:
    submission = bandits[0]
    found = renamed_record(submission, make_agent("uniform"), seed=3)
    tasks = found.task_index
    assert sorted(tasks.tolist()) == list(range(submission.n_tasks)) != tasks.tolist()
    known = np.array(submission.facts.references.oracle)
    np.testing.assert_array_equal(found.references[1], known[tasks])
    assert late_by_task(found).shape == (submission.n_tasks, 1)
    assert ranked_lengths(submission)[-1] == submission.n_tasks
