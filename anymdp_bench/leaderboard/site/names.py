"""Plain names of boards, for people; their ids stand beside them in small print."""

from __future__ import annotations

import re
from typing import NamedTuple

KINDS = {
    "online": "",
    "offline": ", after a noisy oracle's episodes",
    "offline-uniform": ", after uniform play's episodes",
    "imitation": ", after the oracle's episodes",
    "sequence": ", recorded play",
}
"""What follows the name of a bank, by the middle of a board's name."""
VARIANTS = {
    "": "",
    "-goals": ", other goals",
    "-renamed": ", renamed moves",
    "-repeated": ", repeated moves",
    "-slippery": ", slippery",
    "-fixed": ", fixed start",
}
BOARD = re.compile(r"(?P<bank>.+?)-(?P<kind>online|offline-uniform|offline|imitation|sequence)-v(?P<version>\d+)")
SAMPLED = re.compile(
    r"(?P<family>anymdp|anypomdp|garnet)-(?P<states>\d+)x(?P<actions>\d+)(?:b(?P<branches>\d+))?"
)
WORLD = re.compile(r"(?P<world>darkroom|pendulum|frozenlake|cliffwalking|switch2)(?P<variant>.*)")
FAMILIES = {"anymdp": "AnyMDP", "anypomdp": "AnyPOMDP", "garnet": "Garnet"}
WORLDS = {
    "darkroom": "Darkroom",
    "pendulum": "Pendulum",
    "frozenlake": "FrozenLake",
    "cliffwalking": "CliffWalking",
    "switch2": "Switch2",
}

SHORT = {"FrozenLake": "plain", "CliffWalking": "4×12", "Switch2": "team"}  # noqa: RUF001
"""What stands for worlds that come in one size."""


class Plain(NamedTuple):
    """A board's name for people.

    Attributes:
        family: Heading that it shares with boards of the family.
        short: What sets it apart there.
        full: All of it.
    """

    family: str
    short: str
    full: str


def plain_name(board: str) -> Plain:
    """Name of a board for people; an unknown one keeps its id."""
    match = BOARD.fullmatch(board)
    named = _bank(match["bank"]) if match else None
    if match is None or named is None:
        return Plain(board, board, board)
    version = "" if match["version"] == "0" else f", version {match['version']}"
    return named._replace(full=f"{named.full}{KINDS[match['kind']]}{version}")


def _bank(stem: str) -> Plain | None:
    sampled = SAMPLED.fullmatch(stem)
    if sampled:
        return _sampled(sampled)
    world = WORLD.fullmatch(stem)
    return _world(WORLDS[world["world"]], world["variant"]) if world else None


def _sampled(match: re.Match[str]) -> Plain:
    family, states, actions = FAMILIES[match["family"]], match["states"], match["actions"]
    size = " bandit" if states == "1" else f", {states} states"
    branches = f", {match['branches']} branches" if match["branches"] else ""
    return Plain(family, f"{states}×{actions}", f"{family}{size}, {actions} actions{branches}")  # noqa: RUF001


def _world(world: str, variant: str) -> Plain | None:
    number = re.fullmatch(r"-(g?)([\d.]+)(.*)", variant)
    size, short = "", ""
    if number:
        side = number[2]
        short = f"g {side}" if number[1] else f"{side}×{side}"  # noqa: RUF001
        size = f", g = {side}" if number[1] else f", {side} × {side} cells"  # noqa: RUF001
        variant = number[3]
    if variant not in VARIANTS:
        return None
    return Plain(
        world, short or variant.removeprefix("-") or SHORT[world], f"{world}{size}{VARIANTS[variant]}"
    )
