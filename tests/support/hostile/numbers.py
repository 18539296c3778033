"""Attacks on the numbers in the tables."""

from __future__ import annotations

import numpy as np

from tests.support.hostile.parts import (
    Parts,
    Random,
    a_column,
    a_table,
)
from tests.support.tiny_board import FACTS


def not_finite(parts: Parts, rng: Random) -> None:
    columns = a_table(parts, rng)
    values = columns[a_column(columns, rng, "f")]
    values[int(rng.integers(len(values)))] = float(rng.choice([np.nan, np.inf, -np.inf]))


def negative_loss(parts: Parts, rng: Random) -> None:
    losses = parts.tables["losses"]
    row = int(rng.integers(len(losses["task"])))
    losses[a_column(losses, rng, "f")][row] = -(10 ** rng.uniform(-300, 300))


def beyond_the_limits(parts: Parts, rng: Random) -> None:
    columns = a_table(parts, rng)
    values = columns[a_column(columns, rng, "f")]
    row = int(rng.integers(len(values)))
    task = columns["task"][row]
    past = 10 ** rng.uniform(-4, 300)
    values[row] = FACTS.high[task] + past if rng.random() < 0.5 else FACTS.low[task] - past


def beyond_the_optimum(parts: Parts, rng: Random) -> None:
    points = parts.tables["points"]
    task = points["task"]
    share = float(rng.uniform(0.8, 1.0))
    value = FACTS.ceiling[task] + share * (FACTS.high - FACTS.ceiling)[task]
    points |= {name: value.copy() for name in ("return", "return_even", "return_odd")}


def other_counts(parts: Parts, rng: Random) -> None:
    count = parts.tables["points"]["count"]
    rows = slice(None) if rng.random() < 0.5 else int(rng.integers(len(count)))
    count[rows] = int(rng.choice([-1, 1, 2, 11, 1000, 2**31 - 1]))


def other_rows(parts: Parts, rng: Random) -> None:
    columns = a_table(parts, rng)
    n = len(columns["task"])
    order = np.arange(n)
    choice = int(rng.integers(4))
    if choice == 0:
        order = np.delete(order, rng.integers(n))
    elif choice == 1:
        order = np.insert(order, int(rng.integers(n)), rng.integers(n))
    elif choice == 2:
        one, other = rng.choice(n, 2, replace=False)
        order[[one, other]] = order[[other, one]]
    else:
        order = np.tile(order, 2)
    columns |= {name: values[order] for name, values in columns.items()}


def relabelled_rows(parts: Parts, rng: Random) -> None:
    columns = a_table(parts, rng)
    name = str(rng.choice([name for name in ("task", "run", "episodes", "block") if name in columns]))
    row = int(rng.integers(len(columns[name])))
    old = columns[name][row]
    columns[name][row] = rng.choice([value for value in (-1, 0, 1, 2, 15, 2**31 - 1) if value != old])


def other_steps(parts: Parts, rng: Random) -> None:
    columns = a_table(parts, rng)
    row = int(rng.integers(len(columns["steps"])))
    columns["steps"][row] = int(rng.choice([-1, 0, 1, 10**7, 2**62, -(2**63)]))


def other_halves(parts: Parts, rng: Random) -> None:
    points = parts.tables["points"]
    row = int(rng.integers(len(points["task"])))
    name = str(rng.choice(["return_even", "return_odd"]))
    task = points["task"][row]
    points[name][row] += float(rng.choice([-1, 1])) * 0.01 * (FACTS.high - FACTS.low)[task]


def other_legal_returns(parts: Parts, rng: Random) -> None:
    points = parts.tables["points"]
    row = int(rng.integers(len(points["task"])))
    task = points["task"][row]
    value = float(rng.uniform(FACTS.low[task], FACTS.ceiling[task]))
    for name in ("return", "return_even", "return_odd"):
        points[name] = points[name].copy()
        points[name][row] = value
