"""What sequences are trained on: tasks, behaviours, labels, tags."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from anymdp_bench import LEAST_RANKED_STATES
from anymdp_bench.foundation.checks import (
    FIELDS,
    FLAG,
    SHARE,
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


PENDULUM_BINS = (12, 5)
"""Bins of the angle and of the speed, as on the boards."""
LEAST_IDS = {
    "anymdp": LEAST_RANKED_STATES,
    "garnet": 1,
    "grid": 12,
    "bandit": 1,
    "darkroom": 9,
    "pendulum": PENDULUM_BINS[0] * PENDULUM_BINS[1],
}
"""Least number of state ids that each family needs."""
STREAM_FAMILIES = tuple(LEAST_IDS)
GRIDS, GRID_ACTIONS = ("grid", "darkroom"), (4, 5)
"""Families of grids, which have four moves, or five with one that stays."""
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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StreamConfig:
    """What the training sequences are made of.

    Attributes:
        family: ``"anymdp"``, ``"garnet"``, ``"grid"`` (random lakes, cliffs and rooms with walls),
            ``"bandit"`` (one state; Thompson sampling plays, whatever the behaviours), ``"darkroom"`` (rooms
            of up to `n_states` cells) or ``"pendulum"`` (60 ids; hard labels; the behaviour never changes).
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
        noise_until: Least and most share of the sequence after which the noise of a "noisy" behaviour has
            fallen from 1 to 0, ends of episodes not counted; both that place and the one where the fall
            begins are drawn for every sequence. None: it falls by the paper's schedule.
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
    noise_until: tuple[float, float] | None = None
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
        if self.noise_until is not None:
            self._check_noise_until()
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
        if set(GRIDS) & set(shares):
            check(self.n_actions in GRID_ACTIONS, "n_actions", self.n_actions, "4 or 5 in a grid")
        if "pendulum" in shares:
            check(self.n_actions > 1, "n_actions", self.n_actions, "at least 2 torques of a pendulum")
        return max(LEAST_IDS[name] for name in shares)

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
        grids = bool(set(GRIDS) & set(self.families or (self.family,)))
        check(not grids, "task_actions", counts, "null where there are grids, whose moves are given")
        object.__setattr__(self, "task_actions", tuple(counts or ()))

    def _check_noise_until(self) -> None:
        pair = self.noise_until
        legal = isinstance(pair, tuple | list) and len(pair) == 2
        legal = legal and all(map(Number(0, 1, above=True).accepts, pair or ()))
        legal = legal and list(pair or ()) == sorted(pair or ())
        check(legal, "noise_until", pair, "two shares above 0 and up to 1, in order, or null")
        object.__setattr__(self, "noise_until", tuple(pair or ()))
