"""Training batches in files, for those who want a data set: npz shards without pickle, and one JSON."""

from __future__ import annotations

import dataclasses
import json
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from anymdp_bench import InvalidConfig
from anymdp_bench.foundation.files import write_text
from omnirl_reference.config.file import read_json
from omnirl_reference.config.stream import StreamConfig
from omnirl_reference.stream.simulate import Sequences
from omnirl_reference.stream.stream import Stream

FACTS, COMPLETE = "data.json", "complete"
PER_SHARD = 64
"""Batches of a file: a few tens of megabytes."""


def write_data(
    folder: Path,
    config: StreamConfig,
    batch: int,
    n_batches: int,
    on_shard: Callable[[int], None] = lambda n: None,
) -> None:
    """Write the first batches of a stream; the same call goes on where it was stopped.

    Args:
        folder: Made if it does not exist.
        config: What the sequences are made of.
        batch: Sequences of a batch.
        n_batches: How many batches, at least 1.
        on_shard: Told how many further batches are written.

    Raises:
        InvalidConfig: no batch, or the folder holds another data set.
    """
    if n_batches < 1:
        raise InvalidConfig(f"batches={n_batches!r} is not legal: give an integer of at least 1.")
    folder.mkdir(parents=True, exist_ok=True)
    facts: dict[str, Any] = {"batch": batch, "batches": n_batches, "stream": dataclasses.asdict(config)}
    facts = json.loads(json.dumps(facts))
    _claim(folder, facts)
    stream = Stream(config, batch)
    for first in range(0, n_batches, PER_SHARD):
        numbers = range(first, min(first + PER_SHARD, n_batches))
        target = _shard(folder, first)
        if not target.exists():
            batches = [stream.get(number) for number in numbers]
            arrays = {name: np.stack([getattr(b, name) for b in batches]) for name in Sequences._fields}
            part = target.with_suffix(".part.npz")
            np.savez_compressed(part, allow_pickle=False, **arrays)
            part.replace(target)
        on_shard(len(numbers))
    _write_facts(folder, facts, complete=True)


def _claim(folder: Path, facts: dict[str, Any]) -> None:
    """Say whose shards the folder will hold, unless it says so already."""
    begun = (folder / FACTS).exists()
    if begun:
        other = {**read_json(folder / FACTS), COMPLETE: None} != {**facts, COMPLETE: None}
    else:
        other = any(folder.glob("batches-*.npz"))
    if other:
        raise InvalidConfig(f"{folder} holds another data set; give an empty folder.")
    if not begun:
        _write_facts(folder, facts, complete=False)


def _write_facts(folder: Path, facts: dict[str, Any], *, complete: bool) -> None:
    path = folder / FACTS
    write_text(path, json.dumps({**facts, COMPLETE: complete}, indent=1, sort_keys=True) + "\n")


def _shard(folder: Path, first: int) -> Path:
    return folder / f"batches-{first:08d}.npz"


class DataSet:
    """Batches that `write_data` wrote; `get` answers as the stream's does, and begins again after the last.

    Attributes:
        config: What the sequences are made of.
        batch: Sequences of a batch.
        folder: Where the files lie.
        facts: What tells the data set from others.

    Raises:
        InvalidConfig: the folder holds no complete data set.
    """

    def __init__(self, folder: Path) -> None:
        """Open; shards are read when they are asked for."""
        if not (folder / FACTS).is_file():
            raise InvalidConfig(f"{folder} holds no data set, no {FACTS}. Write one with `omnirl data`.")
        facts = read_json(folder / FACTS)
        if not facts.pop(COMPLETE, False):
            raise InvalidConfig(f"{folder}: the data set is not complete; give the same `omnirl data` again.")
        self.folder, self.facts = folder, facts
        try:
            self.batch, self._n = int(facts["batch"]), int(facts["batches"])
            self.config = StreamConfig(**facts["stream"])
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidConfig(
                f"{folder}: not a data set ({error}). Write one with `omnirl data`."
            ) from error
        self._first = -1

    def __len__(self) -> int:
        """Number of batches."""
        return self._n

    def get(self, index: int) -> Sequences:
        """Batch ``index`` modulo their number."""
        place = index % self._n
        first = place - place % PER_SHARD
        if first != self._first:
            path = _shard(self.folder, first)
            try:
                with np.load(path, allow_pickle=False) as file:
                    self._shard = Sequences(*(file[name] for name in Sequences._fields))
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
                raise InvalidConfig(f"{path} is damaged ({error}); delete it and write it again.") from error
            self._first = first
        return Sequences(*(x[place - first] for x in self._shard))
