"""References of Discrete-Pendulum: closed forms, the environment's own word, and what is kept as data."""

from __future__ import annotations

import math

import numpy as np
import pytest

from anymdp_bench import evaluate
from anymdp_bench.agents.protocol import AgentInfo
from anymdp_bench.banks import load_bank
from anymdp_bench.envs.pendulum import DiscretePendulumEnv, PendulumVectorEnv
from anymdp_bench.foundation.errors import NotTabular
from anymdp_bench.worlds.pendulum.normaliser import GRAVITIES
from anymdp_bench.worlds.pendulum.references import (
    PUBLIC_CODE_RETURNS,
    _entry,
    has_references,
    normaliser_policy,
    references,
)
from anymdp_bench.worlds.pendulum.solve import (
    cross_entropy_search,
    draw_starts,
    dynamics_of,
    grid_optimum,
    policy_returns,
    refine,
    uniform_returns,
)
from anymdp_bench.worlds.pendulum.task import PendulumTask

TASKS = [PendulumTask(g=g) for g in GRAVITIES]
FIXED = [PendulumTask(g=g, start="fixed") for g in GRAVITIES]
BOARDS = {1.0: "pendulum-g1-v0", 5.0: "pendulum-g5-v0", 9.8: "pendulum-g9.8-v0"}
FIXED_BOARDS = {1.0: "pendulum-g1-fixed-v0", 5.0: "pendulum-g5-fixed-v0", 9.8: "pendulum-g9.8-fixed-v0"}
N_EPISODES = 2000
ONE_STEP = -(math.pi**2 / 3 + 0.1 / 3)
"""Mean reward of a first step without torque: uniform angle in (-pi, pi), uniform speed in (-1, 1)."""


def stream(seed: int) -> np.ndarray:
    return np.array([seed], dtype=np.uint64)


def test_returns_are_those_of_the_environment_to_the_last_bit() -> None:
    task = PendulumTask(g=5.0, horizon=40)
    policy = np.random.default_rng(0).integers(5, size=60)
    starts = draw_starts(np.uint64(7), 5)
    expected = []
    env = DiscretePendulumEnv(g=5.0)
    for episode in range(5):
        observation, _ = env.reset(seed=7 if episode == 0 else None)
        total = 0.0
        for _ in range(40):
            observation, reward, *_ = env.step(policy[observation])
            total += reward
        expected.append(total)
    assert policy_returns(policy, starts, dynamics_of(task)).tolist() == expected


def test_uniform_play_agrees_with_the_environment() -> None:
    task = PendulumTask(g=9.8, horizon=100)
    env = PendulumVectorEnv([task] * N_EPISODES, autoreset_mode="Disabled")
    env.reset(seed=3)
    rng, total = np.random.default_rng(1), np.zeros(N_EPISODES)
    for _ in range(100):
        total += env.step(rng.integers(5, size=N_EPISODES))[1]
    mine = uniform_returns(np.uint64(5), draw_starts(np.uint64(5), N_EPISODES), dynamics_of(task))
    error = math.sqrt((mine.var() + total.var()) / N_EPISODES)
    assert mine.mean() == pytest.approx(total.mean(), abs=4 * error)
    assert mine.std() == pytest.approx(total.std(), rel=0.15)


def test_grid_of_one_step_is_the_closed_form() -> None:
    """The first reward does not depend on what the torque leads to, so the best torque is none."""
    dynamics = dynamics_of(PendulumTask(horizon=1))
    assert grid_optimum(dynamics, 200) == pytest.approx(ONE_STEP, rel=1e-3)


def test_a_longer_horizon_costs_more_and_gravity_makes_it_harder() -> None:
    values = [grid_optimum(dynamics_of(PendulumTask(g=g, horizon=30)), 60) for g in (1.0, 5.0, 9.8)]
    assert values == sorted(values, reverse=True)
    assert 30 * ONE_STEP * 2 < values[-1] < ONE_STEP


def test_the_grid_is_fine_enough() -> None:
    for task in TASKS + FIXED:
        optimum = _entry(task)["optimum"]
        assert optimum["value"] == pytest.approx(optimum["value_on_half_grid"], rel=0.01)
        assert optimum["value_on_half_grid"] != optimum["value"]
    for task, error in ((PendulumTask(g=5.0), 0.02), (PendulumTask(g=9.8, start="fixed"), 0.03)):
        again = grid_optimum(dynamics_of(task), 80)
        assert again == pytest.approx(_entry(task)["optimum"]["value"], rel=error)


def test_search_finds_the_known_best_policy_of_one_step() -> None:
    """Only the torque's own cost counts: none is best in every observation that an episode begins with."""
    dynamics = dynamics_of(PendulumTask(horizon=1))
    seen = np.unique([5 * k + 2 for k in range(12)])
    found = cross_entropy_search(stream(3), 30, dynamics)
    assert (found[seen] == 2).all()
    worst = np.zeros(60, dtype=np.int64)
    before = policy_returns(worst, draw_starts(np.uint64(0), 500), dynamics).mean()
    refine(stream(4), worst, 300, dynamics)
    assert policy_returns(worst, draw_starts(np.uint64(0), 500), dynamics).mean() > before


