"""What an agent may ask of the spaces that it is given."""

from __future__ import annotations

from typing import Any

from gymnasium.spaces import Discrete, Space

from anymdp_bench.foundation.errors import AgentError


def discrete_sizes(who: str, observation_space: Space[Any], action_space: Space[Any]) -> tuple[int, int]:
    """Number of observations and of actions, for an agent that knows single ids alone.

    Args:
        who: Name of the agent, for the error.
        observation_space: Of one task.
        action_space: Of one task.

    Raises:
        AgentError: a space is not Discrete.

    Examples:
        >>> from gymnasium.spaces import Discrete
        >>> discrete_sizes("my agent", Discrete(16), Discrete(5))
        (16, 5)
    """
    for space in (observation_space, action_space):
        if not isinstance(space, Discrete):
            raise AgentError(f"{who} plays Discrete spaces of single ids; it got {space}.")
    return int(observation_space.n), int(action_space.n)  # type: ignore[attr-defined]
