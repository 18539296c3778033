"""How an agent is made and what its life begins with, as bytes: JSON and raw arrays."""

from __future__ import annotations

import dataclasses
import json
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from gymnasium.spaces import Discrete, MultiDiscrete, Space
from numpy.typing import NDArray

from anymdp_bench.agents.protocol import AgentInfo
from anymdp_bench.contexts import Context
from anymdp_bench.evaluation.isolation.messages import Broken
from anymdp_bench.foundation.errors import AgentError
from anymdp_bench.foundation.types import JsonScalar

SIZE = struct.Struct("<Q")
OFFERED = ("freeze", "unfreeze", "policy_table")
"""Calls beyond the three of every agent that reach an agent's process."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AgentSource:
    """How to make an agent.

    Attributes:
        name: Registered name, or ``"package.module:factory"``.
        bank: Passed on to factories that ask for it.
        options: Keyword arguments of the factory.
    """

    name: str
    bank: str | None = None
    options: Mapping[str, JsonScalar] = dataclasses.field(default_factory=dict)


class Description(NamedTuple):
    """What an agent's process says about it: declarations, hash of its source, and which calls it offers."""

    info: AgentInfo
    code: str
    offered: tuple[str, ...]

    def encode(self) -> bytes:
        """As JSON."""
        values = dataclasses.asdict(dataclasses.replace(self.info, config=dict(self.info.config)))
        return json.dumps({"info": values, "code": self.code, "offered": self.offered}).encode()

    @classmethod
    def decode(cls, text: bytes) -> Description:
        """Read what a process sent, without trusting it.

        Raises:
            Broken: any field is missing or of another kind.
        """
        try:
            values = json.loads(text)
            info, code, offered = values["info"], values["code"], values["offered"]
            legal = (
                {field.name for field in dataclasses.fields(AgentInfo)} == info.keys()
                and isinstance(info["name"], str)
                and all(type(info[name]) is bool for name in ("privileged", "learner", "joint"))
                and _is_flat(info["config"])
                and (
                    info["shard_size"] is None or (type(info["shard_size"]) is int and info["shard_size"] > 0)
                )
                and isinstance(code, str)
                and set(offered) <= set(OFFERED)
            )
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise Broken(f"describes itself in an unknown way ({type(error).__name__})") from error
        if not legal:
            raise Broken("declares something that no AgentInfo holds")
        try:
            return cls(AgentInfo(**info), code[:64], tuple(name for name in OFFERED if name in offered))
        except AgentError as error:
            raise Broken(f"declares something that is not legal: {error}") from error


def _is_flat(config: Any) -> bool:
    return isinstance(config, dict) and all(
        value is None or isinstance(value, str | int | float) for value in config.values()
    )


class Beginning(NamedTuple):
    """Arguments of `Agent.begin`, without tasks."""

    n: int
    observation_space: Space[Any]
    action_space: Space[Any]
    seed: int
    context: Context | None

    def encode(self) -> bytes:
        """As JSON, its length before it, and the context's arrays after it."""
        meta: dict[str, Any] = {
            "n": self.n,
            "spaces": [_sizes(self.observation_space), _sizes(self.action_space)],
            "seed": self.seed,
        }
        arrays: dict[str, NDArray[Any]] = {}
        if self.context is not None:
            fields = {field.name: getattr(self.context, field.name) for field in dataclasses.fields(Context)}
            arrays = {name: value for name, value in fields.items() if isinstance(value, np.ndarray)}
            meta["context"] = {name: value for name, value in fields.items() if name not in arrays}
        meta["arrays"] = [[name, array.dtype.str, array.shape] for name, array in arrays.items()]
        text = json.dumps(meta).encode()
        return b"".join([SIZE.pack(len(text)), text, *(array.tobytes() for array in arrays.values())])

    @classmethod
    def decode(cls, payload: bytearray) -> Beginning:
        """Inverse of `encode`, on the agent's side."""
        (length,) = SIZE.unpack_from(payload)
        meta = json.loads(payload[SIZE.size : SIZE.size + length])
        offset = SIZE.size + length
        arrays: dict[str, Any] = {}
        for name, dtype, shape in meta["arrays"]:
            arrays[name] = np.frombuffer(payload, dtype, int(np.prod(shape)), offset).reshape(shape)
            offset += arrays[name].nbytes
        context = Context(**meta["context"], **arrays) if "context" in meta else None
        observations, actions = (_space(sizes) for sizes in meta["spaces"])
        return cls(meta["n"], observations, actions, meta["seed"], context)


def _sizes(space: Space[Any]) -> int | list[int]:
    if isinstance(space, MultiDiscrete):
        sizes: list[int] = space.nvec.tolist()
        return sizes
    return int(space.n)  # type: ignore[attr-defined]


def _space(sizes: int | list[int]) -> Space[Any]:
    return MultiDiscrete(sizes) if isinstance(sizes, list) else Discrete(sizes)
