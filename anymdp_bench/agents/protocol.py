"""What the evaluation expects of an agent.

An agent plays `n` independent tasks at once. Row i belongs to task i from `begin` on: what happens in
one row must not change what the agent does in another, and `begin` forgets everything. The task's
horizon, its index and the environment's info are told to nobody.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

from gymnasium.spaces import Space
from numpy.typing import NDArray

from anymdp_bench.contexts import Context
from anymdp_bench.foundation.checks import FIELDS, FLAG, Whole, check, check_limit, plain, store_plain
from anymdp_bench.foundation.errors import AgentError
from anymdp_bench.foundation.types import BoolArray, FloatArray, IntArray, JsonScalar
from anymdp_bench.tasks.protocol import Task

Observations: TypeAlias = NDArray[Any]
Actions: TypeAlias = NDArray[Any]
LONGEST_NAME = 100
NAMES = (
    f"a text of 1..{LONGEST_NAME} printable characters without / and \\, without blanks at either end, "
    "and other than . and .."
)
"""Legal names of agents: each is that of a single folder, below the one where runs are written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentInfo:
    """What an agent declares about itself; it decides the track and the row it stands in.

    Attributes:
        name: Name in tables and records, and of the run's folder: `NAMES`.
        privileged: It reads the Task, and acts on the inner state where observations are partial.
        learner: It changes weights or tables outside the context, and is tested on the learner track.
        joint: It controls all players of a team at once.
        config: Settings that records and tables name.
        shard_size: Tasks that one copy plays at once, where it is not the board's default (batched
            torch agents: 64). Part of the run's identity.

    Raises:
        AgentError: a field is not what it should be; `config` holds texts, finite numbers, True, False and
            None.

    Examples:
        >>> AgentInfo(name="mine", learner=True).name
        'mine'
    """

    name: str
    privileged: bool = False
    learner: bool = False
    joint: bool = False
    config: Mapping[str, JsonScalar] = field(default_factory=dict)
    shard_size: int | None = None

    def __post_init__(self) -> None:
        """Check every field, and store Python's own numbers."""
        check(_is_name(self.name), "name", self.name, NAMES, AgentError)
        for name in ("privileged", "learner", "joint"):
            check_limit(f"Agent {self.name!r}: {name}", getattr(self, name), FLAG, AgentError)
        check_limit(f"Agent {self.name!r}: shard_size", self.shard_size, Whole(1, or_none=True), AgentError)
        check_limit(f"Agent {self.name!r}: config", self.config, FIELDS, AgentError)
        store_plain(self)
        config = {key: plain(value) for key, value in self.config.items()}
        for key, value in config.items():
            legal = isinstance(key, str) and isinstance(value, str | int | float | None)
            legal = legal and (not isinstance(value, float) or math.isfinite(value))
            where = f"Agent {self.name!r}: config[{key!r}]"
            check(legal, where, value, "a text, a finite number, True, False or None", AgentError)
        object.__setattr__(self, "config", config)


def _is_name(name: object) -> bool:
    """Whether an agent may be called so."""
    return (
        isinstance(name, str)
        and 1 <= len(name) <= LONGEST_NAME
        and name.isprintable()
        and name == name.strip()
        and name not in (".", "..")
        and not {"/", "\\"} & set(name)
    )


class Episodes(NamedTuple):
    """Finished episodes of n tasks, in the order in which each task lived them.

    Attributes:
        scores: float64 ``[n, E]``, sum of the expected scored reward of the transitions taken.
        rewards: float64 ``[n, E]``, sum of the received (sampled) reward.
        lengths: int64 ``[n, E]``, environment steps.

    Examples:
        >>> Episodes(np.zeros((2, 3)), np.zeros((2, 3)), lengths=np.ones((2, 3), int)).scores.shape
        (2, 3)
    """

    scores: FloatArray
    rewards: FloatArray
    lengths: IntArray


