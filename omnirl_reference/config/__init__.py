"""What is trained, and how: the fields of a configuration and the files that say them.

- `stream`, `model`, `training`: every field with its type and range.
- `file`: JSON files, those that ship and a user's own.
"""

from omnirl_reference.config.model import ModelConfig
from omnirl_reference.config.stream import StreamConfig
from omnirl_reference.config.training import TrainConfig

__all__ = ["ModelConfig", "StreamConfig", "TrainConfig"]
