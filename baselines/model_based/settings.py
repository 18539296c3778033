"""Settings of the model-based agents: one for all tasks, chosen by `baselines.model_based.tuning`.

What differs from task to task follows from what a row has seen, by two rules that all agents share:

- **Length.** The weight of optimism is per step of the mean length of the episodes so far: where
  episodes are ten times longer there is ten times more to find in each, and ten times more time for it.
- **Sight.** `discount` gives way to `aliased_discount` as soon as the ids are not Markov (`history`): a plan
  that looks far ahead on ids that stand for several situations believes in paths that do not exist.

Ceilings of what was never tried include a reward of 0, because an episode may also end.
"""

from __future__ import annotations

import dataclasses
import json
from importlib.resources import files
from typing import Any, NamedTuple

import numpy as np

from anymdp_bench import InvalidConfig

OIM, PSRL, UCBVI = range(3)
TUNED = "tuned/model_based.json"


class Rates(NamedTuple):
    """All agents' settings as the kernels take them; see `Settings` and its children."""

    kind: int
    discount: float
    aliased_discount: float
    growth: float
    kappa: float
    reach: float
    bonus: float
    unknown: float
    sharpness: float
    reward_prior: float
    every: int
    ceiling: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What all three share.

    Attributes:
        discount: Where ids are Markov, in [0, 1).
        aliased_discount: Where they are not, in [0, 1).
        growth: A row plans again when its steps have grown by this share, at least 0.

    Raises:
        InvalidConfig: a setting is outside its range.
    """

    discount: float = 0.99
    aliased_discount: float = 0.8
    growth: float = 0.01

    def __post_init__(self) -> None:
        """Check every field."""
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if field.name in ("discount", "aliased_discount"):
                if not 0 <= value < 1:
                    raise InvalidConfig(f"{field.name}={value!r}: give a number in [0, 1).")
            elif not 0 <= value < np.inf:
                raise InvalidConfig(f"{field.name}={value!r}: give a finite number of at least 0.")

    def rates(self) -> Rates:
        """Settings as the kernels take them; those of other agents are 0."""
        given: dict[str, Any] = dict.fromkeys(Rates._fields, 0.0)
        given |= {name: float(value) for name, value in dataclasses.asdict(self).items()}
        given["kind"] = [OimSettings, PsrlSettings, UcbviSettings].index(type(self))
        given["every"] = max(1, int(given["every"]))
        given["ceiling"] = bool(given["ceiling"])
        return Rates(**given)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OimSettings(Settings):
    """Optimistic initial model.

    Attributes:
        kappa: Imagined visits of every pair per step of the mean episode length.
        reach: How far the leaf lies above the best known value, in units of the rewards' spread.
    """

    kappa: float = 0.001
    reach: float = 10.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PsrlSettings(Settings):
    """Posterior sampling.

    Attributes:
        unknown: Dirichlet weight of what was never seen to follow.
        sharpness: What one count is worth in the posterior.
        reward_prior: Deviation of the prior of mean rewards, in units of their spread.
        every: A row draws a new model every so many steps, and at each episode's start.
        ceiling: Whether what was never tried is worth the highest mean reward for ever (R-max).
    """

    unknown: float = 0.1
    sharpness: float = 5.0
    reward_prior: float = 1.0
    every: int = 20
    ceiling: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UcbviSettings(Settings):
    """Exploration bonus.

    Attributes:
        bonus: Bonus of a first visit, in units of the reward range, per step of the mean episode length.
        reach: What was never tried pays for ever so many reward ranges more than the highest mean reward.
    """

    bonus: float = 0.001
    reach: float = 0.3


KINDS: dict[str, type[Settings]] = {"oim": OimSettings, "psrl": PsrlSettings, "ucbvi": UcbviSettings}


def tuned_settings(agent: str) -> Settings:
    """Settings that `python -m baselines.model_based.tuning` chose; defaults where it did not search."""
    agents = json.loads((files("baselines") / TUNED).read_text(encoding="utf-8"))["agents"]
    return KINDS[agent](**agents[agent]["settings"] if agent in agents else {})
