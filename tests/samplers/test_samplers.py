import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from anymdp_bench.foundation.errors import BenchError, InvalidConfig, InvalidSeed, SamplingFailed, UnknownName
from anymdp_bench.foundation.seeding import TASK_STREAM, stream_keys
from anymdp_bench.planning import references
from anymdp_bench.planning.kernels import Outcomes
from anymdp_bench.planning.model import model_of
from anymdp_bench.samplers import SAMPLERS, anymdp, quality, sample_task, sample_tasks, task_keys
from anymdp_bench.samplers.reward import EXACT_SOLVER, SWEEP_SOLVER
from anymdp_bench.samplers.structure import horizon_range
from anymdp_bench.tasks.task import REWARD_UNIT

SMALL = {
    "anymdp": {"n_states": 16},
    "anymdp-flat": {"n_states": 16},
    "garnet": {"n_states": 16},
    "anypomdp": {"n_states": 16, "n_observations": 10},
    "multi-token-anypomdp": {"n_states": 16, "n_observations": 8},
}
SEEDS = st.integers(0, 2**64 - 1)


def test_every_family_is_tested() -> None:
    assert SMALL.keys() == SAMPLERS.keys()


@pytest.mark.parametrize("family", SMALL)
@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_invariants(family: str, seed: int) -> None:
    task = sample_task(family, seed=seed, **SMALL[family])
    assert (task.family, task.seed) == (family, seed)
    low, high = horizon_range(16)
    assert low <= task.horizon <= high
    for values in (task.reward_sa, task.reward_next, task.noise_sa, task.noise_next, task.reward_outcome):
        if values is not None:
            np.testing.assert_array_equal(values, np.rint(values / REWARD_UNIT) * REWARD_UNIT)
    assert sample_task(family, seed=seed, **SMALL[family]).fingerprint() == task.fingerprint()


@pytest.mark.parametrize("family", SMALL)
def test_seeds_and_workers(family: str) -> None:
    alone = sample_tasks(family, 12, seed=5, **SMALL[family])
    together = sample_tasks(family, 12, seed=5, n_jobs=3, **SMALL[family])
    prints = [task.fingerprint() for task in alone]
    assert prints == [task.fingerprint() for task in together]
    assert len(set(prints)) == 12
    assert prints[3] == sample_task(family, seed=8, **SMALL[family]).fingerprint()


