"""Control variates: exact advantages make noise of mean zero, and what is left of a score is unbiased."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anymdp_bench import evaluate, load_result, scoring
from anymdp_bench.agents.protocol import AgentInfo
from anymdp_bench.evaluation.boards import Board
from anymdp_bench.planning import advantages, greedy, plan, policy_return, references, uniform_policy
from anymdp_bench.scoring.controlled import without_noise
from anymdp_bench.scoring.normalise import normalise
from baselines.oracle import Oracle
from baselines.uniform import Uniform
from tests.support.scripted import TabledLearner, corridor
from tests.support.tasks import random_task

BOARD = Board(name="test", bank="none", context_episodes=200, shard_size=64)
TASKS = [random_task(seed) for seed in range(4)]


class Adaptive:
    """Plays the oracle's action with a probability that hangs on how its last episode went."""

    def __init__(self, mistakes: float = 0.3) -> None:
        self.info = AgentInfo(name="adaptive", privileged=True)
        self.mistakes = mistakes

    def begin(self, n: int, observations: Any, actions: Any, seed: int, context: Any, tasks: Any) -> None:
        self.rng, self.n_actions = np.random.default_rng(seed), actions.n
        self.best = np.stack([greedy(plan(task)) for task in tasks])
        self.chance, self.total = np.full(n, self.mistakes), np.zeros(n)

    def act(self, observations: Any, active: Any) -> Any:
        best = self.best[np.arange(len(active)), observations]
        wrong = self.rng.random(len(active)) < self.chance
        return np.where(wrong, self.rng.integers(self.n_actions, size=len(active)), best)

    def observe(self, observations: Any, actions: Any, rewards: Any, after: Any, *flags: Any) -> None:
        terminated, truncated, active = flags
        self.total += rewards * active
        over = (terminated | truncated) & active
        self.chance[over] = np.where(self.total[over] > 0, 0.1, 2 * self.mistakes)
        self.total[over] = 0.0


def test_advantages_over_the_horizon_by_hand() -> None:
    found = advantages(corridor(horizon=2, gain=3.0), [[1, 1, 0], [0, 0, 0]])
    assert found.shape == (2, 3, 2, 2)
    np.testing.assert_allclose(found[0, 0, :, 0], [-3, 0])  # one step is lost, one is left
    np.testing.assert_allclose(found[1, 0, :, 0], [-3, 0])
    np.testing.assert_allclose(found[0, 0, :, 1], [0, 3])
    assert (found[:, 2] == 0).all()


def test_no_policy_has_an_advantage_over_itself() -> None:
    for task in TASKS:
        policies = [greedy(plan(task)), uniform_policy(task)]
        found = advantages(task, policies)
        np.testing.assert_allclose(found[:, np.arange(task.n_states), policies[0], 0], 0, atol=1e-12)
        np.testing.assert_allclose(found[..., 1].mean(axis=2), 0, atol=1e-12)


def test_of_the_oracle_no_variance_is_left() -> None:
    result = evaluate(Oracle(), BOARD, tasks=TASKS, controls=True)
    scored = normalise(result.record)
    assert scored.noise is not None and scored.lived.std() > 0.1
    np.testing.assert_allclose(scored.lived - scored.noise[:, :, 0], 1.0, atol=1e-9)
    scores = result.scores().iloc[0]
    assert scores["controlled"] == pytest.approx(1.0, abs=1e-6) and scores["controlled_factor"] > 1e6


@pytest.mark.parametrize("agent", [Uniform(), Adaptive()], ids=lambda agent: agent.info.name)
def test_noise_has_mean_zero_whoever_acts(agent: Any) -> None:
    record = evaluate(agent, BOARD, tasks=TASKS * 16, controls=True).record
    noise = normalise(record).noise
    assert noise is not None
    error = noise.std(axis=(0, 1)) / np.sqrt(noise.shape[0] * noise.shape[1])
    assert (np.abs(noise.mean(axis=(0, 1))) < 4 * error).all()


def test_the_estimate_is_unbiased_and_less_noisy() -> None:
    """Uniform play has a known mean; many small evaluations of it are off by no more than chance."""
    estimates, plain = [], []
    for seed in range(200):
        board = Board(name="test", bank="none", context_episodes=10, shard_size=64, seed=seed)
        scored = normalise(evaluate(Uniform(), board, tasks=TASKS * 4, controls=True).record)
        assert scored.noise is not None
        estimates.append(without_noise(scored.lived, scored.noise).mean())
        plain.append(scored.lived.mean())
    error = np.std(estimates) / np.sqrt(len(estimates))
    assert abs(np.mean(estimates)) < 4 * error
    assert np.var(estimates) < 0.7 * np.var(plain)


def test_coefficients_of_a_cell_do_not_see_its_own_noise() -> None:
    rng = np.random.default_rng(5)
    noise, scores = rng.normal(size=(5, 8, 2)), rng.normal(size=(5, 8))
    taken = scores - without_noise(scores, noise)
    scores[2] *= 100
    np.testing.assert_allclose((scores - without_noise(scores, noise))[2], taken[2])


def test_what_cannot_be_known_is_undefined() -> None:
    names = ["controlled", "controlled_low", "controlled_high", "controlled_factor"]
    for agent, tasks, controls in (
        (Uniform(), TASKS, False),
        (Uniform(), TASKS[:1], True),
        (TabledLearner(), [corridor()] * 2, True),
    ):
        result = evaluate(agent, BOARD, tasks=tasks, controls=controls, train_episodes=200)
        assert result.scores()[names].isna().all(axis=None)


def test_records_keep_advantages_and_the_scores_do_not_change(tmp_path: Path) -> None:
    with_them = evaluate(Uniform(), BOARD, tasks=TASKS, controls=True, out=tmp_path / "a")
    without = evaluate(Uniform(), BOARD, tasks=TASKS)
    read = load_result(tmp_path / "a").record
    assert read.advantages is not None and without.record.advantages is None
    np.testing.assert_array_equal(read.advantages, with_them.record.advantages)
    np.testing.assert_array_equal(read.lived.scores, without.record.lived.scores)
    plain, controlled = scoring.score(without.record), scoring.score(read)
    assert {name for name in plain if not np.array_equal(plain[name], controlled[name], equal_nan=True)} == {
        "controlled",
        "controlled_low",
        "controlled_high",
        "controlled_factor",
    }


def test_references_are_what_the_noise_counts_from() -> None:
    for task in TASKS:
        known = references(task)
        assert policy_return(task, greedy(plan(task))).mean == pytest.approx(known.oracle)
