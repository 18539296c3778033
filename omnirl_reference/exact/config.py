"""Every number that a training run of an exact-memory agent depends on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from anymdp_bench import LEAST_RANKED_STATES, InvalidConfig
from anymdp_bench.foundation.checks import FLAG, SHARE, TEXT, Limit, Number, OneOf, Whole, check, check_fields
from omnirl_reference.config.file import CONFIGS, read_json
from omnirl_reference.config.stream import GRID_ACTIONS, LEAST_IDS
from omnirl_reference.exact.families import FAMILIES, Family

EXACT_CONFIGS = CONFIGS / "exact"
KIND = "exact"
"""Value of ``"kind"`` in the JSON file."""
BLIND = ("planners", "tags")
"""Inputs that a run may go without."""

POOL_LIMITS: dict[str, Limit] = {
    "family": OneOf(FAMILIES),
    **dict.fromkeys(("n_states", "n_actions", "lanes", "life"), Whole(1)),
    "share": Number(above=True),
    "n_tasks": Whole(1, or_none=True),
}
LIMITS: dict[str, Limit] = {
    "name": TEXT,
    "start": TEXT,
    **dict.fromkeys(("width", "rounds", "updates"), Whole(1)),
    **dict.fromkeys(("warm_up", "seed"), Whole(0)),
    **dict.fromkeys(("learning_rate", "clip", "label_temperature"), Number(above=True)),
    **dict.fromkeys(("weight_decay", "quantile_weight", "checkpoint_minutes"), Number()),
    **dict.fromkeys(("final_rate", "average"), SHARE),
    "own_play": FLAG,
}
WATCHING = ("checkpoint_minutes",)
"""Fields that change nothing about what is learnt: a run may go on with other values."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Lanes that live in tasks of one family and size.

    Attributes:
        family: One of `families.FAMILIES`.
        n_states: States of a task; cells of a grid at most.
        n_actions: Number of actions.
        lanes: Tasks that are alive at once, all of them in every update of this pool.
        life: Own steps in a task, at most.
        share: Of the updates, divided by the sum of all shares.
        n_tasks: Number of distinct tasks; None: every life has a new one.
    """

    family: str = "anymdp"
    n_states: int = 16
    n_actions: int = 5
    lanes: int = 64
    life: int = 10000
    share: float = 1.0
    n_tasks: int | None = None

    def __post_init__(self) -> None:
        """Check every field."""
        check_fields(self, POOL_LIMITS)
        if self.family == "grid":
            check(self.n_actions in GRID_ACTIONS, "n_actions", self.n_actions, "4 or 5 in a grid")
            check(self.n_states >= LEAST_IDS["grid"], "n_states", self.n_states, Whole(LEAST_IDS["grid"]))
        if self.family == "anymdp":
            check(self.n_states >= LEAST_RANKED_STATES, "n_states", self.n_states, Whole(LEAST_RANKED_STATES))
        if self.family == "bandit":
            check(self.n_states == 1, "n_states", self.n_states, "1 in a bandit")

    @property
    def tasks(self) -> Family:
        """Where the tasks come from."""
        return Family(self.family, self.n_states, self.n_actions)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ExactConfig:
    """A whole training run.

    Attributes:
        name: Name of the checkpoint.
        pools: What is trained on.
        width: Channels of the network.
        rounds: Rounds of its messages.
        updates: Optimiser steps.
        learning_rate: Peak of AdamW's rate.
        final_rate: Share of it that a cosine falls to.
        warm_up: Updates of linear rise.
        weight_decay: Of AdamW.
        clip: Largest gradient norm.
        quantile_weight: Weight of either quantile head's loss; the policy's is 1.
        average: Most of the old in the moving average of the weights, which is what ships.
        label_temperature: Of the soft labels, in units of a task's mean action gap.
        checkpoint_minutes: Minutes between two checkpoints.
        own_play: Whether lanes act by what the network says; else at random.
        blind: Which of `BLIND` the network does not see.
        start: Checkpoint to begin with: a shipped name or a folder; ``""`` is fresh weights.
        seed: Root of all random numbers.
    """

    name: str
    pools: tuple[Pool, ...] = (Pool(),)
    width: int = 64
    rounds: int = 4
    updates: int = 1000
    learning_rate: float = 2e-3
    final_rate: float = 0.03
    warm_up: int = 100
    weight_decay: float = 1e-3
    clip: float = 1.0
    quantile_weight: float = 0.5
    average: float = 0.998
    label_temperature: float = 0.25
    checkpoint_minutes: float = 2.0
    own_play: bool = True
    blind: tuple[str, ...] = ()
    start: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every field."""
        check_fields(self, LIMITS)
        check(len(self.pools) > 0, "pools", self.pools, "at least one")
        check(set(self.blind) <= set(BLIND), "blind", self.blind, f"some of {', '.join(BLIND)}")


def exact_config(values: Mapping[str, Any]) -> ExactConfig:
    """Build a configuration from JSON values.

    Raises:
        InvalidConfig: a field is unknown or outside its legal range.
    """
    given = {name: value for name, value in values.items() if name != "kind"}
    try:
        pools = tuple(Pool(**pool) for pool in given.pop("pools", [{}]))
        return ExactConfig(pools=pools, blind=tuple(given.pop("blind", ())), **given)
    except (TypeError, AttributeError) as error:
        raise InvalidConfig(f"training configuration: {error}. Give the fields of ExactConfig.") from error


def is_exact(values: Mapping[str, Any]) -> bool:
    """Whether a configuration, or a checkpoint's notes, are of this kind."""
    return values.get("kind") == KIND


def exact_names() -> list[str]:
    """Names of the configurations of this kind that ship."""
    return sorted(path.stem for path in EXACT_CONFIGS.glob("*.json"))


def exact_values(name: str) -> dict[str, Any] | None:
    """JSON values of a configuration of this kind, shipped or a file; None if there is none of that name."""
    if name in exact_names():
        return read_json(EXACT_CONFIGS / f"{name}.json")
    path = Path(name)
    values = read_json(path) if path.is_file() else {}
    return values if is_exact(values) else None
