"""Compiled building blocks for agents that simulate tasks by the million themselves.

Everything here can be called from a function decorated by `kernel` or by `numba.njit`; `kernel` also works
where numba's cache cannot be written or read, and tells those who wait for the compiler. The generator is
that of the whole package; the sampler returns plain arrays on the task's grids (`Drawn`) instead of a
validated `TabularTask`. A `Statistic` is all that a context says about a Markov task, kept as counts;
`plan_row` and `plan_leaves` plan on it.

Examples:
    Random numbers. Keys and bits are uint64. Bits of a key and a counter need no state; a sequential stream
    is one uint64 in an array, advanced in place:

    >>> key = np.uint64(stream_key(np.uint64(7), AGENT_STREAM))  # of seed 7; Python is answered an int
    >>> bits = np.uint64(draw(key, np.uint64(0)))
    >>> 0 <= outcome_bits(bits) < WEIGHT_TOTAL, abs(noise_offset(bits)) < 0.5
    (True, True)
    >>> state = np.array([key])
    >>> sorted(permutation(state, 4).tolist()), 1 <= next_integer(state, 1, 6) <= 6
    ([0, 1, 2, 3], True)
    >>> 0 < next_unit(state) < 1, 2 < next_uniform(state, 2.0, 3.0) < 3, next_exponential(state, 1.0) > 0
    (True, True, True)
    >>> isinstance(next_normal(state), float), int(next_bits(state)) < 2**64
    (True, True)

    Functions whose results are the same bits on every machine:

    >>> round(exp(1.0), 6), round(log(2.0), 6)
    (2.718282, 0.693147)
    >>> normal_central(0.0), round(normal_tail(0.475), 3)  # quantiles of 0.5 and 0.975
    (0.0, 1.96)

    Tasks, without the checks of a `TabularTask`:

    >>> verdicts = np.zeros(16, np.int64)  # how often each gate rejected a candidate
    >>> task = draw_anymdp(key, 2000, 8, 3, 8, False, False, 0, verdicts)
    >>> Drawn(*task).row_start.shape  # of 8 ids and 3 actions
    (25,)
    >>> ids, horizon, row_start, successor, weight, reward = draw_garnet(key, 8, 3, 2, 0.1)
    >>> len(successor), int(weight[:2].sum()) == WEIGHT_TOTAL
    (48, True)
    >>> means, noise = np.zeros((2, 5))
    >>> draw_arms(key, means, noise)
    >>> bool(means.any())
    True

    A pendulum of gravity 5, upright and at rest, whose reward is shaped, under the strongest torque:

    >>> angle, speed, received, raw, seen = step_pendulum(0.0, 0.0, 2.0, 5.0, True, (12, 5))
    >>> round(speed, 3), round(received, 4), raw, seen == observe_pendulum(angle, speed, 12, 5)
    (0.3, 0.0999, -0.004, True)

    Their solution; `actions` begins as some policy, and ends as the optimal one:

    >>> outcomes = Outcomes(row_start, successor, weight / WEIGHT_TOTAL)
    >>> actions, q = np.zeros(8, np.int64), np.zeros((8, 3))
    >>> myopic_actions(outcomes, reward, 0.9, actions, q)
    >>> policy_iteration(outcomes, reward, 0.9, actions, q) >= 1, np.array_equal(q.argmax(axis=1), actions)
    (True, True)

    What was lived, counted, and a plan on the counts:

    >>> statistic = make_statistic(1, n_observations=4, n_actions=2)  # a Statistic of one row
    >>> see(statistic, 0, 0)
    >>> has_room(statistic, 0)
    True
    >>> record_step(statistic, 0, 0, 1, 1.0, 2, False, True, UNTAGGED)
    >>> lived = [np.array([value]) for value in (0, 2, 0, 0.5, 0, False, False)]
    >>> statistic = add_steps(statistic, *lived)  # row, id, action, reward, next id, terminated, begins
    >>> int(statistic.visits.sum()), [round(value, 2) for value in reward_scale(statistic, 0)]
    (2, [0.75, 0.25, 0.0])
    >>> values, q = np.zeros(4), np.zeros((4, 2))
    >>> plan_row(statistic, 0, np.zeros((4, 2)), 1.0, 10.0, 0.9, 1e-6, 1000, values, q) > 0
    True
    >>> pair = pair_value(statistic, 0, 0, 1, 0.0, 1.0, 10.0, 0.9, values)
    >>> bool(np.isclose(pair, q[0, 1], atol=1e-4))
    True
    >>> rows, leaves, plans = np.array([0]), np.ones((1, 4, 2)), (np.zeros((1, 4)), np.zeros((1, 4, 2)))
    >>> plan_leaves(statistic, rows, leaves, np.ones(1), 0.9, np.full(1, 1e-6), 1000, *plans)
    >>> plans[1].shape, grown(statistic).successors.shape[1] // statistic.successors.shape[1]
    ((1, 4, 2), 2)
    >>> forget_row(statistic, 0)
    >>> int(statistic.visits.sum())
    0

    A kernel of one's own, which calls them:

    >>> @kernel()
    ... def heads(state, tosses):
    ...     found = 0
    ...     for _ in range(tosses):
    ...         found += next_integer(state, 0, 1)
    ...     return found
    >>> 0 <= heads(state, 10) <= 10
    True
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
from anymdp_bench.worlds.pendulum.task import observe as observe_pendulum
from anymdp_bench.worlds.pendulum.task import step_once as step_pendulum

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
    "observe_pendulum",
    "outcome_bits",
    "pair_value",
    "permutation",
    "plan_leaves",
    "plan_row",
    "policy_iteration",
    "record_step",
    "reward_scale",
    "see",
    "step_pendulum",
    "stream_key",
]
