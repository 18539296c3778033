"""Candidate settings of PPO, at most twelve for each family, for `tuning`."""

from __future__ import annotations

from itertools import product
from typing import Any


def _grid(fixed: dict[str, Any], **choices: list[Any]) -> list[dict[str, Any]]:
    """All combinations of the choices, each with the fixed settings."""
    return [{**fixed, **dict(zip(choices, values, strict=True))} for values in product(*choices.values())]


SHORT = {"n_envs": 16, "n_steps": 32, "batch_size": 512}
"""Episodes of a few steps: 10,000 of them would fill a handful of the large rollouts."""
PULLS = {"n_envs": 16, "n_steps": 8, "batch_size": 128}
TABLE = {"hidden": 0}
NETWORK = {"hidden": 64}

GRIDS: dict[str, list[dict[str, Any]]] = {
    "anymdp": _grid(
        TABLE | {"learning_rate": 0.03, "ent_rest": 0.1},
        ent_coef=[0.3, 1.0],
        gamma=[0.98, 0.994],
        gae_lambda=[0.8, 0.95],
    ),
    "bandit": _grid(TABLE | PULLS, learning_rate=[0.03, 0.1], ent_coef=[0.05, 0.3]),
    "garnet": _grid(TABLE, learning_rate=[0.01, 0.03], gamma=[0.95, 0.99]),
    "darkroom": _grid(TABLE | SHORT, learning_rate=[0.03, 0.1], ent_coef=[0.01, 0.05])
    + _grid(NETWORK | SHORT, learning_rate=[0.003], ent_coef=[0.01, 0.03]),
    "frozenlake": _grid(TABLE | SHORT, learning_rate=[0.03, 0.1], gamma=[0.99, 0.999])
    + _grid(NETWORK | SHORT, learning_rate=[0.003], gamma=[0.99, 0.999]),
    "cliffwalking": _grid(TABLE | SHORT, learning_rate=[0.03, 0.1], ent_coef=[0.05, 0.2])
    + _grid(NETWORK | SHORT, learning_rate=[0.001, 0.003], ent_coef=[0.02, 0.1]),
    "pendulum": _grid(TABLE, learning_rate=[0.01, 0.03], gamma=[0.97, 0.99])
    + _grid(NETWORK, learning_rate=[0.001, 0.003], gamma=[0.97, 0.99]),
}
