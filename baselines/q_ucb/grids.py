"""Candidate settings of tabular Q-learning with a UCB bonus, family by family, for `tuning`."""

from __future__ import annotations

from itertools import product
from typing import Any


def _grid(fixed: dict[str, Any], **choices: list[Any]) -> list[dict[str, Any]]:
    """All combinations of the choices, each with the fixed settings."""
    return [{**fixed, **dict(zip(choices, values, strict=True))} for values in product(*choices.values())]


GRIDS: dict[str, list[dict[str, Any]]] = {
    "anymdp": _grid(
        {},
        lr_horizon=[5.0, 10.0],
        bonus=[1.0, 3.0],
        explore_discount=[0.95, 0.98],
        optimism=[0.3, 1.0],
    ),
    # A pull is an episode: there is nothing to look ahead to and nothing to replay.
    "bandit": _grid(
        {"lr_horizon": 0.0, "replays": 0, "explore_discount": 0.9, "optimism": 0.0},
        bonus=[0.3, 0.5, 1.0, 1.5, 2.0, 3.0],
        greedy_share=[0.0, 0.2, 0.5],
    ),
    "garnet": _grid({}, lr_horizon=[10.0, 20.0], bonus=[0.03, 0.1, 0.3], optimism=[0.3, 1.0]),
    # Nothing is random but the start, so that one visit says all: the learning rate stays near 1.
    "darkroom": _grid(
        {"lr_horizon": 1000.0, "optimism": 0.0},
        bonus=[0.01, 0.1],
        explore_discount=[0.8, 0.9, 0.95],
        greedy_share=[0.0, 0.2],
        replays=[1, 3],
    ),
    "frozenlake": _grid({}, lr_horizon=[5.0, 20.0], bonus=[0.1, 0.3, 1.0], optimism=[0.0, 0.3, 1.0]),
    "cliffwalking": _grid(
        {"lr_horizon": 1000.0},
        bonus=[0.01, 0.1],
        explore_discount=[0.8, 0.9, 0.95],
        optimism=[0.0, 0.1, 0.3],
    ),
    # An id stands for all speeds and a range of angles: returns are traced.
    "pendulum": _grid(
        {"replays": 0, "greedy_share": 0.3, "explore_discount": 0.9},
        trace=[0.8, 0.95],
        lr_horizon=[20.0, 60.0],
        discount=[0.97, 0.99],
        bonus=[0.1, 0.3],
    ),
    "switch2": _grid(
        {"optimism": 0.0},
        discount=[0.8, 0.9, 0.95],
        explore_discount=[0.8, 0.9],
        greedy_share=[0.2, 0.5],
        bonus=[0.01, 0.05],
    ),
}
