"""Candidate settings of PPO, at most twelve for each family, for `tuning`."""

from __future__ import annotations

from itertools import product
from typing import Any


def _grid(fixed: dict[str, Any], **choices: list[Any]) -> list[dict[str, Any]]:
    """All combinations of the choices, each with the fixed settings."""
    return [{**fixed, **dict(zip(choices, values, strict=True))} for values in product(*choices.values())]


TABLE = {"hidden": 0, "ent_rest": 0.1, "ent_episodes": 2500}
SHORT = TABLE | {"n_envs": 16, "n_steps": 32, "batch_size": 512}
"""Episodes of a few steps: 10,000 of them would fill a handful of the large rollouts."""
CURIOUS = TABLE | {
    "n_envs": 64,
    "n_steps": 8,
    "batch_size": 512,
    "learning_rate": 0.1,
    "gamma": 0.994,
    "bonus_rest": 0.0,
}
"""Where play ends early until it is known how to go on, large rollouts would be hundreds of episodes."""
PULLS = TABLE | {"n_envs": 16, "n_steps": 8, "batch_size": 128}
SWINGS = TABLE | {"n_steps": 200, "batch_size": 3200}
"""Whole episodes: an id stands for many angles and speeds, so values of single steps mislead."""

GRIDS: dict[str, list[dict[str, Any]]] = {
    "anymdp": _grid(CURIOUS | {"ent_coef": 0.1}, bonus=[1.0, 3.0])
    + _grid(CURIOUS | {"ent_coef": 0.3, "ent_rest": 0.03}, bonus=[1.0, 3.0])
    + _grid(CURIOUS | {"ent_coef": 1.0, "ent_rest": 0.01}, bonus=[3.0])
    + _grid(TABLE | {"learning_rate": 0.1, "gamma": 0.994, "ent_coef": 0.1}, bonus=[0.0, 1.0]),
    "bandit": _grid(PULLS, learning_rate=[0.03, 0.1], ent_coef=[0.05, 0.3], bonus=[0.0, 1.0]),
    "garnet": _grid(TABLE, learning_rate=[0.03, 0.1], gamma=[0.95, 0.99]),
    "darkroom": _grid(SHORT | {"ent_coef": 0.05}, learning_rate=[0.03, 0.1], bonus=[0.0, 0.3]),
    "frozenlake": _grid(SHORT, learning_rate=[0.03, 0.1], gamma=[0.99, 0.999], bonus=[0.0, 0.3]),
    "cliffwalking": _grid(SHORT, learning_rate=[0.03, 0.1], ent_coef=[0.01, 0.1], bonus=[0.0, 0.3]),
    "pendulum": _grid(TABLE, learning_rate=[0.01, 0.03], gamma=[0.97])
    + _grid(TABLE | {"gae_lambda": 0.99}, learning_rate=[0.01, 0.03], gamma=[0.97, 0.99])
    + _grid(SWINGS | {"gamma": 0.97}, learning_rate=[0.01, 0.03], gae_lambda=[0.99, 1.0])
    + _grid(SWINGS | {"gamma": 0.97, "gae_lambda": 0.99, "n_epochs": 10}, learning_rate=[0.01, 0.03]),
}
