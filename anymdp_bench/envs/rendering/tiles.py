"""One picture of a batch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from anymdp_bench.envs.rendering.canvas import PAPER
from anymdp_bench.envs.rendering.frame import Pixels
from anymdp_bench.foundation.errors import InvalidConfig
from anymdp_bench.foundation.extras import require_extra

WIDTH, GAP = 1280, 8
"""Pixels of a whole picture, and between tiles."""


def tile(frames: Sequence[Pixels], *, width: int = WIDTH, columns: int | None = None) -> Pixels:
    """Lay the pictures of a batch out as tiles, row by row, shrunk until they fit.

    Args:
        frames: What ``envs.render()`` returns: uint8 ``[h, w, 3]`` each, of one shape.
        width: Of the whole picture at most, in pixels.
        columns: Tiles in a row; default: about as many as there are rows.

    Returns:
        uint8 ``[height, width, 3]``.

    Raises:
        InvalidConfig: no frame.
        MissingExtra: Pillow is not installed.

    Examples:
        >>> from anymdp_bench.envs.rendering.tiles import tile
        >>> tile([np.zeros((64, 64, 3), np.uint8)] * 4, width=128, columns=2).shape
        (128, 128, 3)
    """
    require_extra("render", "PIL", what="tile")
    from PIL import Image

    if not frames:
        raise InvalidConfig("frames is empty: give what envs.render() returns.")
    across = columns or math.ceil(math.sqrt(len(frames)))
    height, full = frames[0].shape[:2]
    side = max(1, min(full, (width - GAP * (across + 1)) // across))
    high = max(1, round(height * side / full))
    rows = math.ceil(len(frames) / across)
    sheet = Image.new("RGB", (GAP + across * (side + GAP), GAP + rows * (high + GAP)), _between())
    for i, frame in enumerate(frames):
        small = Image.fromarray(frame).resize((side, high), Image.Resampling.LANCZOS)
        sheet.paste(small, (GAP + i % across * (side + GAP), GAP + i // across * (high + GAP)))
    return np.asarray(sheet).copy()


def _between() -> tuple[int, ...]:
    """Colour between tiles, a little darker than they are."""
    return tuple(part - 24 for part in PAPER)
