"""AnyMDP without its composite reward: the same banded transitions, unstructured rewards, no gates.

It separates what makes AnyMDP hard: neither does the reward rise with rank, nor is a task chosen for it.

References:
    arXiv 2502.02869, comparison of AnyMDP with and without composite reward; that the mean rewards are
    independent standard normals is read from the public evaluation code.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np

from anymdp_bench.foundation.checks import check_integer
from anymdp_bench.foundation.compiling import kernel
from anymdp_bench.foundation.seeding import draw, next_normal, permutation
from anymdp_bench.planning.kernels import Floats, Ints, Successors
from anymdp_bench.samplers.assemble import round_distribution, round_reals
from anymdp_bench.samplers.settings import LEAST_RANKED_STATES, MOST_STATES, Settings
from anymdp_bench.samplers.structure import Flags, draw_horizon, draw_start, draw_terminals, draw_transitions
from anymdp_bench.tasks.task import TabularTask


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FlatSettings(Settings):
    """Settings of the family: `n_states` 8..1024, `n_actions` 1..64."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        Settings.__post_init__(self)
        check_integer("n_states", self.n_states, LEAST_RANKED_STATES, MOST_STATES)


class Drawn(NamedTuple):
    """Arrays of a task; `reward_outcome` is the mean reward of each outcome."""

    horizon: int
    state_ids: Ints
    row_start: Ints
    successor: Successors
    weight: Ints
    reward_outcome: Floats
    initial_weight: Ints
    terminal: Flags


@kernel(work=lambda key, n, n_actions: 2 * n * n * n_actions, patience=1_000_000, nogil=True)
def draw_task(key: np.uint64, n: int, n_actions: int) -> Drawn:
    """Draw until every action has an outcome, then give every outcome its reward."""
    stream = np.empty(1, dtype=np.uint64)
    attempt = 0
    while True:
        stream[0] = draw(key, np.uint64(attempt))
        state_ids = permutation(stream, n)
        horizon = draw_horizon(stream, n)
        initial, terminal = np.zeros(n), np.zeros(n, dtype=np.bool_)
        draw_start(stream, initial)
        draw_terminals(stream, initial, terminal)
        complete, row_start, successor, weight = draw_transitions(stream, terminal, n_actions, False)
        attempt += 1
        if complete:
            break
    reward = np.empty(len(successor))
    for k in range(len(reward)):
        reward[k] = next_normal(stream)
    return Drawn(
        horizon,
        state_ids,
        row_start,
        successor,
        weight,
        round_reals(reward),
        round_distribution(initial),
        terminal,
    )


def sample(settings: FlatSettings, key: np.uint64, seed: int) -> TabularTask:
    """Draw one task; rewards have no noise."""
    n, a = settings.n_states, settings.n_actions
    drawn = draw_task(key, n, a)._asdict()
    return TabularTask(
        family="anymdp-flat",
        config=settings.as_config(),
        seed=seed,
        n_observations=n,
        n_actions=a,
        reward_sa=np.zeros((n, a)),
        reward_next=np.zeros(n),
        noise_sa=np.zeros((n, a)),
        noise_next=np.zeros(n),
        **drawn | {"state_ids": drawn["state_ids"].astype(np.int32)},
    )
