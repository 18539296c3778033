"""A canvas with smooth edges over Pillow, and the colours that all pictures share."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from anymdp_bench.envs.rendering.frame import Pixels

if TYPE_CHECKING:
    from PIL import ImageFont

Colour: TypeAlias = tuple[int, ...]
Point: TypeAlias = tuple[float, float]

PAPER, INK, FAINT, SHADE = (250, 250, 247), (38, 40, 48), (128, 132, 142), (226, 227, 224)
ACCENT, GAIN, LOSS = (232, 106, 23), (30, 132, 73), (192, 57, 43)
PLAYERS = ((43, 108, 196), ACCENT)
RAMP = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
"""Viridis, from the least value to the largest."""
OVERSAMPLING = 2
"""Pixels are drawn so many times finer along each side, and averaged."""
STROKE = 0.02
"""Width of the extra outline of bold letters, in units of their size."""


def ramp(share: float) -> Colour:
    """Colour of a value between 0, the least, and 1, the largest."""
    place = min(max(share, 0.0), 1.0) * (len(RAMP) - 1)
    low = min(int(place), len(RAMP) - 2)
    part = place - low
    return tuple(round(a + (b - a) * part) for a, b in zip(RAMP[low], RAMP[low + 1], strict=True))


def mix(colour: Colour, share: float, ground: Colour = PAPER) -> Colour:
    """Colour laid over a ground with an opacity between 0 and 1, without seams where strokes overlap."""
    return tuple(round(b + (a - b) * share) for a, b in zip(colour[:3], ground[:3], strict=True))


def readable_on(colour: Colour) -> Colour:
    """Ink or white, whichever stands out."""
    red, green, blue = colour[:3]
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 140 else (255, 255, 255)


@functools.cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    from PIL import ImageFont

    return ImageFont.load_default(size)


class Canvas:
    """Draws in units of final pixels; colours may carry an opacity as a fourth number.

    Args:
        width: In pixels.
        height: In pixels.
        background: Colour of the empty canvas.
    """

    def __init__(self, width: int, height: int, background: Colour = PAPER) -> None:
        """See the class."""
        from PIL import Image, ImageDraw

        self.width, self.height = width, height
        self._image = Image.new("RGB", (width * OVERSAMPLING, height * OVERSAMPLING), background)
        self._draw = ImageDraw.Draw(self._image, "RGBA")

    def line(self, points: Sequence[Point], colour: Colour, width: float) -> None:
        """Draw a line through points."""
        self._draw.line(self._scaled(points), colour, max(1, round(width * OVERSAMPLING)), joint="curve")

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """Fill a polygon."""
        self._draw.polygon(self._scaled(points), colour)

    def circle(
        self,
        centre: Point,
        radius: float,
        fill: Colour | None = None,
        outline: Colour | None = None,
        width: float = 1,
    ) -> None:
        """Draw a circle; its outline lies inside the radius."""
        (x, y), edge = centre, max(1, round(width * OVERSAMPLING))
        corners = self._scaled([(x - radius, y - radius), (x + radius, y + radius)])
        self._draw.ellipse(corners, fill, outline, edge)

    def box(
        self,
        corner: Point,
        size: Point,
        fill: Colour | None = None,
        outline: Colour | None = None,
        width: float = 1,
        radius: float = 0,
    ) -> None:
        """Draw a rectangle from its upper left corner, with rounded corners if asked."""
        corners = self._scaled([corner, (corner[0] + size[0], corner[1] + size[1])])
        edge = max(1, round(width * OVERSAMPLING))
        self._draw.rounded_rectangle(corners, radius * OVERSAMPLING, fill, outline, edge)

    def arc(self, centre: Point, radius: float, degrees: Point, colour: Colour, width: float) -> None:
        """Draw part of a circle, clockwise from degrees[0] to degrees[1]; 0 is right, 90 is down."""
        (x, y) = centre
        corners = self._scaled([(x - radius, y - radius), (x + radius, y + radius)])
        self._draw.arc(corners, *degrees, colour, max(1, round(width * OVERSAMPLING)))

    def arrow_head(self, tip: Point, direction: float, size: float, colour: Colour) -> None:
        """Draw an arrow's head that points along `direction` (radians, y down)."""
        back = [direction + math.pi - 0.45, direction + math.pi + 0.45]
        wings = [(tip[0] + size * math.cos(turn), tip[1] + size * math.sin(turn)) for turn in back]
        self.polygon([tip, *wings], colour)

    def star(self, centre: Point, radius: float, colour: Colour) -> None:
        """Fill a star of five points."""
        turns = [(radius if k % 2 == 0 else 0.42 * radius, -math.pi / 2 + k * math.pi / 5) for k in range(10)]
        self.polygon(
            [(centre[0] + r * math.cos(turn), centre[1] + r * math.sin(turn)) for r, turn in turns], colour
        )

    def text(
        self,
        at: Point,
        text: str,
        size: float,
        colour: Colour = INK,
        *,
        anchor: str = "mm",
        bold: bool = False,
    ) -> None:
        """Write one line; `anchor` as in Pillow."""
        pixels = max(1, round(size * OVERSAMPLING))
        (point,) = self._scaled([at])
        stroke = max(1, round(pixels * STROKE)) if bold else 0
        self._draw.text(point, text, colour, _font(pixels), anchor, stroke_width=stroke, stroke_fill=colour)

    def pixels(self) -> Pixels:
        """Return the picture, uint8 ``[height, width, 3]``."""
        return np.asarray(self._image.reduce(OVERSAMPLING)).copy()

    @staticmethod
    def _scaled(points: Sequence[Point]) -> list[Point]:
        return [(x * OVERSAMPLING, y * OVERSAMPLING) for x, y in points]


def write_status(canvas: Canvas, y: float, *, steps: int, horizon: int, total: float) -> None:
    """Write how far the episode is on a line of its own, with a bar of the steps taken below it."""
    left, right = 16.0, canvas.width - 16.0
    canvas.text((left, y), f"step {steps} of {horizon}", 13, FAINT, anchor="lm")
    canvas.text((right, y), f"return {total:.2f}", 13, FAINT, anchor="rm")
    canvas.box((left, y + 12), (right - left, 3), SHADE)
    canvas.box((left, y + 12), ((right - left) * min(steps / horizon, 1.0), 3), FAINT)


def reward_colour(reward: float) -> Colour:
    """Colour of a gain, of a loss, or of nothing."""
    return GAIN if reward > 0 else LOSS if reward < 0 else FAINT
