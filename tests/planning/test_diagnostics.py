import numpy as np
import pytest

from anymdp_bench.banks import load_bank
from anymdp_bench.planning import diagnostics
from tests.support.tasks import two_state_task


@pytest.mark.parametrize(("family", "n"), [("anymdp", "16x5"), ("anymdp", "64x5")])
def test_high_valued_states_are_rare_in_anymdp_but_not_in_garnet(family: str, n: str) -> None:
    """The claim of the paper: ln(share of visits) falls with value in AnyMDP; in Garnet it does not."""
    hard = diagnostics.diagnose(load_bank(f"{family}-{n}-v0").board_tasks(32))
    flat = diagnostics.diagnose(load_bank(f"garnet-{n}b2-v0").board_tasks(32))
    assert hard["rank_correlation"].median() < -0.5
    assert hard["log_slope"].median() < -3
    assert abs(flat["rank_correlation"].median()) < 0.15
    assert abs(flat["log_slope"].median()) < 0.5
    assert len(hard) == 32 and (hard["gap"] > 0).all()


def test_numbers_of_a_chain_with_known_answers() -> None:
    row = diagnostics.diagnose(two_state_task()).iloc[0]
    assert row["gap_in_std"] == np.inf
    assert row["band_width"] == 1.0
    assert row["oracle_entropy"] == pytest.approx(1.0)
    assert row["random_entropy"] == pytest.approx((np.log(3) - 2 / 3 * np.log(2)) / np.log(2), abs=1e-6)
    frame = diagnostics.value_visits(two_state_task())
    assert frame["random_share"].tolist() == pytest.approx([2 / 3, 1 / 3])


def test_arrival_value_counts_the_reward_on_arrival() -> None:
    """Into 0: half the inflow stays (0) and half comes back (0); into 1: reward 1."""
    d = 0.5
    best = 1 / (1 - d * d)
    value = diagnostics.arrival_value(two_state_task(), d)
    np.testing.assert_allclose(value, [d * best, 1 + d * d * best], atol=1e-7)


def test_sorted_shares_and_plots() -> None:
    tasks = load_bank("garnet-16x5b2-v0").board_tasks(3)
    shares = diagnostics.sorted_shares(tasks)
    assert shares.groupby(["task", "policy"])["share"].sum().to_numpy() == pytest.approx(1.0)
    assert (shares.groupby(["task", "policy"])["share"].diff().dropna() <= 1e-12).all()
    figure = pytest.importorskip("matplotlib.figure").Figure()
    visits, sorted_axes = figure.subplots(1, 2)
    diagnostics.plot_value_visits(tasks, visits, "garnet")
    diagnostics.plot_sorted_shares(tasks, sorted_axes, "garnet")
    assert visits.get_yscale() == sorted_axes.get_yscale() == "log"
    assert len(sorted_axes.get_lines()) == 2
