"""What a model was found to expect: one row for a table, curves, and files."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from anymdp_bench.evaluation.sequence.boards import BLOCK, SequenceBoard
from anymdp_bench.evaluation.sequence.score import KINDS, POINTS, loss_at, saturation
from anymdp_bench.foundation.digests import check_seal, sealed, sha256
from anymdp_bench.foundation.errors import RecordsError
from anymdp_bench.foundation.files import replacing
from anymdp_bench.foundation.types import FloatArray

FACTS, LOSSES = "result.json", "losses.parquet"


@dataclasses.dataclass(frozen=True, slots=True)
class SequenceResult:
    """Losses of a model on a board, or on its beginning.

    Attributes:
        model: Name.
        board: What was read.
        losses: By kind, means of blocks of 64 steps, float64 ``[n_tasks, n_blocks]``: cross-entropies of the
            oracle's action and of the next id in nats, squared error of the reward in units of the variance
            of the sequence's rewards. Not a number where the model does not say.
        state_bytes: Memory of one sequence.
        seconds: CPU seconds for 1,000 steps of one sequence.
        made: Where it comes from: entry point of the model, steps of a segment, hashes of the code,
            versions and machine. Empty where an older version kept the result.

    Examples:
        >>> class Uniform:
        ...     def begin(self, n, n_observations, n_actions): return n_actions
        ...     def answer(self, segment, n_actions):
        ...         return Answers(policy=np.zeros((*segment.actions.shape, n_actions))), n_actions
        >>> result = evaluate_sequence(Uniform(), "anymdp-16x5-sequence-v0", n_tasks=1, steps=512)
        >>> isinstance(result, SequenceResult), len(result.table())
        (True, 1)
    """

    model: str
    board: SequenceBoard
    losses: Mapping[str, FloatArray]
    state_bytes: int
    seconds: float
    made: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def mean(self, kind: str) -> FloatArray:
        """Mean loss over tasks, by block ``[n_blocks]``."""
        means: FloatArray = self.losses[kind].mean(axis=0)
        return means

    def table(self) -> pd.DataFrame:
        """One row: losses after 100, 1,000, 10,000 and 30,000 steps, where the first is flat, cost."""
        tasks, blocks = self.losses[KINDS[0]].shape
        row: dict[str, Any] = {
            "model": self.model,
            "board": self.board.name,
            "tasks": tasks,
            "steps": blocks * BLOCK,
        }
        row |= {f"{kind}@{t}": loss_at(self.mean(kind), t) for kind in KINDS for t in POINTS}
        row |= {"saturation": saturation(self.mean(KINDS[0])), "state_bytes": self.state_bytes}
        return pd.DataFrame([row | {"seconds_per_1000_steps": self.seconds}])

    def curve(self) -> pd.DataFrame:
        """Mean losses by steps of context (the end of each block)."""
        means = {kind: self.mean(kind) for kind in KINDS}
        steps = BLOCK * np.arange(1, len(means[KINDS[0]]) + 1)
        return pd.DataFrame({"steps": steps, **means})

    def save(self, folder: str | PathLike[str]) -> None:
        """Write the losses of all tasks and blocks as parquet, the rest as JSON with the SHA-256 of both."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        tasks, blocks = np.indices(self.losses[KINDS[0]].shape).reshape(2, -1)
        columns = {kind: self.losses[kind].ravel() for kind in KINDS}
        with replacing(folder / LOSSES) as file:
            pd.DataFrame({"task": tasks, "block": blocks, **columns}).to_parquet(file)
        facts = {
            "model": self.model,
            "board": self.board.as_dict(),
            "state_bytes": self.state_bytes,
            "seconds": self.seconds,
            "made": dict(self.made),
            LOSSES: sha256((folder / LOSSES).read_bytes()),
        }
        with replacing(folder / FACTS) as file:
            file.write((json.dumps(sealed(facts), indent=1) + "\n").encode())


def load_sequence_result(folder: str | PathLike[str]) -> SequenceResult:
    """Read what `SequenceResult.save` wrote.

    Args:
        folder: Where it was written.

    Raises:
        RecordsError: the folder holds no such result, or one that was changed.

    Examples:
        >>> class Uniform:
        ...     def begin(self, n, n_observations, n_actions): return n_actions
        ...     def answer(self, segment, n_actions):
        ...         return Answers(policy=np.zeros((*segment.actions.shape, n_actions))), n_actions
        >>> result = evaluate_sequence(Uniform(), "anymdp-16x5-sequence-v0", n_tasks=1, steps=512)
        >>> result.save("reading")
        >>> load_sequence_result("reading").table().equals(result.table())
        True
    """
    folder = Path(folder)
    try:
        facts = check_seal(json.loads((folder / FACTS).read_text()))
        content = (folder / LOSSES).read_bytes()
        if facts.pop(LOSSES, sha256(content)) != sha256(content):
            raise ValueError(f"{LOSSES} does not have the SHA-256 that {FACTS} names")
        frame = pd.read_parquet(io.BytesIO(content))
        shape = (int(frame["task"].max()) + 1, int(frame["block"].max()) + 1)
        losses = {kind: frame[kind].to_numpy(np.float64).reshape(shape) for kind in KINDS}
        board = SequenceBoard(**facts.pop("board"))
        return SequenceResult(board=board, losses=losses, **facts)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RecordsError(f"{folder}: no result of a sequence board ({error}).") from error