@pytest.mark.parametrize("task", TASKS, ids=lambda task: f"g={task.g:g}")
def test_kept_policies_do_what_is_kept_about_them(task: PendulumTask) -> None:
    entry, kept = _entry(task), references(task)
    env = PendulumVectorEnv([task] * N_EPISODES, autoreset_mode="Disabled")
    policy, total = normaliser_policy(task), np.zeros(N_EPISODES)
    observations, _ = env.reset(seed=11)
    for _ in range(task.horizon):
        observations, rewards, *_ = env.step(policy[observations])
        total += rewards
    assert total.mean() == pytest.approx(kept.oracle, abs=4 * kept.oracle_std / math.sqrt(N_EPISODES))
    assert len(entry["policies"]) == 5
    assert kept.oracle == max(entry["normaliser"]["mean_of_each"])
    assert kept.random < kept.oracle < kept.optimal
    for name in ("random", "normaliser"):
        values = entry[name]
        assert values["standard_error"] == pytest.approx(values["std"] / math.sqrt(values["episodes"]))
        assert values["standard_error"] < 0.003 * (kept.oracle - kept.random)


@pytest.mark.parametrize("task", FIXED, ids=lambda task: f"g={task.g:g}")
def test_kept_policies_of_the_fixed_start_do_what_is_kept_about_them(task: PendulumTask) -> None:
    entry, kept = _entry(task), references(task)
    env = DiscretePendulumEnv(g=task.g, start="fixed")
    observation, _ = env.reset(seed=1)
    total, policy = 0.0, normaliser_policy(task)
    for _ in range(task.horizon):
        observation, reward, *_ = env.step(policy[observation])
        total += reward
    assert total == entry["normaliser"]["mean"] == max(entry["normaliser"]["mean_of_each"])
    assert kept.random < total < kept.optimal
    assert entry["random"]["standard_error"] < 0.002 * (total - kept.random)
    assert entry["normaliser"]["episodes"] == 1 and kept.oracle_std == 0.0


def test_the_public_codes_constants_are_1_where_it_starts_and_no_agent_needs_more() -> None:
    for g, constant in PUBLIC_CODE_RETURNS.items():
        kept = references(PendulumTask(g=g, start="fixed", reward="shaped"))
        assert kept.oracle == constant < _entry(PendulumTask(g=g, start="fixed"))["normaliser"]["mean"]
    sibling = PendulumTask(g=3.5, start="fixed")
    assert references(sibling).oracle == _entry(sibling)["normaliser"]["mean"]


def test_uniform_play_from_the_fixed_start_agrees_with_the_environment() -> None:
    task = PendulumTask(g=5.0, start="fixed")
    env = PendulumVectorEnv([task] * N_EPISODES, autoreset_mode="Disabled")
    env.reset(seed=3)
    rng, total = np.random.default_rng(1), np.zeros(N_EPISODES)
    for _ in range(task.horizon):
        total += env.step(rng.integers(5, size=N_EPISODES))[1]
    kept = references(task)
    assert total.mean() == pytest.approx(kept.random, abs=4 * kept.random_std / math.sqrt(N_EPISODES))
    assert kept.random == pytest.approx(-942, abs=5)  # what the paper prints for random play at g = 5


def test_optima_are_those_known() -> None:
    for g, known in {1.0: -41.6, 5.0: -91.9, 9.8: -138.9}.items():
        assert references(PendulumTask(g=g)).optimal == pytest.approx(known, rel=0.025)
    assert PUBLIC_CODE_RETURNS.keys() == BOARDS.keys()


def test_the_received_reward_does_not_matter_and_other_settings_do() -> None:
    assert references(PendulumTask(g=5.0, reward="shaped")) == references(PendulumTask(g=5.0))
    for unknown in (PendulumTask(g=3.0), PendulumTask(horizon=100), PendulumTask(angle_bins=24)):
        assert not has_references(unknown)
        with pytest.raises(
            NotTabular, match=r"have not been measured. Known are .* g in 1, 2, 3.5, 5, 7, 9.8"
        ):
            references(unknown)


def test_banks_know_their_references() -> None:
    for boards, start in ((BOARDS, "random"), (FIXED_BOARDS, "fixed")):
        for g, bank in boards.items():
            assert load_bank(bank).references("test") == [references(PendulumTask(g=g, start=start))]
            assert len(load_bank(bank).references("validation")) == 3


class Normaliser:
    """Plays the policy that defines 1."""

    info = AgentInfo(name="normaliser")

    def begin(self, n, observation_space, action_space, seed, context=None, tasks=None) -> None:
        self.policy = normaliser_policy(PendulumTask(g=5.0))

    def act(self, observations, active):
        return self.policy[observations]

    def observe(self, *transition) -> None:
        pass


def test_the_normaliser_scores_1_on_its_board() -> None:
    result = evaluate(Normaliser(), "pendulum-g5-v0", context_episodes=100)
    known = references(PendulumTask(g=5.0))
    error = known.oracle_std / (known.oracle - known.random) / math.sqrt(10 * 100)
    assert result.curve()["score"].mean() == pytest.approx(1, abs=4 * error)
    share = (known.oracle - known.random) / (known.optimal - known.random)
    assert result.scores()["optimum_share"][0] == pytest.approx(share, abs=0.1)
