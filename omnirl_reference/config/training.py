"""How the sequence model is trained: stages, own play, optimiser, and all else that a run depends on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

from anymdp_bench import InvalidConfig
from anymdp_bench.foundation.checks import (
    FIELDS,
    SHARE,
    TEXT,
    Limit,
    Number,
    OneOf,
    Whole,
    check,
    check_fields,
)
from omnirl_reference.config.model import ModelConfig
from omnirl_reference.config.stream import StreamConfig

STAGE_LIMITS: dict[str, Limit] = {"updates": Whole(1), "stream": FIELDS, "on_policy_share": SHARE}
OWN_PLAY_LIMITS: dict[str, Limit] = {
    "pool": Whole(1),
    "refresh": Whole(1),
    "falling_share": SHARE,
    "taught_share": SHARE,
    "taught_steps": SHARE,
}
TRAIN_LIMITS: dict[str, Limit] = {
    "name": TEXT,
    "batch": Whole(1),
    "segment": Whole(1),
    "learning_rate": Number(above=True),
    "final_learning_rate": Number(),
    "cosine_updates": Whole(1, or_none=True),
    "cool_down": Whole(0),
    "warm_up": Whole(0),
    "weight_decay": Number(),
    "clip": Number(above=True),
    "position_warm_up": Whole(0),
    **dict.fromkeys(("policy_weight", "next_state_weight", "reward_weight"), Number()),
    "precision": OneOf(("float32", "bfloat16")),
    "evaluate_every": Whole(1),
    "validate_every": Whole(0),
    "validation_bank": TEXT,
    "validation_tasks": Whole(1),
    "checkpoint_minutes": Number(),
    "start": TEXT,
    "seed": Whole(0),
}


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
        check_fields(self, STAGE_LIMITS)


class Place(NamedTuple):
    """Where in a run an update lies.

    Attributes:
        number, stage: The stage, and its number from 0.
        since: Updates of the stage that come before it.
        given: Sequences that earlier stages took from the stream.
    """

    number: int
    stage: Stage
    since: int
    given: int


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
        check_fields(self, OWN_PLAY_LIMITS)
        for field in ("temperatures", "falling"):
            pair = getattr(self, field)
            legal = isinstance(pair, tuple | list) and len(pair) == 2
            check(legal and all(map(Number(above=True).accepts, pair)), field, pair, "two numbers above 0")
            object.__setattr__(self, field, tuple(pair))


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
        precision: ``"float32"``, or ``"bfloat16"`` (autocast; recurrences stay in float32).
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
        """Check every field, and every stage's stream."""
        check_fields(self, TRAIN_LIMITS)
        weights = (self.policy_weight, self.next_state_weight, self.reward_weight)
        check(sum(weights) > 0, "weights of the losses", weights, "one above 0")
        check(len(self.stages) > 0, "stages", self.stages, "at least one")
        sizes = (self.model.n_states, self.model.n_actions)
        for stage in self.stages:
            stream = self.stream_of(stage)
            of_stream = (stream.n_states, stream.n_actions)
            check(sizes == of_stream, "model sizes", sizes, f"those of the stream, {of_stream}")
            self._check_action_sets(stream)
            if self.own_rows(stage) > 0:
                check(stream.n_tasks is None, "n_tasks", stream.n_tasks, "null where the model plays itself")
                check(stream.relabel, "relabel", stream.relabel, "true where the model plays itself")
                one = stream.families is None and stream.family in ("anymdp", "garnet")
                one = one and stream.task_actions is None
                legal = "one family, anymdp or garnet, of one number of actions, where the model plays itself"
                check(one, "families", stream.families or stream.family, legal)

    def _check_action_sets(self, stream: StreamConfig) -> None:
        most = self.model.width if self.model.action_codes else 0
        legal = f"integers up to width={self.model.width}, with action_codes; null without"
        check(max(stream.task_actions or (0,)) <= most, "task_actions", stream.task_actions, legal)

    @property
    def updates(self) -> int:
        """Optimiser steps of the whole run."""
        return sum(stage.updates for stage in self.stages)

    def stream_of(self, stage: Stage) -> StreamConfig:
        """What the sequences of a stage are made of.

        Raises:
            InvalidConfig: the stage names an unknown field or an illegal value.
        """
        try:
            return dataclasses.replace(self.stream, **stage.stream)
        except TypeError as error:
            raise InvalidConfig(f"stream of a stage: {error}. Give the fields of StreamConfig.") from error

    def own_rows(self, stage: Stage) -> int:
        """Sequences of a batch that the model plays itself."""
        return round(stage.on_policy_share * self.batch)

    def place(self, update: int) -> Place:
        """Where an update lies; what comes after the last one lies in the last stage."""
        given = 0
        for number, stage in enumerate(self.stages):
            if update < stage.updates or number == len(self.stages) - 1:
                break
            update -= stage.updates
            given += stage.updates * (self.batch - self.own_rows(stage))
        return Place(number, stage, update, given)

    def steps_until(self, update: int) -> int:
        """Steps of all sequences of the updates before `update`."""
        number, stage, since, _ = self.place(update)
        done = [(one, one.updates) for one in self.stages[:number]] + [(stage, since)]
        return sum(count * self.batch * self.stream_of(one).steps for one, count in done)
