"""How agents are evaluated: one loop, two tracks, shards of cells.

- `player`: an agent whose every call is checked.
- `moves`: what was done in which inner state, and the exact advantages of it.
- `rollout`: the loop itself, episode by episode in every row.
- `tracks`: the in-context track (scored on what it lives) and the learner track (frozen tests).
- `frozen`: tests of a frozen learner, exact from its policy table or sampled.
- `team`: independent copies of an agent, one for each player of a team.
- `shards`: which cells are played together, and their random numbers.
"""

from anymdp_bench.evaluation.protocols.shards import play_shard, play_with, shards_of

__all__ = ["play_shard", "play_with", "shards_of"]
