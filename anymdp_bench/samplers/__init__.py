"""Procedural families: a task is a pure function of (family, settings, seed).

To add a family, write one file with its settings and its ``sample`` and add one line to `SAMPLERS`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.foundation.checks import check_integer
from anymdp_bench.foundation.registry import lookup, unknown_setting
from anymdp_bench.foundation.seeding import TASK_STREAM, check_seed, child_seed, stream_keys
from anymdp_bench.foundation.types import JsonScalar
from anymdp_bench.samplers import anymdp, flat, garnet, observation
from anymdp_bench.samplers.settings import Settings
from anymdp_bench.tasks.task import TabularTask

USER_DOMAIN = "user"
"""Seeds of `sample_task` and `gym.make`; banks use domains of their own, so no user seed is a test task."""


class Sampler(NamedTuple):
    """A family's settings class and its ``sample(settings, key, seed)``."""

    settings: type[Settings]
    sample: Callable[[Any, np.uint64, int], TabularTask]


SAMPLERS = {
    "anymdp": Sampler(anymdp.AnyMDPSettings, lambda c, key, seed: anymdp.sample(c, key, seed)[0]),
    "anymdp-flat": Sampler(flat.FlatSettings, flat.sample),
    "garnet": Sampler(garnet.GarnetSettings, garnet.sample),
    "anypomdp": Sampler(
        observation.AnyPOMDPSettings, lambda c, key, seed: observation.sample(c, key, seed, "anypomdp")
    ),
    "multi-token-anypomdp": Sampler(
        observation.MultiTokenSettings,
        lambda c, key, seed: observation.sample(c, key, seed, "multi-token-anypomdp"),
    ),
}


def settings_of(family: str, config: dict[str, JsonScalar]) -> Settings:
    """Check a family's settings.

    Raises:
        UnknownName: no such family.
        UnsupportedSetting: a setting that the family does not have.
        InvalidConfig: a value out of range.
    """
    kind = lookup("family", SAMPLERS, family).settings
    legal = [field.name for field in dataclasses.fields(kind)]
    for name in config:
        if name not in legal:
            raise unknown_setting(f"family {family!r}", name, legal)
    return kind(**config)  # type: ignore[arg-type]


def sample_task(family: str, *, seed: int, **config: JsonScalar) -> TabularTask:
    """Draw one task.

    Args:
        family: "anymdp", "anymdp-flat", "garnet", "anypomdp" or "multi-token-anypomdp".
        seed: Integer in [0, 2**64).
        **config: Settings of the family, e.g. ``n_states=32``; see its settings class.

    Raises:
        UnknownName: no such family.
        InvalidConfig: an unknown setting, or a value out of range.
        InvalidSeed: the seed is not an integer in [0, 2**64).
        SamplingFailed: the settings can hardly ever be accepted.

    Examples:
        >>> task = sample_task("anymdp", seed=7, n_states=16, n_actions=5)
        >>> task.transition.shape
        (16, 5, 16)
    """
    return draw_tasks(family, settings_of(family, config), [check_seed(seed)], USER_DOMAIN)[0]


def sample_tasks(
    family: str, n: int, *, seed: int, n_jobs: int = 1, **config: JsonScalar
) -> list[TabularTask]:
    """Draw `n` tasks, those of the seeds ``seed, seed + 1, ...``, on `n_jobs` threads.

    Args:
        family: As for `sample_task`.
        n: How many, 0 to 10^9.
        seed: Of the first one.
        n_jobs: Threads; the tasks do not depend on it. -1: one for each core.
        **config: Settings of the family, as for `sample_task`.

    Raises:
        UnknownName: `family` does not exist.
        UnsupportedSetting: a setting that the family does not have.
        InvalidConfig: a setting, `n` or `n_jobs` that is out of range.
        InvalidSeed: a seed that is not in [0, 2**64).
        SamplingFailed: no task of these settings was found.

    Examples:
        >>> tasks = sample_tasks("garnet", 3, seed=0, n_states=8)
        >>> [task.n_observations for task in tasks]
        [8, 8, 8]
    """
    n = check_integer("n", n, 0, 10**9)
    first = check_seed(seed)
    check_seed(first + max(n - 1, 0))
    return draw_tasks(family, settings_of(family, config), range(first, first + n), USER_DOMAIN, n_jobs)


def task_keys(seeds: Sequence[int], *domain: str) -> NDArray[np.uint64]:
    """Generator keys uint64 ``[n]`` of a domain's task seeds."""
    return stream_keys(stream_keys(seeds, np.uint64(child_seed(0, *domain))), TASK_STREAM)


def draw_tasks(
    family: str, settings: Settings, seeds: Sequence[int], domain: str, n_jobs: int = 1
) -> list[TabularTask]:
    """Draw the tasks of `seeds` in a named seed domain."""
    n_jobs = check_integer("n_jobs", n_jobs, -1, 4096)
    sample = SAMPLERS[family].sample
    keys = task_keys(seeds, "task", domain)
    if n_jobs in (0, 1) or len(seeds) < 2:
        return [sample(settings, key, seed) for key, seed in zip(keys, seeds, strict=True)]
    with ThreadPoolExecutor(None if n_jobs == -1 else n_jobs) as pool:
        return list(pool.map(lambda pair: sample(settings, *pair), zip(keys, seeds, strict=True)))
