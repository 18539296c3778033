"""Training runs of a study, one after the other; the same call goes on where it was stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from omnirl_reference.config.file import read_json
from omnirl_reference.config.training import TrainConfig
from omnirl_reference.exact.config import ExactConfig
from omnirl_reference.exact.trainer import ExactTrainer
from omnirl_reference.model.shipped import NOTES
from omnirl_reference.training.trainer import Trainer

TELL_EVERY = 250

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


def telling(tell: Tell) -> Callable[[Run, Trainer, float], None]:
    """A `train` of `train_in_turn` that tells at every evaluation how far a run is, and keeps nothing."""

    def train(run: Run, trainer: Trainer, left: float) -> None:
        def note(values: dict[str, float]) -> None:
            tell(run.name, int(values["update"]), run.config.updates)

        trainer.run(on_evaluation=note, minutes=left)

    return train


def train_exact_in_turn(configs: Sequence[ExactConfig], out: Path, *, minutes: float, tell: Tell) -> bool:
    """The same for exact memories, whose runs are called as their configurations are."""
    left = 60 * minutes
    for config in configs:
        trainer = ExactTrainer(config, out / config.name)
        begun = trainer.seconds

        def note(values: dict[str, float], trainer: ExactTrainer = trainer) -> None:
            if trainer.update % TELL_EVERY == 0:
                tell(trainer.config.name, trainer.update, trainer.config.updates)

        trainer.run(note, minutes=left / 60)
        left -= trainer.seconds - begun
        if trainer.update < config.updates:
            return False
    return True


def is_done(folder: Path, updates: int) -> bool:
    """Whether a run's folder holds a model of so many updates."""
    notes = folder / NOTES
    return notes.is_file() and bool(read_json(notes).get("updates") == updates)


def quiet(name: str, done: int, of: int) -> None:
    """Tell nobody."""
