"""Every number that a training run depends on, in frozen records; `file` reads them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

from anymdp_bench import LEAST_RANKED_STATES, InvalidConfig
from anymdp_bench.foundation.checks import (
    FIELDS,
    FLAG,
    SHARE,
    TEXT,
    Limit,
    Number,
    OneOf,
    Whole,
    check,
    check_fields,
)

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
MIXTURES = {"paper": PAPER_MIXTURE}
"""Mixtures that a configuration may name in place of their shares."""


STREAM_FAMILIES = ("anymdp", "garnet", "grid", "bandit")
LEAST_GRID_IDS, GRID_ACTIONS = 12, (4, 5)
"""Grids have at least so many cells, and four moves, or five with one that stays."""
STREAM_LIMITS: dict[str, Limit] = {
    "family": OneOf(STREAM_FAMILIES),
    "n_states": Whole(1),
    "min_states": Whole(1, or_none=True),
    "n_actions": Whole(1),
    "n_tasks": Whole(1, or_none=True),
    "relabel": FLAG,
    "steps": Whole(2),
    "behaviours": FIELDS,
    "oracle_free_share": SHARE,
    "resample_share": SHARE,
    "resample_probability": SHARE,
    "masked_sequences": SHARE,
    "masked_episodes": SHARE,
    "label": OneOf(("soft", "hard")),
    "label_temperature": Number(above=True),
    "label_behaviour": FLAG,
    "seed": Whole(0),
}
MODEL_LIMITS: dict[str, Limit] = {
    **dict.fromkeys(("n_states", "n_actions", "width", "layers", "head_width"), Whole(1)),
    "layout": OneOf(("packed", "interleaved")),
    "prompt": FLAG,
    "action_codes": FLAG,
    "mixer": TEXT,
    "feed_forward": Number(above=True),
}
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
class StreamConfig:
    """What the training sequences are made of.

    Attributes:
        family: ``"anymdp"``, ``"garnet"``, ``"grid"`` (random lakes, cliffs and rooms with walls) or
            ``"bandit"`` (one state; Thompson sampling plays, whatever the behaviours).
        families: Share of the sequences on tasks of each family; None: all are of `family`.
        n_states: Largest number of states, and number of state ids.
        min_states: Smallest number of inner states; None means `n_states`.
        task_states: Sizes that tasks are drawn with, each as often; their horizons are those of their size,
            and they get random ones of the `n_states` ids. None: all tasks are drawn with `n_states`, as in
            the paper, and `min_states` alone makes them smaller.
        n_actions: Number of actions.
        task_actions: Numbers of actions that tasks are drawn with, one number for a batch, each as often; for
            models that know actions by codes. None: all have `n_actions`.
        n_tasks: Number of distinct tasks, or None for a new task in every sequence.
        relabel: Draw names of states and actions for every sequence; False: every task keeps its own, as in
            the paper, so that few tasks can be told apart instead of learnt.
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
    families: Mapping[str, float] | None = None
    n_states: int = 16
    min_states: int | None = None
    task_states: tuple[int, ...] | None = None
    n_actions: int = 5
    task_actions: tuple[int, ...] | None = None
    n_tasks: int | None = None
    relabel: bool = True
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
        check_fields(self, STREAM_LIMITS)
        least = self._check_families()
        check(self.n_states >= least, "n_states", self.n_states, Whole(least))
        if self.min_states is not None:
            legal = f"an integer from {least} to n_states={self.n_states}, or null"
            check(least <= self.min_states <= self.n_states, "min_states", self.min_states, legal)
        if self.task_states is not None:
            self._check_task_states()
        if self.task_actions is not None:
            self._check_task_actions()
        unknown = set(self.behaviours) - set(BEHAVIOURS)
        check(not unknown, "behaviours", dict(self.behaviours), f"shares of {', '.join(BEHAVIOURS)}")
        shares = self.behaviours.values()
        check(
            all(Number().accepts(share) for share in shares) and sum(shares) > 0,
            "behaviours",
            dict(self.behaviours),
            "shares of at least 0 with a positive sum",
        )

    def _check_families(self) -> int:
        """Check the families; return the least number of states."""
        shares = {self.family: 1.0} if self.families is None else self.families
        legal = f"shares of {', '.join(STREAM_FAMILIES)}, with a positive sum"
        known = isinstance(shares, Mapping) and set(shares) <= set(STREAM_FAMILIES)
        known = known and all(Number().accepts(share) for share in shares.values())
        check(known and sum(shares.values()) > 0, "families", self.families, legal)
        if "grid" in shares:
            check(self.n_actions in GRID_ACTIONS, "n_actions", self.n_actions, "4 or 5 in a grid")
        least = {"anymdp": LEAST_RANKED_STATES, "garnet": 1, "grid": LEAST_GRID_IDS, "bandit": 1}
        return max(least[name] for name in shares)

    def _check_task_states(self) -> None:
        sizes = self.task_states
        legal = isinstance(sizes, tuple | list) and len(sizes) > 0
        legal = legal and all(
            Whole(LEAST_RANKED_STATES).accepts(n) and n <= self.n_states for n in sizes or ()
        )
        check(legal, "task_states", sizes, f"sizes from {LEAST_RANKED_STATES} to n_states={self.n_states}")
        check(self.min_states is None, "min_states", self.min_states, "null beside task_states")
        object.__setattr__(self, "task_states", tuple(sizes or ()))

    def _check_task_actions(self) -> None:
        counts = self.task_actions
        legal = isinstance(counts, tuple | list) and len(counts) > 0 and all(map(Whole(2).accepts, counts))
        check(legal, "task_actions", counts, "integers of at least 2, or null")
        grids = "grid" in (self.families or (self.family,))
        check(not grids, "task_actions", counts, "null where there are grids, whose moves are given")
        object.__setattr__(self, "task_actions", tuple(counts or ()))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """Shape of a model.

    Attributes:
        n_states: Number of state ids.
        n_actions: Number of actions.
        layout: ``"packed"`` (one token a step) or ``"interleaved"`` (the paper's four).
        prompt: Add the id of the labelling oracle's discount (a constant; the paper's code has it).
        action_codes: Actions are known by random orthonormal vectors, drawn for every sequence, and the head
            answers with a vector, so that a task may have any number of them up to `width` (Headless-AD).
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
    action_codes: bool = False
    mixer: str = "gated-delta"
    width: int = 128
    layers: int = 2
    head_width: int = 32
    feed_forward: float = 2.0

    def __post_init__(self) -> None:
        """Check every field."""
        check_fields(self, MODEL_LIMITS)
        if self.action_codes:
            legal = f"an integer from 1 to width={self.width}, with action_codes"
            check(self.n_actions <= self.width, "n_actions", self.n_actions, legal)
        legal = f"a number above {1 / (2 * self.width):g}, so that a channel is left"
        check(round(self.width * self.feed_forward) >= 1, "feed_forward", self.feed_forward, legal)


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
