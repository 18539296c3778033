"""Our batches as stable-baselines3's `VecEnv`; needs the extra ``[baselines]``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.vec_env import VecEnv
from stable_baselines3.common.vec_env.base_vec_env import VecEnvIndices, VecEnvStepReturn

from anymdp_bench.envs.base import BatchEnv
from anymdp_bench.envs.infos import row_of
from anymdp_bench.envs.switch2.joint import Switch2VectorEnv
from anymdp_bench.envs.watched import StepBatch
from anymdp_bench.foundation.errors import InvalidConfig


class Sb3VecEnv(VecEnv):
    """Train any algorithm of stable-baselines3 on a batch of ours.

    An episode that ends is followed by the next one at once. Only then does its environment's info hold
    something, as `Monitor` and SB3's own batches have it: ``terminal_observation``, ``TimeLimit.truncated``,
    ``episode`` (``r`` received return, ``l`` length, ``t`` seconds), and besides ``score``, the sum of the
    expected scored rewards. `seed` and `set_options` take effect at the next `reset`.

    Args:
        env: A batch, e.g. of ``gymnasium.make_vec(..., vectorization_mode="vector_entry_point")``. Its
            autoreset mode does not matter.

    Raises:
        InvalidConfig: `env` is no batch of this package.

    Examples:
        >>> envs = gymnasium.make_vec("Darkroom-v0", num_envs=2, vectorization_mode="vector_entry_point")
        >>> Sb3VecEnv(envs).reset().shape  # PPO("MlpPolicy", Sb3VecEnv(envs)).learn(100_000)
        (2,)
    """

    def __init__(self, env: Any) -> None:
        """See the class."""
        batch = getattr(env, "unwrapped", env)
        if not isinstance(batch, BatchEnv | Switch2VectorEnv):
            raise InvalidConfig(
                f"{env!r} ({type(batch).__name__}) is no batch of this package: give what "
                'gymnasium.make_vec(id, num_envs=n, vectorization_mode="vector_entry_point") returns for an '
                "id of this package."
            )
        self.env = batch
        self._returns, self._scores = np.zeros(batch.num_envs), np.zeros(batch.num_envs)
        self._lengths = np.zeros(batch.num_envs, np.int64)
        self._began = time.monotonic()
        super().__init__(batch.num_envs, batch.single_observation_space, batch.single_action_space)

    def reset(self) -> NDArray[Any]:
        """Begin an episode everywhere; return int64 ``[n, ...]`` observations.

        Raises:
            InvalidConfig: an option that the batch does not know, or options that differ between rows.
        """
        if any(options != self._options[0] for options in self._options):
            raise InvalidConfig("set_options: a batch takes one dict of options for all its rows.")
        seeds = None if all(seed is None for seed in self._seeds) else self._seeds
        observations, _ = self.env.reset(seed=seeds, options=self._options[0])
        self._reset_seeds()
        self._reset_options()
        for sums in (self._returns, self._scores, self._lengths):
            sums[:] = 0
        return observations

    def step_async(self, actions: NDArray[Any]) -> None:
        """Keep the actions, int ``[n, ...]``, for `step_wait`."""
        self._actions = actions

    def step_wait(self) -> VecEnvStepReturn:
        """Take the step.

        Returns:
            Observations int64 ``[n, ...]``, received rewards float32 ``[n]``, ends bool ``[n]``, and one
            info for each row.

        Raises:
            InvalidAction: before anything has changed, an action of wrong type, shape or range.
            EpisodeOver: `reset` was never called.
        """
        batch = self.env.advance(self._actions)
        self._returns += batch.rewards
        self._scores += batch.scores
        self._lengths += 1
        infos: list[dict[str, Any]] = [{} for _ in range(self.num_envs)]
        observations, dones = batch.observations, batch.terminated | batch.truncated
        if dones.any():
            for row in np.flatnonzero(dones).tolist():
                infos[row] = self._end_info(row, batch)
            observations = self.env.restart(dones)
            for sums in (self._returns, self._scores, self._lengths):
                sums[dones] = 0
        return observations, batch.rewards.astype(np.float32), dones, infos

    def _end_info(self, row: int, batch: StepBatch) -> dict[str, Any]:
        return {
            "terminal_observation": row_of(batch.observations, row),
            "TimeLimit.truncated": bool(batch.truncated[row]),
            "episode": {
                "r": float(self._returns[row]),
                "l": int(self._lengths[row]),
                "t": time.monotonic() - self._began,
            },
            "score": float(self._scores[row]),
        }

    def close(self) -> None:
        """Close the batch."""
        self.env.close()

    def get_images(self) -> Sequence[NDArray[np.uint8] | None]:
        """Picture of each row of a batch made with ``render_mode="rgb_array"``, else None for each."""
        return self.env.render() or [None] * self.num_envs

    def get_attr(self, attr_name: str, indices: VecEnvIndices = None) -> list[Any]:
        """Each row's ``task``, or an attribute of the batch, once for each row.

        Raises:
            AttributeError: the batch has no such attribute.
        """
        rows = list(self._get_indices(indices))
        if attr_name == "task":
            return [self.env.tasks[row] for row in rows]
        return [getattr(self.env, attr_name)] * len(rows)

    def set_attr(self, attr_name: str, value: Any, indices: VecEnvIndices = None) -> None:
        """Refuse: rows are no objects of their own.

        Raises:
            InvalidConfig: always.
        """
        raise InvalidConfig(f"{attr_name!r} cannot be set on rows of a batch; set it on `.env` itself.")

    def env_method(
        self, method_name: str, *method_args: Any, indices: VecEnvIndices = None, **method_kwargs: Any
    ) -> list[Any]:
        """Refuse: rows are no objects of their own.

        Raises:
            InvalidConfig: always.
        """
        raise InvalidConfig(f"{method_name!r} cannot be called on rows of a batch; call it on `.env` itself.")

    def env_is_wrapped(self, wrapper_class: type[Any], indices: VecEnvIndices = None) -> list[bool]:
        """Whether each row is wrapped; every row records its episodes as SB3's `Monitor` does."""
        return [wrapper_class is Monitor for _ in self._get_indices(indices)]
