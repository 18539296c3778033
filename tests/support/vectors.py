"""Batches that several tests play."""

from typing import Any

import gymnasium
import numpy as np

from anymdp_bench.envs import ENVS
from anymdp_bench.envs.vector import TabularVectorEnv
from anymdp_bench.tasks.build import build_task
from anymdp_bench.tasks.task import TabularTask
from tests.support.tasks import random_task

IDS = [entry.id for entry in ENVS]
MODES = ["NextStep", "SameStep", "Disabled"]


def make_vec(env_id: str, n: int = 4, **kwargs: Any) -> Any:
    return gymnasium.make_vec(env_id, num_envs=n, vectorization_mode="vector_entry_point", **kwargs)


def batch(n: int = 6, **kwargs: Any) -> TabularVectorEnv:
    return TabularVectorEnv([random_task(seed, horizon=12) for seed in range(n)], **kwargs)


def structured_task(
    seed: int, n: int, n_actions: int, width: int, *, gaps: float, per_outcome: bool, tokens: int = 1
) -> TabularTask:
    """Rows of at most `width` successors within a window, some of them missing."""
    rng = np.random.default_rng(seed)
    transition = np.zeros((n, n_actions, n))
    for s in range(n - 1):
        for a in range(n_actions):
            size = int(rng.integers(1, width + 1))
            window = min(n, max(size, round(size / (1 - gaps))))
            low = int(rng.integers(n - window + 1))
            inside = np.sort(rng.choice(window, size=size, replace=False)) + low
            transition[s, a, inside] = rng.dirichlet(np.full(size, 0.3)) + 1e-6
    transition[: n - 1] /= transition[: n - 1].sum(axis=2, keepdims=True)
    initial = np.append(rng.dirichlet(np.ones(n - 1)), 0.0)
    shape = (n, n_actions, n)
    return build_task(
        transition,
        initial=initial,
        horizon=int(rng.integers(1, 30)),
        reward_sa=rng.normal(size=(n, n_actions)),
        reward_next=rng.normal(size=n),
        reward=rng.normal(size=shape) if per_outcome else None,
        score=rng.normal(size=shape) if per_outcome and seed % 2 else None,
        noise_sa=rng.uniform(size=(n, n_actions)),
        noise_next=rng.uniform(size=n),
        state_ids=rng.integers(n, size=n),
        n_observations=n,
        action_tokens=tokens,
    )


def trajectory(env: Any, steps: int = 40) -> list[list[Any]]:
    env.action_space.seed(0)
    return [[part.tolist() for part in env.step(env.action_space.sample())[:4]] for _ in range(steps)]
