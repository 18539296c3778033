"""Agents by name.

A package offers agents through an entry point of the group ``anymdp_bench.agents`` that names a table
``{name: "module:factory"}``. ``"package.module:Class"`` names any other agent.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import entry_points
from typing import Any

from anymdp_bench.agents.protocol import Agent, AgentInfo
from anymdp_bench.foundation.errors import AgentError, BenchError, InvalidConfig, UnknownName
from anymdp_bench.foundation.extras import missing_module
from anymdp_bench.foundation.registry import load_object, lookup
from anymdp_bench.foundation.types import JsonScalar

GROUP = "anymdp_bench.agents"
CALLS = ("begin", "act", "observe")
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


def agent_table() -> dict[str, str]:
    """All registered agents: name to ``"module:factory"``, in order of name.

    Raises:
        AgentError: two packages offer different agents under one name.

    Examples:
        >>> "uniform" in agent_table()
        True
    """
    table: dict[str, str] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.value):
        for name, path in point.load().items():
            if table.setdefault(name, path) != path:
                raise AgentError(f"agent {name!r} is offered as {table[name]!r} and as {path!r}; remove one.")
    return dict(sorted(table.items()))


def make_agent(
    name: str, *, bank: str | None = None, options: Mapping[str, JsonScalar] | None = None
) -> Agent:
    """Make an agent by its registered name, or from ``"package.module:factory"``.

    Args:
        name: Registered name, or the path of a class or function that is called without arguments.
        bank: Name of the bank that it will play; passed on to factories with a parameter `bank`, which
            may keep one configuration per task family.
        options: Keyword arguments of the factory.

    Raises:
        UnknownName: nothing of that name; the message lists what there is.
        InvalidConfig: the factory has no such option.
        AgentError: the factory raised, or what it made is not an agent.

    Examples:
        >>> make_agent("uniform").info.name
        'uniform'
    """
    factory = load_factory(name if ":" in name else _registered(name))
    given = dict(options or {})
    parameters = inspect.signature(factory).parameters
    _check_options(name, given, parameters.values())
    if "bank" in parameters:
        given["bank"] = bank
    return check_is_agent(call_factory(factory, given, f"agent {name!r}"))


def _registered(name: str) -> str:
    try:
        return lookup("agent", agent_table(), name)
    except UnknownName as error:
        raise UnknownName(f"{error} An agent of your own is named module:Class.") from error


def load_factory(path: str) -> Callable[..., Any]:
    """Import the class or function that ``"package.module:factory"`` names.

    Raises:
        UnknownName: there is nothing of that name, or it cannot be called.
    """
    factory = load_object(path)
    if not callable(factory):
        raise UnknownName(f"{path!r} names a {type(factory).__name__}; give a class or a function.")
    made: Callable[..., Any] = factory
    return made


def call_factory(factory: Callable[..., Any], options: Mapping[str, Any], what: str) -> Any:
    """Make something of somebody else's.

    Args:
        factory: What makes it.
        options: Keyword arguments.
        what: Its name in messages.

    Raises:
        AgentError: the factory raised.
    """
    try:
        return factory(**options)
    except BenchError:
        raise
    except ModuleNotFoundError as error:
        package = getattr(factory, "__module__", "").partition(".")[0]
        raise missing_module(error, what, package) from error
    except Exception as error:
        raise AgentError(f"{what} cannot be made: {type(error).__name__}: {error}") from error


def _check_options(
    name: str, options: Mapping[str, JsonScalar], parameters: Iterable[inspect.Parameter]
) -> None:
    kinds = {parameter.name: parameter.kind for parameter in parameters}
    legal = {key for key, kind in kinds.items() if kind in NAMED} - {"bank"}
    unknown = options.keys() - legal
    if unknown and inspect.Parameter.VAR_KEYWORD not in kinds.values():
        known = f"legal are {', '.join(sorted(legal))}" if legal else "it has none"
        raise InvalidConfig(f"agent {name!r} has no option {', '.join(sorted(unknown))}; {known}.")


def _begins(agent: Any) -> bool:
    """Whether `begin` can be called as the evaluation calls it; True where that cannot be known."""
    try:
        inspect.signature(agent.begin).bind(1, None, None, 0, context=None, tasks=None)
    except ValueError:
        return True
    except TypeError:
        return False
    return True


def check_is_agent(agent: Any) -> Agent:
    """Return `agent` if it has what the evaluation calls.

    Raises:
        AgentError: naming what is missing.
    """
    if isinstance(agent, type):
        raise AgentError(
            f"{agent.__name__} is a class: give an agent made of it, {agent.__name__}(), or "
            f"SingleTask({agent.__name__}) if it is written for one task."
        )
    missing = [call for call in CALLS if not callable(getattr(agent, call, None))]
    if not hasattr(agent, "info"):
        missing.append("info")
    if missing:
        raise AgentError(
            f"{type(agent).__name__} has no {', '.join(missing)}: an agent has begin, act, observe and an "
            "AgentInfo as `info`. Wrap an agent written for one task in SingleTask."
        )
    if not _begins(agent):
        kind = type(agent).__name__
        raise AgentError(
            f"{kind}.begin does not take (n, observation_space, action_space, seed, context, tasks). Written "
            f"for one task? Give `make = lambda: SingleTask({kind})`, on the command line as module:make."
        )
    if not isinstance(agent.info, AgentInfo):
        raise AgentError(
            f"{type(agent).__name__}.info is a {type(agent.info).__name__}: give an AgentInfo, e.g. "
            f"AgentInfo(name={type(agent).__name__.lower()!r})."
        )
    checked: Agent = agent
    return checked
