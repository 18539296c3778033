"""The trained memory and policy as an in-context agent: no weight changes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium.spaces import Space
from numpy.typing import NDArray

from anymdp_bench import AgentError, AgentInfo, Context, InvalidConfig, Task, child_seed, discrete_sizes
from anymdp_bench.foundation.checks import Number, check_limit
from omnirl_reference.model.checkpoint import fingerprint
from omnirl_reference.playing.draws import choose, new_streams
from omnirl_reference.trials.checkpoint import load_trials
from omnirl_reference.trials.network import TrialNetwork

SHARD_SIZE = 64
"""Tasks that one copy plays at once: enough to share a call of torch."""


class TrialAgent:
    """In-context agent that sees what `AnyMDP-trial-v0` shows; a recorded context is read as if it was lived.

    Args:
        network: In evaluation mode.
        name: Name in tables.
        temperature: Of the policy; it was trained at 1.

    Raises:
        InvalidConfig: the temperature is not above 0.
    """

    def __init__(self, network: TrialNetwork, name: str = "rl2", temperature: float = 1.0) -> None:
        """Keep the network; nothing is played yet."""
        check_limit("temperature", temperature, Number(above=True))
        self.network, self.temperature = network, float(temperature)
        config: dict[str, str | float] = {
            "checkpoint": name,
            "weights": fingerprint(network),
            "temperature": self.temperature,
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
        """Forget everything and read the recorded context, if there is one.

        Raises:
            AgentError: the spaces are not discrete, or not those of the training tasks.
        """
        sizes, shape = discrete_sizes(self.info.name, observation_space, action_space), self.network.shape
        if sizes != (shape.ids, shape.actions):
            raise AgentError(
                f"{self.info.name} was trained on {shape.ids} states and {shape.actions} actions, and plays "
                f"no others; the task has {sizes[0]} and {sizes[1]}."
            )
        self._streams = new_streams([child_seed(seed, "rl2", i) for i in range(n)])
        self._states = self.network.initial(n)
        self._action = np.full(n, shape.actions)
        self._reward, self._ended = np.zeros((2, n), np.float32)
        self._chosen = np.zeros(n, np.int64)
        if context is not None:
            self._live_again(context)

    def _live_again(self, context: Context) -> None:
        lengths = np.diff(context.row_start)
        over = context.terminated | context.truncated
        for t in range(int(lengths.max(initial=0))):
            active = t < lengths
            step = np.where(active, context.row_start[:-1] + t, 0)
            self._read(context.observations[step], active)
            self._note(context.actions[step], context.rewards[step], over[step], active)

    def act(self, observations: NDArray[Any], active: NDArray[np.bool_]) -> NDArray[np.int64]:
        """Sample one action per active row."""
        rows = np.flatnonzero(active)
        logits = self._read(observations, active)[rows]
        choose(logits, np.full(len(rows), self.temperature), rows, self._streams, self._chosen)
        return self._chosen.copy()

    def _read(self, observations: NDArray[Any], active: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Logits ``[n, A]`` of all rows; only active ones remember what they see."""
        with torch.inference_mode():
            logits, new = self.network(torch.from_numpy(self.seen(observations)), self._states)
            on = torch.from_numpy(active).view(1, -1, 1)
            real, imaginary = (torch.where(on, a, b) for a, b in zip(new, self._states, strict=True))
        self._states = real, imaginary
        found: NDArray[np.float32] = logits.numpy()
        return found

    def seen(self, observations: NDArray[Any]) -> NDArray[np.float32]:
        """Ids ``[n]`` as `AnyMDP-trial-v0` shows them, float32 ``[n, ids + A + 3]``, with the last step."""
        shape, rows = self.network.shape, np.arange(len(self._action))
        vectors = np.zeros((len(rows), shape.input_size), np.float32)
        vectors[rows, observations] = vectors[rows, shape.ids + self._action] = 1.0
        vectors[:, -2], vectors[:, -1] = self._reward, self._ended
        return vectors

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
        """Keep the step until the next observation."""
        self._note(actions, rewards, terminated | truncated, active)

    def _note(
        self, actions: NDArray[Any], rewards: NDArray[Any], over: NDArray[np.bool_], active: NDArray[np.bool_]
    ) -> None:
        self._action[active] = actions[active]
        self._reward[active] = rewards[active]
        self._ended[active] = over[active]


def make_trials(folder: Path, name: str, options: dict[str, Any]) -> TrialAgent:
    """Build the agent of a checkpoint; the only option is ``temperature``.

    Raises:
        InvalidConfig: the folder holds no checkpoint of this kind, or an option is not legal.
    """
    unknown = sorted(options.keys() - {"temperature"})
    if unknown:
        raise InvalidConfig(f"unknown options {unknown}: the only one is temperature.")
    network, _ = load_trials(folder)
    return TrialAgent(network, name, **options)
