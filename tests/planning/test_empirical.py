"""The statistic of a context, and planning on it with leaves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from anymdp_bench.kernels import (
    Statistic,
    add_steps,
    forget_row,
    grown,
    has_room,
    make_statistic,
    plan_leaves,
    plan_row,
    reward_scale,
)

ROWS, IDS, ACTIONS, TAGS, STEPS = 3, 20, 3, 8, 4000
DISCOUNT = 0.99


def steps(seed: int = 0) -> dict[str, NDArray]:
    rng = np.random.default_rng(seed)
    return {
        "rows": rng.integers(ROWS, size=STEPS),
        "observations": rng.integers(IDS, size=STEPS),
        "actions": rng.integers(ACTIONS, size=STEPS),
        "rewards": rng.normal(size=STEPS),
        "following": rng.integers(IDS, size=STEPS),
        "terminated": rng.random(STEPS) < 0.1,
        "begins": rng.random(STEPS) < 0.1,
        "tags": rng.integers(TAGS + 1, size=STEPS),
    }


@pytest.fixture(scope="module")
def statistic() -> Statistic:
    return add_steps(make_statistic(ROWS, IDS, ACTIONS, TAGS), **steps())


def dense(statistic: Statistic) -> NDArray:
    """Counts of successors, ``[n, O, A, O]``."""
    n, ids, actions = statistic.visits.shape
    counts = np.zeros((n, ids, actions, ids), np.int64)
    for pair in np.ndindex(n, ids, actions):
        block = slice(statistic.first[pair], statistic.first[pair] + statistic.degree[pair])
        counts[pair][statistic.successors[pair[0], block]] = statistic.counts[pair[0], block]
    return counts


def test_statistic_is_a_recount_of_the_steps(statistic: Statistic) -> None:
    s = steps()
    pairs = s["rows"], s["observations"], s["actions"]

    def recount(at: tuple, what: NDArray, shape: tuple) -> NDArray:
        total = np.zeros(shape, what.dtype)
        np.add.at(total, at, what)
        return total

    ones, shape = np.ones(STEPS, np.int64), (ROWS, IDS, ACTIONS)
    np.testing.assert_array_equal(statistic.visits, recount(pairs, ones, shape))
    np.testing.assert_array_equal(statistic.terminations, recount(pairs, s["terminated"] * ones, shape))
    np.testing.assert_array_equal(statistic.reward_sum, recount(pairs, s["rewards"], shape))
    np.testing.assert_array_equal(statistic.reward_square, recount(pairs, s["rewards"] ** 2, shape))
    np.testing.assert_array_equal(statistic.starts, recount(pairs[:2], s["begins"] * ones, shape[:2]))
    known = s["tags"] < TAGS
    tagged = recount((*(x[known] for x in pairs), s["tags"][known]), ones[known], (*shape, TAGS))
    np.testing.assert_array_equal(statistic.tagged, tagged)
    lives = ~s["terminated"]
    led = recount((*(x[lives] for x in pairs), s["following"][lives]), ones[lives], (*shape, IDS))
    np.testing.assert_array_equal(dense(statistic), led)
    for row in range(ROWS):
        rewards = s["rewards"][s["rows"] == row]
        expected = [len(rewards), s["begins"][s["rows"] == row].sum(), rewards.sum(), (rewards**2).sum()]
        np.testing.assert_allclose(statistic.totals[row], [*expected, rewards.min(), rewards.max()])


def test_ids_are_listed_in_the_order_in_which_they_were_seen(statistic: Statistic) -> None:
    s = steps()
    for row in range(ROWS):
        mine = s["rows"] == row
        met: list[int] = []
        for o, f, ended in zip(
            *(s[k][mine] for k in ("observations", "following", "terminated")), strict=True
        ):
            met += [o] if ended else [o, f]
        assert statistic.order[row, : statistic.n_seen[row]].tolist() == list(dict.fromkeys(met))


def test_pool_grows_with_what_was_seen_and_not_with_the_square_of_the_ids() -> None:
    rng = np.random.default_rng(1)
    ids, n_steps = 2000, 8000
    walk = rng.integers(ids, size=n_steps + 1)
    one = add_steps(
        make_statistic(1, ids, 4),
        np.zeros(n_steps, np.int64),
        walk[:-1],
        rng.integers(4, size=n_steps),
        np.zeros(n_steps),
        walk[1:],
        np.zeros(n_steps, np.bool_),
        np.zeros(n_steps, np.bool_),
    )
    assert one.degree.sum() > 0.9 * n_steps
    assert one.used[0] <= 4 * n_steps
    assert sum(array.nbytes for array in one) < 1 << 20


def test_growing_keeps_what_is_there_and_makes_room(statistic: Statistic) -> None:
    larger = grown(statistic)
    assert larger.successors.shape[1] == 2 * statistic.successors.shape[1]
    assert has_room(larger, 0)
    np.testing.assert_array_equal(dense(larger), dense(statistic))


def test_forgetting_a_row_leaves_the_others(statistic: Statistic) -> None:
    copy = Statistic(*(array.copy() for array in statistic))
    forget_row(copy, 1)
    empty = make_statistic(1, IDS, ACTIONS, TAGS)
    for name in set(Statistic._fields) - {"successors", "counts", "order"}:
        np.testing.assert_array_equal(getattr(copy, name)[1], getattr(empty, name)[0])
        np.testing.assert_array_equal(getattr(copy, name)[[0, 2]], getattr(statistic, name)[[0, 2]])
    again = add_steps(copy, **{name: x[steps()["rows"] == 1] for name, x in steps().items()})
    np.testing.assert_array_equal(dense(again), dense(statistic))


def test_leaf_plan_is_dense_value_iteration(statistic: Statistic) -> None:
    rng = np.random.default_rng(2)
    rows, kappa = np.array([2, 0]), np.array([0.03, 2.0])
    leaves = rng.normal(size=(2, IDS, ACTIONS))
    values, q = np.zeros((ROWS, IDS)), np.zeros((ROWS, IDS, ACTIONS))
    plan_leaves(statistic, rows, leaves, kappa, DISCOUNT, np.full(2, 1e-10), 10_000, values, q)
    counts = dense(statistic)
    for k, row in enumerate(rows):
        expected = np.zeros(IDS)
        for _ in range(4000):
            total = statistic.reward_sum[row] + kappa[k] * leaves[k] + DISCOUNT * counts[row] @ expected
            expected = (total / (statistic.visits[row] + kappa[k])).max(axis=1)
        np.testing.assert_allclose(values[row], expected, atol=1e-7)
    assert not values[1].any()


def test_ceiling_holds_where_nothing_was_tried_and_above_every_value() -> None:
    zero = np.zeros(1, np.int64)
    one = add_steps(
        make_statistic(1, 2, 2), zero, zero, zero, np.ones(1), zero + 1, *np.zeros((2, 1), np.bool_)
    )
    values, q = np.zeros(2), np.zeros((2, 2))
    plan_row(one, 0, np.zeros((2, 2)), 0.0, 5.0, 0.5, 1e-12, 100, values, q)
    np.testing.assert_allclose(q, [[3.5, 5.0], [5.0, 5.0]])
    plan_row(one, 0, np.full((2, 2), 9.0), 0.0, 5.0, 0.5, 1e-12, 100, values, q)
    np.testing.assert_allclose(q, np.full((2, 2), 5.0))
    plan_row(one, 0, np.full((2, 2), 2.0), 1.0, math.inf, 0.0, 1e-12, 100, values, q)
    np.testing.assert_allclose(q, [[1.5, 2.0], [2.0, 2.0]])


def test_reward_scale_is_that_of_the_pairs_tried(statistic: Statistic) -> None:
    tried = statistic.visits[0] > 0
    means = statistic.reward_sum[0][tried] / statistic.visits[0][tried]
    within = (statistic.reward_square[0][tried] - statistic.visits[0][tried] * means**2).sum()
    expected = means.mean(), means.std(), math.sqrt(within / statistic.visits[0].sum())
    np.testing.assert_allclose(reward_scale(statistic, 0), expected)
    assert reward_scale(make_statistic(1, 2, 2), 0) == (0.0, 1.0, 0.0)
