"""Turn a training run into a checkpoint that ships: weights, and notes that say where they come from."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import platform
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from anymdp_bench import Agent, InvalidConfig, __version__
from omnirl_reference.config.file import config_of
from omnirl_reference.config.training import TrainConfig
from omnirl_reference.model.checkpoint import WEIGHTS, load_model, save_model
from omnirl_reference.model.shipped import CHECKPOINTS
from omnirl_reference.playing.agent import OmniRLAgent, Temperature
from omnirl_reference.playing.validation import Plan, Watch, unwatched, validate

MOST_BYTES = 16 * 2**20
PROTOCOLS = ("online", "imitation", "offline")
LONGEST = 8000


def run_facts(device: torch.device) -> dict[str, Any]:
    """Machine and code of a training run, for its notes."""
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {
        "hardware": gpu or f"{_processor()}, {torch.get_num_threads()} of {os.cpu_count()} cores",
        "commit": _commit(),
        "versions": {
            "anymdp-bench": __version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _commit() -> str | None:
    """Commit of the package's source tree; None where the package is installed elsewhere."""
    tree = Path(__file__).parents[2]
    if not (tree / ".git").exists():
        return None
    command = ["git", "rev-parse", "HEAD"]
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=True)
        return done.stdout.strip()
    return None


def export(
    run: Path,
    name: str,
    *,
    temperature: Temperature | None = None,
    views: int = 4,
    folder: Path = CHECKPOINTS,
    tasks: int | None = None,
    changes: dict[str, Any] | None = None,
    watcher: Callable[[Plan], Watch] = lambda plan: unwatched,
) -> Path:
    """Validate a run's model and write it with its notes.

    Args:
        run: Folder that training wrote.
        name: Name of the checkpoint.
        temperature: How it acts when it is validated, and by default afterwards.
        views: The same, see `OmniRLAgent`.
        folder: Where checkpoints lie.
        tasks: The first so many of the run's validation tasks are played, by all protocols; default: its own
            number of them.
        changes: Further notes, e.g. the hardware, where the run did not note it.
        watcher: Asked before each plan who is told of its progress.

    Returns:
        The checkpoint's folder.

    Raises:
        InvalidConfig: the run holds no checkpoint, or the checkpoint exists already or is larger than
            16 MiB.
    """
    target = new_checkpoint(folder, name)
    model, notes = load_model(run)
    config = config_of(notes)
    size = (run / WEIGHTS).stat().st_size
    if size > MOST_BYTES:
        raise InvalidConfig(f"{run}: weights of {size / 2**20:.1f} MiB; at most 16 may ship.")
    temperature = temperature or Temperature()
    agent = OmniRLAgent(model, name, temperature, views)
    kept = ("commit", "hardware", "versions", "parameters", "updates", "skipped", "data", "pieces")
    facts = {
        **{key: notes.get(key) for key in kept},
        "hours": round(notes["seconds"] / 3600, 3),
        "steps": config.steps_until(notes["updates"]),
        "seeds": {"weights": config.seed, "stream": config.stream.seed},
        "temperature": dataclasses.asdict(temperature),
        "views": views,
        "validation": [figures(agent, plan, watcher(plan)) for plan in default_plans(config, tasks)],
    }
    save_model(model, target, {**dataclasses.asdict(config), **facts, **(changes or {}), "name": name})
    return target


def new_checkpoint(folder: Path, name: str) -> Path:
    """Where a checkpoint of that name will lie.

    Raises:
        InvalidConfig: it exists already.
    """
    target = folder / name
    if target.exists():
        raise InvalidConfig(f"{target} exists already; choose another name, or remove it.")
    return target


def default_plans(config: TrainConfig, tasks: int | None = None) -> list[Plan]:
    """What a checkpoint is played on before it ships: by default the run's own number of validation tasks."""
    bank, tasks = config.validation_bank, config.validation_tasks if tasks is None else tasks
    return [Plan(bank=bank, tasks=tasks, protocol=protocol, steps=LONGEST) for protocol in PROTOCOLS]


def figures(agent: Agent, plan: Plan, watch: Watch) -> dict[str, Any]:
    """A plan and its scores by window, for a checkpoint's notes."""
    scores = validate(agent, plan, watch)
    by_field = {
        field: {score.window: round(getattr(score, field), 4) for score in scores}
        for field in ("clipped", "mean", "median")
    }
    return {**dataclasses.asdict(plan), **by_field}
