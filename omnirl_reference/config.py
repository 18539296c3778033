"""Every number that a training run depends on, in frozen records; `config_file` reads them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from anymdp_bench import InvalidConfig

DISCOUNTS = (0.0, 0.5, 0.93, 0.994)
"""Discounts of the oracles that act and label (arXiv 2502.02869, table of prior information)."""
TAG_RANDOM, TAG_MODEL_LEARNER, TAG_Q_LEARNER, TAG_UNKNOWN = 6, 4, 5, 7
"""Prior information: 0..3 oracles by discount, 4 model-based learner, 5 Q learner, 6 random, 7 unknown."""
N_TAGS = 8

BEHAVIOURS = (
    "uniform",
    "softmax",
    "q-learner",
    "model-learner",
    *(f"{kind}-{discount}" for kind in ("mixed", "noisy", "pure") for discount in DISCOUNTS),
)
"""Behaviour policies; the last three kinds act with an oracle of the discount in their name."""
LEAST_STATES = 8
"""Of a task with more states than one: a band of transitions needs them."""
ORACLE_FREE = 4
"""The first so many behaviours never act with an oracle."""

PAPER_MIXTURE: dict[str, float] = {
    "softmax": 0.10,
    "q-learner": 0.10,
    "model-learner": 0.10,
    **{f"mixed-{discount}": 0.10 for discount in DISCOUNTS},
    "noisy-0.93": 0.10,
    "noisy-0.994": 0.10,
    "pure-0.5": 0.02,
    "pure-0.93": 0.03,
    "pure-0.994": 0.05,
}
"""Mixture of the paper's public code."""


def _check(condition: bool, field: str, value: object, legal: str) -> None:
    if not condition:
        raise InvalidConfig(f"{field}={value!r} is not legal: give {legal}.")


