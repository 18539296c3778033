"""Turn a run of an exact-memory agent into a checkpoint that ships."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from anymdp_bench import InvalidConfig
from omnirl_reference.exact.acting import acting
from omnirl_reference.exact.agent import ExactAgent
from omnirl_reference.exact.checkpoint import load_network, save_network
from omnirl_reference.exact.config import exact_config
from omnirl_reference.model.checkpoint import WEIGHTS
from omnirl_reference.model.shipped import CHECKPOINTS
from omnirl_reference.playing.export import LONGEST, PROTOCOLS, figures, new_checkpoint
from omnirl_reference.playing.validation import Plan, Watch, unwatched

MOST_BYTES = 2**20
BANK, TASKS = "anymdp-16x5-v0", 64
FURTHER = (("anymdp-32x5-v0", 1), ("anymdp-64x5-v0", 2), ("anymdp-128x5-v0", 4), ("garnet-16x5b2-v0", 1))
"""Further banks of the online protocol, and how many times fewer tasks are played there."""


def export_exact(
    run: Path,
    name: str,
    options: dict[str, Any],
    *,
    folder: Path = CHECKPOINTS,
    tasks: int = TASKS,
    changes: dict[str, Any] | None = None,
    watcher: Callable[[Plan], Watch] = lambda plan: unwatched,
) -> Path:
    """Validate a run's network and write it with its notes.

    Args:
        run: Folder that training wrote, or another checkpoint, which is to act in another way.
        name: Name of the checkpoint.
        options: Fields of `Acting`, with which it is validated and acts afterwards.
        folder: Where checkpoints lie.
        tasks: The first so many validation tasks of AnyMDP(16, 5) are played.
        changes: Further notes.
        watcher: Asked before each plan who is told of its progress.

    Returns:
        The checkpoint's folder.

    Raises:
        InvalidConfig: the run holds no checkpoint, the checkpoint exists already or is larger than 1 MiB, or
            an option is not legal.
    """
    target = new_checkpoint(folder, name)
    network, notes = load_network(run)
    size = (run / WEIGHTS).stat().st_size
    if size > MOST_BYTES:
        raise InvalidConfig(f"{run}: weights of {size / 2**20:.1f} MiB; at most 1 may ship.")
    exact_config(notes.get("config", {}))
    how = acting(options)
    agent = ExactAgent(network, name, how)
    kept = ("config", "commit", "hardware", "versions", "parameters", "updates", "skipped", "pieces")
    facts = {
        **{key: notes.get(key) for key in kept},
        "name": name,
        "bytes": size,
        "minutes": notes.get("minutes", round(notes.get("seconds", 0.0) / 60, 1)),
        "acting": dataclasses.asdict(how),
        "validation": [figures(agent, plan, watcher(plan)) for plan in exact_plans(tasks)],
    }
    save_network(network, target, {**facts, **(changes or {})})
    return target


def exact_plans(tasks: int) -> list[Plan]:
    """What a checkpoint is played on before it ships."""
    plans = [Plan(bank=BANK, tasks=tasks, protocol=protocol, steps=LONGEST) for protocol in PROTOCOLS]
    more = [Plan(bank=bank, tasks=max(tasks // fewer, 1), steps=LONGEST) for bank, fewer in FURTHER]
    return plans + more