def test_structure_of_anymdp() -> None:
    """Bands reach at most n/4 ranks up and n/2 down; starts are low; only rank n-1 may be a goal."""
    for task in sample_tasks("anymdp", 40, seed=0, n_states=32):
        source = task.outcome_row // task.n_actions
        step = task.successor - source
        assert step.max() <= 32 // 4 + 2
        assert step.min() >= -(32 // 2 + 1)
        assert set(np.flatnonzero(task.initial_weight)) <= {0, 1, 2}
        assert sorted(task.state_ids) == list(range(32))
        assert not task.noise_next[task.terminal].any()
        width = np.diff(task.row_start).reshape(32, 5)
        assert (width[~task.terminal] >= 1).all()


def test_anymdp_without_composite_reward_keeps_the_bands_and_draws_unstructured_rewards() -> None:
    tasks = sample_tasks("anymdp-flat", 40, seed=0, n_states=32)
    rewards = np.concatenate([task.reward_outcome for task in tasks])
    assert rewards.mean() == pytest.approx(0, abs=4 / np.sqrt(len(rewards)))
    assert rewards.std() == pytest.approx(1, abs=4 / np.sqrt(2 * len(rewards)))
    for task in tasks:
        step = task.successor - task.outcome_row // task.n_actions
        assert -(32 // 2 + 1) <= step.min() and step.max() <= 32 // 4 + 2
        assert not (task.reward_sa.any() or task.reward_next.any() or task.noise_sa.any())
        rank_law = np.corrcoef(task.successor, task.reward_outcome)[0, 1]
        assert abs(rank_law) < 5 / np.sqrt(len(task.successor))
    with pytest.raises(InvalidConfig, match=r"n_states=4 is not legal: give an integer in 8\.\.1024"):
        sample_task("anymdp-flat", seed=0, n_states=4)


def test_terminal_goals_and_pits_are_drawn_at_the_specified_rates() -> None:
    """Before the gates: goals 30 %; pits binomial with share max(U(-.2, .4), 0), below n * share + 1."""
    from anymdp_bench.samplers.structure import draw_start, draw_terminals

    stream = stream_keys([1], TASK_STREAM)
    goals, pits = [], []
    for _ in range(3000):
        initial, terminal = np.zeros(32), np.zeros(32, dtype=bool)
        draw_start(stream, initial)
        goals.append(draw_terminals(stream, initial, terminal))
        pits.append(terminal[3:31].mean())
    assert np.mean(goals) == pytest.approx(0.3, abs=0.035)
    counts = np.arange(33)
    shares = np.linspace(0, 0.4, 400)
    laws = [binom.pmf(counts, 32, q) * (counts < 32 * q + 1) for q in shares]
    expected = 2 / 3 * np.mean([(law * counts).sum() / law.sum() / 32 for law in laws])
    assert np.mean(pits) == pytest.approx(expected, abs=4 * np.std(pits) / np.sqrt(3000))


def test_embedded_tasks() -> None:
    tasks = sample_tasks("anymdp", 30, seed=1, n_states=24, min_states=8)
    sizes = {task.n_states for task in tasks}
    assert len(sizes) > 8
    assert min(sizes) >= 8 and max(sizes) <= 24
    for task in tasks:
        assert task.n_observations == 24
        assert len(set(task.state_ids)) == task.n_states
        assert references(task).oracle > references(task).random


def test_bandit() -> None:
    for task in sample_tasks("anymdp", 30, seed=0, n_states=1):
        assert (task.horizon, task.n_observations) == (1, 1)
        means = task.reward_sa[0]
        assert means.std() > 0.01
        assert means.min() >= means.max() / 2 - 1e-6
        assert references(task).oracle == pytest.approx(means.max())
        assert references(task).random == pytest.approx(means.mean(), abs=1e-8)


@pytest.mark.parametrize(("n", "branching"), [(1, 1), (2, 2), (16, 1), (16, 16), (9, 3)])
def test_garnet_at_the_edges(n: int, branching: int) -> None:
    for task in sample_tasks("garnet", 10, seed=0, n_states=n, branching=branching):
        width = np.diff(task.row_start)
        assert (width == branching).all()
        assert not task.terminal.any()
        assert task.initial_weight[0] == task.initial_weight.sum()
        assert not task.outcome_noise.any()
        if branching == n:
            assert (task.transition > 0).all()


def test_garnet_reward_spread() -> None:
    rewards = np.concatenate([t.outcome_reward for t in sample_tasks("garnet", 20, seed=0, sigma=0.5)])
    assert rewards.std() == pytest.approx(0.5, rel=0.05)
    assert abs(rewards.mean()) < 0.03


def test_emissions() -> None:
    task = sample_task("anypomdp", seed=0)
    assert task.emissions is not None
    assert task.emissions.shape == (1, 64, 64)
    share = (task.emissions > 0).mean()
    assert share == pytest.approx(4 / 64, rel=0.25)
    multi = sample_task("multi-token-anypomdp", seed=0, n_states=16, density=1e-9)
    assert multi.emissions is not None
    assert multi.emissions.shape == (4, 16, 64)
    assert (multi.emissions.max(axis=2) == 1.0).all()
    assert multi.action_tokens == 2


@pytest.mark.parametrize("n_states", [16, 32, 64])
def test_decisions_equal_those_of_value_iteration(n_states: int) -> None:
    """Every candidate of 200 // n streams gets the same verdict from both solvers, and the same rewards."""
    keys = task_keys(range(1600 // n_states), "test")
    for key in keys:
        results = []
        for solver in (EXACT_SOLVER, SWEEP_SOLVER):
            stream = np.array([key])
            results.append(anymdp.draw_candidate(stream, n_states, 5, n_states, False, False, solver))
        (exact, first), (swept, second) = results
        assert exact == swept
        np.testing.assert_allclose(first.reward_next, second.reward_next, atol=1e-4)


def test_kernel_width_per_action_is_another_law() -> None:
    per_state = sample_tasks("anymdp", 10, seed=0)
    per_action = sample_tasks("anymdp", 10, seed=0, kernel_width="action")
    assert all(a.fingerprint() != b.fingerprint() for a, b in zip(per_state, per_action, strict=True))
    assert all(task.config["kernel_width"] == "action" for task in per_action)


def test_ergodicity_check_fails_a_chain_of_two_islands() -> None:
    islands = Outcomes(np.arange(5), np.array([1, 0, 3, 2], dtype=np.int32), np.ones(4))
    blended = Outcomes(np.arange(5) * 4, np.array([0, 1, 2, 3] * 4, dtype=np.int32), np.full(16, 0.25))
    arguments = (np.eye(4)[0], np.zeros(4, dtype=bool), 1, 10)
    assert not quality.is_ergodic(islands, *arguments)
    assert quality.is_ergodic(blended, *arguments)


def test_ergodicity_is_an_option() -> None:
    stream_of = lambda: task_keys([11], "test").copy()  # noqa: E731
    for _ in range(3):
        verdict, _ = anymdp.draw_candidate(stream_of(), 16, 5, 16, False, True, EXACT_SOLVER)
        assert verdict in range(len(quality.GATES))
    tasks = sample_tasks("anymdp", 10, seed=0, ergodicity=True)
    for task in tasks:
        outcomes = model_of(task).outcomes
        assert quality.is_ergodic(outcomes, task.initial, task.terminal, 5, task.horizon)


def test_hopeless_settings_say_which_gate_rejected() -> None:
    with pytest.raises(SamplingFailed, match=r"rejected 2000 times \(by .*value gap \d+"):
        sample_task("anymdp", seed=0, n_states=8, n_actions=1)


ILLEGAL: list[tuple[str, dict[str, object], str]] = [
    ("anymdp", {"n_states": 5}, r"give 1 \(a bandit\) or 8..1024"),
    ("anymdp", {"n_states": 16.0}, "n_states=16.0"),
    ("anymdp", {"n_actions": 0}, "integer in 1..64"),
    ("anymdp", {"min_states": 20}, "integer in 8..16"),
    ("anymdp", {"n_states": 1, "min_states": 1}, "drop it"),
    ("anymdp", {"kernel_width": "both"}, "'state', 'action'"),
    ("anymdp", {"ergodicity": 1}, "True or False"),
    ("anymdp", {"branching": 2}, "family 'anymdp' got an unexpected keyword argument 'branching'"),
    ("garnet", {"branching": 17}, "integer in 1..16"),
    ("garnet", {"sigma": -1.0}, "number in"),
    ("garnet", {"sigma": float("nan")}, "number in"),
    ("anypomdp", {"density": 0.0}, "number in"),
    ("multi-token-anypomdp", {"action_tokens": 0}, "integer in 1..16"),
]


@pytest.mark.parametrize(("family", "config", "message"), ILLEGAL)
def test_illegal_settings_are_refused(family: str, config: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidConfig, match=message):
        sample_task(family, seed=0, **config)  # type: ignore[arg-type]


def test_unknown_family_and_illegal_seeds() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'anymdp'"):
        sample_task("anymdpp", seed=0)
    with pytest.raises(InvalidSeed):
        sample_task("anymdp", seed=-1)
    with pytest.raises(BenchError):
        sample_tasks("anymdp", 2, seed=2**64 - 1)


def test_caller_random_state_is_untouched() -> None:
    before = json.dumps(np.random.get_state()[1].tolist())  # type: ignore[index, union-attr]  # noqa: NPY002
    sample_task("anymdp", seed=0)
    assert json.dumps(np.random.get_state()[1].tolist()) == before  # type: ignore[index, union-attr]  # noqa: NPY002


PRINT_FINGERPRINTS = """
from anymdp_bench.samplers import sample_tasks
for family, config in (("anymdp", {}), ("anymdp", {"n_states": 64}), ("garnet", {})):
    for task in sample_tasks(family, 6, seed=0, **config):
        print(task.fingerprint())
"""


def test_fingerprints_agree_under_two_processor_types() -> None:
    outputs = []
    for core in ("Haswell", "Nehalem"):
        environment = os.environ | {"OPENBLAS_CORETYPE": core, "OPENBLAS_NUM_THREADS": "1"}
        result = subprocess.run(
            [sys.executable, "-c", PRINT_FINGERPRINTS], env=environment, capture_output=True, check=True
        )
        outputs.append(result.stdout)
    assert outputs[0] == outputs[1]
    assert len(set(outputs[0].split())) == 18
