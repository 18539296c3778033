"""Draws from the posterior, and the test of whether ids are Markov, one by one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from anymdp_bench.kernels import Statistic, add_steps, make_statistic
from baselines.model_based.history import compare_step, is_aliased, make_history
from baselines.model_based.posterior import draw_model, next_gamma
from baselines.model_based.settings import PsrlSettings


@pytest.mark.parametrize("shape", [0.05, 0.7, 1.0, 4.0, 60.0])
def test_gamma_draws_have_mean_and_variance_of_their_shape(shape: float) -> None:
    state = np.array([11], np.uint64)
    draws = np.array([next_gamma(state, shape) for _ in range(20_000)])
    assert draws.mean() == pytest.approx(shape, abs=4 * math.sqrt(shape / 20_000))
    assert draws.var() == pytest.approx(shape, rel=0.2 if shape < 0.5 else 0.1)
    assert next_gamma(state, 0.0) == 0.0


def counted(rewards: list[float], following: list[int], terminated: list[bool]) -> Statistic:
    zeros = np.zeros(len(rewards), np.int64)
    ends = np.array(terminated)
    return add_steps(
        make_statistic(1, 3, 2), zeros, zeros, zeros, np.array(rewards), np.array(following), ends, ends
    )


def test_posterior_moments() -> None:
    """Dirichlet of the counts 6, 2 and two ends, times 3, beside an unknown mass of 0.5."""
    statistic = counted([0.0, 1.0] * 5, [1] * 6 + [2] * 4, [False] * 8 + [True] * 2)
    rates = PsrlSettings(sharpness=3.0, unknown=0.5, reward_prior=2.0).rates()
    state = np.array([5], np.uint64)
    chances, rewards = [], []
    for _ in range(20_000):
        model = draw_model(statistic, 0, state, rates)
        first, degree = model.first[0, 0, 0], model.degree[0, 0, 0]
        chances.append(model.counts[0, first : first + degree])
        rewards.append(model.reward_sum[0, 0, 0])
    alpha, total = np.array([18, 6, 0.5]), 30.5
    mean = alpha / total
    np.testing.assert_allclose(np.mean(chances, axis=0), mean, rtol=0.02)
    np.testing.assert_allclose(np.var(chances, axis=0), mean * (1 - mean) / (total + 1), rtol=0.06)
    # Mean 0.5 of all pairs is the prior's mean; its deviation 2 * 0.05, the noise within the pair 0.5.
    precision = 1 / 0.1**2 + 10 * 3.0 / 0.25
    assert np.mean(rewards) == pytest.approx(0.5, abs=0.003)
    assert np.var(rewards) == pytest.approx(1 / precision, rel=0.05)


def test_pairs_never_tried_have_a_model_unless_a_ceiling_is_their_worth() -> None:
    statistic = counted([1.0], [1], [False])
    for ceiling in (False, True):
        rates = PsrlSettings(ceiling=ceiling).rates()
        model = draw_model(statistic, 0, np.array([5], np.uint64), rates)
        untried = 0 if ceiling else 1
        np.testing.assert_array_equal(model.visits[0], [[1, untried], [untried, untried], [0, 0]])
        tried = model.visits[0] == 1
        blocks = zip(model.first[0][tried], model.degree[0][tried], strict=True)
        sums = [model.counts[0, first : first + degree].sum() for first, degree in blocks]
        np.testing.assert_allclose(sums, 1.0)


def evidence(hidden: bool, n_steps: int = 3000) -> Any:
    """Three ids; if `hidden`, the id before says which way id 0 leads, otherwise a coin does."""
    rng = np.random.default_rng(0)
    history, statistic = make_history(1, 3), make_statistic(1, 3, 1)
    before, now = 1, 0
    for _ in range(n_steps):
        coin = int(rng.integers(1, 3))
        follows = 0 if now else (3 - before if hidden and rng.random() < 0.9 else coin)
        compare_step(history, statistic, 0, now, 0, follows, False, False)
        one = np.zeros(1, np.int64)
        add_steps(statistic, one, one + now, one, np.zeros(1), one + follows, one > 0, one > 0)
        before, now = now if now else before, follows
    return history


def test_ids_that_hide_where_one_came_from_are_found() -> None:
    assert is_aliased(evidence(hidden=True), 0)
    assert not is_aliased(evidence(hidden=False), 0)
