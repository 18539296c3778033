"""The test of the Markov property."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

from omnirl_reference.exact.markov import (
    LEAST_FREEDOM,
    WINDOW,
    dependence,
    new_journal,
    note,
    row_dependence,
)


def by_hand(pair: np.ndarray, before: np.ndarray, after: np.ndarray) -> float:
    total, freedom = 0.0, 0
    for p in np.unique(pair):
        on = pair == p
        rows, i = np.unique(before[on], return_inverse=True)
        columns, j = np.unique(after[on], return_inverse=True)
        table = np.zeros((len(rows), len(columns)))
        np.add.at(table, (i, j), 1)
        n = table.sum()
        expected = table.sum(1, keepdims=True) * table.sum(0) / n
        if min(table.shape) > 1:
            total += ((table - expected) ** 2 / expected).sum() * (n - 1) / n
            freedom += (len(rows) - 1) * (len(columns) - 1)
    return total / freedom


def test_it_is_pearsons_statistic_over_its_degrees_of_freedom() -> None:
    rng = np.random.default_rng(0)
    pair, before, after = rng.integers(5, size=400), rng.integers(6, size=400), rng.integers(7, size=400)
    assert dependence(pair, before, after, 6) == pytest.approx(by_hand(pair, before, after))


def test_it_is_one_on_average_in_markov_chains_however_thin_the_counts() -> None:
    rng = np.random.default_rng(1)
    found = []
    for _ in range(200):
        pair = rng.integers(40, size=200)
        after = (pair + rng.integers(3, size=200) ** 2) % 20
        found.append(dependence(pair, rng.integers(20, size=200), after, 20))
    assert np.mean(found) == pytest.approx(1.0, abs=3 * np.std(found) / np.sqrt(len(found)))


def test_it_grows_where_ids_hide_a_state() -> None:
    rng = np.random.default_rng(2)
    pair, before = rng.integers(10, size=1000), rng.integers(5, size=1000)
    after = np.where(rng.random(1000) < 0.7, before, rng.integers(5, size=1000))
    assert dependence(pair, before, after, 5) > 5


def test_it_says_nothing_where_nothing_can_be_said() -> None:
    ones = np.zeros(50, np.int64)
    assert dependence(ones, ones, ones, 3) == 1.0
    assert LEAST_FREEDOM > (3 - 1) * (3 - 1)
    assert dependence(ones, np.arange(50) % 3, np.arange(50) % 3, 3) == 1.0


def test_the_journal_keeps_the_latest_steps_and_skips_the_first_of_an_episode() -> None:
    journal = new_journal(2)
    for t in range(2 * WINDOW):
        note(journal, 1, 9, 2, t % 9, t % 2, (t + 1) % 9, t % 10 == 9, t % 10 == 9)
    assert journal.noted.tolist() == [0, 2 * WINDOW - len(range(0, 2 * WINDOW, 10))]
    k = (journal.noted[1] - 1) % WINDOW
    last = 2 * WINDOW - 1
    assert last % 10 != 0
    assert journal.pair[1, k] == last % 9 * 2 + last % 2
    assert journal.before[1, k] == (last - 1) % 9
    assert 9 in journal.after[1]
    assert row_dependence(journal, 0, 9) == 1.0
