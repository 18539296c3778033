"""Sequences of a board: a mixture of teachers plays one episode after the other on each task."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Sequence
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.banks import load_bank
from anymdp_bench.contexts.guides import Guide, guide
from anymdp_bench.contexts.recorder import MOST_AT_ONCE, play_episodes
from anymdp_bench.contexts.teachers import REFERENCE_DISCOUNT, UNKNOWN, get_teacher
from anymdp_bench.envs import batch_env
from anymdp_bench.evaluation.sequence.boards import MIXTURE, SequenceBoard
from anymdp_bench.evaluation.sequence.model import Segment
from anymdp_bench.foundation.errors import FingerprintMismatch, InvalidConfig
from anymdp_bench.foundation.seeding import (
    AGENT_STREAM,
    NOISE_BITS,
    WEIGHT_TOTAL,
    child_seed,
    draw,
    outcome_bits,
    stream_key,
)
from anymdp_bench.planning import greedy, plan
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.task import TabularTask, require_tabular

FROZEN = "fingerprints.json"
CHUNK = 4096
"""Steps of a sequence that have a fingerprint of their own, so that a beginning can be checked."""
DIGITS = 16
REWARD_GRID = 1e6
"""Rewards enter fingerprints in millionths."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """T recorded steps on each of n tasks, ``[n, T]`` each; and what the oracle would have done.

    Attributes:
        board: What they belong to.
        n_observations: Number of ids O.
        n_actions: Number of actions A.
        observations, next_observations, actions: int16.
        tags: uint8.
        rewards: float32.
        ended: bool.
        labels: int16, action of the oracle of discount 0.994, of the lowest index.
    """

    board: SequenceBoard
    n_observations: int
    n_actions: int
    observations: NDArray[np.int16]
    next_observations: NDArray[np.int16]
    actions: NDArray[np.int16]
    tags: NDArray[np.uint8]
    rewards: NDArray[np.float32]
    ended: NDArray[np.bool_]
    labels: NDArray[np.int16]

    def segment(self, first: int, last: int) -> Segment:
        """Steps ``first <= t < last`` of all sequences, in fresh arrays."""
        now = slice(first, last)
        integers = (self.observations, self.tags, self.actions, self.next_observations)
        observations, tags, actions, following = (x[:, now].astype(np.int64) for x in integers)
        return Segment(
            observations, tags, actions, self.rewards[:, now].copy(), following, self.ended[:, now].copy()
        )

    def fingerprints(self) -> list[list[str]]:
        """First 16 hexadecimal digits of the SHA-256 of each complete chunk of 4,096 steps, by task."""
        steps = self.observations.shape[1]
        return [
            [self._digest(row, first) for first in range(0, steps - CHUNK + 1, CHUNK)]
            for row in range(len(self.observations))
        ]

    def _digest(self, row: int, first: int) -> str:
        now = slice(first, first + CHUNK)
        digest = hashlib.sha256(np.rint(self.rewards[row, now] * REWARD_GRID).astype("<i8").tobytes())
        for name in ("observations", "next_observations", "actions", "tags", "ended", "labels"):
            digest.update(getattr(self, name)[row, now].astype("<i2").tobytes())
        return digest.hexdigest()[:DIGITS]


def load_sequences(
    board: SequenceBoard, *, n_tasks: int | None = None, steps: int | None = None
) -> Sequences:
    """Record a board's sequences, or the beginnings of some; compare them with what is frozen.

    Raises:
        InvalidConfig: the bank's tasks are not fully observed.
        FingerprintMismatch: a released board's sequences come out differently here.
        NotTabular: the bank's tasks have no tables.
    """
    found = record_sequences(board, n_tasks=n_tasks, steps=steps)
    known = frozen_fingerprints(board.name)
    for row, (frozen, made) in enumerate(zip(known, found.fingerprints(), strict=False)):
        if frozen[: len(made)] != made:
            raise FingerprintMismatch(
                f"{board.name}, task {row}: other steps than the frozen ones were recorded. The installed "
                "package differs from the released one; re-install it, or give your own board another name."
            )
    return found


def frozen_fingerprints(name: str) -> list[list[str]]:
    """Fingerprints of a released board's chunks, by task; empty for a board that is not released."""
    table = json.loads((files("anymdp_bench.evaluation.sequence") / FROZEN).read_text())
    found: list[list[str]] = table.get(name, [])
    return found


def record_sequences(
    board: SequenceBoard, *, n_tasks: int | None = None, steps: int | None = None
) -> Sequences:
    """Record; sequence i and its beginning depend on neither `n_tasks` nor `steps`."""
    return record_on(load_bank(board.bank).board_tasks(n_tasks or board.n_tasks), board, steps=steps)


