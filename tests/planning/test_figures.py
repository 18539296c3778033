"""Figures of a task show the numbers that the planner gives."""

import numpy as np
import pytest

from anymdp_bench.foundation.errors import NotTabular
from anymdp_bench.planning import plan, stationary_distribution, uniform_policy
from anymdp_bench.planning.figures import plot_task, state_values
from anymdp_bench.samplers import sample_task
from anymdp_bench.tasks.build import build_task
from anymdp_bench.worlds.pendulum.task import PendulumTask

pytest.importorskip("matplotlib")


def test_states_that_nothing_leads_to_have_their_own_value() -> None:
    task = build_task(
        [[[0.0, 0.0, 1.0]], [[0.0, 1.0, 0.0]], [[0.0, 0.0, 0.0]]],
        initial=[0.5, 0.5, 0.0],
        horizon=3,
        reward_next=[0.0, 2.0, 5.0],
    )
    values = state_values(task)
    assert values[0] == pytest.approx(5.0) and values[2] == pytest.approx(5.0)
    assert values[1] == pytest.approx(2 / (1 - 0.994))


def test_panels_show_visits_and_values_by_value() -> None:
    task = sample_task("anymdp", seed=3)
    figure = task.plot()
    order = np.argsort(state_values(task), kind="stable")
    transitions, rewards, values, visits = figure.axes[:4]
    assert [panel.get_title() for panel in (rewards, values, visits)] == [
        "rewards", "value of a state", "visits"
    ]  # fmt: skip
    shown = visits.lines[1].get_ydata()
    np.testing.assert_allclose(
        shown, stationary_distribution(task, uniform_policy(task))[order], rtol=1e-6, atol=1e-11
    )
    going_on = order[~task.terminal[order]]
    np.testing.assert_allclose(values.lines[0].get_ydata(), plan(task)[going_on].max(axis=1))
    assert transitions.images[0].get_array().shape == (task.n_states, task.n_states)


@pytest.mark.parametrize("family", ["garnet", "multi-token-anypomdp"])
def test_other_families_are_drawn(family: str) -> None:
    assert plot_task(sample_task(family, seed=0, n_states=16)).get_suptitle().startswith(f"{family}, seed 0")


@pytest.mark.parametrize("n_states", [8, 16, 33])
def test_states_are_numbered_in_whole_numbers(n_states: int) -> None:
    for axes in plot_task(sample_task("garnet", seed=0, n_states=n_states)).axes[:4]:
        ticks = axes.get_xticks()
        np.testing.assert_array_equal(ticks, ticks.round())


def test_a_pendulum_has_no_tables_to_draw() -> None:
    with pytest.raises(NotTabular):
        plot_task(PendulumTask())
