"""Exact solutions of tabular tasks: optimal Q, policy values, returns over the horizon, references.

Everything here concerns the *scored* reward and full information: arrays are by inner state, and
`by_observation` tells them by the ids that an agent sees. A task whose actions
are several moves long is first expanded into one with an action per combination.
"""

from anymdp_bench.planning.limits import ReturnLimits, return_limits
from anymdp_bench.planning.observed import by_observation
from anymdp_bench.planning.references import References, references
from anymdp_bench.planning.solve import (
    ORACLE_DISCOUNT,
    ReturnMoments,
    advantages,
    finite_horizon_optimum,
    greedy,
    plan,
    policy_return,
    policy_value,
    stationary_distribution,
    uniform_policy,
)

__all__ = [
    "ORACLE_DISCOUNT",
    "References",
    "ReturnLimits",
    "ReturnMoments",
    "advantages",
    "by_observation",
    "finite_horizon_optimum",
    "greedy",
    "plan",
    "policy_return",
    "policy_value",
    "references",
    "return_limits",
    "stationary_distribution",
    "uniform_policy",
]