def record_on(tasks: Iterable[Task], board: SequenceBoard, *, steps: int | None = None) -> Sequences:
    """Record play on any tasks of equal sizes, as a board says.

    Raises:
        InvalidConfig: a task is not fully observed.
        NotTabular: a task has no tables.
    """
    tables = [require_tabular(task) for task in tasks]
    for task in tables:
        if task.emission_weight is not None or len(set(task.state_ids.tolist())) < task.n_states:
            raise InvalidConfig(f"bank={board.bank!r}: give a bank of fully observed tasks.")
    length = steps or board.steps
    rows = [_Row(board, index, task) for index, task in enumerate(tables)]
    while unfinished := [row for row in rows if row.n_steps < length]:
        _extend(unfinished, length)
    columns = [np.stack([row.column(k, length) for row in rows]) for k in range(len(_Steps._fields))]
    steps_ = _Steps(*columns)
    return Sequences(
        board=board,
        n_observations=tables[0].n_observations,
        n_actions=tables[0].n_actions,
        **steps_._asdict(),
        labels=np.stack([row.label_of[seen] for row, seen in zip(rows, steps_.observations, strict=True)]),
    )


class _Steps(NamedTuple):
    observations: NDArray[np.int16]
    next_observations: NDArray[np.int16]
    actions: NDArray[np.int16]
    tags: NDArray[np.uint8]
    rewards: NDArray[np.float32]
    ended: NDArray[np.bool_]


class _Row:
    """One sequence as far as it has been recorded."""

    def __init__(self, board: SequenceBoard, index: int, task: TabularTask) -> None:
        self.task, self.masked = task, board.masked
        self.seed = child_seed(board.seed, "sequence", board.bank, index)
        self.key = np.uint64(stream_key(np.uint64(self.seed), AGENT_STREAM))
        self.episodes: list[_Steps] = []
        self.n_steps = 0
        self.guides = {name: guide(task, get_teacher(name), 0) for name in MIXTURE}
        self.label_of = np.zeros(task.n_observations, np.int16)
        self.label_of[task.state_ids] = greedy(plan(task, REFERENCE_DISCOUNT))

    def choose(self, episode: int) -> tuple[Guide, bool]:
        """Who plays an episode, and whether that is told."""
        bits = np.uint64(draw(self.key, np.uint64(episode)))
        place = int(outcome_bits(bits)) / WEIGHT_TOTAL
        name = next(name for name, up_to in _CUMULATIVE.items() if place < up_to)
        lower = int(bits) & ((1 << NOISE_BITS) - 1)
        return self.guides[name], lower < self.masked * (1 << NOISE_BITS)

    def column(self, k: int, length: int) -> NDArray[Any]:
        return np.concatenate([steps[k] for steps in self.episodes])[:length]


_CUMULATIVE = dict(zip(MIXTURE, [*np.cumsum([*MIXTURE.values()])[:-1].tolist(), 1.0], strict=True))


def _extend(rows: Sequence[_Row], length: int) -> None:
    """Record as many further episodes as the rows need at least."""
    needed = [
        (row, len(row.episodes) + k)
        for row in rows
        for k in range(-(-(length - row.n_steps) // row.task.horizon))
    ]
    for first in range(0, len(needed), MOST_AT_ONCE):
        part = needed[first : first + MOST_AT_ONCE]
        chosen = [row.choose(episode) for row, episode in part]
        env = batch_env([row.task for row, _ in part], autoreset_mode="Disabled")
        seeds = [child_seed(row.seed, "episode", episode) for row, episode in part]
        log = play_episodes(env, [guide for guide, _ in chosen], seeds)
        lengths = np.stack(log["active"]).sum(axis=0)
        names = ("observations", "next_observations", "actions", "tags", "rewards", "terminated", "truncated")
        columns = {name: np.stack(log[name], axis=1) for name in names}
        for i, ((row, _), (_, masked)) in enumerate(zip(part, chosen, strict=True)):
            taken = {name: values[i, : lengths[i]] for name, values in columns.items()}
            steps = _Steps(
                observations=taken["observations"].astype(np.int16),
                next_observations=taken["next_observations"].astype(np.int16),
                actions=taken["actions"].astype(np.int16),
                tags=np.full(lengths[i], UNKNOWN, np.uint8) if masked else taken["tags"].copy(),
                rewards=taken["rewards"].astype(np.float32),
                ended=taken["terminated"] | taken["truncated"],
            )
            row.episodes.append(steps)
            row.n_steps += int(lengths[i])
