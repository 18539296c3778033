"""Recorded episodes that an agent may be given before it acts."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.foundation.checks import check_integer
from anymdp_bench.foundation.errors import InvalidContext
from anymdp_bench.foundation.types import FloatArray, IntArray

BoolArray: TypeAlias = NDArray[np.bool_]

TAGS = ("opt0", "opt1", "opt2", "opt3", "exp1", "exp2", "random", "unknown")
"""Who chose an action, by tag: greedy on the optimal values of discount 0, 0.5, 0.93 and 0.994, a model-based
learner, a Q learner, chance, nobody knows (OmniRL, arXiv 2502.02869, the table of tags)."""

DTYPES: dict[str, Any] = {
    "observations": np.int64,
    "actions": np.int64,
    "rewards": np.float64,
    "next_observations": np.int64,
    "terminated": np.bool_,
    "truncated": np.bool_,
    "tags": np.uint8,
    "episode_start": np.int64,
}
KINDS = {np.int64: "iu", np.uint8: "iu", np.float64: "fiu", np.bool_: "b"}
STEP_ARRAYS = tuple(name for name in DTYPES if name != "episode_start")


@dataclasses.dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Context:
    """Episodes of n tasks, equally many of each; immutable and validated.

    T counts all steps, N all episodes; row i (the agent's row i) owns episodes ``i * N / n`` up to
    ``(i + 1) * N / n``, in the order in which they were recorded. Every episode is complete, and within one
    the next observation of a step is the observation of the following step.

    Attributes:
        n_rows: Number of tasks n.
        n_observations: Number of observation ids (of each token, where there are several).
        n_actions: Number of actions (of each token).
        observations: int64 ``[T]`` ids, or ``[T, k]`` tokens, before each action.
        actions: int64 ``[T]``, or ``[T, d]`` tokens.
        rewards: float64 ``[T]``, received, noise included.
        next_observations: int64 like `observations`, after each action.
        terminated: bool ``[T]``, a terminal state was reached.
        truncated: bool ``[T]``, the episode was cut off elsewhere.
        tags: uint8 ``[T]``, who chose the action: an index of `TAGS`.
        episode_start: int64 ``[N + 1]``, first step of each episode, and T.
        teachers: ``[N]`` names, who recorded each episode.

    Raises:
        InvalidContext: naming the field, the value and the remedy.

    Examples:
        >>> context = record_context("darkroom-6-v0", "oracle", n_episodes=2)
        >>> context.n_episodes, context.observations.shape == (context.n_steps,)
        (2, True)
    """

    n_rows: int
    n_observations: int
    n_actions: int
    observations: IntArray
    actions: IntArray
    rewards: FloatArray
    next_observations: IntArray
    terminated: BoolArray
    truncated: BoolArray
    tags: NDArray[np.uint8]
    episode_start: IntArray
    teachers: tuple[str, ...]

    def __post_init__(self) -> None:
        """Cast, check and freeze."""
        for name, dtype in DTYPES.items():
            object.__setattr__(self, name, _cast(name, getattr(self, name), dtype))
        object.__setattr__(self, "teachers", tuple(self.teachers))
        _check_sizes(self)
        _check_ranges(self)
        _check_episodes(self)
        _check_ends(self)
        for name in DTYPES:
            getattr(self, name).setflags(write=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild through the constructor, so that arrays stay read-only."""
        return _rebuild, ({field.name: getattr(self, field.name) for field in dataclasses.fields(self)},)

    def __deepcopy__(self, memo: dict[int, Any]) -> Context:
        """Return the context itself: it cannot change."""
        return self

    @property
    def n_steps(self) -> int:
        """Number of steps T of all rows together."""
        return len(self.rewards)

    @property
    def n_episodes(self) -> int:
        """Number of episodes of each row, N / n."""
        return len(self.teachers) // self.n_rows

    @property
    def row_start(self) -> IntArray:
        """First step of each row, and T: int64 ``[n + 1]``."""
        return self.episode_start[:: self.n_episodes]

    @property
    def lengths(self) -> IntArray:
        """Steps of each episode, int64 ``[n, N / n]``."""
        return np.diff(self.episode_start).reshape(self.n_rows, -1)

    @property
    def returns(self) -> FloatArray:
        """Sum of the received rewards of each episode, float64 ``[n, N / n]``."""
        sums: FloatArray = np.add.reduceat(self.rewards, self.episode_start[:-1])
        return sums.reshape(self.n_rows, -1)

    def rows(self, rows: Sequence[int]) -> Context:
        """Return the context of some rows, in the order given.

        Raises:
            InvalidContext: there is no such row.
        """
        if not rows or not all(0 <= row < self.n_rows for row in rows):
            raise InvalidContext(f"rows={list(rows)}: give at least one of the rows 0..{self.n_rows - 1}.")
        per_row = self.n_episodes
        steps = np.concatenate([np.arange(*self.row_start[row : row + 2]) for row in rows])
        lengths = self.lengths[list(rows)].ravel()
        return dataclasses.replace(
            self,
            **{name: getattr(self, name)[steps] for name in STEP_ARRAYS},
            n_rows=len(rows),
            episode_start=np.concatenate([[0], np.cumsum(lengths)]),
            teachers=tuple(
                name for row in rows for name in self.teachers[row * per_row : (row + 1) * per_row]
            ),
        )

    def fingerprint(self) -> str:
        """SHA-256 (hex) over everything that it holds."""
        digest = hashlib.sha256()
        sizes = [self.n_rows, self.n_observations, self.n_actions, *self.observations.shape]
        digest.update(json.dumps([sizes, self.actions.shape, self.teachers]).encode())
        for name in DTYPES:
            array = getattr(self, name)
            digest.update(name.encode())
            digest.update(array.astype(array.dtype.newbyteorder("<")).tobytes())
        return digest.hexdigest()

    def __repr__(self) -> str:
        """Show sizes, not numbers."""
        names = ", ".join(sorted(set(self.teachers)))
        return (
            f"Context(n_rows={self.n_rows}, n_episodes={self.n_episodes}, n_steps={self.n_steps}, "
            f"n_observations={self.n_observations}, n_actions={self.n_actions}, teachers: {names})"
        )


def join_rows(contexts: Sequence[Context]) -> Context:
    """Put the rows of several contexts under each other.

    Raises:
        InvalidContext: there is none, or they differ in spaces or in episodes per row.
    """
    kinds = {(c.n_observations, c.n_actions, c.n_episodes, *c.observations.shape[1:]) for c in contexts}
    if len(kinds) != 1:
        raise InvalidContext(f"{len(contexts)} contexts of {len(kinds)} kinds: give contexts of one kind.")
    lengths = np.concatenate([context.lengths.ravel() for context in contexts])
    steps: dict[str, Any] = {
        name: np.concatenate([getattr(c, name) for c in contexts]) for name in STEP_ARRAYS
    }
    return dataclasses.replace(
        contexts[0],
        **steps,
        n_rows=sum(context.n_rows for context in contexts),
        episode_start=np.concatenate([[0], np.cumsum(lengths)]),
        teachers=tuple(name for context in contexts for name in context.teachers),
    )


def _rebuild(values: dict[str, Any]) -> Context:
    return Context(**values)


def _cast(name: str, value: Any, dtype: Any) -> NDArray[Any]:
    array = np.asarray(value)
    if array.dtype.kind not in KINDS[dtype]:
        raise InvalidContext(f"{name} has dtype {array.dtype}; give {np.dtype(dtype).name}.")
    if name == "tags" and array.size and not 0 <= array.min() <= array.max() < len(TAGS):
        raise InvalidContext(f"tags {array.min()}..{array.max()}: give integers in 0..{len(TAGS) - 1}.")
    return np.array(array, dtype=dtype, order="C")


def _check_sizes(context: Context) -> None:
    n_steps = len(context.rewards) if context.rewards.ndim == 1 else -1
    for name in ("rewards", "terminated", "truncated", "tags"):
        shape = getattr(context, name).shape
        if shape != (n_steps,):
            raise InvalidContext(f"{name} has shape {shape}; give one entry for each step, [{n_steps}].")
    for name in ("observations", "next_observations", "actions"):
        shape = getattr(context, name).shape
        if len(shape) not in (1, 2) or shape[0] != n_steps or 0 in shape:
            raise InvalidContext(f"{name} has shape {shape}; give [{n_steps}] ids or [{n_steps}, k] tokens.")
    if context.observations.shape != context.next_observations.shape:
        raise InvalidContext(
            f"next_observations has shape {context.next_observations.shape}, observations has "
            f"{context.observations.shape}; give equal shapes."
        )
    for name in ("n_rows", "n_observations", "n_actions"):
        value = check_integer(name, getattr(context, name), 1, error=InvalidContext)
        object.__setattr__(context, name, value)


def _check_ranges(context: Context) -> None:
    limits = {
        "observations": context.n_observations,
        "next_observations": context.n_observations,
        "actions": context.n_actions,
    }
    for name, limit in limits.items():
        array = getattr(context, name)
        if array.min() < 0 or array.max() >= limit:
            raise InvalidContext(f"{name} holds {array.min()}..{array.max()}; legal is 0..{limit - 1}.")
    if not np.isfinite(context.rewards).all():
        step = int(np.argmin(np.isfinite(context.rewards)))
        raise InvalidContext(f"rewards[{step}] is {context.rewards[step]}; give finite numbers.")


def _check_episodes(context: Context) -> None:
    start, n_steps, n_episodes = context.episode_start, context.n_steps, len(context.teachers)
    if not all(isinstance(name, str) and name for name in context.teachers):
        raise InvalidContext("teachers holds something else than non-empty text; name every teacher.")
    ascending = start.ndim == 1 and len(start) > 1 and start[0] == 0 and bool((np.diff(start) > 0).all())
    if not ascending or start[-1] != n_steps:
        raise InvalidContext(f"episode_start must ascend from 0 to the number of steps, {n_steps}.")
    if len(start) - 1 != n_episodes or n_episodes % context.n_rows:
        raise InvalidContext(
            f"{len(start) - 1} episodes, {n_episodes} teachers, {context.n_rows} rows: name the teacher of "
            "every episode, and give every row as many."
        )


def _check_ends(context: Context) -> None:
    start, n_steps = context.episode_start, context.n_steps
    last = np.zeros(n_steps, dtype=np.bool_)
    last[start[1:] - 1] = True
    ended = context.terminated ^ context.truncated
    both = context.terminated & context.truncated
    if (ended != last).any() or both.any():
        step = int(((ended != last) | both).argmax())
        raise InvalidContext(
            f"step {step}: terminated={context.terminated[step]}, truncated={context.truncated[step]}; one "
            "of them, not both, must be true at the last step of every episode, and none elsewhere."
        )
    same = (context.next_observations[:-1] == context.observations[1:]).reshape(n_steps - 1, -1).all(axis=1)
    broken = ~same & ~last[:-1]
    if broken.any():
        raise InvalidContext(f"step {int(broken.argmax())}: the next step shows another observation.")
