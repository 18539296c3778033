import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anymdp_bench import planning
from anymdp_bench.foundation.errors import InvalidConfig, InvalidPolicy
from anymdp_bench.planning.model import expand_actions, model_of
from anymdp_bench.samplers import sample_task
from anymdp_bench.tasks.build import build_task
from tests.support.tasks import random_task, two_state_task

SEEDS = st.integers(0, 10**6)


def sweep_q(transition: np.ndarray, reward: np.ndarray, discount: float) -> np.ndarray:
    """Independent check: value iteration to the end on dense arrays."""
    q = np.zeros(reward.shape)
    for _ in range(100_000):
        new = reward + discount * transition @ q.max(axis=1)
        if np.abs(new - q).max() == 0.0:
            break
        q = new
    return q


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.sampled_from([0.0, 0.5, 0.93, 0.99]))
def test_policy_iteration_agrees_with_value_iteration(seed: int, discount: float) -> None:
    task = random_task(seed)
    reward = (task.transition * task.score_reward).sum(axis=2)
    expected = sweep_q(task.transition, reward, discount)
    np.testing.assert_allclose(planning.plan(task, discount), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("n_states", [16, 64])
def test_policy_iteration_agrees_on_sampled_tasks(n_states: int) -> None:
    task = sample_task("anymdp", seed=3, n_states=n_states)
    reward = (task.transition * task.score_reward).sum(axis=2)
    expected = sweep_q(task.transition, reward, 0.994)
    scale = np.abs(expected).max()
    assert np.abs(planning.plan(task) - expected).max() < 1e-9 * scale


def test_two_state_chain_in_closed_form() -> None:
    """Value of state 0 under the best policy: 1 + 0 * d + 1 * d**2 + ... = 1 / (1 - d**2)."""
    task, d = two_state_task(horizon=7), 0.9
    q = planning.plan(task, d)
    best = 1 / (1 - d * d)
    np.testing.assert_allclose(q, [[d * best, best], [d * best, d * best]], atol=1e-12)
    assert planning.greedy(q).tolist() == [1, 0]
    np.testing.assert_allclose(planning.policy_value(task, [0, 0], d), [0, 0], atol=1e-12)
    reference = planning.references(task)
    assert reference.oracle == pytest.approx(4.0)
    assert reference.optimal == pytest.approx(4.0)
    assert reference.oracle_std == 0.0


def test_finite_horizon_optimum_needs_the_clock() -> None:
    """Waiting pays 0.3 a step; cashing in pays 1 once: optimal is to wait and cash in at the end."""
    transition = np.zeros((2, 2, 2))
    transition[0, 0, 0] = transition[0, 1, 1] = 1.0
    task = build_task(
        transition, initial=[1, 0], horizon=5, reward_sa=[[0.3, 1.0], [0, 0]], terminal=[False, True]
    )
    assert planning.finite_horizon_optimum(task) == pytest.approx(4 * 0.3 + 1)
    assert planning.references(task).oracle == pytest.approx(5 * 0.3)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_return_moments_agree_with_full_enumeration(seed: int) -> None:
    task = random_task(seed, n=3, n_actions=2, horizon=3)
    rng = np.random.default_rng(seed)
    policy = rng.dirichlet(np.ones(2), size=3)
    chain = np.einsum("sa,sat->sat", policy, task.transition)
    mean = square = 0.0
    for path in itertools.product(range(3), repeat=task.horizon + 1):
        for moves in itertools.product(range(2), repeat=task.horizon):
            chance, gain = task.initial[path[0]], 0.0
            for t, a in enumerate(moves):
                if task.terminal[path[t]]:
                    chance *= float(path[t + 1] == path[t] and a == 0)
                    continue
                chance *= chain[path[t], a, path[t + 1]]
                gain += task.score_reward[path[t], a, path[t + 1]]
            mean += chance * gain
            square += chance * gain**2
    moments = planning.policy_return(task, policy)
    assert moments.mean == pytest.approx(mean, abs=1e-9)
    assert moments.variance == pytest.approx(square - mean**2, abs=1e-9)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_order_of_the_references(seed: int) -> None:
    task = random_task(seed)
    reference = planning.references(task)
    assert reference.optimal >= reference.oracle - 1e-9
    assert reference.optimal >= reference.random - 1e-9
    best = max(
        planning.policy_return(task, np.array(actions)).mean
        for actions in itertools.islice(itertools.product(range(3), repeat=task.n_states), 0, 729, 7)
    )
    assert reference.optimal >= best - 1e-9


def test_stationary_distribution_in_closed_form() -> None:
    task = two_state_task()
    np.testing.assert_allclose(planning.stationary_distribution(task, [1, 0]), [0.5, 0.5], atol=1e-9)
    np.testing.assert_allclose(planning.stationary_distribution(task, [0, 0]), [1, 0], atol=1e-9)
    uniform = planning.uniform_policy(task)
    np.testing.assert_allclose(planning.stationary_distribution(task, uniform), [2 / 3, 1 / 3], atol=1e-8)


def test_stationary_distribution_is_a_fixed_point_that_restarts() -> None:
    task = random_task(5)
    share = planning.stationary_distribution(task, planning.uniform_policy(task))
    chain = task.transition.mean(axis=1)
    chain[task.terminal] = task.initial
    np.testing.assert_allclose(share @ chain, share, atol=1e-9)
    assert share.sum() == pytest.approx(1.0)


def test_ties_go_to_the_lowest_index_within_tolerance() -> None:
    q = np.array([[1.0, 1.0 + 5e-10, 0.0], [2.0, 2.0 + 1e-8, 0.0], [1e6, 1e6 + 5e-4, 0.0]])
    assert planning.greedy(q).tolist() == [0, 1, 0]


def test_score_reward_is_what_is_planned_for() -> None:
    task = two_state_task(score=np.zeros((2, 2, 2)))
    assert not planning.plan(task, 0.9).any()
    assert planning.references(task).oracle == 0.0


def test_actions_of_several_moves_are_expanded() -> None:
    task = dataclasses.replace(two_state_task(horizon=3), action_tokens=2)
    wide = expand_actions(task)
    assert (wide.n_actions, wide.action_tokens) == (4, 1)
    one, score = two_state_task().transition, two_state_task().score_reward
    for first, second in itertools.product(range(2), repeat=2):
        both = one[:, first] @ one[:, second]
        np.testing.assert_allclose(wide.transition[:, 2 * first + second], both, atol=1e-9)
        gain = (one[:, first] * score[:, first]).sum(1) + one[:, first] @ (
            one[:, second] * score[:, second]
        ).sum(1)
        np.testing.assert_allclose(
            (wide.transition * wide.score_reward).sum(axis=2)[:, 2 * first + second], gain, atol=1e-9
        )
    assert planning.finite_horizon_optimum(task) == pytest.approx(3.0)


def test_expansion_stops_at_terminal_states() -> None:
    task = random_task(4)
    wide = expand_actions(dataclasses.replace(task, action_tokens=2))
    single = model_of(task)
    rows = wide.transition[~wide.terminal].sum(axis=2)
    np.testing.assert_allclose(rows, 1.0, atol=1e-9)
    assert not wide.transition[wide.terminal].any()
    stay = task.transition[0, 0, -1]
    assert (wide.transition[0, :3, -1] >= stay - 1e-9).all()
    assert single.n_actions**2 == wide.n_actions


@pytest.mark.parametrize("discount", [-0.1, 1.0, float("nan"), "0.9", 1.5])
def test_illegal_discount_is_refused(discount: object) -> None:
    with pytest.raises(InvalidConfig, match=r"give a number in \[0, 1\)"):
        planning.plan(two_state_task(), discount)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ([0, 2], "actions 0..2"),
        ([0], "give 2 actions"),
        (np.zeros((2, 2)), "sum to 1"),
        (np.full((2, 3), 1 / 3), "give int"),
        (np.array(["a", "b"]), "dtype"),
    ],
)
def test_illegal_policies_are_refused(policy: object, message: str) -> None:
    with pytest.raises(InvalidPolicy, match=message):
        planning.policy_return(two_state_task(), policy)  # type: ignore[arg-type]
