"""Training batches in files, for those who want a data set: npz shards without pickle, and one JSON.

The JSON says what the data set is made of, and names every shard with its SHA-256.
"""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from anymdp_bench import InvalidConfig
from anymdp_bench.foundation.digests import SEAL, check_seal, sealed, sha256
from anymdp_bench.foundation.files import write_bytes, write_text
from omnirl_reference.config.file import read_json
from omnirl_reference.config.stream import StreamConfig
from omnirl_reference.stream.simulate import Sequences
from omnirl_reference.stream.stream import Stream

FACTS, COMPLETE, SHARDS = "data.json", "complete", "shards"
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
    digests = _claim(folder, facts)
    stream = Stream(config, batch)
    for first in range(0, n_batches, PER_SHARD):
        numbers = range(first, min(first + PER_SHARD, n_batches))
        target = _shard(folder, first)
        if target.name not in digests or not target.exists():
            digests[target.name] = _write_shard(target, [stream.get(number) for number in numbers])
            _write_facts(folder, facts, digests, complete=False)
        on_shard(len(numbers))
    _write_facts(folder, facts, digests, complete=True)


def _write_shard(path: Path, batches: Sequence[Sequences]) -> str:
    """Write the batches of a shard; return its SHA-256."""
    content = io.BytesIO()
    arrays = {name: np.stack([getattr(b, name) for b in batches]) for name in Sequences._fields}
    np.savez_compressed(content, allow_pickle=False, **arrays)
    write_bytes(path, content.getbuffer())
    return sha256(content.getbuffer())


def _claim(folder: Path, facts: dict[str, Any]) -> dict[str, str]:
    """Say whose shards the folder will hold, unless it says so; return the SHA-256 of those it has."""
    if not (folder / FACTS).exists():
        if any(folder.glob("batches-*.npz")):
            raise InvalidConfig(f"{folder} holds another data set; give an empty folder.")
        _write_facts(folder, facts, {}, complete=False)
        return {}
    held, digests, _ = _read_facts(folder)
    if held != facts:
        raise InvalidConfig(f"{folder} holds another data set; give an empty folder.")
    return digests


def _write_facts(folder: Path, facts: dict[str, Any], digests: dict[str, str], *, complete: bool) -> None:
    values = sealed({**facts, SHARDS: digests, COMPLETE: complete})
    write_text(folder / FACTS, json.dumps(values, indent=1, sort_keys=True) + "\n")


def _read_facts(folder: Path) -> tuple[dict[str, Any], dict[str, str], bool]:
    """What the data set is, the SHA-256 of its shards, and whether it is complete.

    Raises:
        InvalidConfig: the file is damaged.
    """
    values = read_json(folder / FACTS)
    try:
        facts = check_seal(values)
        if SEAL not in values:
            raise ValueError("it names no SHA-256")
        return facts, dict(facts.pop(SHARDS)), bool(facts.pop(COMPLETE))
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidConfig(
            f"{folder}: not a data set ({error}). Write one into an empty folder with `omnirl data`."
        ) from error


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
        facts, self._digests, complete = _read_facts(folder)
        if not complete:
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
                content = path.read_bytes()
                if sha256(content) != self._digests[path.name]:
                    raise ValueError(f"its SHA-256 is not the one that {FACTS} names")
                with np.load(io.BytesIO(content), allow_pickle=False) as file:
                    self._shard = Sequences(*(file[name] for name in Sequences._fields))
            except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
                raise InvalidConfig(f"{path} is damaged ({error}); delete it and write it again.") from error
            self._first = first
        return Sequences(*(x[place - first] for x in self._shard))
