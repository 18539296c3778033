"""The exact memory's features, network and leaves: renaming, both ways to compute, closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch")

from anymdp_bench.kernels import Statistic, add_steps, make_statistic  # noqa: E402
from omnirl_reference.exact.batch import losses, make_batch, write_tables  # noqa: E402
from omnirl_reference.exact.families import Family  # noqa: E402
from omnirl_reference.exact.features import (  # noqa: E402
    CERTAIN,
    N_TAGS,
    OPTIMIST,
    PAIR_FEATURES,
    STATE_FEATURES,
    TASK_FEATURES,
    new_plans,
    write_features,
)
from omnirl_reference.exact.lanes import Lanes  # noqa: E402
from omnirl_reference.exact.leaves import plan_on_leaves, raw_value, write_leaves  # noqa: E402
from omnirl_reference.exact.network import N_QUANTILES, ExactNetwork  # noqa: E402
from omnirl_reference.exact.network_kernels import ANSWERS, GAIN, LOGIT, VALUE, answer_row, weights_of  # noqa: E402

IDS, ACTIONS, STEPS = 12, 4, 600


def network(width: int = 16, rounds: int = 3) -> ExactNetwork:
    torch.manual_seed(0)
    return ExactNetwork(width, rounds).eval()


def steps(seed: int = 0) -> dict[str, NDArray]:
    rng = np.random.default_rng(seed)
    return {
        "observations": rng.integers(IDS - 2, size=STEPS),
        "actions": rng.integers(ACTIONS, size=STEPS),
        "rewards": rng.normal(size=STEPS),
        "following": rng.integers(IDS - 2, size=STEPS),
        "terminated": rng.random(STEPS) < 0.1,
        "begins": rng.random(STEPS) < 0.1,
        "tags": rng.integers(N_TAGS, size=STEPS),
    }


def lived(s: dict[str, NDArray], ids: NDArray | None = None, moves: NDArray | None = None) -> Statistic:
    """Statistic of some steps, states and actions renamed by permutations."""
    ids = np.arange(IDS) if ids is None else ids
    moves = np.arange(ACTIONS) if moves is None else moves
    renamed = {
        "observations": ids[s["observations"]],
        "following": ids[s["following"]],
        "actions": moves[s["actions"]],
    }
    rows = np.zeros(len(s["actions"]), np.int64)
    return add_steps(make_statistic(1, IDS, ACTIONS, N_TAGS), rows, **{**s, **renamed})


def answer(statistic: Statistic, model: ExactNetwork) -> NDArray:
    """Answers by id, ``[O, A, ANSWERS]``; NaN for ids never seen."""
    pairs = np.zeros((IDS, ACTIONS, PAIR_FEATURES), np.float32)
    states, task = np.zeros((IDS, STATE_FEATURES), np.float32), np.zeros(TASK_FEATURES, np.float32)
    plans, extra, scale = new_plans(1, IDS, ACTIONS), np.zeros((IDS, ACTIONS)), np.zeros(3)
    write_features(statistic, 0, plans, extra, pairs, states, task, scale)
    out = np.full((IDS, ACTIONS, ANSWERS), np.nan, np.float32)
    answer_row(weights_of(model), statistic, 0, pairs, states, task, out)
    by_id = np.full_like(out, np.nan)
    n = int(statistic.n_seen[0])
    by_id[statistic.order[0, :n]] = out[:n]
    return by_id


@pytest.mark.parametrize("seed", range(3))
def test_renaming_states_and_actions_renames_the_answer(seed: int) -> None:
    rng = np.random.default_rng(100 + seed)
    ids, moves = rng.permutation(IDS), rng.permutation(ACTIONS)
    plain = answer(lived(steps(seed)), network())
    renamed = answer(lived(steps(seed), ids, moves), network())
    assert np.isfinite(plain).any()
    np.testing.assert_allclose(renamed[ids][:, moves], plain, rtol=1e-3, atol=1e-3)


def test_rewards_in_other_units_give_the_same_answer() -> None:
    plain, scaled = steps(), steps()
    scaled["rewards"] = 50.0 * scaled["rewards"]
    np.testing.assert_allclose(
        answer(lived(scaled), network()), answer(lived(plain), network()), rtol=1e-3, atol=1e-3
    )


@pytest.mark.parametrize("family", [Family("anymdp", 16, 5), Family("grid", 20, 4), Family("bandit", 1, 5)])
def test_compiled_network_is_the_torch_network(family: Family) -> None:
    lanes, model = Lanes(family, 4, 400, 0.25, 0), network()
    for _ in range(40):
        lanes.tick()
    x = make_batch(lanes).inputs
    with torch.no_grad():
        answers = model(x)
    out = np.zeros((family.n_observations, family.n_actions, ANSWERS), np.float32)
    for i in range(lanes.n):
        features = x.pairs[i].numpy(), x.states[i].numpy(), x.task[i].numpy()
        answer_row(weights_of(model), lanes.statistic, i, *features, out)
        n = int(lanes.statistic.n_seen[i])
        np.testing.assert_allclose(out[:n, :, LOGIT], answers.logits[i, :n], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(out[:n, :, VALUE:GAIN], answers.values[i, :n], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(out[:n, :, GAIN:], answers.gains[i, :n], rtol=1e-4, atol=1e-4)


def test_quantiles_never_cross() -> None:
    found = answer(lived(steps()), network())
    for first in (VALUE, GAIN):
        quantiles = found[: IDS - 2, :, first : first + N_QUANTILES]
        assert (np.diff(quantiles, axis=-1) > 0).all()


def test_an_untried_pair_is_worth_its_leaf_and_a_tried_one_is_drawn_to_it() -> None:
    s = {name: x[:2] for name, x in steps().items()}
    s["observations"], s["actions"] = np.array([0, 0]), np.array([0, 0])
    s["rewards"], s["terminated"] = np.array([2.0, 4.0]), np.array([True, True])
    statistic = lived(s)
    plans, kappa, offset, spread = new_plans(1, IDS, ACTIONS), 0.5, 1.0, 2.0
    plans.values[0, CERTAIN, 0] = 3.0
    leaf, values, q = np.zeros((IDS, ACTIONS)), np.zeros(IDS), np.zeros((IDS, ACTIONS))
    z = np.zeros((IDS, ACTIONS), np.float32)
    z[0] = 1.0, 0.5, 0.0, -1.0
    write_leaves(statistic, 0, plans, z, spread, offset, leaf)
    expected = 3.0 + 2.0 * (offset + np.sinh(z[0]))
    np.testing.assert_allclose(leaf[0], expected)
    plan_on_leaves(statistic, 0, leaf, kappa, 1.0, 0.9, spread, values, q)
    np.testing.assert_allclose(q[0, 1:], expected[1:])
    assert q[0, 0] == pytest.approx((6.0 + kappa / 2 * expected[0]) / (2 + kappa / 2))


def test_leaves_are_cut() -> None:
    assert raw_value(100.0) == pytest.approx(np.sinh(7.0))
    assert raw_value(-100.0) == pytest.approx(-np.sinh(7.0))


def test_labels_are_the_oracles_values_against_the_certainty_equivalent_plan() -> None:
    lanes = Lanes(Family("anymdp", 16, 5), 3, 2000, 0.25, 1)
    for _ in range(30):
        lanes.tick()
    batch = make_batch(lanes)
    for i in range(lanes.n):
        n = int(lanes.statistic.n_seen[i])
        order, spread = lanes.statistic.order[i, :n], batch.scale[i, 1]
        q, base = lanes.q[i, order], lanes.plans.values[i, CERTAIN, order]
        expected = np.arcsinh((q - base[:, None]) / spread).clip(-7, 7)
        np.testing.assert_allclose(batch.labels.values[i, :n], expected, rtol=1e-4, atol=1e-5)
        tried = lanes.statistic.visits[i, order] > 0
        masked = np.where(tried, lanes.plans.q[i, CERTAIN, order], -np.inf)
        own = q[np.arange(n), masked.argmax(axis=1)]
        gains = np.arcsinh((q - own[:, None]) / spread).clip(-7, 7)
        some = tried.any(axis=1)
        np.testing.assert_allclose(batch.labels.gains[i, :n][some], gains[some], rtol=1e-4, atol=1e-5)
        assert float(batch.labels.weight[i].sum()) == pytest.approx(1.0)
        np.testing.assert_allclose(batch.labels.policy[i, :n].sum(axis=1), 1.0, rtol=1e-5)


def test_policy_loss_of_the_labels_themselves_is_zero() -> None:
    lanes = Lanes(Family("garnet", 8, 3), 2, 300, 0.25, 0)
    lanes.tick()
    batch = make_batch(lanes)
    with torch.no_grad():
        answers = network()(batch.inputs)
    perfect = answers._replace(logits=torch.log(batch.labels.policy.clamp(min=1e-12)))
    assert float(losses(perfect, batch.labels).policy) == pytest.approx(0.0, abs=1e-5)
    assert float(losses(answers, batch.labels).policy) > 0.0


def test_lanes_act_by_what_they_were_told() -> None:
    lanes = Lanes(Family("anymdp", 16, 5), 8, 2000, 0.25, 0)
    for _ in range(10):
        lanes.tick()
    batch = make_batch(lanes)
    with torch.no_grad():
        answers = network()(batch.inputs)
    lanes.state.whole[:, 4] = np.arange(8) % 4 + 1
    write_tables(lanes, answers, batch.scale)
    for i in range(lanes.n):
        n = int(lanes.statistic.n_seen[i])
        order = lanes.statistic.order[i, :n]
        if lanes.state.whole[i, 4] == 1:
            np.testing.assert_array_equal(lanes.state.table[i, order], answers.logits[i, :n].numpy())
        if lanes.state.whole[i, 4] == 2:
            np.testing.assert_array_equal(lanes.state.table[i, order], lanes.plans.q[i, OPTIMIST, order])
