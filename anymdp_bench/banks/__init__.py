"""Named, versioned, frozen collections of tasks.

To add a bank, add one line to `BANKS` and run ``python -m anymdp_bench.banks.freeze NAME``.
"""

from __future__ import annotations

from functools import cache, partial

from anymdp_bench.banks.bank import BOARD_TASKS, Bank, TaskSequence
from anymdp_bench.banks.sampled import SampledSource, is_scorable
from anymdp_bench.banks.worlds import (
    WorldSource,
    cliff,
    darkroom_corner,
    darkroom_goals,
    darkroom_moves,
    lake,
    pendulum,
    switch,
)
from anymdp_bench.foundation.registry import lookup

__all__ = ["BANKS", "BOARD_TASKS", "Bank", "TaskSequence", "is_scorable", "load_bank"]

_SOURCES: tuple[SampledSource | WorldSource, ...] = (
    SampledSource("anymdp-1x5-v0", "anymdp", {"n_states": 1, "n_actions": 5}),
    SampledSource("anymdp-16x5-v0", "anymdp", {"n_states": 16, "n_actions": 5}),
    SampledSource("anymdp-32x5-v0", "anymdp", {"n_states": 32, "n_actions": 5}),
    SampledSource("anymdp-64x5-v0", "anymdp", {"n_states": 64, "n_actions": 5}),
    SampledSource("anymdp-128x5-v0", "anymdp", {"n_states": 128, "n_actions": 5}),
    SampledSource("anymdp-1x20-v0", "anymdp", {"n_states": 1, "n_actions": 20}),
    SampledSource("anymdp-1x50-v0", "anymdp", {"n_states": 1, "n_actions": 50}),
    SampledSource("anymdp-16x20-v0", "anymdp", {"n_states": 16, "n_actions": 20}),
    SampledSource("garnet-16x5b2-v0", "garnet", {"n_states": 16, "n_actions": 5, "branching": 2}),
    SampledSource("garnet-64x5b2-v0", "garnet", {"n_states": 64, "n_actions": 5, "branching": 2}),
    SampledSource("anypomdp-64x5-v0", "anypomdp", {"n_states": 64, "n_actions": 5, "n_observations": 64}),
    WorldSource("darkroom-6-v0", partial(darkroom_corner, 6)),
    WorldSource("darkroom-8-v0", partial(darkroom_corner, 8)),
    WorldSource("darkroom-10-v0", partial(darkroom_corner, 10)),
    WorldSource("darkroom-6-goals-v0", partial(darkroom_goals, 6)),
    WorldSource("darkroom-8-goals-v0", partial(darkroom_goals, 8)),
    WorldSource("darkroom-10-goals-v0", partial(darkroom_goals, 10)),
    WorldSource("darkroom-10-renamed-v0", partial(darkroom_moves, 10, 1)),
    WorldSource("darkroom-10-repeated-v0", partial(darkroom_moves, 10, 5)),
    WorldSource("frozenlake-v0", partial(lake, False)),
    WorldSource("frozenlake-slippery-v0", partial(lake, True)),
    WorldSource("cliffwalking-v0", cliff),
    WorldSource("pendulum-g1-v0", partial(pendulum, 1.0)),
    WorldSource("pendulum-g5-v0", partial(pendulum, 5.0)),
    WorldSource("pendulum-g9.8-v0", partial(pendulum, 9.8)),
    WorldSource("pendulum-g1-fixed-v0", partial(pendulum, 1.0, "fixed")),
    WorldSource("pendulum-g5-fixed-v0", partial(pendulum, 5.0, "fixed")),
    WorldSource("pendulum-g9.8-fixed-v0", partial(pendulum, 9.8, "fixed")),
    WorldSource("switch2-v0", switch),
)
BANKS = {source.name: source for source in _SOURCES}
"""Where the tasks of every bank come from, by the bank's name; `load_bank` loads them.

Examples:
    >>> [name for name in BANKS if name.startswith("cliff")]
    ['cliffwalking-v0']
"""


@cache
def load_bank(name: str) -> Bank:
    """Load a bank by name; tasks are read or drawn when first asked for.

    Raises:
        UnknownName: with the nearest names, or all.

    Examples:
        >>> len(load_bank("anymdp-16x5-v0").test)
        256
    """
    return lookup("bank", BANKS, name).bank()
