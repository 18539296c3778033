"""Interpreted kernels give the bits of compiled ones, and are compiled once that pays."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest

import anymdp_bench
from anymdp_bench import references, sample_task
from anymdp_bench.envs import emissions, options, streams, tables, vector
from anymdp_bench.foundation import exact, seeding
from anymdp_bench.foundation.compiling import choose, elements, interpreted, kernel, notice
from anymdp_bench.planning import horizon, kernels, limits, return_limits
from anymdp_bench.planning.solve import policy_value, uniform_policy
from anymdp_bench.samplers import SAMPLERS, anymdp, bandit, flat, garnet, observation
from tests.support.vectors import structured_task, trajectory


def interpreting(monkeypatch: pytest.MonkeyPatch, *modules: Any) -> None:
    """Let some modules call twins only."""
    for module in modules:
        for name, value in list(vars(module).items()):
            if hasattr(value, notice.MARK):
                monkeypatch.setattr(module, name, interpreted(value))


def compiling(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choose, "EAGERNESS", float("inf"))


def tasks_of(family: str, n_states: int) -> list[Any]:
    several = {"ergodicity": n_states == 16, "kernel_width": "action"} if "any" in family else {}
    configs: list[dict[str, Any]] = [{}, {} if family == "anymdp-flat" else several, {"n_actions": 3}]
    return [sample_task(family, seed=k, n_states=n_states, **config) for k, config in enumerate(configs)]


SAMPLER_MODULES = {"anymdp-flat": flat, "garnet": garnet}
"""All other families are built on AnyMDP."""


SAMPLER_MODULES = {"anymdp-flat": flat, "garnet": garnet}
"""All other families are built on AnyMDP."""


@pytest.mark.parametrize("n_states", [16, 64])
@pytest.mark.parametrize("family", SAMPLERS)
def test_interpreted_samplers_draw_the_same_tasks(
    monkeypatch: pytest.MonkeyPatch, family: str, n_states: int
) -> None:
    compiling(monkeypatch)
    compiled = tasks_of(family, n_states)
    assert SAMPLER_MODULES.get(family, anymdp).draw_task.signatures  # type: ignore[attr-defined]
    interpreting(monkeypatch, anymdp, flat, garnet, observation)
    for mine, theirs in zip(tasks_of(family, n_states), compiled, strict=True):
        assert mine.fingerprint() == theirs.fingerprint()
        for name, value in mine.as_dict().items():
            assert type(value) is type(getattr(theirs, name)) or name == "config"
            assert np.array_equal(value, getattr(theirs, name)), name


def test_interpreted_bandits_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    compiling(monkeypatch)
    compiled = [sample_task("anymdp", seed=k, n_states=1, n_actions=40).fingerprint() for k in range(20)]
    interpreting(monkeypatch, bandit)
    assert compiled == [
        sample_task("anymdp", seed=k, n_states=1, n_actions=40).fingerprint() for k in range(20)
    ]


def solutions(task: Any) -> list[Any]:
    return [
        references(task),
        return_limits(task),
        policy_value(task, uniform_policy(task), 0.9).tolist(),
        anymdp_bench.plan(task, 0.99).tolist(),
    ]


@pytest.mark.parametrize(("family", "n_states"), [("anymdp", 16), ("garnet", 16), ("anymdp", 48)])
def test_the_interpreted_planner_gives_the_same_bits(
    monkeypatch: pytest.MonkeyPatch, family: str, n_states: int
) -> None:
    task = sample_task(family, seed=3, n_states=n_states)
    compiling(monkeypatch)
    compiled = solutions(task)
    interpreting(monkeypatch, horizon, kernels, limits)
    assert solutions(task) == compiled


def batch() -> vector.TabularVectorEnv:
    """Every kind of row: short and long, with and without gaps and rewards per outcome."""
    kinds = [(5, 0.0, False), (5, 0.6, True), (40, 0.0, True), (30, 0.3, False), (20, 0.7, True)]
    tasks = [
        structured_task(seed, 48, 3, width, gaps=gaps, per_outcome=per_outcome)
        for seed, (width, gaps, per_outcome) in enumerate(kinds)
    ]
    return vector.TabularVectorEnv(tasks)


def test_interpreted_batches_go_the_same_way(monkeypatch: pytest.MonkeyPatch) -> None:
    compiling(monkeypatch)
    env = batch()
    env.reset(seed=1)
    compiled = trajectory(env)
    interpreting(monkeypatch, vector, tables, streams, options, emissions)
    env = batch()
    env.reset(seed=1)
    assert trajectory(env) == compiled


SCALARS: dict[Callable[..., Any], list[float]] = {
    exact.log: [1e-300, 0.3, 1.0, 7.5, 1e300],
    exact.exp: [-800.0, -3.3, 0.0, 0.1, 700.0],
    exact.sin_cos: [-99999.0, -0.4, 0.0, 2.0, 12345.6],
    exact.normal_quantile: [1e-16, 0.01, 0.3, 0.5, 0.999999],
}


@pytest.mark.parametrize("function", SCALARS, ids=lambda function: function.__name__)
def test_interpreted_functions_give_the_same_bits(
    monkeypatch: pytest.MonkeyPatch, function: Callable[..., Any]
) -> None:
    compiling(monkeypatch)
    rng = np.random.default_rng(0)
    arguments = [*SCALARS[function], *rng.uniform(0.0, 1.0, 200).tolist()]
    compiled = [function(x) for x in arguments]
    assert function.signatures  # type: ignore[attr-defined]
    assert [interpreted(function)(x) for x in arguments] == compiled


def test_an_interpreted_stream_wraps_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    compiling(monkeypatch)
    mine, theirs = np.array([2**64 - 1], np.uint64), np.array([2**64 - 1], np.uint64)
    draws = [interpreted(seeding.next_bits)(mine) for _ in range(50)]
    assert draws == [seeding.next_bits(theirs) for _ in range(50)]
    assert all(type(bits) is int for bits in draws)


@kernel(work=elements, patience=25)
def add_up(values: Any) -> float:
    result = 0.0
    for value in values:
        result += value
    return result


def test_a_kernel_is_compiled_once_it_has_worked_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(add_up._compile_for_args, "_cache", None)  # type: ignore[attr-defined]
    values = np.arange(10.0)
    assert [add_up(values) for _ in range(2)] == [45.0, 45.0]
    assert not add_up.signatures  # type: ignore[attr-defined]
    assert add_up(values) == 45.0
    assert len(add_up.signatures) == 1  # type: ignore[attr-defined]


def test_work_takes_the_arguments_of_its_kernel() -> None:
    checked = 0
    for module in [module for name, module in sys.modules.items() if name.startswith("anymdp_bench.")]:
        for value in vars(module).values():
            choice = getattr(value, "_compile_for_args", None)
            if isinstance(choice, choose._Choice) and choice._work is not elements:
                n_arguments = len(inspect.signature(value.py_func).parameters)
                inspect.signature(choice._work).bind(*range(n_arguments))
                checked += 1
    assert checked > 10


@kernel(inner=True)
def halve(x: float) -> float:
    return x / 2.0


def test_inner_kernels_can_be_called_from_python_at_any_time() -> None:
    assert halve(1.0) == 0.5
    assert numba.njit(lambda x: halve(halve(x)))(1.0) == 0.25
    assert halve.signatures  # type: ignore[attr-defined]
    assert halve(1.0) == 0.5
