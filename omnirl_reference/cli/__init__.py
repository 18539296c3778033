"""The command ``omnirl``: words go in, checkpoints, tables and figures come out.

- `training`: train, data, export, fetch; `playing`: evaluate, search, windows, compare.
- Studies and the reading of sequences bring commands of their own.
"""

from omnirl_reference.cli.app import main

__all__ = ["main"]