@runtime_checkable
class Agent(Protocol):
    """The three calls that every agent answers.

    Examples:
        >>> isinstance(make_agent("uniform"), Agent)
        True
    """

    @property
    def info(self) -> AgentInfo:
        """What the agent declares about itself."""
        ...

    def begin(
        self,
        n: int,
        observation_space: Space[Any],
        action_space: Space[Any],
        seed: int,
        context: Context | None = None,
        tasks: Sequence[Task] | None = None,
    ) -> None:
        """Forget everything and get ready for `n` unseen tasks.

        Args:
            n: Number of tasks, one row each.
            observation_space: Space of one row's observation.
            action_space: Space of one row's action.
            seed: In [0, 2**63). Give row i a stream of its own, e.g. ``child_seed(seed, i)``.
            context: Recorded episodes of teachers, or None (online).
            tasks: The tasks themselves, for privileged agents only; None for all others.
        """
        ...

    def act(self, observations: Observations, active: BoolArray) -> Actions:
        """Choose one action per row.

        Here and in `observe` arrays are the agent's own copies: it may keep and change them.

        Args:
            observations: ``[n]`` ids, or ``[n, T]`` tokens.
            active: bool ``[n]``; the other rows wait, and their answer is not read.

        Returns:
            Integer array ``[n]`` (or ``[n, T]``) of legal actions.
        """
        ...

    def observe(
        self,
        observations: Observations,
        actions: Actions,
        rewards: FloatArray,
        next_observations: Observations,
        terminated: BoolArray,
        truncated: BoolArray,
        active: BoolArray,
    ) -> None:
        """Take in the transition that followed `act`; only active rows took a step.

        After `terminated` or `truncated` the row's next `act` begins a new episode of the same task.
        Between `freeze` and `unfreeze` the transition belongs to a test episode: nothing may be learnt.
        """
        ...


@runtime_checkable
class Learner(Agent, Protocol):
    """An agent whose knowledge is frozen while it is tested.

    Examples:
        >>> isinstance(make_agent("q-ucb"), Learner)
        True
    """

    def freeze(self) -> None:
        """Stop learning and exploring until `unfreeze`."""
        ...

    def unfreeze(self) -> None:
        """Go on learning where it stopped."""
        ...


@runtime_checkable
class MarkovLearner(Learner, Protocol):
    """A learner whose frozen policy is a table, so that it is scored without test episodes.

    Examples:
        >>> isinstance(make_agent("q-ucb"), MarkovLearner)
        True
    """

    def policy_table(self) -> FloatArray:
        """Frozen policy, float64 ``[n, O, A]``; every row of A is a distribution."""
        ...


@runtime_checkable
class EpisodeLearner(Learner, Protocol):
    """A learner that can train whole episodes by itself, e.g. inside a compiled kernel.

    Examples:
        >>> isinstance(make_agent("q-ucb"), EpisodeLearner)
        True
    """

    def learn_episodes(self, env: Any, n_episodes: int) -> Episodes | None:
        """Live `n_episodes` further episodes in every row of `env`, learning.

        No episode is open when the call comes; each begins as `env.restart` begins it. Records, learnt
        state and random numbers equal those of the plain loop of restart, act, advance and observe.

        Returns:
            The episodes, or None (and nothing has happened) if `env` is not of a kind it can train on.
        """
        ...


@runtime_checkable
class CopyLearner(Learner, Protocol):
    """A learner that trains on many copies of each task at once, as batched policy gradients do.

    Examples:
        >>> isinstance(make_agent("uniform"), CopyLearner)
        False
    """

    def learn_on_copies(self, make_copies: Callable[[int, int], Any], n_episodes: int) -> Episodes:
        """Train until `n_episodes` further episodes have ended in every row.

        Episodes count in the order in which they end on a row's copies; a policy that is tested afterwards
        has learnt from nothing that ends later. The agent keeps its copies, with their open episodes, from
        call to call, and seeds them from its own seed.

        Args:
            make_copies: ``make_copies(row, n)`` returns a new batch of n copies of the row's task. It is not
                reset; it has `reset`, `restart` and `advance`, and `Sb3VecEnv` accepts it.
            n_episodes: At least 1.

        Returns:
            The episodes that count.
        """
        ...
