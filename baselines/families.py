"""Families of tasks that share one tuned configuration, and the banks they are tuned and played on."""

from __future__ import annotations

FAMILIES = {
    "anymdp": (
        "anymdp-16x5-v0",
        "anymdp-32x5-v0",
        "anymdp-64x5-v0",
        "anymdp-128x5-v0",
        "anymdp-16x20-v0",
        "anypomdp-64x5-v0",
    ),
    "bandit": ("anymdp-1x5-v0", "anymdp-1x20-v0", "anymdp-1x50-v0"),
    "garnet": ("garnet-16x5b2-v0", "garnet-64x5b2-v0"),
    "darkroom": (
        "darkroom-6-v0",
        "darkroom-8-v0",
        "darkroom-10-v0",
        "darkroom-6-goals-v0",
        "darkroom-8-goals-v0",
        "darkroom-10-goals-v0",
        "darkroom-10-renamed-v0",
        "darkroom-10-repeated-v0",
    ),
    "frozenlake": ("frozenlake-v0", "frozenlake-slippery-v0"),
    "cliffwalking": ("cliffwalking-v0",),
    "pendulum": (
        "pendulum-g1-v0",
        "pendulum-g5-v0",
        "pendulum-g9.8-v0",
        "pendulum-g1-fixed-v0",
        "pendulum-g5-fixed-v0",
        "pendulum-g9.8-fixed-v0",
    ),
    "switch2": ("switch2-v0",),
}
DEFAULT_FAMILY = "anymdp"
"""Plays where the bank is of no known family, e.g. a user's own tasks."""


def family_of_bank(bank: str) -> str:
    """Family of a bank; `DEFAULT_FAMILY` for an unknown one."""
    return next((family for family, banks in FAMILIES.items() if bank in banks), DEFAULT_FAMILY)
