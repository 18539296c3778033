"""Is a task worth learning on? Numbers and plots that check the claims made for a family.

The claim about AnyMDP is that "high-valued states are exponentially less probable to reach by chance":
the logarithm of a state's share of visits under uniform play falls with its value. `diagnose` gives the
rank correlation and the slope for each task, `plot_value_visits` shows them.

References:
    arXiv 2502.02869, comparison of AnyMDP with Garnet (stationary distributions, sorted).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from anymdp_bench.foundation.types import FloatArray
from anymdp_bench.planning import (
    ORACLE_DISCOUNT,
    greedy,
    plan,
    references,
    stationary_distribution,
    uniform_policy,
)
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.task import TabularTask, require_tabular

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SMALLEST_SHARE = 1e-12
"""Shares below this are numerical noise; such states count as never visited."""


def arrival_value(task: Task, discount: float = ORACLE_DISCOUNT) -> FloatArray:
    """Value of arriving in each inner state: mean reward on arrival plus discounted optimal value.

    Terminal goals and pits have no future value, so the reward of arriving has to count; it is averaged
    over the ways in, weighted as uniform play takes them.

    Returns:
        float64 ``[S]``; NaN for states that nothing leads to.
    """
    tabular = require_tabular(task)
    source = tabular.outcome_row // tabular.n_actions
    visits = stationary_distribution(task, uniform_policy(task))
    flow = tabular.weight * np.maximum(visits, SMALLEST_SHARE)[source]
    inflow = np.bincount(tabular.successor, weights=flow, minlength=tabular.n_states)
    gain = np.bincount(tabular.successor, weights=flow * tabular.outcome_score, minlength=tabular.n_states)
    arrival = np.divide(gain, inflow, out=np.full(tabular.n_states, np.nan), where=inflow > 0)
    value: FloatArray = arrival + discount * plan(task, discount).max(axis=1)
    return value


def value_visits(task: Task) -> pd.DataFrame:
    """Value of each inner state beside its share of visits under uniform play.

    Returns:
        One row a state: state, terminal, value, value_rank (0 the lowest, 1 the highest), random_share
        and oracle_share (long-run shares of visits, episodes restarting). States that are never reached
        by uniform play are left out.
    """
    tabular = require_tabular(task)
    frame = pd.DataFrame(
        {
            "state": np.arange(tabular.n_states),
            "terminal": tabular.terminal,
            "value": arrival_value(task),
            "random_share": stationary_distribution(task, uniform_policy(task)),
            "oracle_share": stationary_distribution(task, greedy(plan(task))),
        }
    )
    frame = frame[(frame["random_share"] > SMALLEST_SHARE) & frame["value"].notna()].copy()
    frame.insert(3, "value_rank", (frame["value"].rank() - 1) / max(len(frame) - 1, 1))
    return frame.reset_index(drop=True)


def diagnose(tasks: Task | Sequence[Task]) -> pd.DataFrame:
    """Quality of one or several tabular tasks, one row each.

    Returns:
        Columns: task (index), family, n_states, horizon; gap (oracle - random return) and gap_in_std (in
        standard deviations of the oracle's episode return); rank_correlation (Spearman, value against
        random share), log_slope (change of ln random share from the lowest to the highest value) and
        log_r2 of that line; band_width (mean outcomes of a (state, action)); oracle_entropy and
        random_entropy (of the long-run shares, divided by ln S).

    Raises:
        NotTabular: a task has no tables.

    Examples:
        >>> from anymdp_bench.planning.diagnostics import diagnose
        >>> len(diagnose([sample_task("anymdp", seed=seed) for seed in range(2)]))
        2
    """
    listed = [tasks] if isinstance(tasks, Task) else list(tasks)
    return pd.DataFrame([{"task": i, **_diagnose_one(require_tabular(t))} for i, t in enumerate(listed)])


def _diagnose_one(task: TabularTask) -> dict[str, Any]:
    frame = value_visits(task)
    reference = references(task)
    gap = reference.oracle - reference.random
    width = np.diff(task.row_start)
    return {
        "family": task.family,
        "n_states": task.n_states,
        "horizon": task.horizon,
        "gap": gap,
        "gap_in_std": gap / reference.oracle_std if reference.oracle_std else np.inf,
        "rank_correlation": frame["value"].corr(frame["random_share"], method="spearman"),
        **_log_line(frame),
        "band_width": width[width > 0].mean(),
        "oracle_entropy": _entropy(stationary_distribution(task, greedy(plan(task)))),
        "random_entropy": _entropy(stationary_distribution(task, uniform_policy(task))),
    }


def _log_line(frame: pd.DataFrame) -> dict[str, float]:
    if len(frame) < 2:
        return {"log_slope": np.nan, "log_r2": np.nan}
    rank, log_share = frame["value_rank"].to_numpy(), np.log(frame["random_share"].to_numpy())
    slope, offset = np.polyfit(rank, log_share, 1)
    residual = ((log_share - slope * rank - offset) ** 2).sum()
    total = ((log_share - log_share.mean()) ** 2).sum()
    return {"log_slope": float(slope), "log_r2": float(1 - residual / total) if total > 0 else np.nan}


def _entropy(share: FloatArray) -> float:
    positive = share[share > 0]
    return float(-(positive * np.log(positive)).sum() / np.log(max(len(share), 2)))


def sorted_shares(tasks: Sequence[Task]) -> pd.DataFrame:
    """Long-run shares of visits of oracle and uniform play, sorted from the largest, long form.

    Returns:
        Columns: task (index), policy (``"oracle"`` or ``"random"``), position (0-based), share.
    """
    frames = []
    for i, task in enumerate(tasks):
        for name, policy in (("oracle", greedy(plan(task))), ("random", uniform_policy(task))):
            share = np.sort(stationary_distribution(task, policy))[::-1]
            frames.append(
                pd.DataFrame({"task": i, "policy": name, "position": np.arange(len(share)), "share": share})
            )
    return pd.concat(frames, ignore_index=True)


def plot_value_visits(tasks: Sequence[Task], ax: Axes | None = None, label: str | None = None) -> Axes:
    """Plot every state's share of visits under uniform play (log scale) against its value rank.

    The line is the geometric mean over tasks in tenths of the value rank; needs matplotlib.
    """
    axes = _axes(ax)
    points = pd.concat([value_visits(task) for task in tasks], ignore_index=True)
    color = axes.plot(points["value_rank"], points["random_share"], ".", alpha=0.25, markersize=4)[0]
    tenth = (points["value_rank"] * 10).clip(upper=9.99).astype(int)
    mean = np.exp(np.log(points["random_share"]).groupby(tenth).mean())
    axes.plot((mean.index + 0.5) / 10, mean, color=color.get_color(), label=label)
    axes.set(yscale="log", xlabel="value rank of the state", ylabel="share of visits, uniform play")
    return axes


def plot_sorted_shares(tasks: Sequence[Task], ax: Axes | None = None, label: str = "") -> Axes:
    """Plot the sorted long-run shares, averaged over tasks, of oracle and uniform play (log scale)."""
    axes = _axes(ax)
    mean = sorted_shares(tasks).groupby(["policy", "position"])["share"].mean()
    for policy in ("oracle", "random"):
        axes.plot(mean[policy].index, mean[policy], label=f"{label} {policy}".strip())
    axes.set(yscale="log", xlabel="state, sorted", ylabel="long-run share of visits")
    return axes


def _axes(ax: Axes | None) -> Axes:
    if ax is not None:
        return ax
    from matplotlib import pyplot

    axes: Axes = pyplot.subplots()[1]
    return axes
