"""Teachers: named policies that record episodes for others to learn from.

A teacher acts greedily on some action values, except that each step's action is, with constant
probability, uniform at random. It sees the inner state where observations are partial.
"""

from __future__ import annotations

from typing import NamedTuple

from anymdp_bench.contexts.context import TAGS
from anymdp_bench.foundation.registry import lookup

OPT0, OPT1, OPT2, OPT3, _, EXP2, RANDOM, UNKNOWN = range(len(TAGS))
REFERENCE_DISCOUNT = 0.994
"""Discount of the oracle (`planning.ORACLE_DISCOUNT`)."""
LEARNER_EPSILON = 0.1
"""Share of random actions of the half-trained learner, while it learns and while it records."""


class Teacher(NamedTuple):
    """A named policy.

    Attributes:
        name: As boards and contexts call it.
        tag: Tag of its own actions, an index of `TAGS`; random ones are tagged 6.
        epsilon: Share of uniformly random actions, 0..1, constant.
        discount: Discount of the optimal action values that it is greedy on; None: it has learnt its
            values, or acts at random only.
    """

    name: str
    tag: int
    epsilon: float
    discount: float | None = None

    @property
    def learns(self) -> bool:
        """Whether its values are learnt, differently for every seed."""
        return self.discount is None and self.tag != RANDOM


TEACHERS: dict[str, Teacher] = {
    teacher.name: teacher
    for teacher in (
        Teacher("uniform", RANDOM, 1.0),
        Teacher("noisy-oracle-0.1", OPT3, 0.1, REFERENCE_DISCOUNT),
        Teacher("noisy-oracle-0.3", OPT3, 0.3, REFERENCE_DISCOUNT),
        Teacher("noisy-oracle-0.5", OPT3, 0.5, REFERENCE_DISCOUNT),
        Teacher("noisy-oracle-0.9", OPT3, 0.9, REFERENCE_DISCOUNT),
        Teacher("myopic-0", OPT0, 0.0, 0.0),
        Teacher("myopic-0.5", OPT1, 0.0, 0.5),
        Teacher("myopic-0.93", OPT2, 0.0, 0.93),
        Teacher("half-trained-q", EXP2, LEARNER_EPSILON),
        Teacher("oracle", OPT3, 0.0, REFERENCE_DISCOUNT),
    )
}
"""Who records contexts, by name: how it acts, and how often at random.

Examples:
    >>> TEACHERS["noisy-oracle-0.1"].epsilon  # share of random actions
    0.1
"""


def get_teacher(name: str) -> Teacher:
    """Return a teacher by its name.

    Raises:
        UnknownName: with the nearest names, or all.
    """
    return lookup("teacher", TEACHERS, name)
