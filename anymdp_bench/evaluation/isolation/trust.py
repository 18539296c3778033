"""Whose agents need no walls: those that this package brings along, as they lie beside it.

The reference agents of this package may train in compiled kernels of their own, and may be given the tasks.
Their code is that of the checkout that evaluates; everybody else's runs in a process of its own. Nothing of a
stranger is imported to find out which of the two an agent is.
"""

from __future__ import annotations

import importlib.util
from importlib.metadata import entry_points
from pathlib import Path

from anymdp_bench.agents.protocol import Agent
from anymdp_bench.agents.registry import GROUP, make_agent
from anymdp_bench.evaluation.isolation.host import IsolatedAgent
from anymdp_bench.evaluation.isolation.process import Limits
from anymdp_bench.evaluation.isolation.settings import AgentSource

DISTRIBUTION = "anymdp-bench"
ROOT = Path(__file__).parents[3]
"""Folder of this package and of those that come with it."""
OWN_PATHS = ("learn_episodes", "learn_on_copies")


def is_reference(name: str) -> bool:
    """Whether a registered name is offered by this distribution, from beside this very package."""
    return any(
        name in point.load()
        for point in entry_points(group=GROUP)
        if point.dist is not None and point.dist.name == DISTRIBUTION and _lies_beside(point.module)
    )


def walled_agent(source: AgentSource, limits: Limits | None = None) -> Agent:
    """Make an agent that cannot touch the evaluation.

    It lives in a process of its own, unless it is a reference agent that is given the tasks or trains by
    itself.

    Raises:
        UnknownName, InvalidConfig, AgentError: it cannot be made.
    """
    if is_reference(source.name):
        agent = make_agent(source.name, bank=source.bank, options=source.options)
        if agent.info.privileged or any(hasattr(agent, path) for path in OWN_PATHS):
            return agent
    return IsolatedAgent(source, limits)


def _lies_beside(module: str) -> bool:
    """Whether importing a module would take it from beside this package; nothing is executed."""
    found = importlib.util.find_spec(module.partition(".")[0])
    return found is not None and found.origin is not None and Path(found.origin).is_relative_to(ROOT)
