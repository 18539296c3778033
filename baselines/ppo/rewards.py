"""What PPO is given to learn from: rewards of one scale, and if wanted a bonus for what is new."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.vec_env import VecEnv, VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn

NO_VARIANCE = 1e-8


class ScaledRewards(VecEnvWrapper):
    """Divide rewards by the deviation of the discounted return so far, over all steps seen.

    Args:
        env: What is played.
        gamma: Discount.
    """

    def __init__(self, env: VecEnv, gamma: float) -> None:
        """See the class."""
        super().__init__(env)
        self._gamma = gamma
        self._returns = np.zeros(env.num_envs)
        self._n, self._sum, self._squares = 0, 0.0, 0.0

    def reset(self) -> VecEnvObs:
        """Begin an episode everywhere; what is known of the rewards stays."""
        self._returns[:] = 0
        return self.venv.reset()

    def step_wait(self) -> VecEnvStepReturn:
        """Take the step."""
        observations, rewards, dones, infos = self.venv.step_wait()
        returns = self._returns = self._returns * self._gamma + rewards
        self._n += len(returns)
        self._sum += float(returns.sum())
        self._squares += float(returns @ returns)
        variance = self._squares / self._n - (self._sum / self._n) ** 2
        returns[dones] = 0
        return observations, rewards / np.float32(np.sqrt(max(variance, 0.0) + NO_VARIANCE)), dones, infos


class NoveltyBonus(VecEnvWrapper):
    """Add ``weight / sqrt(N)`` to the reward of the N-th step from an observation by an action.

    N counts the steps of all copies, the copies of one step together (Strehl and Littman 2008, as a reward).

    Args:
        env: What is played; its observations and actions are Discrete.
        weight: In units of the reward; may be set at any time.
    """

    def __init__(self, env: VecEnv, weight: float) -> None:
        """See the class."""
        super().__init__(env)
        self.weight = weight
        self._n = np.zeros((env.observation_space.n, env.action_space.n))  # type: ignore[attr-defined]
        self._observations: NDArray[Any] = np.zeros(env.num_envs, np.int64)

    def reset(self) -> VecEnvObs:
        """Begin an episode everywhere; what was counted stays."""
        observations = self.venv.reset()
        self._observations = np.asarray(observations)
        return observations

    def step_async(self, actions: NDArray[Any]) -> None:
        """Count and start the step."""
        self._places = self._observations, actions
        np.add.at(self._n, self._places, 1)
        self.venv.step_async(actions)

    def step_wait(self) -> VecEnvStepReturn:
        """Take the step."""
        observations, rewards, dones, infos = self.venv.step_wait()
        self._observations = np.asarray(observations)
        bonus = self.weight / np.sqrt(self._n[self._places])
        return observations, rewards + bonus.astype(np.float32), dones, infos
