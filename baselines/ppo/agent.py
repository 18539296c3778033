"""PPO of stable-baselines3 (Schulman et al. 2017), one network for each task, scored on its greedy policy."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Space
from numpy.typing import NDArray

from anymdp_bench import AgentError, AgentInfo, Episodes, Task, child_seed, discrete_sizes
from baselines.families import DEFAULT_FAMILY, family_of_bank
from baselines.ppo.trainer import PpoSettings, Trainer

TUNED = "tuned/ppo.json"


def make(bank: str | None = None) -> Ppo:
    """Make the agent with the settings tuned for the family of a bank, or for AnyMDP."""
    family = DEFAULT_FAMILY if bank is None else family_of_bank(bank)
    families = json.loads((files("baselines") / TUNED).read_text(encoding="utf-8"))["families"]
    return with_settings(families.get(family, families[DEFAULT_FAMILY])["settings"])


def with_settings(settings: Mapping[str, Any]) -> Ppo:
    """Make the agent with settings by name; the rest keeps its default."""
    return Ppo(PpoSettings(**settings))


class Ppo:
    """Train on copies of each task; frozen, play the most probable action of each observation.

    Args:
        settings: Hyper-parameters, the same for all tasks.
    """

    def __init__(self, settings: PpoSettings) -> None:
        """See the class."""
        self._settings = settings
        self.info = AgentInfo(name="ppo", learner=True, config=dataclasses.asdict(settings), shard_size=1)

    def begin(
        self,
        n: int,
        observation_space: Space[Any],
        action_space: Space[Any],
        seed: int,
        context: Any = None,
        tasks: Sequence[Task] | None = None,
    ) -> None:
        """Forget all networks; new ones are built when their tasks are first played.

        Raises:
            AgentError: there is a recorded context, or observations or actions are not single integers.
        """
        if context is not None:
            raise AgentError("PPO learns from its own play alone; run it where there is no context.")
        sizes = discrete_sizes(self.info.name, observation_space, action_space)
        torch.set_num_threads(1)
        self._seeds = [child_seed(seed, i) for i in range(n)]
        self._trainers: list[Trainer | None] = [None] * n
        self._frozen = False
        self._table = np.full((n, *sizes), 1 / sizes[1])

    def learn_on_copies(self, make_copies: Callable[[int, int], Any], n_episodes: int) -> Episodes:
        """Train row after row."""
        lived = np.empty((3, len(self._seeds), n_episodes))
        for row, seed in enumerate(self._seeds):
            trainer = self._trainers[row]
            if trainer is None:
                trainer = Trainer(make_copies(row, self._settings.n_envs), self._settings, seed)
                self._trainers[row] = trainer
            lived[:, row] = np.array(trainer.learn(n_episodes)).T
            self._table[row] = trainer.table
        scores, rewards, lengths = lived
        return Episodes(scores, rewards, lengths.astype(np.int64))

    def act(self, observations: NDArray[Any], active: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Play the frozen policy."""
        actions: NDArray[np.int64] = self._table[np.arange(len(self._table)), observations].argmax(axis=1)
        return actions

    def observe(
        self,
        observations: NDArray[Any],
        actions: NDArray[Any],
        rewards: NDArray[np.float64],
        next_observations: NDArray[Any],
        terminated: NDArray[np.bool_],
        truncated: NDArray[np.bool_],
        active: NDArray[np.bool_],
    ) -> None:
        """Learn nothing from test episodes.

        Raises:
            AgentError: it is not a test.
        """
        if not self._frozen:
            raise AgentError("PPO trains on copies of its task, and a team's task has none for each player.")

    def freeze(self) -> None:
        """Play greedily."""
        self._frozen = True

    def unfreeze(self) -> None:
        """Train on."""
        self._frozen = False

    def policy_table(self) -> NDArray[np.float64]:
        """Greedy policy, float64 ``[n, O, A]``."""
        return self._table.copy()
