"""The one datum that everything else passes on: a task.

A tabular task is a finite Markov decision process whose probabilities are integers in units of 2**-30,
so that sampling from them is exact, and whose outcomes are stored sparsely: row ``s * n_actions + a``
owns the slice ``row_start[row]:row_start[row + 1]`` of ``successor`` and ``weight``. Rewards are kept
factored: ``reward(s, a, s') = reward_sa[s, a] + reward_next[s'] + reward_outcome[k]``.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from os import PathLike
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from anymdp_bench import task_checks
from anymdp_bench.errors import NotTabular
from anymdp_bench.seeding import WEIGHT_TOTAL

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
JsonScalar: TypeAlias = str | int | float | bool | None

REWARD_UNIT = 2.0**-20
"""Grid of sampled rewards and of every fingerprint."""


@runtime_checkable
class Task(Protocol):
    """What banks, environments and protocols may ask of any task."""

    @property
    def family(self) -> str:
        """Name of the family that the task belongs to."""
        ...

    @property
    def config(self) -> Mapping[str, JsonScalar]:
        """Settings that it was made with."""
        ...

    @property
    def seed(self) -> int | None:
        """Seed that it was made with, or None."""
        ...

    @property
    def horizon(self) -> int:
        """Steps after which an episode is truncated."""
        ...

    @property
    def n_observations(self) -> int:
        """Number of observation ids."""
        ...

    @property
    def n_actions(self) -> int:
        """Number of actions."""
        ...

    def fingerprint(self) -> str:
        """SHA-256 (hex) over everything that an agent can experience."""
        ...

    def save(self, path: str | PathLike[str]) -> None:
        """Write the task as npz without pickled objects."""
        ...


def require_tabular(task: Task) -> TabularTask:
    """Return `task` if it has tables.

    Raises:
        NotTabular: its inner state is continuous (Discrete-Pendulum).
    """
    if not isinstance(task, TabularTask):
        raise NotTabular(
            f"{type(task).__name__} (family {getattr(task, 'family', '?')!r}) has no tables: its inner "
            "state is continuous. Use roll-outs, or a tabular task."
        )
    return task


@dataclasses.dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TabularTask:
    """A finite, episodic Markov decision process; immutable and validated.

    S counts inner states, A actions, K stored outcomes, T observation tokens, O observation ids.
    Arrays are copied, cast to the dtype given here, checked and made read-only; the flag survives
    copy, deepcopy, pickle and `dataclasses.replace`.

    Attributes:
        family: Name of the sampler or hand-made world.
        horizon: Number of steps after which an episode is truncated, at least 1.
        n_observations: Number of observation ids O.
        n_actions: Number of actions A (of one token, where an action has several).
        row_start: int64 ``[S * A + 1]``, where each row's outcomes begin; rows of terminal states are empty.
        successor: int32 ``[K]``, next inner state, strictly ascending within a row.
        weight: int64 ``[K]``, probability in units of 2**-30, positive, every row sums to 2**30.
        reward_sa: float64 ``[S, A]``, part of the mean reward that depends on (s, a).
        reward_next: float64 ``[S]``, part that depends on the next state.
        noise_sa: float64 ``[S, A]``, part of the reward's standard deviation, rounded to float32.
        noise_next: float64 ``[S]``, part of the standard deviation, rounded to float32.
        initial_weight: int64 ``[S]``, start probabilities in units of 2**-30, 0 on terminal states.
        terminal: bool ``[S]``; arriving there ends the episode.
        state_ids: int32 ``[S]``, the id in 0..O-1 that the agent sees; two states may share one.
        reward_outcome: float64 ``[K]`` or None, part that depends on the whole transition.
        score_outcome: float64 ``[K]`` or None, what is scored where it is not the mean reward.
        emission_weight: int64 ``[T, S, O]`` or None, law of each observation token, in units of 2**-30.
        action_tokens: Number of moves that one action of the agent is made of.
        config: Settings of the sampler, JSON scalars.
        seed: Seed of the sampler, or None for a hand-made task.

    Raises:
        InvalidTask: naming the field, the value and the remedy.
    """

    family: str
    horizon: int
    n_observations: int
    n_actions: int
    row_start: IntArray
    successor: NDArray[np.int32]
    weight: IntArray
    reward_sa: FloatArray
    reward_next: FloatArray
    noise_sa: FloatArray
    noise_next: FloatArray
    initial_weight: IntArray
    terminal: NDArray[np.bool_]
    state_ids: NDArray[np.int32]
    reward_outcome: FloatArray | None = None
    score_outcome: FloatArray | None = None
    emission_weight: IntArray | None = None
    action_tokens: int = 1
    config: Mapping[str, JsonScalar] = dataclasses.field(default_factory=dict)
    seed: int | None = None

    def __post_init__(self) -> None:
        """Cast, check and freeze."""
        for name, dtype in task_checks.ARRAY_DTYPES.items():
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, task_checks.cast(name, value, dtype))
        for name in ("noise_sa", "noise_next"):
            object.__setattr__(self, name, getattr(self, name).astype(np.float32).astype(np.float64))
        object.__setattr__(self, "config", MappingProxyType(dict(self.config)))
        task_checks.check_task(self)
        for name in task_checks.ARRAY_DTYPES:
            value = getattr(self, name)
            if value is not None:
                value.setflags(write=False)

    def __reduce__(self) -> tuple[Any, ...]:
        """Rebuild through the constructor, so that arrays stay read-only."""
        return _rebuild, (self.as_dict(),)

    def __deepcopy__(self, memo: dict[int, Any]) -> TabularTask:
        """Return the task itself: it cannot change."""
        return self

    def as_dict(self) -> dict[str, Any]:
        """Constructor arguments by name."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return values | {"config": dict(self.config)}

    @property
    def n_states(self) -> int:
        """Number of inner states S."""
        return len(self.terminal)

    @property
    def observation_tokens(self) -> int:
        """Number of observation tokens T; 1 without emissions."""
        return 1 if self.emission_weight is None else len(self.emission_weight)

    @property
    def outcome_row(self) -> IntArray:
        """Row ``s * A + a`` of each stored outcome, int64 ``[K]``."""
        return np.repeat(np.arange(len(self.row_start) - 1), np.diff(self.row_start))

    @property
    def outcome_reward(self) -> FloatArray:
        """Mean reward of each stored outcome, float64 ``[K]``."""
        reward = self.reward_sa.ravel()[self.outcome_row] + self.reward_next[self.successor]
        return reward if self.reward_outcome is None else reward + self.reward_outcome

    @property
    def outcome_noise(self) -> FloatArray:
        """Standard deviation of the reward of each stored outcome, float64 ``[K]``."""
        noise: FloatArray = self.noise_sa.ravel()[self.outcome_row] + self.noise_next[self.successor]
        return noise

    @property
    def outcome_score(self) -> FloatArray:
        """Expected scored reward of each stored outcome, float64 ``[K]``."""
        return self.outcome_reward if self.score_outcome is None else self.score_outcome

    def _dense(self, values: FloatArray) -> FloatArray:
        table = np.zeros((self.n_states * self.n_actions, self.n_states))
        table[self.outcome_row, self.successor] = values
        return table.reshape(self.n_states, self.n_actions, self.n_states)

    @property
    def transition(self) -> FloatArray:
        """Transition probabilities, float64 ``[S, A, S]``; rows sum to 1, or to 0 for terminal states."""
        return self._dense(self.weight / WEIGHT_TOTAL)

    @property
    def reward_mean(self) -> FloatArray:
        """Mean received reward, float64 ``[S, A, S]``, 0 where the transition is impossible."""
        return self._dense(self.outcome_reward)

    @property
    def reward_std(self) -> FloatArray:
        """Standard deviation of the received reward, float64 ``[S, A, S]``, 0 where impossible."""
        return self._dense(self.outcome_noise)

    @property
    def score_reward(self) -> FloatArray:
        """Expected scored reward, float64 ``[S, A, S]``, 0 where the transition is impossible."""
        return self._dense(self.outcome_score)

    @property
    def initial(self) -> FloatArray:
        """Start distribution over inner states, float64 ``[S]``."""
        return self.initial_weight / WEIGHT_TOTAL

    @property
    def emissions(self) -> FloatArray | None:
        """Law of each observation token, float64 ``[T, S, O]``, or None if the id is seen."""
        return None if self.emission_weight is None else self.emission_weight / WEIGHT_TOTAL

    def fingerprint(self) -> str:
        """SHA-256 (hex) over everything that an agent can experience.

        Reals enter as integers in units of 2**-20; family, config and seed do not enter.
        """
        digest = hashlib.sha256()
        sizes = [self.horizon, self.n_observations, self.n_actions, self.action_tokens, self.n_states]
        digest.update(json.dumps(sizes).encode())
        for name in task_checks.ARRAY_DTYPES:
            value = getattr(self, name)
            digest.update(name.encode())
            if value is not None:
                digest.update(task_checks.canonical_bytes(value))
        return digest.hexdigest()

    def save(self, path: str | PathLike[str]) -> None:
        """Write the task as a compressed npz without pickled objects; see `load_task`."""
        from anymdp_bench.task_file import save_task

        save_task(self, path)

    def __repr__(self) -> str:
        """Show sizes, not numbers."""
        return (
            f"TabularTask(family={self.family!r}, seed={self.seed}, n_states={self.n_states}, "
            f"n_observations={self.n_observations}, n_actions={self.n_actions}, horizon={self.horizon})"
        )


def _rebuild(values: dict[str, Any]) -> TabularTask:
    return TabularTask(**values)
