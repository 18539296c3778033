"""Settings and seeds go in, labelled sequences of play on fresh tasks come out.

- `worlds`, `grids`, `pendulums`, `bandits`, `learners`, `behaviour`: what is played, and by whom.
- `simulate`, `stream`: sequences in compiled code, batch by batch.
- `own_play`: sequences that the model itself plays.
- `data_set`: batches kept as files.
"""

from omnirl_reference.stream.stream import Stream

__all__ = ["Stream"]
