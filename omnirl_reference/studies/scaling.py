"""Task scaling: what a model that was trained on few tasks knows of them, and of tasks that it has not seen.

References:
    arXiv 2502.02869, the study of the number of training tasks: with 100 tasks of 16 states the gain d_t is
    81 % on seen and 18 % on unseen tasks, with 1K 65 and 38 %, with 10K 87 and 84 %, with 128K 85 and 85 %.
"""

from __future__ import annotations

import csv
import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from anymdp_bench.foundation.files import replacing, write_text
from omnirl_reference.config.file import config_of, read_json
from omnirl_reference.config.training import TrainConfig
from omnirl_reference.factories import make
from omnirl_reference.model.checkpoint import load_model
from omnirl_reference.model.model import OmniRL
from omnirl_reference.model.shipped import NOTES
from omnirl_reference.playing.validation import Plan, validate
from omnirl_reference.stream.simulate import Sequences
from omnirl_reference.stream.stream import Stream
from omnirl_reference.studies.running import Tell, quiet, train_in_turn
from omnirl_reference.training.loss import policy_errors
from omnirl_reference.training.segments import segments_of
from omnirl_reference.training.trainer import Trainer

if TYPE_CHECKING:
    import pandas as pd

COUNTS = (100, 1000, 10_000, None)
"""Numbers of training tasks; None: a new one in every sequence."""
SEQUENCES = 256
ONLINE_STEPS = 2000
"""Steps of each validation task; the score is that of the last window."""
MANY = 1024
"""Sequences that trained models are compared on."""
BIN = 16
"""Steps over which losses are averaged."""
COLUMNS = ("tasks", "relabel", "kind", "update", "step", "loss", "start")
KINDS = ("seen", "unseen")
THRESHOLD_STEP = 0.05


class Run(NamedTuple):
    """One training run of the study.

    Attributes:
        name: Of its folder.
        tasks: Number of training tasks; None: without end.
        relabel: Whether every sequence has names of its own.
        config: What is trained.
    """

    name: str
    tasks: int | None
    relabel: bool
    config: TrainConfig


def runs_of(
    base: TrainConfig,
    counts: Sequence[int | None] = COUNTS,
    relabelled: Sequence[int | None] | None = None,
) -> list[Run]:
    """All runs: numbers of tasks without relabelling (the paper's case), then with it.

    Args:
        base: What is trained; hard labels make d_t what it is in the paper.
        counts: Numbers of tasks without relabelling.
        relabelled: Those with it; None: the same.

    Raises:
        InvalidConfig: the model of `base` plays itself, which it does on tasks without end.
    """
    runs = []
    for relabel, chosen in ((False, counts), (True, counts if relabelled is None else relabelled)):
        for tasks in chosen:
            name = run_name(tasks, relabel)
            stream = dataclasses.replace(base.stream, n_tasks=tasks, relabel=relabel, label="hard")
            config = dataclasses.replace(base, name=name, stream=stream, validate_every=0)
            runs.append(Run(name, tasks, relabel, config))
    return runs


def run_name(tasks: int | None, relabel: bool) -> str:
    """Name of a run's folder."""
    return f"{'endless' if tasks is None else tasks}{'-relabelled' if relabel else ''}"


class Watcher:
    """Losses by context on tasks that were trained on, played anew, and on unseen ones.

    Args:
        run: Whose model is watched.
    """

    def __init__(self, run: Run) -> None:
        """Make the sequences."""
        config = run.config
        stream = config.stream_of(config.stages[-1])
        unseen = dataclasses.replace(stream, n_tasks=None)
        self._run = run
        self._sequences = {
            "seen": Stream(stream, SEQUENCES, replay=True).make(0),
            "unseen": Stream(unseen, SEQUENCES, "unseen").make(0),
        }

    def rows(self, model: OmniRL, update: int) -> list[tuple[object, ...]]:
        """Rows of `COLUMNS`: `loss` of the `BIN` steps from `step` on, `start` that of the first step."""
        rows: list[tuple[object, ...]] = []
        for kind, sequences in self._sequences.items():
            curve = loss_by_step(model, sequences, self._run.config.segment)
            tasks = 0 if self._run.tasks is None else self._run.tasks
            for step in range(0, len(curve) - BIN + 1, BIN):
                loss = float(np.nanmean(curve[step : step + BIN]))
                rows.append((tasks, self._run.relabel, kind, update, step, loss, float(curve[0])))
        return rows


@torch.inference_mode()
def loss_by_step(model: OmniRL, sequences: Sequences, segment: int) -> NDArray[np.float64]:
    """Mean policy cross-entropy at every step ``[T]``, over the sequences that act there."""
    memory = model.initial_state(len(sequences.actions))
    errors, acted = [], []
    for part in segments_of(sequences, segment, 1, model):
        logits, memory = model.decide(part.steps, memory)
        errors.append(policy_errors(logits, part.targets))
        acted.append(part.actions < model.config.n_actions)
    error, counts = torch.cat(errors, dim=1).double(), torch.cat(acted, dim=1).double()
    means: NDArray[np.float64] = (error.sum(0) / counts.sum(0)).cpu().numpy()
    return means


def study(
    runs: Sequence[Run],
    out: Path,
    *,
    minutes: float = math.inf,
    device: str = "cpu",
    tell: Tell | None = None,
) -> bool:
    """Train all runs that are not done, and write their curves; the same call goes on where it was stopped.

    Args:
        runs: From `runs_of`.
        out: Folder of the runs' folders; each also gets ``curves.csv``.
        minutes: Stop after so many minutes.
        device: As for `Trainer`.
        tell: Told how far each run is.

    Returns:
        Whether all are done.
    """
    told = tell or quiet
    return train_in_turn(
        runs,
        out,
        lambda run, trainer, left: _train(run, trainer, left, told),
        minutes=minutes,
        device=device,
    )


