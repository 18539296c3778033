"""What is trained, and how: the fields of a configuration and the files that say them.

- `fields`: every field with its type and range.
- `file`: JSON files, those that ship and a user's own.
"""

from omnirl_reference.config.fields import ModelConfig, StreamConfig, TrainConfig

__all__ = ["ModelConfig", "StreamConfig", "TrainConfig"]
