"""Compiled building blocks for agents that simulate tasks by the million themselves.

Everything here can be called from a function decorated by `kernel` or by `numba.njit`; `kernel` also works
where numba's cache cannot be written or read, and tells those who wait for the compiler. The generator is
that of the whole package; the sampler returns plain arrays on the task's grids (`Drawn`) instead of a
validated `TabularTask`. A `Statistic` is all that a context says about a Markov task, kept as counts;
`plan_row` and `plan_leaves` plan on it.
"""

from anymdp_bench.foundation.compiling import kernel
from anymdp_bench.foundation.exact import exp, log, normal_central, normal_tail
from anymdp_bench.foundation.seeding import (
    AGENT_STREAM,
    WEIGHT_TOTAL,
    draw,
    next_bits,
    next_exponential,
    next_integer,
    next_normal,
    next_uniform,
    next_unit,
    noise_offset,
    outcome_bits,
    permutation,
    stream_key,
)
from anymdp_bench.planning.empirical import (
    UNTAGGED,
    Statistic,
    add_steps,
    forget_row,
    grown,
    has_room,
    make_statistic,
    record_step,
    see,
)
from anymdp_bench.planning.kernels import Outcomes, myopic_actions, policy_iteration
from anymdp_bench.planning.leaves import pair_value, plan_leaves, plan_row, reward_scale
from anymdp_bench.samplers.anymdp import Drawn
from anymdp_bench.samplers.anymdp import draw_task as draw_anymdp
from anymdp_bench.samplers.bandit import draw_arms
from anymdp_bench.samplers.garnet import draw_task as draw_garnet

__all__ = [
    "AGENT_STREAM",
    "UNTAGGED",
    "WEIGHT_TOTAL",
    "Drawn",
    "Outcomes",
    "Statistic",
    "add_steps",
    "draw",
    "draw_anymdp",
    "draw_arms",
    "draw_garnet",
    "exp",
    "forget_row",
    "grown",
    "has_room",
    "kernel",
    "log",
    "make_statistic",
    "myopic_actions",
    "next_bits",
    "next_exponential",
    "next_integer",
    "next_normal",
    "next_uniform",
    "next_unit",
    "noise_offset",
    "normal_central",
    "normal_tail",
    "outcome_bits",
    "pair_value",
    "permutation",
    "plan_leaves",
    "plan_row",
    "policy_iteration",
    "record_step",
    "reward_scale",
    "see",
    "stream_key",
]
