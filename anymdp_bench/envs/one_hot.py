"""Ids as one-hot float32 vectors, for networks that take numbers (Gymnasium's flattened ids are int64)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, SupportsFloat

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete, MultiDiscrete, Space
from gymnasium.utils import RecordConstructorArgs
from gymnasium.vector import VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from anymdp_bench.foundation.errors import InvalidConfig

if TYPE_CHECKING:
    AnyVectorWrapper = VectorWrapper[Any, Any, Any, Any, Any]
else:  # takes no parameters before Gymnasium 1.3
    AnyVectorWrapper = VectorWrapper

Vectors = NDArray[np.float32]


class Code:
    """The code of a Discrete or MultiDiscrete space: one block of 0s and a single 1 for each id.

    Attributes:
        space: Box of float32 ``[sum of sizes]``, 0 to 1.

    Raises:
        InvalidConfig: another kind of space.
    """

    def __init__(self, space: Space[Any]) -> None:
        """Lay the blocks out."""
        if isinstance(space, Discrete):
            sizes, first = np.array([space.n]), np.array([space.start])
        elif isinstance(space, MultiDiscrete):
            sizes, first = space.nvec.ravel(), space.start.ravel()
        else:
            raise InvalidConfig(f"{space} has no one-hot code: give an environment that shows ids.")
        self._offsets = np.concatenate([[0], np.cumsum(sizes)[:-1]]) - first
        self._size = int(sizes.sum())
        self.space = Box(0, 1, (self._size,), np.float32)

    def encode(self, ids: Any) -> Vectors:
        """Vectors float32 ``[n, size]`` of ids ``[n]`` or tokens ``[n, k]``."""
        places = np.asarray(ids).reshape(len(ids), -1) + self._offsets
        vectors = np.zeros((len(places), self._size), np.float32)
        np.put_along_axis(vectors, places, 1, axis=1)
        return vectors


class OneHot(gymnasium.ObservationWrapper[Vectors, Any, Any], RecordConstructorArgs):
    """Show a single environment's ids as one-hot vectors.

    Raises:
        InvalidConfig: its observations are neither Discrete nor MultiDiscrete.

    Examples:
        >>> env = OneHot(gymnasium.make("Darkroom-v0", size=3))
        >>> observation, info = env.reset(seed=0)
        >>> observation.shape, observation.sum()
        ((9,), np.float32(1.0))
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        """Wrap `env`."""
        RecordConstructorArgs.__init__(self)
        super().__init__(env)
        self._code = Code(env.observation_space)
        self.observation_space = self._code.space

    def observation(self, observation: Any) -> Vectors:
        """Vector float32 ``[size]`` of an id or of tokens."""
        vector: Vectors = self._code.encode([observation])[0]
        return vector

    def step(self, action: Any) -> tuple[Vectors, SupportsFloat, bool, bool, dict[str, Any]]:
        """Step; where an episode is cut off, `info` also has its last vector under Gymnasium 0.x's name.

        Off-policy scripts of that time (CleanRL's) look for ``final_observation`` there.
        """
        vector, reward, terminated, truncated, info = super().step(action)
        if truncated:
            info = info | {"final_observation": vector}
        return vector, reward, terminated, truncated, info


class OneHotVector(AnyVectorWrapper):
    """Show a batch's ids as one-hot vectors ``[n, size]``, the last ones of ended episodes too.

    Raises:
        InvalidConfig: its observations are neither Discrete nor MultiDiscrete.

    Examples:
        >>> envs = gymnasium.make_vec("Darkroom-v0", num_envs=2, vectorization_mode="vector_entry_point")
        >>> observations, infos = OneHotVector(envs).reset(seed=0)
        >>> observations.shape
        (2, 100)
    """

    def __init__(self, env: VectorEnv[Any, Any, Any]) -> None:
        """Wrap `env`."""
        super().__init__(env)
        self._code = Code(env.single_observation_space)
        self.single_observation_space = self._code.space
        self.observation_space = batch_space(self._code.space, env.num_envs)

    def reset(
        self, *, seed: Any = None, options: dict[str, Any] | None = None
    ) -> tuple[Vectors, dict[str, Any]]:
        """Reset the batch; see its own `reset`."""
        observations, infos = self.env.reset(seed=seed, options=options)
        return self._code.encode(observations), infos

    def step(self, actions: Any) -> tuple[Vectors, Any, Any, Any, dict[str, Any]]:
        """Step the batch; see its own `step`."""
        observations, rewards, terminated, truncated, infos = self.env.step(actions)
        if "final_obs" in infos:
            final = infos["final_obs"].copy()
            for row in np.flatnonzero(infos["_final_obs"]):
                final[row] = self._code.encode([final[row]])[0]
            infos = infos | {"final_obs": final}
        return self._code.encode(observations), rewards, terminated, truncated, infos
