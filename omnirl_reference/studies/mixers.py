"""Every sequence mixer at equal width, depth, steps and data, and what it expects after long contexts.

References:
    arXiv 2502.02869, the comparison of linear-attention models: loss of the policy after 100, 1K, 10K and 30K
    steps on tasks of 16 to 128 states, with 43 million parameters and 24 billion steps of training.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anymdp_bench import RecordsError, SequenceResult, load_sequence_result
from omnirl_reference.config.file import read_json
from omnirl_reference.config.training import TrainConfig
from omnirl_reference.model.mixers import MIXERS
from omnirl_reference.model.shipped import NOTES
from omnirl_reference.studies.running import Tell, quiet, telling, train_in_turn
from omnirl_reference.studies.sequence import read

BOARDS = ("anymdp-16x5-sequence-v0", "anymdp-64x5-sequence-v0")
POINTS = (100, 1000, 10_000, 30_000)
"""Steps of context of `SequenceResult.table`."""
PAPER: Mapping[str, tuple[float, float]] = {
    "gated-delta": (1.13, 0.60),
    "rwkv7": (1.15, 0.63),
    "gated-slot": (1.24, 0.77),
    "mamba2": (1.27, 0.82),
}
"""The paper's losses after 100 and 1,000 steps, read off its figure, best first."""
EXACT = "omnirl-any"
"""The line that no mixer should cross: the exact memory."""


class MixerRun(NamedTuple):
    """One training run of the study.

    Attributes:
        name: The mixer's.
        config: What is trained.
    """

    name: str
    config: TrainConfig


def runs_of(base: TrainConfig, mixers: Sequence[str] | None = None) -> list[MixerRun]:
    """One run for each mixer, or each of some; they differ in nothing else.

    Raises:
        InvalidConfig: no such mixer.
    """
    runs = []
    for mixer in mixers or MIXERS:
        model = dataclasses.replace(base.model, mixer=mixer)
        runs.append(MixerRun(mixer, dataclasses.replace(base, name=mixer, model=model)))
    return runs


def train_mixers(
    runs: Sequence[MixerRun],
    out: Path,
    *,
    minutes: float = math.inf,
    device: str = "cpu",
    tell: Tell = quiet,
) -> bool:
    """Train all runs that are not done; return whether all are.

    Args:
        runs: From `runs_of`.
        out: Folder of the runs' folders.
        minutes: Stop after so many minutes.
        device: As for `Trainer`.
        tell: Told how far each run is.
    """
    return train_in_turn(runs, out, telling(tell), minutes=minutes, device=device)


def trained(runs: Sequence[MixerRun], out: Path) -> list[str]:
    """Names of the runs that are done."""
    done = []
    for run in runs:
        notes = out / run.name / NOTES
        if notes.is_file() and read_json(notes).get("updates") == run.config.updates:
            done.append(run.name)
    return done


def readings(
    names: Sequence[str],
    out: Path,
    *,
    boards: Sequence[str] = BOARDS,
    n_tasks: int | None = None,
    steps: int | None = None,
) -> list[SequenceResult]:
    """What trained mixers and shipped checkpoints expect on each board; kept readings are not made again.

    Args:
        names: Runs' folders in `out`, or shipped names.
        out: Folder of the runs; each reading is kept in ``readings/<board>/<name>``.
        boards: Names of sequence boards.
        n_tasks: Only the first so many sequences.
        steps: Only their first so many steps.
    """
    results = []
    for board in boards:
        for name in names:
            kept = out / "readings" / board / name
            try:
                result = load_sequence_result(kept)
            except RecordsError:
                run = out / name
                result = read(str(run) if run.is_dir() else name, board, n_tasks=n_tasks, steps=steps)
                result.save(kept)
            results.append(result)
    return results


def summary(results: Sequence[SequenceResult], out: Path) -> pd.DataFrame:
    """One row for each board and model: what `SequenceResult.table` says, the losses at the end, size, cost.

    The end of a reading is the last of `POINTS` that it reaches.
    """
    rows = []
    for result in results:
        told = result.table()
        row = told.iloc[0].to_dict()
        last = max((point for point in POINTS if point <= row["steps"]), default=POINTS[0])
        row |= {f"{kind}, last": row[f"{kind}@{last}"] for kind in result.losses}
        notes = out / result.model / NOTES
        facts = read_json(notes) if notes.is_file() else {}
        row |= {
            "parameters": facts.get("parameters", math.nan),
            "minutes": facts.get("seconds", math.nan) / 60,
        }
        rows.append(row)
    return pd.DataFrame(rows)


def doubling_means(result: SequenceResult, kind: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean losses of stretches that grow by a fourth, at their middles, for a curve over log context."""
    curve = result.curve()
    steps, loss = curve["steps"].to_numpy(np.float64), curve[kind].to_numpy(np.float64)
    edges = [0]
    while edges[-1] < len(steps):
        edges.append(min(len(steps), max(edges[-1] + 1, int(1.25 * edges[-1]))))
    pieces = [slice(a, b) for a, b in itertools.pairwise(edges)]
    return np.array([steps[x].mean() for x in pieces]), np.array([loss[x].mean() for x in pieces])