def _check_shares(owner: object, *fields: str) -> None:
    for field in fields:
        value = getattr(owner, field)
        _check(isinstance(value, int | float) and 0 <= value <= 1, field, value, "a number in [0, 1]")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StreamConfig:
    """What the training sequences are made of.

    Attributes:
        family: ``"anymdp"`` or ``"garnet"``.
        n_states: Largest number of states, and number of state ids.
        min_states: Smallest number of inner states; None means `n_states`.
        task_states: Sizes that tasks are drawn with, each as often; their horizons are those of their size,
            and they get random ones of the `n_states` ids. None: all tasks are drawn with `n_states`, as in
            the paper, and `min_states` alone makes them smaller.
        n_actions: Number of actions.
        n_tasks: Number of distinct tasks, or None for a new task in every sequence.
        steps: Steps of a sequence, end-of-episode steps included.
        behaviours: Share of each behaviour policy, by name; they are divided by their sum.
        oracle_free_share: Share of sequences in which no oracle ever acts. Without them a model learns to
            copy tagged oracle actions instead of learning from rewards.
        resample_share: Share of sequences whose behaviour may change at the end of an episode.
        resample_probability: Chance of a change at such an end.
        masked_sequences: Share of sequences whose tags are all unknown.
        masked_episodes: Share of further episodes whose tags are unknown.
        label: ``"soft"`` (softmax of the oracle's Q) or ``"hard"`` (its greedy action, as in the paper).
        label_temperature: Temperature of soft labels, in units of the task's mean action gap.
        label_behaviour: Label with the action that was taken instead (algorithm distillation).
        seed: Root of all random numbers.
    """

    family: str = "anymdp"
    n_states: int = 16
    min_states: int | None = None
    task_states: tuple[int, ...] | None = None
    n_actions: int = 5
    n_tasks: int | None = None
    steps: int = 512
    behaviours: Mapping[str, float] = dataclasses.field(default_factory=lambda: dict(PAPER_MIXTURE))
    oracle_free_share: float = 0.0
    resample_share: float = 0.85
    resample_probability: float = 0.20
    masked_sequences: float = 0.15
    masked_episodes: float = 0.15
    label: str = "soft"
    label_temperature: float = 0.25
    label_behaviour: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every field."""
        _check(self.family in ("anymdp", "garnet"), "family", self.family, "'anymdp' or 'garnet'")
        _check(self.label in ("soft", "hard"), "label", self.label, "'soft' or 'hard'")
        _check(self.steps >= 2, "steps", self.steps, "at least 2")
        if self.task_states is not None:
            sizes = tuple(self.task_states)
            _check(
                len(sizes) > 0 and all(LEAST_STATES <= size <= self.n_states for size in sizes),
                "task_states",
                sizes,
                f"sizes from {LEAST_STATES} to n_states={self.n_states}",
            )
            _check(self.min_states is None, "min_states", self.min_states, "None beside task_states")
            object.__setattr__(self, "task_states", sizes)
        _check(self.label_temperature > 0, "label_temperature", self.label_temperature, "a number above 0")
        _check(set(self.behaviours) <= set(BEHAVIOURS), "behaviours", dict(self.behaviours), f"{BEHAVIOURS}")
        _check(
            all(share >= 0 for share in self.behaviours.values()) and sum(self.behaviours.values()) > 0,
            "behaviours",
            dict(self.behaviours),
            "shares of at least 0 with a positive sum",
        )
        _check_shares(
            self,
            "oracle_free_share",
            "resample_share",
            "resample_probability",
            "masked_sequences",
            "masked_episodes",
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """Shape of a model.

    Attributes:
        n_states: Number of state ids.
        n_actions: Number of actions.
        layout: ``"packed"`` (one token a step) or ``"interleaved"`` (the paper's four).
        prompt: Add the id of the labelling oracle's discount (a constant; the paper's code has it).
        mixer: Name in `mixers.MIXERS`.
        width: Channels.
        layers: Blocks.
        head_width: Channels of a mixer's head.
        feed_forward: Hidden channels of a block's gated feed-forward part, in units of `width`.
    """

    n_states: int = 16
    n_actions: int = 5
    layout: str = "packed"
    prompt: bool = False
    mixer: str = "gated-delta"
    width: int = 128
    layers: int = 2
    head_width: int = 32
    feed_forward: float = 2.0

    def __post_init__(self) -> None:
        """Check every field."""
        for field in ("n_states", "n_actions", "width", "layers", "head_width"):
            _check(getattr(self, field) >= 1, field, getattr(self, field), "an integer of at least 1")
        _check(self.layout in ("packed", "interleaved"), "layout", self.layout, "'packed' or 'interleaved'")
        _check(self.feed_forward > 0, "feed_forward", self.feed_forward, "a number above 0")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A part of a training run.

    Attributes:
        updates: Optimiser steps.
        stream: Fields of `StreamConfig` that differ in this stage.
        on_policy_share: Share of sequences that the model itself plays, with oracle labels (DAgger).
    """

    updates: int
    stream: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    on_policy_share: float = 0.0

    def __post_init__(self) -> None:
        """Check every field."""
        _check(self.updates >= 1, "updates", self.updates, "an integer of at least 1")
        _check_shares(self, "on_policy_share")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OwnPlay:
    """How the model plays the sequences that it is then corrected on (DAgger).

    Attributes:
        pool: Sequences that are played at once.
        refresh: Updates after which a new pool is played.
        temperatures: A sequence is played at one temperature, uniform in this range,
        falling_share: except for this share, whose temperature falls geometrically,
        falling: from the first to the last of these.
        taught_share: Share of sequences that a teacher begins: an oracle with a share of random actions that
            is uniform in [0, 1], tagged as in recorded contexts.
        taught_steps: The teacher's steps are at most this share of the sequence.
    """

    pool: int = 64
    refresh: int = 20
    temperatures: tuple[float, float] = (0.2, 1.0)
    falling_share: float = 0.0
    falling: tuple[float, float] = (2.0, 0.1)
    taught_share: float = 0.0
    taught_steps: float = 0.75

    def __post_init__(self) -> None:
        """Check every field."""
        for field in ("pool", "refresh"):
            _check(getattr(self, field) >= 1, field, getattr(self, field), "an integer of at least 1")
        for field in ("temperatures", "falling"):
            pair = tuple(getattr(self, field))
            _check(len(pair) == 2 and min(pair) > 0, field, pair, "two numbers above 0")
            object.__setattr__(self, field, pair)
        _check_shares(self, "falling_share", "taught_share", "taught_steps")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrainConfig:
    """A whole training run.

    Attributes:
        name: Name of the checkpoint.
        model: Shape of the model.
        stream: What the sequences are made of, where a stage does not say otherwise.
        stages: Parts of the run, in order.
        batch: Sequences of an update.
        segment: Steps between two cuts of the gradient; the state is carried over.
        learning_rate: Peak of AdamW's rate.
        final_learning_rate: What it falls to by a cosine.
        cosine_updates: Updates until the cosine is at its end; None: those of the run. With a longer cosine
            a run of any length begins alike.
        cool_down: Last updates, over which the rate falls linearly from the cosine to the final rate.
        warm_up: Updates of linear rise.
        weight_decay: Of AdamW.
        clip: Largest gradient norm.
        position_warm_up: Steps over which the weight of a position rises to 1.
        policy_weight: Weight of the policy loss.
        next_state_weight: Weight of the next-state loss (the paper has 0, its code .4).
        reward_weight: Weight of the reward loss (the paper has 0, its code .4).
        own_play: How the model plays its share of the sequences.
        precision: ``"float32"``, or ``"bfloat16"`` (autocast; on CUDA only, elsewhere float32 is used).
        evaluate_every: Updates between two evaluations of the loss on unseen and on seen tasks.
        validate_every: Updates between two online scores on validation tasks; 0 means never.
        validation_bank: Whose validation tasks are played.
        validation_tasks: How many of them.
        checkpoint_minutes: Minutes between two checkpoints.
        start: Checkpoint that ships or a folder: the run begins with its weights, whose model differs in
            nothing but fewer states; ``""``: with fresh weights.
        seed: Of the initial weights; the stream has its own.
    """

    name: str
    model: ModelConfig = dataclasses.field(default_factory=ModelConfig)
    stream: StreamConfig = dataclasses.field(default_factory=StreamConfig)
    stages: tuple[Stage, ...] = (Stage(updates=1000),)
    batch: int = 12
    segment: int = 512
    learning_rate: float = 1e-3
    final_learning_rate: float = 1e-4
    cosine_updates: int | None = None
    cool_down: int = 0
    warm_up: int = 100
    weight_decay: float = 0.01
    clip: float = 1.0
    position_warm_up: int = 64
    policy_weight: float = 1.0
    next_state_weight: float = 0.5
    reward_weight: float = 0.5
    own_play: OwnPlay = dataclasses.field(default_factory=OwnPlay)
    precision: str = "float32"
    evaluate_every: int = 200
    validate_every: int = 0
    validation_bank: str = "anymdp-16x5-v0"
    validation_tasks: int = 64
    checkpoint_minutes: float = 3.0
    start: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        """Check what the parts do not."""
        sizes = (self.model.n_states, self.model.n_actions)
        _check(
            sizes == (self.stream.n_states, self.stream.n_actions),
            "model sizes",
            sizes,
            f"those of the stream, {(self.stream.n_states, self.stream.n_actions)}",
        )
        _check(len(self.stages) > 0, "stages", self.stages, "at least one")
        legal = ("float32", "bfloat16")
        _check(self.precision in legal, "precision", self.precision, "'float32' or 'bfloat16'")
        for field in ("batch", "segment", "evaluate_every", "validation_tasks"):
            _check(getattr(self, field) >= 1, field, getattr(self, field), "an integer of at least 1")

    @property
    def updates(self) -> int:
        """Optimiser steps of the whole run."""
        return sum(stage.updates for stage in self.stages)

    def stage_of(self, update: int) -> tuple[int, Stage]:
        """Index and stage that an update belongs to."""
        for index, stage in enumerate(self.stages):
            if update < stage.updates:
                return index, stage
            update -= stage.updates
        return len(self.stages) - 1, self.stages[-1]
