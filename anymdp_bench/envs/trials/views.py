"""What an agent sees in a trial: where it is, and what its last action led to."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.spaces import Box, Dict, Discrete, Space
from numpy.typing import NDArray

from anymdp_bench.envs.options import Spaces, spaces_of
from anymdp_bench.foundation.checks import check_choice
from anymdp_bench.foundation.compiling import elements, kernel
from anymdp_bench.foundation.errors import InvalidConfig
from anymdp_bench.foundation.types import BoolArray, FloatArray, IntArray
from anymdp_bench.tasks.protocol import Task

FORMS = ("vector", "dict")
REWARD_AND_END = 2
LARGEST = np.finfo(np.float32).max
"""Bound of rewards: they are normal, and checkers warn of infinite bounds."""


class View:
    """Turns ids and last steps into observations; one of the two forms.

    Args:
        form: ``"vector"`` or ``"dict"``.

    Raises:
        InvalidConfig: another form.
    """

    def __init__(self, form: str) -> None:
        """See the class."""
        check_choice("observation", form, FORMS)
        self.form = form
        self.ids = self.actions = 0

    def spaces(self, task: Task) -> Spaces:
        """Return observation and action space over a task.

        Raises:
            InvalidConfig: the task has several tokens, or two players.
        """
        seen, acted = spaces_of(task)
        if not (isinstance(seen, Discrete) and isinstance(acted, Discrete)):
            raise InvalidConfig(f"{task!r} has spaces {seen}, {acted}: trials need Discrete ones.")
        self.ids, self.actions = int(seen.n), int(acted.n)
        return self._observation_space(), acted

    @property
    def width(self) -> int:
        """Length of a vector."""
        return self.ids + self.actions + 1 + REWARD_AND_END

    def _observation_space(self) -> Space[Any]:
        if self.form == "dict":
            return Dict(
                {
                    "observation": Discrete(self.ids),
                    "action": Discrete(self.actions + 1),
                    "reward": Box(-LARGEST, LARGEST, (1,), np.float32),
                    "end": Discrete(2),
                }
            )
        low, high = np.zeros(self.width, np.float32), np.ones(self.width, np.float32)
        low[-REWARD_AND_END], high[-REWARD_AND_END] = -LARGEST, LARGEST
        return Box(low, high, dtype=np.float32)

    def one(self, observation: int, action: int, reward: float, end: bool) -> Any:
        """Return the observation of one environment."""
        if self.form == "dict":
            rewards = np.array([reward], np.float32)
            return {"observation": observation, "action": action, "reward": rewards, "end": int(end)}
        vector = np.zeros(self.width, np.float32)
        vector[observation] = vector[self.ids + action] = 1.0
        vector[-REWARD_AND_END:] = reward, end
        return vector

    def many(self, observations: IntArray, actions: IntArray, rewards: FloatArray, ends: BoolArray) -> Any:
        """Return the observations of n environments in fresh arrays; `observations` is used as it is."""
        if self.form == "dict":
            return {
                "observation": observations,
                "action": actions.copy(),
                "reward": rewards.astype(np.float32)[:, None],
                "end": ends.astype(np.int64),
            }
        vectors = np.zeros((len(observations), self.width), np.float32)
        _fill(vectors, self.ids, observations, actions, rewards, ends)
        return vectors


@kernel(work=elements, nogil=True)
def _fill(
    vectors: NDArray[np.float32],
    ids: int,
    observations: IntArray,
    actions: IntArray,
    rewards: FloatArray,
    ends: BoolArray,
) -> None:
    reward, end = vectors.shape[1] - 2, vectors.shape[1] - 1
    for i in range(len(vectors)):
        vectors[i, observations[i]] = 1.0
        vectors[i, ids + actions[i]] = 1.0
        vectors[i, reward] = rewards[i]
        vectors[i, end] = ends[i]
