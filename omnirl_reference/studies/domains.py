"""How trained models, shipped ones and planners play the tasks of several banks, side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from anymdp_bench import Agent, AgentError, InvalidConfig, make_agent
from anymdp_bench.foundation.files import write_text
from omnirl_reference.config.file import config_of, read_json
from omnirl_reference.config.training import TrainConfig
from omnirl_reference.factories import make
from omnirl_reference.model.shipped import NOTES, checkpoint_folder, checkpoint_names
from omnirl_reference.playing.validation import LEAST, MOST, Lived, Plan, play
from omnirl_reference.studies.running import Tell, telling, train_in_turn

ACTION_SETS = (
    "anymdp-1x5-v0",
    "anymdp-1x20-v0",
    "anymdp-1x50-v0",
    "anymdp-16x5-v0",
    "anymdp-16x20-v0",
    "darkroom-6-goals-v0",
    "darkroom-10-renamed-v0",
    "darkroom-10-repeated-v0",
)
"""Banks that differ in their number of actions, or in the actions' names."""
SEEN = (
    "anymdp-1x5-v0",
    "anymdp-16x5-v0",
    "garnet-16x5b2-v0",
    "darkroom-6-goals-v0",
    "darkroom-8-goals-v0",
    "pendulum-g5-v0",
)
"""Banks of the domains that `vintix` is trained on."""
HELD_OUT = ("frozenlake-v0", "frozenlake-slippery-v0", "cliffwalking-v0")
"""Banks of domains that it never met: none of its training tasks has a hazard."""
EARLY, LATE = 0.1, 0.5
"""Episodes count as early that begin before this share of the steps, as late those after that one."""


class DomainRun(NamedTuple):
    """The training run of a study.

    Attributes:
        name: Of its folder.
        config: What is trained.
    """

    name: str
    config: TrainConfig


def train_one(
    config: TrainConfig, out: Path, *, minutes: float = math.inf, device: str = "cpu", tell: Tell
) -> bool:
    """Train a configuration in ``out/<its name>``; return whether it is done.

    Args:
        config: What is trained.
        out: Folder of the study.
        minutes: Stop after so many minutes.
        device: As for `Trainer`.
        tell: Told how far it is.
    """
    runs = [DomainRun(config.name, config)]
    return train_in_turn(runs, out, telling(tell), minutes=minutes, device=device)


def check_shipped(config: TrainConfig) -> None:
    """Refuse a configuration that is not the one which the shipped checkpoint of its name was trained by.

    Raises:
        InvalidConfig: there is no such checkpoint, or its notes say otherwise.
    """
    shipped = config.name in checkpoint_names()
    if not shipped or config_of(read_json(checkpoint_folder(config.name) / NOTES)) != config:
        raise InvalidConfig(
            f"no shipped checkpoint was trained by the configuration {config.name!r} as it is: train it, "
            "without --shipped."
        )


def agent_of(name: str, out: Path, bank: str, temperature: float | None = None) -> Agent:
    """An agent by the name of a run in `out`, of a shipped checkpoint, or of a registered agent.

    Args:
        name: Of the run, the checkpoint or the agent.
        out: Folder of the study's runs.
        bank: Name of the bank that it will play.
        temperature: That a run's model plays at throughout; None: it falls, as by default.
    """
    if (out / name).is_dir():
        constant = {} if temperature is None else {"first": temperature, "last": temperature}
        return make(str(out / name), **constant)
    return make(name) if name in checkpoint_names() else make_agent(name, bank=bank)


def play_domains(
    names: Sequence[str],
    out: Path,
    banks: Sequence[str],
    *,
    tasks: int,
    steps: int,
    temperature: float | None = None,
    fill: bool = False,
    split: str = "test",
    tell: Tell,
) -> pd.DataFrame:
    """Mean scores of agents on the first tasks of banks; what is kept in `out` is not played again.

    Args:
        names: As for `agent_of`.
        out: Folder of the study; scores are kept in ``scores/<bank>/<agent>.csv``.
        banks: Names of banks.
        tasks: The first so many tasks of the split, or all.
        steps: Steps of every task.
        temperature: As for `agent_of`.
        fill: As in `Plan`.
        split: Of the bank.
        tell: Told which pair of the grid is done.

    Returns:
        Columns agent, bank, early, late: means over tasks of the task's mean score, clipped to [-1, 1.2]; not
        a number where an agent cannot play a bank.
    """
    rows = []
    pairs = [(name, bank) for bank in banks for name in names]
    for name, bank in pairs:
        kept = out / "scores" / bank / f"{name}.csv"
        if not kept.is_file():
            plan = Plan(bank=bank, split=split, tasks=tasks, fill=fill, steps=steps)
            row = {"agent": name, "bank": bank, **_scores_of(name, out, plan, temperature)}
            kept.parent.mkdir(parents=True, exist_ok=True)
            write_text(kept, pd.DataFrame([row]).to_csv(index=False))
        rows.append(pd.read_csv(kept))
        tell(f"{name} on {bank}", len(rows), len(pairs))
    return pd.concat(rows, ignore_index=True)


def _scores_of(name: str, out: Path, plan: Plan, temperature: float | None) -> dict[str, float]:
    agent: Any = agent_of(name, out, plan.bank, temperature)
    try:
        lived = play(agent, plan)
    except AgentError:
        return {"early": math.nan, "late": math.nan}
    return {
        "early": _mean(lived, lived.begin < EARLY * plan.steps),
        "late": _mean(lived, lived.begin >= LATE * plan.steps),
    }


def _mean(lived: Lived, inside: Any) -> float:
    of = pd.Series(lived.score[inside]).groupby(lived.task[inside]).mean()
    return float(np.clip(of, LEAST, MOST).mean()) if len(of) else math.nan
