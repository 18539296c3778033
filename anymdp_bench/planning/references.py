"""The reference returns of a task: the 0, the 1 and the optimum of its score."""

from __future__ import annotations

import dataclasses
import math

from anymdp_bench.planning.solve import (
    ORACLE_DISCOUNT,
    finite_horizon_optimum,
    greedy,
    plan,
    policy_return,
    uniform_policy,
)
from anymdp_bench.tasks.protocol import Task


@dataclasses.dataclass(frozen=True, slots=True)
class References:
    """Expected scored returns of one episode, undiscounted over the task's horizon.

    Attributes:
        random: Uniform policy, score 0.
        oracle: Greedy policy of the optimal Q at discount 0.994, score 1.
        optimal: Finite-horizon optimum, at least `oracle`.
        random_std: Standard deviation of one episode's return under the uniform policy.
        oracle_std: The same under the oracle.

    Examples:
        >>> known = references(sample_task("anymdp", seed=7))
        >>> known.random < known.oracle
        True
    """

    random: float
    oracle: float
    optimal: float
    random_std: float
    oracle_std: float


def references(task: Task) -> References:
    """Compute a tabular task's reference returns exactly.

    Args:
        task: A tabular task.

    Raises:
        NotTabular: the task has no tables.
    """
    random = policy_return(task, uniform_policy(task))
    oracle = policy_return(task, greedy(plan(task, ORACLE_DISCOUNT)))
    return References(
        random=random.mean,
        oracle=oracle.mean,
        optimal=finite_horizon_optimum(task),
        random_std=math.sqrt(random.variance),
        oracle_std=math.sqrt(oracle.variance),
    )
