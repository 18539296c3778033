"""The model as an agent of the evaluation: no weight changes, memory of constant size."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium.spaces import Space
from numpy.typing import NDArray

from anymdp_bench import AgentError, AgentInfo, Context, InvalidConfig, Task, child_seed, discrete_sizes
from anymdp_bench.foundation.checks import Number, check_integer, check_limit
from omnirl_reference.config.stream import TAG_UNKNOWN
from omnirl_reference.model.checkpoint import fingerprint, load_model
from omnirl_reference.model.model import OmniRL
from omnirl_reference.model.shipped import checkpoint_folder
from omnirl_reference.playing.compiled import make_actor
from omnirl_reference.playing.draws import between, choose, new_streams, permutations

SHARD_SIZE = 16
"""Tasks that one copy plays at once: large enough for compiled steps, small enough to share out to cores."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Temperature:
    """Falls from `first` to `last` over `steps` steps, geometrically; constant where they are equal.

    After a recorded context, which has explored already, it is `with_context` throughout. The paper plays at
    a constant 0.5; its public code falls from 1 to 0.1 over 10,000 steps.
    """

    first: float = 2.0
    last: float = 0.1
    steps: int = 1500
    with_context: float = 0.2

    def __post_init__(self) -> None:
        """Check every field."""
        for field in dataclasses.fields(self):
            check_limit(field.name, getattr(self, field.name), Number(above=True))

    def at(self, step: NDArray[np.int64], taught: bool = False) -> NDArray[np.float64]:
        """Temperatures float64 ``[n]`` after so many own steps ``[n]`` of a task."""
        if taught:
            return np.full(len(step), float(self.with_context))
        share = np.minimum(step / self.steps, 1.0)
        return between(float(self.first), float(self.last), share)


