"""In-context agents of the OmniRL kind, built on the public names of `anymdp_bench` alone.

Every checkpoint that ships is an agent of its own name; ``"omnirl"`` takes any of them as an option.
"""

from __future__ import annotations

from omnirl_reference.model.shipped import checkpoint_names

AGENTS: dict[str, str] = {name: f"omnirl_reference.factories:{name}" for name in checkpoint_names()}
"""Registered name -> ``"module:factory"``, loaded only when asked for."""
if AGENTS:
    AGENTS["omnirl"] = "omnirl_reference.factories:make"
INSTALLATION = "omnirl_reference.model.shipped:installation"
"""What ``anymdp-bench doctor`` asks."""
