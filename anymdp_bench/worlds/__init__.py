"""Hand-made worlds as exact finite tasks: Darkroom, FrozenLake, CliffWalking and Switch2.

Each world is a pure function of its settings and returns a `TabularTask`.
"""

from anymdp_bench.worlds.darkroom import darkroom
from anymdp_bench.worlds.gridworlds import FROZEN_LAKE_4X4, cliffwalking, frozenlake, random_lake_map
from anymdp_bench.worlds.switch2 import switch2, switch2_player_ids

__all__ = [
    "FROZEN_LAKE_4X4",
    "cliffwalking",
    "darkroom",
    "frozenlake",
    "random_lake_map",
    "switch2",
    "switch2_player_ids",
]
