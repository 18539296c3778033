"""Do ids hide a state? A test of the Markov property on a row's latest steps (numba).

In a Markov task the id before (state, action) says nothing of the id after it. For every (state, action),
Pearson's statistic of the table of ids before by ids after has, given its margins, the expectation
``n / (n - 1) * degrees of freedom`` however small the counts are (S. Haldane, The mean and variance of chi
squared when used as a test of homogeneity, when expectations are small, Biometrika 1940). Summed over all
pairs and divided by all degrees of freedom it is 1 in a Markov task, and larger where ids hide something.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from anymdp_bench.kernels import kernel
from omnirl_reference.exact.features import Ints

WINDOW = 4096
"""Latest steps that count."""
LEAST_FREEDOM = 30
"""Degrees of freedom below which nothing is said."""
NO_ID = -1


class Journal(NamedTuple):
    """Latest steps of n rows.

    Attributes:
        pair, before, after: int64 ``[n, WINDOW]``: number of (state, action), the id before it, the id after
            it, or the number of ids where the episode was terminated.
        noted: int64 ``[n]``, steps noted so far.
        last: int64 ``[n]``, the id before the current one, `NO_ID` in an episode's first step.
    """

    pair: Ints
    before: Ints
    after: Ints
    noted: Ints
    last: Ints


def new_journal(n: int) -> Journal:
    """Journal of rows that have lived nothing."""
    pair, before, after = np.zeros((3, n, WINDOW), np.int64)
    return Journal(pair, before, after, np.zeros(n, np.int64), np.full(n, NO_ID))


@kernel(nogil=True)
def note(
    journal: Journal,
    i: int,
    n_ids: int,
    n_actions: int,
    s: int,
    a: int,
    after: int,
    terminated: bool,
    over: bool,
) -> None:
    """Note a step of row i; the first one of an episode has no id before it, and is passed over."""
    if journal.last[i] != NO_ID:
        k = journal.noted[i] % WINDOW
        journal.pair[i, k], journal.before[i, k] = s * n_actions + a, journal.last[i]
        journal.after[i, k] = n_ids if terminated else after
        journal.noted[i] += 1
    journal.last[i] = NO_ID if over else s


@kernel(nogil=True)
def _tables(pair: Ints, before: Ints, after: Ints, n_ids: int) -> tuple[Ints, Ints]:
    """Sorted codes of (pair, before, after), and of (pair, after)."""
    codes, ends = np.empty(len(pair), dtype=np.int64), np.empty(len(pair), dtype=np.int64)
    for k in range(len(pair)):
        codes[k] = (pair[k] * (n_ids + 1) + before[k]) * (n_ids + 1) + after[k]
        ends[k] = pair[k] * (n_ids + 1) + after[k]
    return np.sort(codes), np.sort(ends)


@kernel(nogil=True)
def _distinct(sorted_codes: Ints, low: int, high: int) -> int:
    found = 0
    for k in range(low, high):
        found += k == low or sorted_codes[k] != sorted_codes[k - 1]
    return found


@kernel(nogil=True, error_model="numpy")
def dependence(pair: Ints, before: Ints, after: Ints, n_ids: int) -> float:
    """How much ids before tell of ids after: about 1 in a Markov task; 1 where too little was seen.

    Args:
        pair: int64 ``[K]``, number of (state, action) of each step.
        before: int64 ``[K]``, in 0..n_ids - 1.
        after: int64 ``[K]``, in 0..n_ids.
        n_ids: Number of ids.
    """
    codes, ends = _tables(pair, before, after, n_ids)
    statistic, freedom, low, width = 0.0, 0, 0, n_ids + 1
    while low < len(codes):
        this = codes[low] // (width * width)
        high = np.searchsorted(codes, (this + 1) * width * width)
        n, columns = high - low, _distinct(ends, low, high)
        rows, pearson, k = 0, 0.0, low
        while k < high:
            row = codes[k] // width
            stop = min(np.searchsorted(codes, (row + 1) * width), high)
            rows += 1
            j = k
            while j < stop:
                same = np.searchsorted(codes, codes[j] + 1)
                column = this * width + codes[j] % width
                arrivals = np.searchsorted(ends, column + 1) - np.searchsorted(ends, column)
                pearson += float(same - j) ** 2 / (float(stop - k) * float(arrivals))
                j = same
            k = stop
        if rows > 1 and columns > 1:
            statistic += (n * pearson - n) * (n - 1) / n
            freedom += (rows - 1) * (columns - 1)
        low = high
    return statistic / freedom if freedom >= LEAST_FREEDOM else 1.0


@kernel(nogil=True)
def row_dependence(journal: Journal, i: int, n_ids: int) -> float:
    """`dependence` of row i's latest steps."""
    k = min(journal.noted[i], WINDOW)
    return dependence(journal.pair[i, :k], journal.before[i, :k], journal.after[i, :k], n_ids)
