"""What agents hand back, and agents themselves, taken with care: whatever goes wrong is an AgentError."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anymdp_bench.agents.protocol import Agent, Episodes
from anymdp_bench.foundation.errors import AgentError


def as_array(answer: Any, wanted: str) -> NDArray[Any]:
    """Return an agent's answer as an array.

    Args:
        answer: What it returned.
        wanted: What it should be, for the error.

    Raises:
        AgentError: NumPy cannot read it, as a ragged list or a tensor that carries a gradient.
    """
    try:
        return np.asarray(answer)
    except Exception as error:
        raise AgentError(
            f"answered a {type(answer).__name__} that is no array ({type(error).__name__}: {error}); "
            f"give {wanted}."
        ) from error


def as_episodes(answer: Any, n: int, n_episodes: int, horizons: NDArray[Any]) -> Episodes:
    """Return what an agent has trained by itself.

    Args:
        answer: Three arrays ``[n, n_episodes]``.
        n: Number of rows.
        n_episodes: Number of episodes.
        horizons: Longest episode of each row, ``[n]``.

    Raises:
        AgentError: other arrays, numbers that are not finite, or lengths outside 1..horizon.
    """
    shape = (n, n_episodes)
    if not isinstance(answer, tuple | list) or len(answer) != len(Episodes._fields):
        raise AgentError(f"answered a {type(answer).__name__}; give Episodes(scores, rewards, lengths).")
    arrays = [as_array(values, f"an array {list(shape)}") for values in answer]
    shapes = {array.shape for array in arrays}
    if shapes != {shape}:
        raise AgentError(f"answered arrays {sorted(shapes)}; each is {list(shape)}.")
    for name, array in zip(Episodes._fields[:2], arrays, strict=False):
        if array.dtype.kind not in "fiu":
            raise AgentError(f"{name} have dtype {array.dtype}; give float64.")
        finite = np.isfinite(array).all(axis=1)
        if not finite.all():
            raise AgentError(f"{name} hold NaN or infinite numbers; give finite ones.", int(finite.argmin()))
    lengths = arrays[2]
    if lengths.dtype.kind not in "iu":
        raise AgentError(f"lengths have dtype {lengths.dtype}; give integers.")
    legal = ((lengths >= 1) & (lengths <= horizons[:, None])).all(axis=1)
    if not legal.all():
        row = int(legal.argmin())
        raise AgentError(
            f"lengths hold {int(lengths[row].min())}..{int(lengths[row].max())}; an episode of this task has "
            f"1..{int(horizons[row])} steps.",
            row,
        )
    return Episodes(arrays[0].astype(np.float64), arrays[1].astype(np.float64), lengths.astype(np.int64))


def copy_agent(agent: Agent) -> Agent:
    """Return a copy of an agent.

    Raises:
        AgentError: it cannot be copied.
    """
    try:
        return copy.deepcopy(agent)
    except Exception as error:
        raise AgentError(
            f"Agent {agent.info.name!r} cannot be copied ({type(error).__name__}: {error}). Every shard is "
            "played by a copy: open files, locks and the like in begin()."
        ) from error
