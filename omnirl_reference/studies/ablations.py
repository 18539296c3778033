"""What each part of the exact memory's training is worth: one thing changed at a time, at equal updates."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from anymdp_bench.foundation.files import write_text
from omnirl_reference.config.file import read_json
from omnirl_reference.exact.config import ExactConfig, Pool
from omnirl_reference.factories import make
from omnirl_reference.model.shipped import NOTES
from omnirl_reference.playing.validation import OWN_EPISODES, Plan, validate
from omnirl_reference.studies.running import Tell, is_done, quiet, train_exact_in_turn

LIFE = 5000
WINDOWS = ("500-1000", "2000-5000")
"""Steps of an online life that are shown."""
OWN = f"episodes 1-{OWN_EPISODES}"
MIXED = (
    Pool(family="garnet", n_states=16, lanes=64, life=10000),
    Pool(family="grid", n_states=30, n_actions=4, lanes=48, life=6000),
)
"""What the mixture has beside the base's pools, at equal shares."""
CHANGES: Mapping[str, dict[str, Any]] = {
    "as it is": {},
    "another seed": {"seed": 1},
    "a third seed": {"seed": 2},
    "2 rounds": {"rounds": 2},
    "10 rounds": {"rounds": 10},
    "hard labels": {"label_temperature": 0.01},
    "no own play": {"own_play": False},
    "no tags": {"blind": ("tags",)},
    "no planners among the inputs": {"blind": ("planners",)},
}


class Ablation(NamedTuple):
    """One training run of the study: what differs, in words, and what is trained."""

    change: str
    config: ExactConfig


def ablations_of(base: ExactConfig) -> list[Ablation]:
    """The base, three seeds of it, and one run for each change."""
    mixed = {"pools": (*base.pools, *MIXED)}
    return [
        Ablation(change, dataclasses.replace(base, name=change.replace(" ", "-"), **fields))
        for change, fields in {**CHANGES, "Garnet and grids too": mixed}.items()
    ]


def train_ablations(
    runs: Sequence[Ablation], out: Path, *, minutes: float = math.inf, tell: Tell = quiet
) -> bool:
    """Train all runs that are not done; the same call goes on where it was stopped.

    Args:
        runs: From `ablations_of`.
        out: Folder of the runs' folders.
        minutes: Stop after so many minutes of training.
        tell: Told how far each run is.

    Returns:
        Whether all are done.
    """
    return train_exact_in_turn([run.config for run in runs], out, minutes=minutes, tell=tell)


def played(run: Path, n_tasks: int) -> dict[str, float]:
    """Clipped mean scores on validation tasks of 16x5, online and after a noisy oracle; they are kept."""
    kept = run / f"played-{n_tasks}.json"
    if not kept.is_file():
        agent = make(str(run))
        online = validate(agent, Plan(tasks=n_tasks, steps=LIFE))
        offline = validate(agent, Plan(tasks=n_tasks, protocol="offline"))
        scores = {score.window: score.clipped for score in online if score.window in WINDOWS}
        write_text(kept, json.dumps(scores | {OWN: offline[0].clipped}))
    return {name: float(score) for name, score in read_json(kept).items()}


def ablation_summary(runs: Sequence[Ablation], out: Path, n_tasks: int) -> pd.DataFrame:
    """One row for each finished run: change, scores by window, offline score, minutes."""
    rows = []
    for run in runs:
        folder = out / run.config.name
        if is_done(folder, run.config.updates):
            minutes = read_json(folder / NOTES)["seconds"] / 60
            rows.append({"change": run.change, **played(folder, n_tasks), "minutes": minutes})
    return pd.DataFrame(rows, columns=["change", *WINDOWS, OWN, "minutes"])
