"""Small hand-made tasks with known answers, shared by the tests."""

from __future__ import annotations

import numpy as np

from anymdp_bench.tasks.build import build_task
from anymdp_bench.tasks.task import TabularTask


def two_state_task(horizon: int = 10, **changes: object) -> TabularTask:
    """State 0: action 0 stays (reward 0), action 1 goes to 1 (reward 1). State 1 goes back (reward 0)."""
    transition = np.zeros((2, 2, 2))
    transition[0, 0, 0] = transition[0, 1, 1] = 1.0
    transition[1, :, 0] = 1.0
    arguments: dict[str, object] = {
        "initial": [1.0, 0.0],
        "horizon": horizon,
        "reward_sa": [[0.0, 1.0], [0.0, 0.0]],
    }
    return build_task(transition, **(arguments | changes))  # type: ignore[arg-type]


def random_task(seed: int, n: int = 6, n_actions: int = 3, horizon: int = 9) -> TabularTask:
    """A dense random task with noise, a terminal state and a reward on whole transitions."""
    rng = np.random.default_rng(seed)
    transition = rng.dirichlet(np.full(n, 0.5), size=(n, n_actions))
    transition[n - 1] = 0.0
    initial = np.append(rng.dirichlet(np.ones(n - 1)), 0.0)
    return build_task(
        transition,
        initial=initial,
        horizon=horizon,
        reward_sa=rng.normal(size=(n, n_actions)),
        reward_next=rng.normal(size=n),
        reward=rng.normal(size=(n, n_actions, n)),
        noise_sa=rng.uniform(size=(n, n_actions)),
        noise_next=rng.uniform(size=n),
        state_ids=rng.permutation(n),
    )
