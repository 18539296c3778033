"""Conservative Q-learning (CQL) in tabular form, offline on a teacher's episodes and then online.

Kumar et al. (2020), equation 4 with the entropy regulariser, CQL(H), minimises

    alpha * E_s[log sum_a exp Q(s, a) - Q(s, a_data)] + 1/2 E[(Q(s, a) - target)^2]

over recorded data. Here Q is a table and the expectations run over all data at once:

- **Offline.** Sweeps over the states move each state's values towards the minimum of its loss, with targets
  ``reward + discount * max Q(next)`` averaged over the recorded transitions, until nothing changes. The
  minimum satisfies ``Q(s, a) = target - alpha * (softmax(a | s) / share_of_data(a | s) - 1)``: values of
  actions that the teacher seldom took are lowered. Actions that were never tried fall without bound in the
  loss; they are left out of the softmax, of the maximum, and of play, which is the limit. Nothing follows
  after termination; truncation is no end.
- **Online** (its 200 own episodes) it goes on as Q-learning that replays: each finished episode joins the
  data, and a few sweeps over all of it follow. The conservative term still covers recorded steps only, so it
  fades in states where own steps outnumber them.
- **It acts** greedily on Q among the tried actions; uniformly where nothing was tried. Some of its own
  episodes are spent exploring: they are greedy on a second, optimistic table, in which every action has a
  fifth of a visit that led to a world better than anything seen. Their share begins at `explore_share` times
  the share of recorded steps at which the teacher did something else than the greedy action (who acts as it
  would itself has little left to find), and falls linearly to 0 over the first `explore_episodes`.
  Epsilon-greedy and softmax play did not get out of bad loops on validation tasks (cliffs whose goal no
  teacher had reached). Frozen tests are greedy on Q.
- `alpha` and the softmax in the loss are in units of the standard deviation of the received rewards seen.

It ignores who recorded a step (tags), as offline RL does.

References:
    A. Kumar, A. Zhou, G. Tucker, S. Levine, Conservative Q-Learning for Offline Reinforcement Learning
    (NeurIPS 2020), equation 4 and appendix A.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import numpy as np
from gymnasium.spaces import Space
from numpy.typing import NDArray

from anymdp_bench import AgentError, AgentInfo, Context, InvalidConfig, Task, child_seed, discrete_sizes
from anymdp_bench.kernels import next_unit
from baselines.cql import kernels
from baselines.families import DEFAULT_FAMILY, family_of_bank
from baselines.greedy import greedy_policy

MOST_SWEEPS = 5_000
TOLERANCE = 1e-4
MOST_OPTIMISTIC_SWEEPS = 200
EXPLORE_DISCOUNT, PRIOR, OPTIMISM = 0.95, 0.2, 1.0
"""Of the optimistic table: how far it looks, imagined visits, and how much better than anything seen."""
MOST_CELLS = 1 << 24
"""Bounds the counts of a row to 128 MiB."""
TUNED = "tuned/cql.json"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What may be tuned.

    Attributes:
        discount: In [0, 1).
        alpha: Weight of the conservative term, at least 0.
        explore_share: Chance that the first own episode explores, where no recorded step is as the agent
            would act; in [0, 1].
        explore_episodes: Own episodes after which none does, at least 1.
        sweeps: Sweeps over each table after each own episode, at least 0.

    Raises:
        InvalidConfig: a setting is outside its range.
    """

    discount: float = 0.99
    alpha: float = 0.1
    explore_share: float = 0.3
    explore_episodes: int = 150
    sweeps: int = 20

    def __post_init__(self) -> None:
        """Check every field."""
        ranges = {"discount": 1 - 1e-6, "explore_share": 1.0, "explore_episodes": np.inf}
        for field in dataclasses.fields(self):
            value, high = getattr(self, field.name), ranges.get(field.name, 1e6)
            low = 1 if field.name == "explore_episodes" else 0
            if not low <= value <= high:
                raise InvalidConfig(f"{field.name}={value!r}: give a number in {low}..{high:g}.")


def tuned_settings(family: str) -> Settings:
    """Settings that `python -m baselines.cql.tuning` chose for a family; defaults where it did not search."""
    families = json.loads((files("baselines") / TUNED).read_text(encoding="utf-8"))["families"]
    return Settings(**families[family]["settings"]) if family in families else Settings()


def make(bank: str | None = None) -> TabularCQL:
    """Make the agent with the settings tuned for the family of a bank, or for AnyMDP."""
    return TabularCQL(tuned_settings(DEFAULT_FAMILY if bank is None else family_of_bank(bank)))


