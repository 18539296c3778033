"""The AnyMDP family: banded transitions, composite reward, quality gates.

References:
    arXiv 2502.02869, section "AnyMDP"; numbers from its public sampler, see `structure`, `reward`, `quality`.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.foundation.checks import check_choice, check_flag, check_integer
from anymdp_bench.foundation.compiling import kernel
from anymdp_bench.foundation.errors import InvalidConfig, SamplingFailed
from anymdp_bench.foundation.seeding import WEIGHT_TOTAL, draw, next_integer, permutation
from anymdp_bench.planning.kernels import Floats, Ints, Outcomes, Successors
from anymdp_bench.samplers import bandit
from anymdp_bench.samplers.assemble import round_distribution, round_reals
from anymdp_bench.samplers.quality import ACCEPTED, EMPTY_ACTION, GATES, REPAIR, judge
from anymdp_bench.samplers.reward import EXACT_SOLVER, draw_reward, repair_reward
from anymdp_bench.samplers.settings import LEAST_RANKED_STATES, MOST_STATES, Settings
from anymdp_bench.samplers.structure import (
    Flags,
    Stream,
    draw_horizon,
    draw_start,
    draw_terminals,
    draw_transitions,
)
from anymdp_bench.tasks.task import TabularTask

MOST_TRIES = 2000
"""Candidates per task before giving up (one in 1.3 to 5 is accepted at the usual sizes)."""
LONGEST_CHAIN, SWEEPS = 500, 1000
"""Steps of the ergodicity gate and sweeps of value iteration, at most about."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AnyMDPSettings(Settings):
    """Settings of the AnyMDP family.

    Attributes:
        n_states: Observation ids: 1 (a bandit) or 8..1024.
        n_actions: 1..64.
        min_states: If given, the number of inner states is uniform in min_states..n_states (8 at least)
            and the rest of the ids never occur.
        kernel_width: "state" draws the width of the action kernels once per state, as the public code
            does; "action" once per (state, action), as the paper writes.
        ergodicity: Also require that the uniform policy forgets its start within the horizon [paper].
    """

    min_states: int | None = None
    kernel_width: str = "state"
    ergodicity: bool = False

    def __post_init__(self) -> None:
        """Check the ranges."""
        Settings.__post_init__(self)
        if 1 < self.n_states < LEAST_RANKED_STATES:
            raise InvalidConfig(
                f"n_states={self.n_states} is not legal: give 1 (a bandit) or "
                f"{LEAST_RANKED_STATES}..{MOST_STATES}."
            )
        check_choice("kernel_width", self.kernel_width, ("state", "action"))
        check_flag("ergodicity", self.ergodicity)
        if self.min_states is not None:
            if self.n_states == 1:
                raise InvalidConfig("min_states is given, but a bandit (n_states=1) has one state; drop it.")
            check_integer("min_states", self.min_states, LEAST_RANKED_STATES, self.n_states)


class Drawn(NamedTuple):
    """An accepted candidate on the rounded grids, as the kernel returns it."""

    row_start: Ints
    successor: Successors
    weight: Ints
    reward_sa: Floats
    reward_next: Floats
    noise_sa: Floats
    noise_next: Floats
    initial_weight: Ints
    terminal: Flags
    state_ids: Ints
    horizon: int


@kernel(nogil=True)
def draw_candidate(
    stream: Stream,
    n_observations: int,
    n_actions: int,
    min_states: int,
    width_per_action: bool,
    ergodicity: bool,
    solver: int,
) -> tuple[int, Drawn]:
    """Draw one candidate and judge it; return (verdict, candidate)."""
    n = next_integer(stream, min_states, n_observations)
    state_ids = permutation(stream, n_observations)[:n].copy()
    horizon = draw_horizon(stream, n_observations)
    initial, terminal = np.zeros(n), np.zeros(n, dtype=np.bool_)
    draw_start(stream, initial)
    has_goal = draw_terminals(stream, initial, terminal)
    complete, row_start, successor, weight = draw_transitions(stream, terminal, n_actions, width_per_action)
    tables = draw_reward(stream, terminal, has_goal, n_actions)
    verdict = EMPTY_ACTION
    if complete:
        outcomes = Outcomes(row_start, successor, weight / WEIGHT_TOTAL)
        actions = np.zeros(n, dtype=np.int64)
        verdict = REPAIR
        if repair_reward(stream, outcomes, initial, terminal, has_goal, tables, solver, actions):
            verdict = judge(
                outcomes,
                initial,
                terminal,
                tables,
                horizon,
                solver,
                ergodicity,
                actions,
            )
    return verdict, Drawn(
        row_start,
        successor,
        weight,
        round_reals(tables.by_action),
        round_reals(tables.by_next),
        round_reals(tables.noise_by_action),
        round_reals(tables.noise_by_next),
        round_distribution(initial),
        terminal,
        state_ids,
        horizon,
    )


def _work(
    key: np.uint64,
    most_tries: int,
    n: int,
    n_actions: int,
    min_states: int,
    width_per_action: bool,
    ergodicity: bool,
    solver: int,
    verdicts: Ints,
) -> int:
    """About how many steps of innermost loops a task takes."""
    gates = LONGEST_CHAIN * n**3 // 4 if ergodicity else 0
    sweeps = SWEEPS * n * n * n_actions if solver != EXACT_SOLVER else 0
    return 6 * n * (n + 50) * n_actions + gates + sweeps


@kernel(work=_work, patience=3_000_000, nogil=True)
def draw_task(
    key: np.uint64,
    most_tries: int,
    n_observations: int,
    n_actions: int,
    min_states: int,
    width_per_action: bool,
    ergodicity: bool,
    solver: int,
    verdicts: Ints,
) -> Drawn:
    """Draw candidates until one is accepted or the tries are used up; count the verdicts."""
    stream = np.empty(1, dtype=np.uint64)
    attempt = 0
    while True:
        stream[0] = draw(key, np.uint64(attempt))
        verdict, drawn = draw_candidate(
            stream, n_observations, n_actions, min_states, width_per_action, ergodicity, solver
        )
        verdicts[verdict] += 1
        attempt += 1
        if verdict == ACCEPTED or attempt == most_tries:
            return drawn


def sample(
    settings: AnyMDPSettings, key: np.uint64, seed: int, solver: int = EXACT_SOLVER
) -> tuple[TabularTask, NDArray[np.int64]]:
    """Draw one task; also return how often each of `quality.GATES` was the verdict.

    Raises:
        SamplingFailed: no candidate was accepted in 2,000 tries; says which gate rejected how often.
    """
    if settings.n_states == 1:
        return bandit.sample(settings, key, seed), np.bincount([ACCEPTED], minlength=len(GATES))
    verdicts = np.zeros(len(GATES), dtype=np.int64)
    drawn = draw_task(
        key,
        MOST_TRIES,
        settings.n_states,
        settings.n_actions,
        settings.min_states or settings.n_states,
        settings.kernel_width == "action",
        settings.ergodicity,
        solver,
        verdicts,
    )
    if verdicts[ACCEPTED] == 0:
        tally = ", ".join(f"{gate} {count}" for gate, count in zip(GATES, verdicts, strict=True) if count)
        raise SamplingFailed(
            f"{settings} was rejected {MOST_TRIES} times (by {tally}). Use more states or actions, "
            "or switch the ergodicity check off."
        )
    return TabularTask(
        family="anymdp",
        config=settings.as_config(),
        seed=seed,
        n_observations=settings.n_states,
        n_actions=settings.n_actions,
        **drawn._asdict(),
    ), verdicts
