"""The tables of a finite decision process, and what can be read off them; nothing is checked here."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.foundation.seeding import WEIGHT_TOTAL
from anymdp_bench.foundation.types import FloatArray, IntArray, JsonScalar


@dataclasses.dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class TaskTables:
    """Fields of a `TabularTask`, which checks them; a finite, episodic Markov decision process.

    S counts inner states, A actions, K stored outcomes, T observation tokens, O observation ids.

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


    Examples:
        >>> task = sample_task("garnet", seed=7)
        >>> task.row_start.shape  # one row of successors for each state and action, and the end
        (81,)
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
