"""Logs of a training run: CSV always, TensorBoard where it is installed.

``training.csv`` has a row for every update, ``evaluation.csv`` one for every evaluation; a row is in the file
before the next update begins. A run that goes on from a checkpoint first drops the rows that came after it.
"""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path
from typing import Any

from omnirl_reference.training.held_out import LOSS_COLUMNS, SCORE_COLUMNS

TRAINING_COLUMNS = ("update", "policy", "next_state", "reward", "norm", "rate", "skipped", "seconds")
EVALUATION_COLUMNS = ("update", *LOSS_COLUMNS, *SCORE_COLUMNS)


class RunLog:
    """Log files of one run.

    Args:
        folder: The run's.
        update: Number of the first update to come.
        columns: Of ``training.csv``.
    """

    def __init__(self, folder: Path, update: int, columns: tuple[str, ...] = TRAINING_COLUMNS) -> None:
        """Open the files, after what they hold already."""
        folder.mkdir(parents=True, exist_ok=True)
        self._training = _Table(folder / "training.csv", columns, update - 1)
        self._evaluation = _Table(folder / "evaluation.csv", EVALUATION_COLUMNS, update)
        self._board = _tensorboard(folder / "tensorboard", update)

    def update(self, values: dict[str, float]) -> None:
        """Write the figures of one update."""
        self._training.write(values)
        self._show("training", values)

    def evaluation(self, values: dict[str, float]) -> None:
        """Write the figures of one evaluation."""
        self._evaluation.write(values)
        self._show("evaluation", values)

    def _show(self, kind: str, values: dict[str, float]) -> None:
        if self._board is None:
            return
        for name, value in values.items():
            if name != "update":
                self._board.add_scalar(f"{kind}/{name.replace(' ', '/')}", value, int(values["update"]))

    def close(self) -> None:
        """Write what is left and close the files."""
        self._training.close()
        self._evaluation.close()
        if self._board is not None:
            self._board.close()


class _Table:
    def __init__(self, path: Path, columns: tuple[str, ...], last: int) -> None:
        rows = []
        if path.exists():
            with path.open(newline="") as file:
                rows = [row for row in csv.DictReader(file) if _whole(row) and float(row["update"]) <= last]
        part = path.with_suffix(".part")
        with part.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(rows)
        part.replace(path)
        self._file = path.open("a", newline="")
        self._writer = csv.DictWriter(self._file, columns)

    def write(self, values: dict[str, float]) -> None:
        self._writer.writerow({name: f"{value:.6g}" for name, value in values.items()})
        self._file.flush()

    def close(self) -> None:
        self._file.close()


def _whole(row: dict[str, Any]) -> bool:
    """Whether a row was written to its end, as the last one of a killed process may not be."""
    return None not in row and None not in row.values() and row["update"] != ""


def _tensorboard(folder: Path, update: int) -> Any:
    if importlib.util.find_spec("tensorboard") is None:
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=update)
