"""In-context agents of the OmniRL kind, built on the public names of `anymdp_bench` alone.

No trained checkpoint ships yet, so no agent is registered. One enters as one file and one line of `AGENTS`.
"""

from __future__ import annotations

AGENTS: dict[str, str] = {}
"""Registered name -> ``"module:factory"``, loaded only when asked for."""
