"""Task scaling of the exact memory, whose answers do not depend on names: are few tasks enough?"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import torch

from anymdp_bench import child_seed
from anymdp_bench.foundation.files import write_text
from omnirl_reference.config.file import read_json
from omnirl_reference.exact.batch import losses, make_batch, write_tables
from omnirl_reference.exact.checkpoint import load_network
from omnirl_reference.exact.config import ExactConfig
from omnirl_reference.exact.network import ExactNetwork
from omnirl_reference.exact.trainer import lanes_of
from omnirl_reference.model.shipped import NOTES
from omnirl_reference.studies.running import Tell, is_done, quiet, train_exact_in_turn
from omnirl_reference.studies.scaling import online_score, run_name

TICKS = 300
"""Looks at the lanes of a measurement; the first third is left out, when all lives are young."""


class ExactRun(NamedTuple):
    """One training run of the study.

    Attributes:
        name: Of its folder.
        tasks: Number of training tasks in each pool; None: without end.
        config: What is trained.
    """

    name: str
    tasks: int | None
    config: ExactConfig


def exact_runs_of(base: ExactConfig, counts: Sequence[int | None]) -> list[ExactRun]:
    """One run for each number of tasks; they differ in nothing else."""
    runs = []
    for tasks in counts:
        pools = tuple(dataclasses.replace(pool, n_tasks=tasks) for pool in base.pools)
        name = run_name(tasks, relabel=False)
        runs.append(ExactRun(name, tasks, dataclasses.replace(base, name=name, pools=pools)))
    return runs


def exact_study(
    runs: Sequence[ExactRun], out: Path, *, minutes: float = math.inf, tell: Tell = quiet
) -> bool:
    """Train all runs that are not done; the same call goes on where it was stopped.

    Args:
        runs: From `exact_runs_of`.
        out: Folder of the runs' folders.
        minutes: Stop after so many minutes.
        tell: Told how far each run is.

    Returns:
        Whether all are done.
    """
    return train_exact_in_turn([run.config for run in runs], out, minutes=minutes, tell=tell)


def measured(network: ExactNetwork, config: ExactConfig) -> dict[str, float]:
    """Policy loss (Kullback-Leibler, nats) on new lives in the training tasks, and in tasks never seen."""
    endless = dataclasses.replace(
        config, pools=tuple(dataclasses.replace(pool, n_tasks=None) for pool in config.pools)
    )
    return {
        "seen": policy_loss(network, config, "seen"),
        "unseen": policy_loss(network, endless, "unseen"),
    }


@torch.no_grad()
def policy_loss(network: ExactNetwork, config: ExactConfig, split: str) -> float:
    """Mean over the pools and `TICKS` looks at lanes that begin anew."""
    found = []
    for number in range(len(config.pools)):
        lanes = lanes_of(config, number, child_seed(config.seed, "exact", split, number))
        for tick in range(TICKS):
            lanes.tick()
            batch = make_batch(lanes)
            answers = network(batch.inputs)
            if tick >= TICKS // 3:
                found.append(float(losses(answers, batch.labels).policy))
            write_tables(lanes, answers, batch.scale)
    return sum(found) / len(found)


def exact_summary(runs: Sequence[ExactRun], out: Path, n_tasks: int) -> pd.DataFrame:
    """One row for each finished run: losses, online score on `n_tasks` validation tasks, minutes."""
    rows = []
    for run in runs:
        folder = out / run.name
        if is_done(folder, run.config.updates):
            row = {"tasks": "endless" if run.tasks is None else run.tasks, **_measured(run, folder)}
            row["online"] = online_score(folder, n_tasks) if n_tasks else math.nan
            row["minutes"] = read_json(folder / NOTES)["seconds"] / 60
            rows.append(row)
    return pd.DataFrame(rows, columns=["tasks", "seen", "unseen", "online", "minutes"])


def _measured(run: ExactRun, folder: Path) -> dict[str, Any]:
    """What `measured` says of a finished run; it is kept."""
    kept = folder / "measured.json"
    if not kept.is_file():
        write_text(kept, json.dumps(measured(load_network(folder)[0], run.config)))
    return dict(read_json(kept))
