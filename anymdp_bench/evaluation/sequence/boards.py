"""Boards of recorded sequences. What a name means never changes; a change is a new version."""

from __future__ import annotations

import dataclasses
from typing import Any

from anymdp_bench.foundation.checks import SHARE, TEXT, Limit, Whole, check, check_fields
from anymdp_bench.foundation.registry import lookup

BLOCK = 64
"""Steps over which losses are averaged in results."""
MIXTURE = {
    "uniform": 0.20,
    "myopic-0": 0.05,
    "myopic-0.5": 0.05,
    "myopic-0.93": 0.10,
    "noisy-oracle-0.9": 0.10,
    "noisy-oracle-0.5": 0.15,
    "noisy-oracle-0.3": 0.15,
    "noisy-oracle-0.1": 0.10,
    "oracle": 0.10,
}
"""Chance of each teacher to play an episode: half of the actions are good ones, as in decoupled policy
distillation (arXiv 2502.02869), whose learners are left out because they would have to be trained first."""

LIMITS: dict[str, Limit] = {
    **dict.fromkeys(("name", "bank"), TEXT),
    "n_tasks": Whole(1),
    "steps": Whole(BLOCK),
    "masked": SHARE,
    "seed": Whole(0),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SequenceBoard:
    """Specification of recorded sequences: one for each task, episode after episode.

    Attributes:
        name: Name in tables and results.
        bank: Whose test tasks are played; they are fully observed.
        n_tasks: The first so many.
        steps: Steps of a sequence, a multiple of 64.
        masked: Share of episodes whose tags are unknown.
        seed: Root of all random numbers.

    Raises:
        InvalidConfig: a field is outside its legal range.

    Examples:
        >>> SEQUENCE_BOARDS["anymdp-16x5-sequence-v0"].bank
        'anymdp-16x5-v0'
    """

    name: str
    bank: str
    n_tasks: int = 64
    steps: int = 32_768
    masked: float = 0.15
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every field."""
        check_fields(self, LIMITS)
        check(self.steps % BLOCK == 0, "steps", self.steps, f"a multiple of {BLOCK}")

    def as_dict(self) -> dict[str, Any]:
        """Fields by name; JSON scalars only."""
        return dataclasses.asdict(self)


SEQUENCE_BOARDS = {
    f"anymdp-{n}x5-sequence-v0": SequenceBoard(name=f"anymdp-{n}x5-sequence-v0", bank=f"anymdp-{n}x5-v0")
    for n in (16, 64, 128)
}
"""Every released board of recorded sequences by its name.

Examples:
    >>> SEQUENCE_BOARDS["anymdp-64x5-sequence-v0"].steps
    32768
"""


def get_sequence_board(name: str) -> SequenceBoard:
    """Return a board by its name.

    Raises:
        UnknownName: with the nearest and all legal names.
    """
    return lookup("sequence board", SEQUENCE_BOARDS, name)
