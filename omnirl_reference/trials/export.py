"""Turn a run of RL² into a checkpoint that ships."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from omnirl_reference.model.shipped import CHECKPOINTS
from omnirl_reference.playing.export import figures, new_checkpoint
from omnirl_reference.playing.validation import Plan, Watch, unwatched
from omnirl_reference.trials.agent import TrialAgent
from omnirl_reference.trials.checkpoint import load_trials, save_trials

STEPS, TASKS = 1000, 64


def export_trials(
    run: Path,
    name: str,
    *,
    folder: Path = CHECKPOINTS,
    tasks: int = TASKS,
    changes: dict[str, Any] | None = None,
    watcher: Callable[[Plan], Watch] = lambda plan: unwatched,
) -> Path:
    """Validate what a run has trained and write it with its notes.

    Args:
        run: Folder that training wrote.
        name: Name of the checkpoint.
        folder: Where checkpoints lie.
        tasks: The first so many validation tasks of the bank that it was trained on are played.
        changes: Further notes.
        watcher: Asked before each plan who is told of its progress.

    Returns:
        The checkpoint's folder.

    Raises:
        InvalidConfig: the run holds no checkpoint, or the checkpoint exists already.
    """
    target = new_checkpoint(folder, name)
    network, notes = load_trials(run)
    plan = Plan(bank=notes["setting"]["bank"], tasks=tasks, steps=STEPS)
    validation = [figures(TrialAgent(network, name), plan, watcher(plan))]
    minutes = round(notes.pop("seconds") / 60, 1)
    facts = {**notes, "name": name, "minutes": minutes, "validation": validation}
    save_trials(network, target, facts | (changes or {}))
    return target