class TabularCQL:
    """Tabular conservative Q-learning; see the module.

    Args:
        settings: What may be tuned.
    """

    def __init__(self, settings: Settings | None = None) -> None:
        """See the class."""
        self.settings = settings or Settings()
        self.info = AgentInfo(name="cql", learner=True, config=dataclasses.asdict(self.settings))
        self._frozen = False

    def begin(
        self,
        n: int,
        observation_space: Space[Any],
        action_space: Space[Any],
        seed: int,
        context: Context | None = None,
        tasks: Sequence[Task] | None = None,
    ) -> None:
        """Forget everything, and learn from the recorded episodes, if there are any.

        Raises:
            AgentError: a space is not Discrete, or is too large.
        """
        o, a = discrete_sizes(self.info.name, observation_space, action_space)
        if o * a * (o + 1) > MOST_CELLS:
            raise AgentError(f"{o} ids and {a} actions: the counts are bounded to {MOST_CELLS:,} entries.")
        self._data = kernels.Data(
            counts=np.zeros((n, o, a, o + 1)),
            rewards=np.zeros((n, o, a)),
            visits=np.zeros((n, o, a)),
            recorded=np.zeros((n, o, a)),
            moments=np.zeros((n, 3)),
            extremes=np.zeros((n, 2)),
        )
        self._q, self._optimistic = np.zeros((n, o, a)), np.zeros((n, o, a))
        self._streams = np.array([[child_seed(seed, i, "acting")] for i in range(n)], dtype=np.uint64)
        self._episodes = np.zeros(n, np.int64)
        self._frozen = False
        self._exploring, self._dissent = np.zeros(n, np.bool_), np.ones(n)
        if context is not None:
            self._study(context)
        for row in range(n):
            self._begin_episode(row, MOST_OPTIMISTIC_SWEEPS)

    def _study(self, context: Context) -> None:
        kernels.add_steps(
            self._data,
            np.repeat(np.arange(context.n_rows), np.diff(context.row_start)),
            context.observations,
            context.actions,
            context.rewards,
            context.next_observations,
            context.terminated,
            True,
        )
        for row in range(context.n_rows):
            self._sweep(row, MOST_SWEEPS)
        recorded = self._data.recorded
        self._dissent = 1 - (recorded * self.policy_table()).sum(axis=(1, 2)) / recorded.sum(axis=(1, 2))

    def _sweep(self, row: int, most_sweeps: int) -> None:
        discount, alpha = float(self.settings.discount), float(self.settings.alpha)
        kernels.sweep(self._data, row, discount, alpha, most_sweeps, TOLERANCE, self._q[row])

    def _begin_episode(self, row: int, sweeps: int) -> None:
        """Choose whether the next episode explores."""
        settings = self.settings
        left = max(0.0, 1.0 - self._episodes[row] / settings.explore_episodes)
        share = left * settings.explore_share * self._dissent[row]
        self._exploring[row] = next_unit(self._streams[row]) < share
        if share > 0.0:
            kernels.optimistic_sweep(
                self._data, row, EXPLORE_DISCOUNT, PRIOR, OPTIMISM, sweeps, self._optimistic[row]
            )

    def act(self, observations: NDArray[Any], active: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Choose an action in every active row."""
        actions = np.zeros(len(active), np.int64)
        exploring = self._exploring & (not self._frozen)
        tables = self._q, self._optimistic
        kernels.act_rows(self._data, *tables, exploring, observations, active, self._streams, actions)
        return actions

    def observe(
        self,
        observations: NDArray[Any],
        actions: NDArray[Any],
        rewards: NDArray[np.float64],
        next_observations: NDArray[Any],
        terminated: NDArray[np.bool_],
        truncated: NDArray[np.bool_],
        active: NDArray[np.bool_],
    ) -> None:
        """Count the step of every active row, and replay all data where an episode ended; not if frozen."""
        if self._frozen:
            return
        rows = np.flatnonzero(active)
        kernels.add_steps(
            self._data,
            rows,
            observations[rows],
            actions[rows],
            rewards[rows],
            next_observations[rows],
            terminated[rows],
            False,
        )
        ended = np.flatnonzero(active & (terminated | truncated))
        self._episodes[ended] += 1
        for row in ended.tolist():
            self._sweep(row, self.settings.sweeps)
            self._begin_episode(row, self.settings.sweeps)

    def freeze(self) -> None:
        """Play greedily, and learn nothing."""
        self._frozen = True

    def unfreeze(self) -> None:
        """Go on learning."""
        self._frozen = False

    def policy_table(self) -> NDArray[np.float64]:
        """Greedy policy, ``[n, O, A]``; uniform where nothing was ever tried."""
        return greedy_policy(self._q, self._data.visits > 0)
