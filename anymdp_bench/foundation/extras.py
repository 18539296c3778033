"""Optional packages: asked for before a long run, not after it."""

from __future__ import annotations

import importlib.util

from anymdp_bench.foundation.errors import MissingExtra


def require_extra(extra: str, *modules: str, what: str) -> None:
    """Raise MissingExtra, with the command that installs them, unless all `modules` can be imported.

    Args:
        extra: Name of the extra that brings them.
        *modules: Names of top-level modules.
        what: What needs them, for the error, e.g. ``"Figures"``.
    """
    missing = [name for name in modules if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"{what}: {', '.join(missing)} is not installed. "
            f"Run: python -m pip install 'anymdp-bench[{extra}]'"
        )
