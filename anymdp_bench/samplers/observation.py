"""Partially observed families: AnyMDP behind one or several random emission channels.

References:
    Public sampler of arXiv 2502.02869 (added after the paper); planned and scored with full information.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from anymdp_bench.foundation import exact
from anymdp_bench.foundation.checks import check_integer, check_number
from anymdp_bench.foundation.compiling import kernel
from anymdp_bench.foundation.seeding import EMISSION_STREAM, next_integer, next_unit, stream_keys
from anymdp_bench.foundation.types import JsonScalar
from anymdp_bench.planning.kernels import Floats, Ints
from anymdp_bench.samplers import anymdp
from anymdp_bench.samplers.anymdp import AnyMDPSettings
from anymdp_bench.samplers.assemble import round_distribution
from anymdp_bench.tasks.task import TabularTask

MOST_DENSITY = 0.20
EXPECTED_SYMBOLS = 4
"""Default share of non-zero emissions: min(0.20, 4 / n_observations)."""
MOST_OBSERVATIONS = 4096
MOST_TOKENS = 16


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AnyPOMDPSettings(AnyMDPSettings):
    """Settings of the AnyPOMDP family: those of AnyMDP, and of the emission channel.

    Attributes:
        n_observations: Ids of each observation token, 1..4096.
        density: Share of an emission row that is not zero, in (0, 1]; None is min(0.20, 4 / n_observations).
    """

    n_states: int = 64
    n_observations: int = 64
    density: float | None = None

    def __post_init__(self) -> None:
        """Check the ranges."""
        AnyMDPSettings.__post_init__(self)
        check_integer("n_observations", self.n_observations, 1, MOST_OBSERVATIONS)
        if self.density is not None:
            check_number("density", self.density, 1e-9, 1.0)

    @property
    def tokens(self) -> tuple[int, int]:
        """Numbers of observation and of action tokens."""
        return 1, 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MultiTokenSettings(AnyPOMDPSettings):
    """Settings of the multi-token family: several emission channels, several moves an action.

    Attributes:
        observation_tokens: Independent channels, 1..16.
        action_tokens: Moves carried out in turn within one step, 1..16; their rewards add up.
    """

    n_states: int = 256
    observation_tokens: int = 4
    action_tokens: int = 2

    def __post_init__(self) -> None:
        """Check the ranges."""
        AnyPOMDPSettings.__post_init__(self)
        check_integer("observation_tokens", self.observation_tokens, 1, MOST_TOKENS)
        check_integer("action_tokens", self.action_tokens, 1, MOST_TOKENS)

    @property
    def tokens(self) -> tuple[int, int]:
        """Numbers of observation and of action tokens."""
        return self.observation_tokens, self.action_tokens


@kernel(
    work=lambda key, tokens, n, n_observations, density: 2 * tokens * n * n_observations,
    patience=300_000,
    nogil=True,
)
def draw_emissions(key: np.uint64, tokens: int, n: int, n_observations: int, density: float) -> Ints:
    """Draw emission weights int64 ``[T, n, O]``; a row left empty gets one random column."""
    stream = np.array([key], dtype=np.uint64)
    weight = np.empty((tokens, n, n_observations), dtype=np.int64)
    for t in range(tokens):
        for s in range(n):
            row: Floats = np.zeros(n_observations)
            for o in range(n_observations):
                if next_unit(stream) < density:
                    row[o] = next_unit(stream)
            if exact.total(row) == 0.0:
                row[next_integer(stream, 0, n_observations - 1)] = 1.0
            weight[t, s] = round_distribution(row / exact.total(row))
    return weight


def sample(settings: AnyPOMDPSettings, key: np.uint64, seed: int, family: str) -> TabularTask:
    """Draw an AnyMDP task and hide its states behind emissions.

    Raises:
        SamplingFailed: see `anymdp.sample`.
    """
    names = {field.name for field in dataclasses.fields(AnyMDPSettings)}
    config: dict[str, JsonScalar] = settings.as_config()
    inner = AnyMDPSettings(**{name: config[name] for name in names})  # type: ignore[arg-type]
    task, _ = anymdp.sample(inner, key, seed)
    channels, moves = settings.tokens
    o = settings.n_observations
    density = min(MOST_DENSITY, EXPECTED_SYMBOLS / o) if settings.density is None else settings.density
    (emission_key,) = stream_keys(np.array([key]), EMISSION_STREAM)
    emission_weight = draw_emissions(emission_key, channels, task.n_states, o, density)
    return dataclasses.replace(
        task,
        family=family,
        config=config,
        n_observations=o,
        action_tokens=moves,
        state_ids=np.zeros(task.n_states, dtype=np.int32),
        emission_weight=emission_weight,
    )