class OmniRLAgent:
    """In-context agent; every task is shown to the model under an injective relabelling of its own.

    A network treats relabelled copies of a task a little differently. Several `views` of one task, each with
    a relabelling and a memory of its own, see the same steps, and the mean of their logits decides.

    Args:
        model: In evaluation mode.
        name: Name in tables.
        temperature: How actions are sampled.
        views: Relabelled copies of each task, at least 1; the cost grows with them.

    Raises:
        InvalidConfig: `views` is not legal.
    """

    def __init__(
        self,
        model: OmniRL,
        name: str = "omnirl",
        temperature: Temperature | None = None,
        views: int = 1,
    ) -> None:
        """Keep the model; nothing is played yet."""
        views = check_integer("views", views, 1)
        self.model, self.views = model, views
        self.temperature = temperature or Temperature()
        config = {
            "checkpoint": name,
            "weights": fingerprint(model),
            "views": views,
            **dataclasses.asdict(self.temperature),
        }
        self.info = AgentInfo(name=name, config=config, shard_size=SHARD_SIZE)

    def begin(
        self,
        n: int,
        observation_space: Space[Any],
        action_space: Space[Any],
        seed: int,
        context: Context | None = None,
        tasks: Sequence[Task] | None = None,
    ) -> None:
        """Forget everything, draw the relabellings and read the recorded context, if there is one.

        Raises:
            AgentError: the spaces are not discrete, or larger than the model's.
        """
        self._check(observation_space, action_space)
        config, size = self.model.config, n * self.views
        seeds = [child_seed(seed, "omnirl", i) for i in range(n)]
        self._streams = new_streams(seeds)
        relabelling = new_streams([child_seed(s, view) for s in seeds for view in range(self.views)])
        self._ids = permutations(relabelling, config.n_states)
        self._moves = permutations(relabelling, self._known)
        self._seats = np.arange(size)
        self._task = self._seats // self.views
        self._unknown, self._end = np.full(size, TAG_UNKNOWN), np.full(size, self._known)
        self._steps, self._chosen = np.zeros((2, n), dtype=np.int64)
        self._taught = context is not None
        self._actor = make_actor(self.model, size, self._known, child_seed(seed, "omnirl", "codes"))
        if context is not None:
            self._actor.read(*self._positions(context))

    def _check(self, observation_space: Space[Any], action_space: Space[Any]) -> None:
        config = self.model.config
        sizes = discrete_sizes(self.info.name, observation_space, action_space)
        most = config.width if config.action_codes else config.n_actions
        if sizes[0] > config.n_states or sizes[1] > most:
            raise AgentError(
                f"{self.info.name} was trained for {config.n_states} states and {most} actions; "
                f"the task has {sizes[0]} and {sizes[1]}. Choose a larger checkpoint."
            )
        self._n_actions = sizes[1]
        self._known = sizes[1] if config.action_codes else config.n_actions

    def act(self, observations: NDArray[Any], active: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Sample one action per active row; surplus actions of the model are folded onto the task's."""
        rows, seats = np.flatnonzero(active), np.flatnonzero(active[self._task])
        logits = self._actor.logits(self._ids[self._seats, observations[self._task]], seats)
        by_action = np.take_along_axis(logits, self._moves[seats], axis=1)
        mean = by_action.reshape(len(rows), self.views, -1).mean(axis=1)
        temperature = self.temperature.at(self._steps[rows], self._taught)
        choose(mean, temperature, rows, self._streams, self._chosen)
        return self._chosen % self._n_actions

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
        """Note the step, and the end of an episode; own steps are tagged unknown."""
        of = self._task
        states = self._ids[self._seats, observations[of]]
        chosen = self._moves[self._seats, self._chosen[of]]
        received = rewards[of].astype(np.float32)
        self._actor.remember(states, self._unknown, chosen, received, np.flatnonzero(active[of]))
        self._steps += active
        ended = np.flatnonzero((active & (terminated | truncated))[of])
        if len(ended):
            final = self._ids[self._seats, next_observations[of]]
            self._actor.logits(final, ended)
            self._actor.remember(final, self._unknown, self._end, np.zeros_like(received), ended)

    def _positions(self, context: Context) -> tuple[NDArray[Any], ...]:
        """Recorded episodes as the model sees them, with an end-of-episode position after each.

        Returns:
            First position of each seat (row and view) ``[n * views + 1]``, then states, tags, actions and
            rewards ``[T]``.
        """
        lengths = np.diff(context.row_start)[self._task]
        seat = np.repeat(self._seats, lengths)
        start = np.concatenate([[0], np.cumsum(lengths)])
        step = np.arange(start[-1]) - np.repeat(start[:-1] - context.row_start[:-1][self._task], lengths)
        states = self._ids[seat, context.observations[step]]
        final = self._ids[seat, context.next_observations[step]]
        ends = np.flatnonzero((context.terminated | context.truncated)[step]) + 1
        return (
            start + np.searchsorted(ends, start, side="right"),
            np.insert(states, ends, final[ends - 1]),
            np.insert(context.tags[step].astype(np.int64), ends, TAG_UNKNOWN),
            np.insert(self._moves[seat, context.actions[step]], ends, self._known),
            np.insert(context.rewards[step].astype(np.float32), ends, 0.0),
        )


def make(checkpoint: str, *, views: int | None = None, **temperature: float) -> OmniRLAgent:
    """Build the agent from a shipped checkpoint's name, or a folder that training wrote.

    Args:
        checkpoint: Of a sequence model.
        views: See `OmniRLAgent`; default: what the checkpoint was validated with.
        **temperature: Fields of `Temperature`; the rest is what the checkpoint was validated with.

    Raises:
        InvalidConfig: there is no such checkpoint, or an option is not legal.
    """
    model, notes = load_model(checkpoint_folder(checkpoint))
    chosen = {**notes.get("temperature", {}), **temperature}
    unknown = chosen.keys() - {field.name for field in dataclasses.fields(Temperature)}
    if unknown:
        raise InvalidConfig(f"unknown options {sorted(unknown)}: legal are views and those of Temperature.")
    views = notes.get("views", 1) if views is None else views
    return OmniRLAgent(model, Path(checkpoint).name, Temperature(**chosen), views)
