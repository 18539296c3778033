"""Play of many rows: count, ask the network, plan, choose (numba)."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.kernels import UNTAGGED, Statistic, exp, has_room, kernel, next_unit, record_step, see
from omnirl_reference.exact.features import (
    LEAF_SPREADS,
    OPTIMIST,
    PAIR_FEATURES,
    SHORT_SIGHTED,
    SMALL,
    STATE_FEATURES,
    TASK_FEATURES,
    Floats,
    Ints,
    Plans,
    mean_gap,
    write_features,
)
from omnirl_reference.exact.leaves import plan_on_leaves, write_leaves
from omnirl_reference.exact.markov import Journal, note, row_dependence
from omnirl_reference.exact.network_kernels import ANSWERS, LOGIT, Weights, answer_row

Bools = NDArray[np.bool_]
FIRST_DOUBT, DOUBT_GROWTH = 400, 1.2
"""Own steps after which the Markov property is looked at first, and how much later again."""
OPTIMAL = 3
"""Tag of the optimal agent's steps, ``opt3``."""
TIE = 1e-9
"""Values closer than this share are drawn between."""


class Rules(NamedTuple):
    """`acting.Acting` in the form that kernels take.

    Attributes:
        column: Of the network's answer, the leaf's quantile; -1: the fixed optimist.
        kappa, fade, offset, discount, logits, growth: See there.
        probe, probe_length, probe_kappa, probe_fade: See there.
        aliased, aliased_discount, aliased_kappa: See there.
        temperature: 0: greedy on the plan; else of the policy head, which is sampled where the optimal
            agent was seen to act.
        headed: The table holds the policy head's answer in every id, and it is sampled everywhere.
    """

    column: int
    kappa: float
    fade: float
    offset: float
    discount: float
    logits: float
    growth: float
    probe: float
    probe_length: float
    probe_kappa: float
    probe_fade: float
    aliased: float
    aliased_discount: float
    aliased_kappa: float
    temperature: float
    headed: bool


class Rows(NamedTuple):
    """Where n rows stand, beside their statistic.

    Attributes:
        plans: Of the fixed planners.
        values: float64 ``[n, O]``, where the leaf plan stands.
        table: float64 ``[n, O, A]``, what a row acts by; 0 for ids that were never planned.
        steps: int64 ``[n]``, own steps.
        due: int64 ``[n]``, own steps at which the network is asked again.
        known: int64 ``[n]``, ids seen when it was asked last.
        begins: bool ``[n]``, the next step is the first of an episode.
        episodes: int64 ``[n]``, own episodes that are over.
        probing: bool ``[n]``, the episode under way is a probe.
        dependence: float64 ``[n]``, how far from Markov the ids look; see `markov.dependence`.
        doubt: int64 ``[n]``, own steps at which that is looked at again.
        journal: Of the latest steps.
        streams: uint64 ``[n]``.
    """

    plans: Plans
    values: Floats
    table: Floats
    steps: Ints
    due: Ints
    known: Ints
    begins: Bools
    episodes: Ints
    probing: Bools
    dependence: Floats
    doubt: Ints
    journal: Journal
    streams: NDArray[np.uint64]


@kernel(nogil=True)
def _plan_short(statistic: Statistic, rows: Rows, i: int, rules: Rules, spread: float, extra: Floats) -> None:
    """Plan row i with the fixed optimist at a shorter sight: ids hide a state, and errors add up."""
    highest = -np.inf
    for j in range(statistic.n_seen[i]):
        highest = max(highest, rows.plans.values[i, SHORT_SIGHTED, statistic.order[i, j]])
    extra[:] = highest + LEAF_SPREADS * spread
    plan_on_leaves(
        statistic,
        i,
        extra,
        rules.aliased_kappa,
        0.0,
        rules.aliased_discount,
        spread,
        rows.values[i],
        rows.table[i],
    )


@kernel(nogil=True)
def refresh_row(
    statistic: Statistic,
    rows: Rows,
    i: int,
    rules: Rules,
    weights: Weights,
    pairs: NDArray[np.float32],
    states: NDArray[np.float32],
) -> None:
    """Ask the network about row i and write what it acts by; `pairs` and `states` are room for features."""
    ids, n_actions = rows.table.shape[1:]
    extra, scale = np.zeros((ids, n_actions)), np.zeros(3)
    task = np.zeros(TASK_FEATURES, dtype=np.float32)
    write_features(statistic, i, rows.plans, extra, pairs, states, task, scale)
    answers = np.empty((ids, n_actions, ANSWERS), dtype=np.float32)
    answer_row(weights, statistic, i, pairs, states, task, answers)
    table, n = rows.table[i], statistic.n_seen[i]
    if rules.headed:
        for j in range(n):
            for a in range(n_actions):
                table[statistic.order[i, j], a] = answers[j, a, LOGIT] / rules.temperature
        return
    if rows.dependence[i] > rules.aliased:
        _plan_short(statistic, rows, i, rules, scale[1], extra)
    elif rules.column < 0:
        for j in range(n):
            table[statistic.order[i, j]] = rows.plans.q[i, OPTIMIST, statistic.order[i, j]]
    else:
        quantile = answers[:, :, rules.column]
        write_leaves(statistic, i, rows.plans, quantile, scale[1], rules.offset, extra)
        kappa, fade = rules.kappa, rules.fade
        if rows.probing[i]:
            kappa, fade = rules.probe_kappa, rules.probe_fade
        plan_on_leaves(statistic, i, extra, kappa, fade, rules.discount, scale[1], rows.values[i], table)
    if rules.logits > 0.0:
        weight = rules.logits * (mean_gap(statistic, i, table) + SMALL)
        for j in range(n):
            for a in range(n_actions):
                table[statistic.order[i, j], a] += weight * answers[j, a, LOGIT]
    if rules.temperature > 0.0:
        _follow_teacher(statistic, i, rules.temperature, answers, table)


