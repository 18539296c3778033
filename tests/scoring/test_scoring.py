"""Score columns against numbers worked out by hand, and their statistics by simulation."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anymdp_bench import scoring
from anymdp_bench.agents.protocol import Episodes
from anymdp_bench.foundation.errors import UndefinedScore
from anymdp_bench.records.record import Cell, CellReferences, Points, Record, block_points
from anymdp_bench.scoring.intervals import (
    bootstrap_interval,
    interquartile_mean,
    mean,
    mean_interval,
    t_interval,
    task_means,
)
from anymdp_bench.scoring.lived import recent_scores
from anymdp_bench.scoring.normalise import normalise, pool_size
from anymdp_bench.scoring.reached import first_at, rising
from anymdp_bench.scoring.recent import areas, last_scores

NAN = float("nan")


def exact_record(returns, *, random=0.0, oracle=10.0, optimal=20.0, runs=1, lived=None) -> Record:
    """A learner scored exactly: one lived episode of 5 steps between two points."""
    values = np.array(returns, dtype=float)
    n, p = values.shape
    cells = tuple(Cell(i // runs, i % runs) for i in range(n))
    full = lambda value: np.full(n, float(value))  # noqa: E731
    points = Points(
        episodes=np.arange(1, p + 1) * 100,
        steps=np.arange(1, p + 1) * np.array([[7 * (i + 1)] for i in range(n)]),
        counts=np.zeros(p, dtype=np.int64),
        mean=values,
        even=values,
        odd=values,
        seconds=np.zeros((n, p)),
    )
    scores = np.zeros((n, 4)) if lived is None else np.array(lived, dtype=float)
    return Record(
        cells,
        CellReferences(full(random), full(oracle), full(optimal)),
        points,
        Episodes(scores, scores, np.full(scores.shape, 5)),
    )


def sampled_record(scores, *, block=10, lengths=3) -> Record:
    scores = np.array(scores, dtype=float)
    lived = Episodes(scores, scores, np.full(scores.shape, lengths))
    points = block_points(lived, block, np.zeros(scores.shape))
    ones = np.ones(len(scores))
    cells = tuple(Cell(i, 0) for i in range(len(scores)))
    return Record(cells, CellReferences(0 * ones, ones, 2 * ones), points, lived)


def test_every_column_of_a_record_by_hand() -> None:
    record = exact_record([[0, 5, 10, 9], [2, 7, 10, 11]], lived=[[0, 0, 5, 10], [0, 5, 5, 15]])
    got = scoring.score(record)
    assert got["performance"] == pytest.approx(1.0)  # means .1, .6, 1.0, 1.0: the first of equals
    assert got["performance_low"] == got["performance_high"] == 1.0
    assert got["episodes_to_99"] == 300
    assert got["steps_to_99"] == pytest.approx((21 + 42) / 2)
    assert got["asymptotic"] == pytest.approx(1.0)  # fewer than ten points: the last one, (.9 + 1.1) / 2
    assert got["iqm"] == pytest.approx(1.0)
    assert got["regret"] == pytest.approx(1 - 40 / 80)
    assert got["optimum_share"] == pytest.approx(0.5)
    assert np.isnan(got["lived_1000"])


def test_convergence_is_the_first_point_with_99_percent_of_the_best() -> None:
    record = exact_record([[9.89, 9.90, 10.0, 9.99]])
    assert scoring.score(record)["episodes_to_99"] == 200


def test_convergence_is_undefined_without_a_positive_best() -> None:
    got = scoring.score(exact_record([[-5, -1, -3]]))
    assert got["performance"] == pytest.approx(-0.1)
    assert np.isnan(got["steps_to_99"]) and np.isnan(got["episodes_to_99"])


def test_scores_are_never_clipped() -> None:
    got = scoring.score(exact_record([[30.0]]))
    assert got["performance"] == pytest.approx(3.0)


def test_asymptotic_is_the_last_tenth() -> None:
    record = exact_record([[0.0] * 18 + [4.0, 8.0]])
    assert scoring.score(record)["asymptotic"] == pytest.approx(0.6)


def test_even_episodes_choose_the_point_and_odd_ones_report_it() -> None:
    scores = np.zeros((10, 40))
    scores[:, 10:20:2] = 1.0  # point 1: even 1.0, odd 0.2
    scores[:, 11:20:2] = 0.2
    scores[:, 20:30:2] = 0.9  # point 2: even 0.9, odd 0.8: the larger mean, but not chosen
    scores[:, 21:30:2] = 0.8
    got = scoring.score(sampled_record(scores))
    assert got["performance"] == pytest.approx(0.2)
    assert got["episodes_to_99"] == 20


def test_convergence_of_sampled_points_is_at_the_latest_the_best_point() -> None:
    scores = np.zeros((10, 30))
    scores[:, 10:20:2], scores[:, 11:20:2] = 0.5, 1.0  # mean .75 < .99 * 1.0
    assert scoring.score(sampled_record(scores))["episodes_to_99"] == 20


def test_points_with_few_episodes_are_pooled() -> None:
    scores = np.repeat(np.arange(20.0), 10)[None].repeat(4, axis=0)  # 4 cells * 10 episodes a point
    scored = normalise(sampled_record(scores))
    assert scored.mean.shape == (4, 6)  # pooled by three, the incomplete rest left out
    np.testing.assert_allclose(scored.mean[0], [1, 4, 7, 10, 13, 16])
    np.testing.assert_array_equal(scored.episodes, [30, 60, 90, 120, 150, 180])
    np.testing.assert_array_equal(scored.steps[0], scored.episodes * 3)


def test_too_few_episodes_are_refused() -> None:
    with pytest.raises(UndefinedScore, match=r"2 points of 10 episodes in 4 runs.*at least 100"):
        pool_size(np.array([10, 10]), 4)


@pytest.mark.parametrize("bad", [NAN, np.inf, -np.inf])
def test_returns_that_are_not_finite_are_refused_with_the_task(bad: float) -> None:
    with pytest.raises(UndefinedScore, match=r"task 1, run 0: a recorded return is"):
        scoring.score(exact_record([[1, 2], [1, bad]]))


def test_a_lived_nan_is_refused_too() -> None:
    with pytest.raises(UndefinedScore, match="task 0, run 1"):
        scoring.score(exact_record([[1], [1]], runs=2, lived=[[1.0], [NAN]]))


@pytest.mark.parametrize("oracle", [0.009, 0.0, -1.0])
def test_references_too_close_are_refused_with_the_task(oracle: float) -> None:
    record = exact_record([[1.0], [1.0]])
    oracles = np.array([10.0, oracle])
    record = dataclasses.replace(record, references=record.references._replace(oracle=oracles))
    with pytest.raises(UndefinedScore, match=r"task 1: oracle - random = .* below 0.01"):
        scoring.score(record)


def test_unknown_references_are_refused() -> None:
    with pytest.raises(UndefinedScore, match="task 0 has no reference returns"):
        scoring.score(exact_record([[1.0]], oracle=NAN))


def test_an_unknown_optimum_leaves_only_its_own_column_undefined() -> None:
    got = scoring.score(exact_record([[5.0, 10.0]], optimal=NAN))
    assert np.isnan(got["optimum_share"])
    assert got["performance"] == pytest.approx(1.0)


def test_curve_is_long_and_scored() -> None:
    curve = scoring.curve(exact_record([[0, 5], [2, 10]], runs=2))
    assert list(curve.columns) == ["task", "run", "steps", "episodes", "return", "score"]
    assert curve["score"].tolist() == [0, 0.5, 0.2, 1.0]
    assert curve["task"].tolist() == [0, 0, 0, 0] and curve["run"].tolist() == [0, 0, 1, 1]
    assert curve["episodes"].tolist() == [100, 200, 100, 200]
    assert curve["steps"].tolist() == [7, 14, 14, 28]


def test_recent_scores_by_hand() -> None:
    blocks = np.arange(12.0)[None]
    ends = np.arange(1, 13)[None] * 100
    alive = np.array([1250])
    assert np.isnan(recent_scores(blocks, ends, alive, 99)[0])  # nothing finished yet
    assert recent_scores(blocks, ends, alive, 100)[0] == 0
    assert recent_scores(blocks, ends, alive, 399)[0] == 2
    assert recent_scores(blocks, ends, alive, 1250)[0] == 11
    assert np.isnan(recent_scores(blocks, ends, alive, 1251)[0])  # it did not live that long


def test_lived_reads_the_last_full_block_of_ten() -> None:
    lived = [float(i) for i in range(205)]  # 5 steps each: block 19 (190..199) ends at 1000
    got = scoring.score(exact_record([[1]], lived=[lived]))
    assert got["lived_1000"] == pytest.approx(194.5 / 10)
    assert np.isnan(got["lived_2000"])


def test_lived_needs_every_cell() -> None:
    record = exact_record([[1], [1]], lived=[[10.0] * 400, [0.0] * 400])
    assert scoring.score(record)["lived_1000"] == pytest.approx(0.5)
    assert scoring.score(record)["lived_2000"] == pytest.approx(0.5)
    assert np.isnan(scoring.score(record)["lived_5000"])


def test_last_scores_by_hand() -> None:
    lived = np.arange(1.0, 16)[None]
    ends = np.arange(1, 16)[None] * 100
    assert last_scores(lived, ends, 1)[0] == 1.0  # the first episode is under way
    assert last_scores(lived, ends, 299)[0] == 1.5
    assert last_scores(lived, ends, 1000)[0] == pytest.approx(5.5)
    assert last_scores(lived, ends, 1199)[0] == pytest.approx(6.5)
    assert last_scores(lived, ends, 10**9)[0] == pytest.approx(10.5)  # carried forward


def test_recent_columns_carry_every_task_forward() -> None:
    short, long = [1.0] * 400, [0.0] * 390 + [10.0] * 10  # oracle 10, 5 steps an episode: 2,000 steps
    got = scoring.score(exact_record([[1], [1]], lived=[short, long]))
    for steps, score in {500: 0.05, 1_000: 0.05, 2_000: 0.55, 5_000: 0.55, 1_000_000: 0.55}.items():
        assert got[f"recent_{steps}"] == pytest.approx(score)


def test_area_by_hand() -> None:
    lived, ends = np.array([[0.0, 1.0, 3.0]]), np.array([[4, 6, 10]])
    assert areas(lived, ends, 4)[0] == 0
    assert areas(lived, ends, 6)[0] == pytest.approx(2 / 6)
    assert areas(lived, ends, 8)[0] == pytest.approx((2 + 6) / 8)
    assert areas(lived, ends, 16)[0] == pytest.approx((2 + 12 + 6 * 4 / 3) / 16)
    got = scoring.score(exact_record([[1], [1]], lived=[[5.0] * 40, [10.0] * 40]))
    assert got["area_10000"] == pytest.approx(0.75)
    assert got["area_10000_low"] == 0.5 and got["area_10000_high"] == 1.0


def test_area_is_the_mean_over_single_steps() -> None:
    rng = np.random.default_rng(3)
    lengths = rng.integers(1, 30, size=(1, 60))
    lived, ends = rng.normal(size=(1, 60)), np.cumsum(lengths, axis=1)
    for steps in (1, 50, int(ends[0, -1])):
        by_step = lived[0].repeat(lengths[0])[:steps]
        assert areas(lived, ends, steps)[0] == pytest.approx(by_step.mean())


def test_shares_of_the_oracle_are_reached_at_the_first_point_of_the_rising_fit() -> None:
    record = exact_record([[1.0, 5, 5, 8, 9, 9, 9.5, 9.5, 9.5, 9.5]])
    got = scoring.score(record)
    assert [got[f"episodes_to_oracle_{share}"] for share in (50, 80, 90, 95)] == [200, 400, 500, 700]
    assert got["steps_to_oracle_50"] == 14
    low = scoring.score(exact_record([[1.0, 4, 4.9]]))
    assert np.isnan(low["steps_to_oracle_50"]) and np.isnan(low["episodes_to_oracle_50"])


def test_a_lucky_point_reaches_nothing() -> None:
    lucky = np.full(40, 0.5)
    lucky[[10, 39]] = 1.3
    fit = rising(lucky)
    assert (np.diff(fit) >= 0).all() and fit.max() == pytest.approx((3 * 0.5 + 1.3) / 4)
    assert first_at(fit, 0.8) is None and first_at(fit, 0.5) == 0
    np.testing.assert_allclose(rising(np.arange(30.0))[:27], np.arange(27))
    np.testing.assert_allclose(rising(np.array([0.2])), [0.2])


def test_shares_are_reached_as_early_under_noise() -> None:
    """A curve of 92 % crosses 95 % by luck almost surely; its fit does not."""
    rng = np.random.default_rng(4)
    curves = 0.92 + 0.05 * rng.normal(size=(200, 200))
    by_luck = (curves >= 0.95).any(axis=1).mean()
    fitted = np.mean([first_at(rising(curve), 0.95) is not None for curve in curves])
    assert by_luck == 1 and fitted < 0.03


@pytest.mark.parametrize(
    ("values", "expected"),
    [([1.0, 2, 3, 100], 2.5), ([5.0], 5.0), ([1.0, 2, 6], 3.0), (list(range(8)), 3.5)],
)
def test_interquartile_mean_by_hand(values: list[float], expected: float) -> None:
    assert interquartile_mean(np.array(values, float)) == pytest.approx(expected)


def test_task_means_average_the_runs() -> None:
    np.testing.assert_allclose(task_means(np.array([1.0, 3, 10]), np.array([4, 4, 7])), [2, 10])


def test_t_interval_by_hand() -> None:
    low, high = t_interval(np.array([1.0, 2.0, 3.0]))  # t(.975, 2) = 4.302653
    assert (low, high) == pytest.approx((2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5), abs=1e-6)
    assert all(np.isnan(t_interval(np.array([1.0]))))


def test_a_single_task_gets_the_t_interval_of_its_runs() -> None:
    values = np.array([1.0, 2.0, 3.0])
    assert mean_interval(values, np.zeros(3, int)) == t_interval(values)
    assert mean_interval(values, np.arange(3)) == bootstrap_interval(values, mean)


@given(st.lists(st.floats(-5, 5), min_size=2, max_size=12), st.integers(0, 2**32))
def test_bootstrap_repeats_and_stays_inside_the_data(values: list[float], seed: int) -> None:
    data = np.array(values)
    interval = bootstrap_interval(data, mean, seed=seed)
    assert interval == bootstrap_interval(data, mean, seed=seed)
    assert data.min() - 1e-9 <= interval[0] <= interval[1] <= data.max() + 1e-9


@pytest.mark.parametrize("statistic", [mean, interquartile_mean])
def test_bootstrap_covers_95_percent(statistic) -> None:
    rng = np.random.default_rng(0)
    n_trials = 200
    hits = 0
    for _ in range(n_trials):
        low, high = bootstrap_interval(rng.normal(0.7, 0.3, size=64), statistic)
        hits += low <= 0.7 <= high
    assert 0.90 <= hits / n_trials <= 0.985  # binomial 3 standard errors about .94


def test_performance_of_a_noisy_perfect_agent_is_unbiased() -> None:
    """A plain maximum over noisy points would score it well above 1."""
    rng = np.random.default_rng(1)
    values, maxima = [], []
    for _ in range(60):
        record = sampled_record(rng.normal(1.0, 2.0, size=(8, 400)))
        values.append(scoring.score(record)["performance"])
        maxima.append(normalise(record).mean.mean(axis=0).max())
    error = np.std(values) / len(values) ** 0.5
    assert abs(np.mean(values) - 1.0) < 4 * error
    assert np.mean(maxima) > 1.0 + 8 * error


def test_interval_of_performance_covers_under_noise() -> None:
    rng = np.random.default_rng(2)
    hits = 0
    for _ in range(100):
        got = scoring.score(sampled_record(rng.normal(1.0, 1.0, size=(64, 100))))
        hits += got["performance_low"] <= 1.0 <= got["performance_high"]
    assert hits >= 86


def test_columns_give_numbers_under_distinct_names() -> None:
    scored = normalise(exact_record([[1.0, 2.0]]))
    names = [name for column in scoring.COLUMNS.values() for name in column(scored)]
    assert len(names) == len(set(names))
