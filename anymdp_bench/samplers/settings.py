"""What every sampler's settings share: the sizes and their limits."""

from __future__ import annotations

import dataclasses

from anymdp_bench.foundation.checks import check_integer, store_plain
from anymdp_bench.foundation.types import JsonScalar

MOST_STATES = 1024
MOST_ACTIONS = 64
LEAST_RANKED_STATES = 8
"""AnyMDP's bands and start states need eight ranks [public sampler]; only bandits have fewer states.

Examples:
    >>> sample_task("anymdp", seed=0, n_states=LEAST_RANKED_STATES).n_observations
    8
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Sizes that every sampled family has.

    Attributes:
        n_states: Number of states, 1..1024.
        n_actions: Number of actions, 1..64.
    """

    n_states: int = 16
    n_actions: int = 5

    def __post_init__(self) -> None:
        """Check the ranges, and store Python's own numbers."""
        store_plain(self)
        check_integer("n_states", self.n_states, 1, MOST_STATES)
        check_integer("n_actions", self.n_actions, 1, MOST_ACTIONS)

    def as_config(self) -> dict[str, JsonScalar]:
        """Settings by name, as a task records them."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