def _train(run: Run, trainer: Trainer, minutes: float, tell: Tell) -> None:
    path = trainer.folder / "curves.csv"
    kept = [row for row in _read(path) if int(row[3]) <= trainer.update]
    last = max((int(row[3]) for row in kept), default=-1)
    if trainer.update >= run.config.updates and last == run.config.updates:
        return
    watcher = Watcher(run)

    def note(values: dict[str, float]) -> None:
        update = int(values["update"])
        kept.extend([*map(str, row)] for row in watcher.rows(trainer.model, update))
        _write(path, kept)
        tell(run.name, update, run.config.updates)

    if last < 0:
        note({"update": 0.0})
    trainer.run(on_evaluation=note, minutes=minutes)


def _read(path: Path) -> list[list[str]]:
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [*csv.reader(file)][1:]


def _write(path: Path, rows: Sequence[Sequence[str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "\n".join(",".join(row) for row in (COLUMNS, *rows)) + "\n"
    with replacing(path) as file:
        file.write(text.encode())


def gains(folder: Path) -> pd.DataFrame:
    """Curves of all runs with the gain ``d = 1 - loss / start``."""
    import pandas as pd

    frame = pd.concat([pd.read_csv(path) for path in sorted(folder.glob("*/curves.csv"))], ignore_index=True)
    return frame.assign(d=1.0 - frame["loss"] / frame["start"])


def summary(frame: pd.DataFrame) -> pd.DataFrame:
    """One row for each run and kind: greatest gain, where, and when the common threshold is reached.

    The threshold is the highest multiple of 5 % that two unseen curves reach, or the only one; it stands in
    ``attrs["threshold"]``.
    """
    import pandas as pd

    groups = frame.groupby(["relabel", "tasks", "kind"], sort=True)
    unseen = sorted((g["d"].max() for (_, _, kind), g in groups if kind == "unseen"), reverse=True)
    common = unseen[min(1, len(unseen) - 1)]
    threshold = max(math.floor(common / THRESHOLD_STEP + 1e-9), 0) * THRESHOLD_STEP
    rows = []
    for (relabel, tasks, kind), group in groups:
        best = group.iloc[int(group["d"].to_numpy().argmax())]
        reached = group[(group["update"] == best["update"]) & (group["d"] >= threshold)]["step"]
        rows.append(
            {
                "relabel": relabel,
                "tasks": "endless" if tasks == 0 else tasks,
                "kind": kind,
                "max d": best["d"],
                "loss": best["loss"],
                "at update": best["update"],
                "least t": reached.min() if len(reached) else math.nan,
            }
        )
    found = pd.DataFrame(rows)
    found.attrs["threshold"] = threshold
    return found


def with_play(table: pd.DataFrame, folder: Path, n_tasks: int) -> pd.DataFrame:
    """Add minutes of training, and what each trained model is worth on unseen tasks: last loss, online score.

    Args:
        table: From `summary`.
        folder: Of the runs.
        n_tasks: Validation tasks that are played for `ONLINE_STEPS` steps each; 0: none.
    """
    minutes, scores, final, errors = [], [], [], []
    for relabel, tasks, kind in zip(table["relabel"], table["tasks"], table["kind"], strict=True):
        run = folder / run_name(None if tasks == "endless" else int(tasks), relabel)
        notes = read_json(run / NOTES)
        minutes.append(notes["seconds"] / 60)
        unseen = kind == "unseen"
        scores.append(online_score(run, n_tasks) if unseen and n_tasks else math.nan)
        loss, error = last_loss(run) if unseen else (math.nan, math.nan)
        final.append(loss)
        errors.append(error)
    found = table.assign(final=final, error=errors, online=scores, minutes=minutes)
    found.attrs = dict(table.attrs)
    return found


@torch.inference_mode()
def last_loss(run: Path) -> tuple[float, float]:
    """Policy loss of a run's model over the last quarter of `MANY` unseen sequences, the same for all runs.

    Returns:
        Mean over sequences and its standard error; they are kept.
    """
    kept = run / f"unseen-{MANY}.json"
    if not kept.is_file():
        model, notes = load_model(run)
        config = config_of(notes)
        stream = dataclasses.replace(config.stream_of(config.stages[-1]), n_tasks=None, relabel=False)
        memory, errors = model.initial_state(MANY), []
        for part in segments_of(Stream(stream, MANY, "unseen").make(0), config.segment, 1, model):
            logits, memory = model.decide(part.steps, memory)
            errors.append(policy_errors(logits, part.targets))
        each = torch.cat(errors, dim=1)[:, -(stream.steps // 4) :].double().mean(dim=1)
        figures = {"loss": float(each.mean()), "error": float(each.std() / MANY**0.5)}
        write_text(kept, json.dumps(figures))
    found = read_json(kept)
    return float(found["loss"]), float(found["error"])


def online_score(run: Path, n_tasks: int) -> float:
    """Mean clipped score of the last window of `ONLINE_STEPS` steps on validation tasks; it is kept."""
    kept = run / f"online-{n_tasks}.json"
    if not kept.is_file():
        plan = Plan(tasks=n_tasks, steps=ONLINE_STEPS)
        last = validate(make(str(run)), plan)[-1]
        write_text(kept, json.dumps({"window": last.window, "score": last.clipped, "tasks": last.tasks}))
    return float(read_json(kept)["score"])
