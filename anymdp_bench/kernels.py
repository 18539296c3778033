"""Compiled building blocks for agents that simulate tasks by the million themselves.

Everything here can be called from a function decorated by `kernel` or by `numba.njit`; `kernel` also works
where numba's cache cannot be written or read, and tells those who wait for the compiler. The generator is
that of the whole package; the sampler returns plain arrays on the task's grids (`Drawn`) instead of a
validated `TabularTask`.
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
from anymdp_bench.planning.kernels import Outcomes, myopic_actions, policy_iteration
from anymdp_bench.samplers.anymdp import Drawn
from anymdp_bench.samplers.anymdp import draw_task as draw_anymdp
from anymdp_bench.samplers.garnet import draw_task as draw_garnet

__all__ = [
    "AGENT_STREAM",
    "WEIGHT_TOTAL",
    "Drawn",
    "Outcomes",
    "draw",
    "draw_anymdp",
    "draw_garnet",
    "exp",
    "kernel",
    "log",
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
    "permutation",
    "policy_iteration",
    "stream_key",
]
