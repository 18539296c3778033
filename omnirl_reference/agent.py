"""The model as an agent of the evaluation: no weight changes, memory of constant size."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Discrete, Space
from numpy.typing import NDArray

from anymdp_bench import AgentError, AgentInfo, Context, InvalidConfig, Task, child_seed
from omnirl_reference.actor import Actor
from omnirl_reference.checkpoint import load_model
from omnirl_reference.config import TAG_UNKNOWN
from omnirl_reference.draws import choose, new_streams, permutations
from omnirl_reference.model import OmniRL

CHECKPOINTS = Path(__file__).parent / "checkpoints"
SHARD_SIZE = 64


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
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < np.inf:
                raise InvalidConfig(f"{field.name}={value!r} is not legal: give a finite number above 0.")

    def at(self, step: NDArray[np.int64], taught: bool = False) -> NDArray[np.float64]:
        """Temperatures float64 ``[n]`` after so many own steps ``[n]`` of a task."""
        if taught:
            return np.full(len(step), float(self.with_context))
        share = np.minimum(step / self.steps, 1.0)
        temperatures: NDArray[np.float64] = self.first * (self.last / self.first) ** share
        return temperatures


class OmniRLAgent:
    """In-context agent; every task is shown to the model under an injective relabelling of its own.

    Args:
        model: In evaluation mode.
        name: Name in tables.
        temperature: How actions are sampled.
    """

    def __init__(self, model: OmniRL, name: str = "omnirl", temperature: Temperature | None = None) -> None:
        """Keep the model; nothing is played yet."""
        self.model = model
        self.temperature = temperature or Temperature()
        config = {"checkpoint": name, **dataclasses.asdict(self.temperature)}
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
        seeds = [child_seed(seed, "omnirl", i) for i in range(n)]
        self._streams = new_streams(seeds)
        config = self.model.config
        self._ids = torch.from_numpy(permutations(self._streams, config.n_states))
        self._moves = torch.from_numpy(permutations(self._streams, config.n_actions))
        self._played = self._moves.argsort(dim=1) % self._n_actions
        self._steps = np.zeros(n, dtype=np.int64)
        self._taught = context is not None
        self._chosen = torch.zeros(n, dtype=torch.long)
        self._actor = Actor(self.model, n)
        if context is not None:
            self._read(context)

    def _check(self, observation_space: Space[Any], action_space: Space[Any]) -> None:
        config = self.model.config
        spaces = (observation_space, action_space)
        if not all(isinstance(space, Discrete) for space in spaces):
            raise AgentError(
                f"{self.info.name} plays Discrete spaces; given {observation_space}, {action_space}."
            )
        sizes = [int(space.n) for space in spaces]  # type: ignore[attr-defined]
        if sizes[0] > config.n_states or sizes[1] > config.n_actions:
            raise AgentError(
                f"{self.info.name} was trained for {config.n_states} states and {config.n_actions} actions; "
                f"the task has {sizes[0]} and {sizes[1]}. Choose a larger checkpoint."
            )
        self._n_actions = sizes[1]

    def act(self, observations: NDArray[Any], active: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Sample one action per active row; surplus actions of the model are folded onto the task's."""
        rows = np.flatnonzero(active)
        states = self._ids[torch.arange(len(self._ids)), torch.tensor(observations)]
        logits = self._actor.logits(states, torch.from_numpy(rows)).float().cpu().numpy()
        temperature = self.temperature.at(self._steps[rows], self._taught)
        choose(logits, temperature, rows, self._streams, self._chosen.numpy())
        return self._played[torch.arange(len(self._played)), self._chosen].numpy()

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
        every = torch.arange(len(self._ids))
        states = self._ids[every, torch.tensor(observations)]
        rows = torch.from_numpy(np.flatnonzero(active))
        self._actor.remember(states, self._chosen, torch.tensor(rewards, dtype=torch.float32), rows)
        self._steps += active
        ended = torch.from_numpy(np.flatnonzero(active & (terminated | truncated)))
        final = self._ids[every, torch.tensor(next_observations)]
        self._actor.end_episode(final, ended)

    def _read(self, context: Context) -> None:
        """Feed recorded episodes with their tags, row by row."""
        for row in range(context.n_rows):
            part = slice(context.row_start[row], context.row_start[row + 1])
            self._actor.read(row, *self._positions(context, row, part))

    def _positions(self, context: Context, row: int, part: slice) -> tuple[torch.Tensor, ...]:
        """States, actions, rewards and tags of a row, with an end-of-episode position after each episode."""
        ids, moves = self._ids[row].numpy(), self._moves[row].numpy()
        states, final = ids[context.observations[part]], ids[context.next_observations[part]]
        ends = np.flatnonzero(context.terminated[part] | context.truncated[part]) + 1
        columns = (
            np.insert(states, ends, final[ends - 1]),
            np.insert(moves[context.actions[part]], ends, self.model.config.n_actions),
            np.insert(context.rewards[part].astype(np.float32), ends, 0.0),
            np.insert(context.tags[part].astype(np.int64), ends, TAG_UNKNOWN),
        )
        return tuple(torch.from_numpy(column) for column in columns)


def checkpoint_names() -> list[str]:
    """Checkpoints that ship with the package."""
    return sorted(path.name for path in CHECKPOINTS.iterdir()) if CHECKPOINTS.is_dir() else []


def make(checkpoint: str | None = None, **temperature: float) -> OmniRLAgent:
    """Build the agent from a shipped checkpoint's name, or a folder that training wrote.

    Args:
        checkpoint: Default: the first that ships.
        **temperature: Fields of `Temperature`; the rest is what the checkpoint was validated with.

    Raises:
        InvalidConfig: there is no such checkpoint, or a temperature is not legal.
    """
    shipped = checkpoint_names()
    if checkpoint is None and not shipped:
        raise InvalidConfig("no checkpoint ships with this version; give the folder of one you trained.")
    name = checkpoint or shipped[0]
    model, notes = load_model(CHECKPOINTS / name if name in shipped else Path(name))
    chosen = {**notes.get("temperature", {}), **temperature}
    unknown = chosen.keys() - {field.name for field in dataclasses.fields(Temperature)}
    if unknown:
        raise InvalidConfig(f"unknown options {sorted(unknown)}: legal are those of Temperature.")
    return OmniRLAgent(model, Path(name).name, Temperature(**chosen))
