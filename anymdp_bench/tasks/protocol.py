"""What banks, environments and protocols may ask of any task."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from typing import Protocol, runtime_checkable

from anymdp_bench.foundation.types import JsonScalar


@runtime_checkable
class Task(Protocol):
    """What banks, environments and protocols may ask of any task.

    Examples:
        >>> isinstance(sample_task("anymdp", seed=7), Task)
        True
    """

    @property
    def family(self) -> str:
        """Name of the family that the task belongs to."""
        ...

    @property
    def config(self) -> Mapping[str, JsonScalar]:
        """Settings that it was made with."""
        ...

    @property
    def seed(self) -> int | None:
        """Seed that it was made with, or None."""
        ...

    @property
    def horizon(self) -> int:
        """Steps after which an episode is truncated."""
        ...

    @property
    def n_observations(self) -> int:
        """Number of observation ids."""
        ...

    @property
    def n_actions(self) -> int:
        """Number of actions."""
        ...

    def fingerprint(self) -> str:
        """SHA-256 (hex) over everything that an agent can experience."""
        ...

    def save(self, path: str | PathLike[str]) -> None:
        """Write the task as npz without pickled objects."""
        ...
