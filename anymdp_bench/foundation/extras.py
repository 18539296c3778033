"""Optional packages: asked for before a long run, not after it."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence

from anymdp_bench.foundation.errors import MissingExtra

EXTRAS = {
    "h5py": "minari",
    "jinja2": "web",
    "matplotlib": "plot",
    "minari": "minari",
    "pettingzoo": "multiagent",
    "PIL": "render",
    "pygame": "render",
    "ray": "ray",
    "safetensors": "omnirl",
    "sb3_contrib": "rl2",
    "stable_baselines3": "baselines",
    "tensorboard": "omnirl",
    "torch": "omnirl",
}
"""Extra that brings a module, by the module's name."""
EXTRAS_OF_PACKAGES = {"baselines": "baselines", "omnirl_reference": "omnirl"}
"""Extra of a package's agents, which may need more than one module."""


def missing_module(error: ModuleNotFoundError, what: str, package: str = "") -> ImportError:
    """Say what to install, for a module that could not be imported; `error` itself if it is no extra's.

    Args:
        error: What the import raised.
        what: What needs the module, e.g. ``"agent 'ppo'"``.
        package: Top-level package of what needs it, for the extra.
    """
    module = (error.name or "").partition(".")[0]
    if module not in EXTRAS:
        return error
    return _missing(EXTRAS_OF_PACKAGES.get(package, EXTRAS[module]), [module], what)


def _missing(extra: str, modules: Sequence[str], what: str) -> MissingExtra:
    return MissingExtra(
        f"{what}: {', '.join(modules)} is not installed. Run: python -m pip install 'anymdp-bench[{extra}]'"
    )


def require_extra(extra: str, *modules: str, what: str) -> None:
    """Raise MissingExtra, with the command that installs them, unless all `modules` can be imported.

    Args:
        extra: Name of the extra that brings them.
        *modules: Names of top-level modules.
        what: What needs them, for the error, e.g. ``"Figures"``.
    """
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise _missing(extra, missing, what)
