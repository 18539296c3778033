"""A configuration goes in, a checkpoint comes out; a run that was cut goes on where it stopped.

- `batches`, `segments`, `loss`: what an update sees.
- `trainer`, `processes`: the run, on one machine or several processes.
- `held_out`, `logs`: what is watched, and written down.
"""