@kernel(nogil=True)
def _follow_teacher(
    statistic: Statistic, i: int, temperature: float, answers: NDArray[np.float32], table: Floats
) -> None:
    """Act by the policy head where the optimal agent was seen to act, among its actions there."""
    for j in range(statistic.n_seen[i]):
        s = statistic.order[i, j]
        if was_taught(statistic, i, s):
            for a in range(table.shape[1]):
                taught = statistic.tagged[i, s, a, OPTIMAL] > 0
                table[s, a] = answers[j, a, LOGIT] / temperature if taught else -np.inf


@kernel(nogil=True)
def was_taught(statistic: Statistic, i: int, s: int) -> bool:
    """Whether row i has a step of the optimal agent from id s."""
    return bool(statistic.tagged[i, s, :, OPTIMAL].sum() > 0)


@kernel(nogil=True)
def is_probe(episodes: int, steps: int, probe: float, longest: float) -> bool:
    """Whether the episode after these is a probe: probe * sqrt(n) of n are, where they are short."""
    if episodes == 0 or steps >= longest * episodes:
        return False
    return math.floor(probe * math.sqrt(episodes + 1.0)) > math.floor(probe * math.sqrt(episodes))


@kernel(nogil=True)
def refresh_rows(
    statistic: Statistic, rows: Rows, active: Bools, observations: Ints, rules: Rules, weights: Weights
) -> None:
    """Ask the network about every active row that is due or meets a new id."""
    ids, n_actions = rows.table.shape[1:]
    pairs = np.empty((ids, n_actions, PAIR_FEATURES), dtype=np.float32)
    states = np.zeros((ids, STATE_FEATURES), dtype=np.float32)
    for i in range(len(active)):
        if not active[i]:
            continue
        see(statistic, i, observations[i])
        if rows.steps[i] >= rows.doubt[i]:
            rows.dependence[i] = row_dependence(rows.journal, i, ids)
            rows.doubt[i] = max(FIRST_DOUBT, int(DOUBT_GROWTH * rows.steps[i]))
        if rows.begins[i]:
            probing = is_probe(rows.episodes[i], rows.steps[i], rules.probe, rules.probe_length)
            if probing != rows.probing[i]:
                rows.probing[i], rows.due[i] = probing, rows.steps[i]
        if rows.steps[i] >= rows.due[i] or statistic.n_seen[i] > rows.known[i]:
            refresh_row(statistic, rows, i, rules, weights, pairs, states)
            rows.due[i] = rows.steps[i] + max(1, int(rules.growth * rows.steps[i]))
            rows.known[i] = statistic.n_seen[i]


@kernel(nogil=True)
def _sample(stream: NDArray[np.uint64], row: Floats) -> int:
    best = row.max()
    chances = np.empty(len(row))
    for a in range(len(row)):
        chances[a] = exp(max(row[a] - best, -700.0))
    left = next_unit(stream) * chances.sum()
    a = 0
    while a < len(row) - 1 and left >= chances[a]:
        left -= chances[a]
        a += 1
    return a


@kernel(nogil=True)
def _best(stream: NDArray[np.uint64], row: Floats) -> int:
    """The best action; one of the best at random where several are."""
    bar = row.max()
    bar -= TIE * max(1.0, abs(bar))
    count = 0
    for a in range(len(row)):
        count += row[a] >= bar
    left = min(int(next_unit(stream) * count), count - 1)
    for a in range(len(row)):
        if row[a] >= bar:
            if left == 0:
                return a
            left -= 1
    return 0


@kernel(nogil=True)
def act_rows(
    statistic: Statistic, rows: Rows, active: Bools, observations: Ints, rules: Rules, actions: Ints
) -> None:
    """Write an action for every active row."""
    for i in range(len(active)):
        if active[i]:
            stream, row = rows.streams[i : i + 1], rows.table[i, observations[i]]
            taught = rules.temperature > 0.0 and was_taught(statistic, i, observations[i])
            actions[i] = _sample(stream, row) if taught or rules.headed else _best(stream, row)


@kernel(nogil=True)
def observe_rows(
    statistic: Statistic,
    rows: Rows,
    first: int,
    active: Bools,
    observations: Ints,
    actions: Ints,
    rewards: Floats,
    following: Ints,
    terminated: Bools,
    truncated: Bools,
) -> int:
    """Count a step of every active row from number `first` on; return the first one without room, or n."""
    for i in range(first, len(active)):
        if not active[i]:
            continue
        if not has_room(statistic, i):
            return i
        record_step(
            statistic,
            i,
            observations[i],
            actions[i],
            rewards[i],
            following[i],
            terminated[i],
            rows.begins[i],
            UNTAGGED,
        )
        over = terminated[i] or truncated[i]
        ids, n_actions = rows.table.shape[1:]
        s, a = observations[i], actions[i]
        note(rows.journal, i, ids, n_actions, s, a, following[i], terminated[i], over)
        rows.begins[i] = over
        rows.episodes[i] += over
        rows.steps[i] += 1
    return len(active)
