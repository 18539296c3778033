"""Where the batches of a training run come from: the stream, or files, and the model's own play."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anymdp_bench import InvalidConfig
from omnirl_reference.config.training import Place, Stage, TrainConfig
from omnirl_reference.model.model import OmniRL
from omnirl_reference.stream.data_set import DataSet
from omnirl_reference.stream.own_play import play_sequences
from omnirl_reference.stream.simulate import Sequences
from omnirl_reference.stream.stream import Stream
from omnirl_reference.training.processes import Processes


class Pool(NamedTuple):
    """Sequences that the model played, and the number of the pool."""

    number: int
    sequences: Sequences


class Batches:
    """This process's rows of every batch; batch `update` is a function of (configuration, weights, update).

    Args:
        config: The whole run.
        model: Who plays its own share.
        processes: Who else takes rows.
        data: Files to take the batches from instead of the stream; the model's own share stays.

    Raises:
        InvalidConfig: the rows cannot be shared equally by the processes, or the files hold smaller batches
            or sequences of another stream.
    """

    def __init__(
        self, config: TrainConfig, model: OmniRL, processes: Processes, data: DataSet | None = None
    ) -> None:
        """Prepare; nothing is drawn yet."""
        self.config, self.model, self.processes, self.data = config, model, processes, data
        self.pool: Pool | None = None
        self._stage: int | None = None
        for stage in config.stages:
            own = config.own_rows(stage)
            processes.rows(own)
            processes.rows(config.batch - own)
            if data is not None and own < config.batch:
                _check_data(data, config, stage)

    def get(self, update: int) -> Sequences:
        """Sequences of an update."""
        place = self.config.place(update)
        own = self.config.own_rows(place.stage)
        parts = []
        if own < self.config.batch:
            parts.append(self._given(place, self.config.batch - own, update))
        if own:
            parts.append(self._own(place, own, update))
        return join(parts)

    def _given(self, place: Place, n: int, update: int) -> Sequences:
        rows = self.processes.rows(n)
        if self.data is not None:
            return take(self.data.get(update), np.arange(n)[rows])
        if self._stage != place.number:
            self._stage = place.number
            self._stream = Stream(self.config.stream_of(place.stage), n, first=place.given, rows=rows)
        return self._stream.get(place.since)

    def _own(self, place: Place, n: int, update: int) -> Sequences:
        sequences = self._own_pool(place)
        first = update * n % len(sequences.actions)
        rows = (first + np.arange(n)) % len(sequences.actions)
        return take(sequences, rows[self.processes.rows(n)])

    def _own_pool(self, place: Place) -> Sequences:
        """Sequences of this update's pool; every stage begins with a new one."""
        each = self.config.own_play.refresh
        before = sum(-(-stage.updates // each) for stage in self.config.stages[: place.number])
        number = before + place.since // each
        if self.pool is None or self.pool.number != number:
            stream = self.config.stream_of(place.stage)
            self.pool = Pool(number, play_sequences(self.model, stream, self.config.own_play, number))
        return self.pool.sequences


def join(parts: Iterable[Sequences]) -> Sequences:
    """Put batches under each other."""
    columns: Any = zip(*parts, strict=True)
    return Sequences(*map(np.concatenate, columns))


def take(sequences: Sequences, rows: NDArray[np.int64]) -> Sequences:
    """Some rows of a batch."""
    arrays: Any = (x[rows] for x in sequences)
    return Sequences(*arrays)


def _check_data(data: DataSet, config: TrainConfig, stage: Stage) -> None:
    n = config.batch - config.own_rows(stage)
    if data.batch < n:
        raise InvalidConfig(f"{data.folder} holds batches of {data.batch}; the configuration needs {n}.")
    if data.config != config.stream_of(stage):
        raise InvalidConfig(
            f"{data.folder} holds sequences of another stream than the configuration's; write them with "
            "`omnirl data` from the same configuration. Stages that change the stream need the stream itself."
        )


def pool_tensors(pool: Pool | None) -> dict[str, Tensor]:
    """Pool as named tensors; a run that is cut in the middle of one goes on with it."""
    if pool is None:
        return {}
    arrays = {f"pool.{name}": torch.from_numpy(x) for name, x in pool.sequences._asdict().items()}
    return {"pool.index": torch.tensor(pool.number), **arrays}


def restore_pool(tensors: dict[str, Tensor]) -> Pool | None:
    """Inverse of `pool_tensors`."""
    if "pool.index" not in tensors:
        return None
    arrays = (tensors[f"pool.{name}"].numpy() for name in Sequences._fields)
    return Pool(int(tensors["pool.index"]), Sequences(*arrays))
