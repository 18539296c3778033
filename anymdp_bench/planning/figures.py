"""A task's anatomy as a figure: transitions, rewards, values and visits, by the value of states.

References:
    arXiv 2502.02869 shows tasks so: states sorted by value, banded transitions, visits that fall with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from anymdp_bench.foundation.extras import require_extra
from anymdp_bench.foundation.types import FloatArray, IntArray
from anymdp_bench.planning.diagnostics import SMALLEST_SHARE, arrival_value
from anymdp_bench.planning.model import expand_actions
from anymdp_bench.planning.solve import (
    ORACLE_DISCOUNT,
    greedy,
    plan,
    policy_value,
    stationary_distribution,
    uniform_policy,
)
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.task import TabularTask, require_tabular

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 11.0, 8.0
"""Inches."""
LEAST_SHOWN = 1e-3
"""Probabilities below this have the palest colour."""


def state_values(task: Task) -> FloatArray:
    """Value of arriving in each inner state, float64 ``[S]``; their own where nothing leads to them.

    Raises:
        NotTabular: the task has no tables.
    """
    value = arrival_value(task)
    unreached = np.isnan(value)
    value[unreached] = plan(task)[unreached].max(axis=1)
    return value


def plot_task(task: Task) -> Figure:
    """Draw a task's transitions, rewards, values and visits over its states, sorted by value.

    Args:
        task: A tabular task.

    Returns:
        A matplotlib figure of four panels, bound to no window; ``figure.savefig(path)`` writes it.

    Raises:
        NotTabular: the task has no tables.
        MissingExtra: matplotlib is not installed (extra ``[plot]``).

    Examples:
        >>> from anymdp_bench.planning.figures import plot_task
        >>> plot_task(sample_task("anymdp", seed=7)).savefig("task.svg")
    """
    require_extra("plot", "matplotlib", what="plot_task")
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    tabular = require_tabular(task)
    order = np.argsort(state_values(task), kind="stable")
    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    panels = figure.subplots(2, 2)
    seed = "" if task.seed is None else f", seed {task.seed}"
    figure.suptitle(f"{task.family}{seed}: {tabular.n_states} states, {task.n_actions} actions")
    _draw_transitions(panels[0, 0], tabular, order)
    _draw_rewards(panels[0, 1], tabular, order)
    _draw_values(panels[1, 0], tabular, order)
    _draw_visits(panels[1, 1], tabular, order)
    for axis in (*(axes.xaxis for axes in panels.flat), panels[0, 0].yaxis):
        axis.set_major_locator(MaxNLocator(integer=True))
    return figure


def _draw_transitions(axes: Axes, task: TabularTask, order: IntArray) -> None:
    from matplotlib.colors import LogNorm

    chance = expand_actions(task).transition.mean(axis=1)[np.ix_(order, order)]
    image = axes.imshow(
        np.maximum(chance, LEAST_SHOWN), origin="lower", cmap="viridis", norm=LogNorm(LEAST_SHOWN, 1)
    )
    axes.set(title="where uniform play leads", xlabel="next state, by value", ylabel="state, by value")
    axes.figure.colorbar(image, ax=axes, label="probability")


def _draw_rewards(axes: Axes, task: TabularTask, order: IntArray) -> None:
    place = np.arange(task.n_states)
    going_on = ~task.terminal[order]
    expected = _expected_reward(task)[order]
    axes.fill_between(
        place[going_on],
        expected[going_on].min(axis=1),
        expected[going_on].max(axis=1),
        alpha=0.25,
        step="mid",
        label="expected, over actions",
    )
    axes.plot(place[going_on], expected[going_on].mean(axis=1), label="expected, uniform play")
    axes.plot(place, task.reward_next[order], ".", label="part of arriving here")
    axes.plot(place[going_on], task.reward_sa[order][going_on].mean(axis=1), ".", label="part of acting here")
    axes.axhline(0.0, color="0.7", linewidth=0.8, zorder=0)
    axes.set(title="rewards", xlabel="state, by value", ylabel="mean reward of a step")
    axes.legend(fontsize="small")


def _expected_reward(task: TabularTask) -> FloatArray:
    """Mean received reward of one move, float64 ``[S, A]``."""
    expected: FloatArray = (task.transition * task.reward_mean).sum(axis=2)
    return expected


def _draw_values(axes: Axes, task: TabularTask, order: IntArray) -> None:
    place = np.arange(task.n_states)
    optimal = plan(task).max(axis=1)[order]
    uniform = policy_value(task, uniform_policy(task), ORACLE_DISCOUNT)[order]
    ends = task.terminal[order]
    axes.plot(place[~ends], optimal[~ends], label="oracle")
    axes.plot(place[~ends], uniform[~ends], label="uniform play")
    if ends.any():
        axes.plot(place[ends], optimal[ends], "s", color="0.35", label="an end")
    axes.set(
        title="value of a state", xlabel="state, by value", ylabel=f"value at discount {ORACLE_DISCOUNT:g}"
    )
    axes.legend(fontsize="small")


def _draw_visits(axes: Axes, task: TabularTask, order: IntArray) -> None:
    place = np.arange(task.n_states)
    for label, policy in (("oracle", greedy(plan(task))), ("uniform play", uniform_policy(task))):
        share = stationary_distribution(task, policy)[order]
        axes.plot(place, np.where(share > SMALLEST_SHARE, share, np.nan), "o-", markersize=3, label=label)
    axes.set(title="visits", xlabel="state, by value", ylabel="long-run share of visits", yscale="log")
    axes.legend(fontsize="small")
