"""Training runs of a study, one after the other; the same call goes on where it was stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from omnirl_reference.config.fields import TrainConfig
from omnirl_reference.training.trainer import Trainer

Tell = Callable[[str, int, int], None]
"""Told a run's name, its updates done and all its updates."""


class Run(Protocol):
    """One training run of a study."""

    @property
    def name(self) -> str:
        """Of its folder."""
        ...

    @property
    def config(self) -> TrainConfig:
        """What is trained."""
        ...


R = TypeVar("R", bound=Run)


def train_in_turn(
    runs: Sequence[R],
    out: Path,
    train: Callable[[R, Trainer, float], None],
    *,
    minutes: float,
    device: str,
) -> bool:
    """Train all runs that are not done.

    Args:
        runs: What is trained.
        out: Folder of the runs' folders.
        train: Given a run, its trainer and the minutes that are left.
        minutes: Stop after so many minutes.
        device: As for `Trainer`.

    Returns:
        Whether all are done.
    """
    left = 60 * minutes
    for run in runs:
        trainer = Trainer(run.config, out / run.name, device)
        begun = trainer.seconds
        train(run, trainer, left / 60)
        left -= trainer.seconds - begun
        if trainer.update < run.config.updates:
            return False
    return True


def quiet(name: str, done: int, of: int) -> None:
    """Tell nobody."""
