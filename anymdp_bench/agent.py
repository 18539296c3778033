"""What the evaluation expects of an agent.

An agent plays `n` independent tasks at once. Row i belongs to task i from `begin` on: what happens in
one row must not change what the agent does in another, and `begin` forgets everything. The task's
horizon, its index and the environment's info are told to nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

import numpy as np
from gymnasium.spaces import Space
from numpy.typing import NDArray

from anymdp_bench.contexts import Context
from anymdp_bench.errors import AgentError
from anymdp_bench.seeding import child_seed
from anymdp_bench.task import FloatArray, IntArray, JsonScalar, Task

BoolArray: TypeAlias = NDArray[np.bool_]
Observations: TypeAlias = NDArray[Any]
Actions: TypeAlias = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentInfo:
    """What an agent declares about itself; it decides the track and the row it stands in.

    Attributes:
        name: Name in tables and records.
        privileged: It reads the Task, and acts on the inner state where observations are partial.
        learner: It changes weights or tables outside the context, and is tested on the learner track.
        joint: It controls all players of a team at once.
        config: Settings that records and tables name.
        shard_size: Tasks that one copy plays at once, where it is not the board's default (batched
            torch agents: 64). Part of the run's identity.
    """

    name: str
    privileged: bool = False
    learner: bool = False
    joint: bool = False
    config: Mapping[str, JsonScalar] = field(default_factory=dict)
    shard_size: int | None = None


class Episodes(NamedTuple):
    """Finished episodes of n tasks, in the order in which each task lived them.

    Attributes:
        scores: float64 ``[n, E]``, sum of the expected scored reward of the transitions taken.
        rewards: float64 ``[n, E]``, sum of the received (sampled) reward.
        lengths: int64 ``[n, E]``, environment steps.
    """

    scores: FloatArray
    rewards: FloatArray
    lengths: IntArray


@runtime_checkable
class Agent(Protocol):
    """The three calls that every agent answers."""

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

        Args:
            observations: ``[n]`` ids, or ``[n, T]`` tokens.
            active: bool ``[n]``, read-only; the other rows wait, and their answer is not read.

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
    """An agent whose knowledge is frozen while it is tested."""

    def freeze(self) -> None:
        """Stop learning and exploring until `unfreeze`."""
        ...

    def unfreeze(self) -> None:
        """Go on learning where it stopped."""
        ...


@runtime_checkable
class MarkovLearner(Learner, Protocol):
    """A learner whose frozen policy is a table, so that it is scored without test episodes."""

    def policy_table(self) -> FloatArray:
        """Frozen policy, float64 ``[n, O, A]``; every row of A is a distribution."""
        ...


@runtime_checkable
class EpisodeLearner(Learner, Protocol):
    """A learner that can train whole episodes by itself, e.g. inside a compiled kernel."""

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
    """A learner that trains on many copies of each task at once, as batched policy gradients do."""

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


class SingleAgent(Protocol):
    """An agent written for one task; `SingleTask` plays many tasks with copies of it."""

    def begin(self, observation_space: Space[Any], action_space: Space[Any], seed: int) -> None:
        """Forget everything and get ready for one unseen task."""
        ...

    def act(self, observation: Any) -> Any:
        """Choose an action."""
        ...

    def observe(
        self,
        observation: Any,
        action: Any,
        reward: float,
        next_observation: Any,
        terminated: bool,
        truncated: bool,
    ) -> None:
        """Take in the transition that followed `act`."""
        ...


class SingleTask:
    """Play n tasks with n independent copies of an agent that is written for one.

    The copies' optional `freeze`, `unfreeze` and `policy_table` (``[O, A]``) are passed on.

    Args:
        make_agent: Called without arguments, once per task; a class will do.
        info: What the agent declares; default: the copies' own `info`, else the maker's name.
    """

    def __init__(self, make_agent: Callable[[], Any], info: AgentInfo | None = None) -> None:
        """Make one copy, to see what it declares and offers."""
        self.make_agent = make_agent
        model = make_agent()
        name = getattr(make_agent, "__name__", type(model).__name__)
        self.info: AgentInfo = info or getattr(model, "info", None) or AgentInfo(name=name)
        self._agents: list[Any] = []
        if hasattr(model, "policy_table"):
            self.policy_table = self._policy_table

    def begin(
        self,
        n: int,
        observation_space: Space[Any],
        action_space: Space[Any],
        seed: int,
        context: Context | None = None,
        tasks: Sequence[Task] | None = None,
    ) -> None:
        """Make `n` new copies; copy i is seeded ``child_seed(seed, i)``.

        What teachers recorded is passed on as ``context``, one row for each copy.
        """
        self._action_shape = action_space.shape or ()
        self._agents = [self.make_agent() for _ in range(n)]
        for i, agent in enumerate(self._agents):
            extra: dict[str, Any] = {} if tasks is None else {"task": tasks[i]}
            if context is not None:
                extra["context"] = context.rows([i])
            self._call(i, agent.begin, observation_space, action_space, child_seed(seed, i), **extra)

    def act(self, observations: Observations, active: BoolArray) -> Actions:
        """Ask every active copy."""
        actions = np.zeros((len(self._agents), *self._action_shape), dtype=np.int64)
        for i in np.flatnonzero(active).tolist():
            answer = self._call(i, self._agents[i].act, observations[i])
            if np.shape(answer) != self._action_shape or np.asarray(answer).dtype.kind not in "iu":
                raise AgentError(f"answered {answer!r}; an action is an integer {self._action_shape}.", i)
            actions[i] = answer
        return actions

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
        """Tell every active copy its own transition."""
        for i in np.flatnonzero(active).tolist():
            self._call(
                i,
                self._agents[i].observe,
                observations[i],
                actions[i],
                float(rewards[i]),
                next_observations[i],
                bool(terminated[i]),
                bool(truncated[i]),
            )

    def freeze(self) -> None:
        """Freeze every copy."""
        for i, agent in enumerate(self._agents):
            self._call(i, agent.freeze)

    def unfreeze(self) -> None:
        """Let every copy learn again."""
        for i, agent in enumerate(self._agents):
            self._call(i, agent.unfreeze)

    def _policy_table(self) -> FloatArray:
        tables = [self._call(i, agent.policy_table) for i, agent in enumerate(self._agents)]
        return np.array(tables, dtype=np.float64)

    def _call(self, row: int, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        try:
            return method(*args, **kwargs)
        except Exception as error:
            raise AgentError(f"{type(error).__name__}: {error}", row) from error
