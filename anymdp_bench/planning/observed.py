"""What the planner says of inner states, told by the ids that an agent sees."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from anymdp_bench.foundation.errors import InvalidPolicy
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.task import require_tabular


def by_observation(task: Task, table: ArrayLike) -> NDArray[Any]:
    """Return a table over inner states as one over observation ids.

    The planner's arrays (`plan`, `greedy`, `policy_value`) are indexed by inner states s; an agent sees the
    id ``task.state_ids[s]``. With ``q = plan(task, ORACLE_DISCOUNT)`` the oracle's action is
    ``by_observation(task, greedy(q))[observation]``.

    Args:
        task: A tabular task whose ids tell its states apart (terminal states, where nobody acts, aside).
        table: ``[S, ...]``, by inner state.

    Returns:
        ``[O, ...]`` of the same dtype; 0 for ids that no state shows.

    Raises:
        NotTabular: the task has no tables.
        InvalidPolicy: the table is not of the task's states, observations are drawn, or two states share an
            id.

    Examples:
        >>> task = sample_task("anymdp", seed=7)
        >>> by_observation(task, plan(task)).shape  # a row for every id that an agent sees
        (16, 5)
    """
    tabular = require_tabular(task)
    values = np.asarray(table)
    if values.shape[:1] != (tabular.n_states,):
        raise InvalidPolicy(
            f"table has shape {values.shape}; give one row for each of {tabular.n_states} states."
        )
    if tabular.emission_weight is not None:
        raise InvalidPolicy(f"{tabular!r} draws its observations: an id does not say the state.")
    states = np.flatnonzero(~tabular.terminal)
    ids = tabular.state_ids[states]
    seen, counts = np.unique(ids, return_counts=True)
    if (counts > 1).any():
        raise InvalidPolicy(
            f"{tabular!r}: states share the id {int(seen[counts.argmax()])}; tables by id say less."
        )
    found = np.zeros((tabular.n_observations, *values.shape[1:]), values.dtype)
    ended = np.flatnonzero(tabular.terminal)
    found[tabular.state_ids[ended]] = values[ended]
    found[ids] = values[states]
    return found
