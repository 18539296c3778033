"""One task's PPO of stable-baselines3, driven rollout by rollout."""

from __future__ import annotations

import contextlib
import dataclasses
import random
import sys
from collections import deque
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import Logger
from stable_baselines3.common.vec_env import VecEnv
from torch import Tensor

from anymdp_bench import Sb3VecEnv, child_seed
from baselines.ppo.policy import DiscretePolicy
from baselines.ppo.rewards import NoveltyBonus, ScaledRewards

NEVER = sys.maxsize
"""Rollouts between two lines of SB3's log."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PpoSettings:
    """Hyper-parameters; those that are not named here are SB3's defaults.

    Attributes:
        hidden: Units of each of the two tanh layers of the policy's and of the value's network; 0: both are
            linear in the one-hot observation, that is, tables.
        n_envs: Copies of the task that are played at once.
        n_steps: Steps on each copy between two updates.
        batch_size: Transitions of a minibatch.
        n_epochs: Passes over a rollout.
        learning_rate: Adam's step size.
        gamma: Discount, also of the return whose running deviation scales the rewards.
        gae_lambda: Decay of generalised advantage estimation.
        ent_coef: Weight of the entropy bonus at the start; it falls linearly to its `ent_rest` part.
        ent_rest: In [0, 1]; 1 keeps the weight as it is.
        ent_episodes: Episodes after which it has fallen.
        bonus: Weight of the novelty bonus at the start, in units of the deviation that scales the rewards;
            0: none. It falls linearly to its `bonus_rest` part, within `ent_episodes` as well.
        bonus_rest: In [0, 1]; 1 keeps the weight as it is.
    """

    hidden: int = 64
    n_envs: int = 64
    n_steps: int = 64
    batch_size: int = 1024
    n_epochs: int = 4
    learning_rate: float = 1e-3
    gamma: float = 0.99
    gae_lambda: float = 0.95
    ent_coef: float = 0.01
    ent_rest: float = 1.0
    ent_episodes: int = 10_000
    bonus: float = 0.0
    bonus_rest: float = 1.0


class Lived(NamedTuple):
    """An episode that has ended: sums of the scored and of the received reward, and its steps."""

    score: float
    reward: float
    length: int


class _Ends(BaseCallback):
    """Queue every episode as it ends; those that end in one step, in order of their copies."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: deque[Lived] = deque()
        self.n_ended = 0

    def _on_step(self) -> bool:
        for row in np.flatnonzero(self.locals["dones"]).tolist():
            info = self.locals["infos"][row]
            self.n_ended += 1
            self.queue.append(Lived(info["score"], info["episode"]["r"], info["episode"]["l"]))
        return True


class Trainer:
    """Train PPO on copies of one task.

    SB3 draws from the global generators of torch, NumPy and Python; each trainer keeps the states of its own
    and puts the caller's back, so that trainers do not meet.

    Args:
        copies: Batch of ``settings.n_envs`` copies of the task.
        settings: Hyper-parameters.
        seed: In [0, 2**63).
    """

    def __init__(self, copies: Any, settings: PpoSettings, seed: int) -> None:
        """Build networks and environments; nothing is played yet."""
        self._settings = settings
        self._ends = _Ends()
        self._states: tuple[Any, ...] = _global_states()
        env: VecEnv = ScaledRewards(Sb3VecEnv(copies), settings.gamma)
        self._novelty = NoveltyBonus(env, settings.bonus) if settings.bonus > 0 else None
        env = self._novelty or env
        with self._own_generators():
            self._model = PPO(
                DiscretePolicy,
                env,
                learning_rate=settings.learning_rate,
                n_steps=settings.n_steps,
                batch_size=settings.batch_size,
                n_epochs=settings.n_epochs,
                gamma=settings.gamma,
                gae_lambda=settings.gae_lambda,
                ent_coef=settings.ent_coef,
                policy_kwargs={"net_arch": [settings.hidden] * 2 if settings.hidden else []},
                seed=child_seed(seed, "model") % 2**32,  # NumPy's global generator takes no more
                device="cpu",
            )
        self._model.set_logger(Logger(None, []))
        env.seed(child_seed(seed, "copies"))
        self._observations = torch.arange(copies.single_observation_space.n)
        self.table = self._greedy()

    def learn(self, n_episodes: int) -> list[Lived]:
        """Train until `n_episodes` more episodes have ended, and return them.

        Afterwards `table` holds the greedy actions of the policy that played the last of them, float64
        ``[O, A]``: it was updated with earlier rollouts only, so it has learnt from no step that is not
        counted.
        """
        queue = self._ends.queue
        size = self._settings.n_envs * self._settings.n_steps
        while len(queue) < n_episodes:
            self.table = self._greedy()
            self._set_weights()
            with self._own_generators():
                self._model.learn(size, self._ends, log_interval=NEVER, reset_num_timesteps=False)
        return [queue.popleft() for _ in range(n_episodes)]

    def _set_weights(self) -> None:
        settings = self._settings
        done = min(1.0, self._ends.n_ended / settings.ent_episodes)
        self._model.ent_coef = settings.ent_coef * (1.0 - done * (1.0 - settings.ent_rest))
        if self._novelty is not None:
            self._novelty.weight = settings.bonus * (1.0 - done * (1.0 - settings.bonus_rest))

    def _greedy(self) -> NDArray[np.float64]:
        """Most probable action of every observation, one-hot; the first of equals."""
        with torch.no_grad():
            found = self._model.policy.get_distribution(self._observations)
        logits: Tensor = found.distribution.logits  # type: ignore[union-attr]  # one Discrete action
        n_actions = logits.shape[1]
        table: NDArray[np.float64] = np.eye(n_actions)[logits.argmax(dim=1).numpy()]
        return table

    @contextlib.contextmanager
    def _own_generators(self) -> Iterator[None]:
        outer = _global_states()
        _restore(self._states)
        try:
            yield
        finally:
            self._states = _global_states()
            _restore(outer)


def _global_states() -> tuple[Any, ...]:
    return random.getstate(), np.random.get_state(), torch.get_rng_state()  # noqa: NPY002 - SB3 draws from it


def _restore(states: tuple[Any, ...]) -> None:
    random.setstate(states[0])
    np.random.set_state(states[1])  # noqa: NPY002 - SB3 draws from it
    torch.set_rng_state(states[2])
