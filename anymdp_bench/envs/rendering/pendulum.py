"""The pendulum, drawn as Gymnasium draws it, with the bin that the agent sees."""

from __future__ import annotations

import math

from anymdp_bench.envs.rendering.canvas import (
    ACCENT,
    FAINT,
    INK,
    SHADE,
    Canvas,
    Point,
    reward_colour,
    write_status,
)
from anymdp_bench.envs.rendering.frame import Frame, Pixels
from anymdp_bench.worlds.pendulum.task import MAX_SPEED, MAX_TORQUE, PendulumTask

SIZE, CENTRE, ROD, RING = 480, (240.0, 236.0), 130.0, 172.0
ROD_COLOUR, WIDTH = (204, 77, 77), 28.0
MOST_TICKS = 90
"""More bins than that are not drawn one by one."""
DIAL = 41
"""Characters of the line that shows the angle in a text."""


class PendulumPainter:
    """Shows a pendulum: rod, torque, and the bins of angle and speed.

    Args:
        task: The pendulum.
    """

    def __init__(self, task: PendulumTask) -> None:
        """See the class."""
        self._task = task

    def _torque(self, frame: Frame) -> float:
        return float(self._task.torque_values[frame.actions[0]])

    def text(self, frame: Frame) -> str:
        """Name angle, speed and torque, and show the angle on a line whose middle is upright."""
        angle, speed = _wrapped(frame.inner[0]), float(frame.inner[1])
        lines = [f"step {frame.steps} of {self._task.horizon}, return {frame.total:.4g}"]
        if frame.actions:
            lines.append(f"torque {self._torque(frame):+.2g} N m: reward {frame.reward:+.4g}")
        lines.append(f"angle {angle:+.3f} rad, speed {speed:+.3f} rad/s, observed {int(frame.observation)}")
        place = round((angle + math.pi) / (2 * math.pi) * (DIAL - 1))
        lines.append("".join("*" if i == place else "|" if i == DIAL // 2 else "-" for i in range(DIAL)))
        return "\n".join(lines) + "\n"

    def picture(self, frame: Frame) -> Pixels:
        """Draw the rod, the torque that was applied, and what the agent sees."""
        canvas = Canvas(SIZE, SIZE)
        self._draw_bins(canvas, frame)
        self._draw_rod(canvas, frame)
        if frame.actions:
            _draw_torque(canvas, self._torque(frame))
        self._draw_words(canvas, frame)
        return canvas.pixels()

    def _draw_bins(self, canvas: Canvas, frame: Frame) -> None:
        bins = self._task.angle_bins
        canvas.arc(CENTRE, RING, (0, 360), SHADE, 12)
        seen, width = int(frame.observation) // self._task.speed_bins, 360 / bins
        # Angles grow counterclockwise from upright; Pillow's degrees grow clockwise from the right.
        end = -90 - seen * width
        canvas.arc(CENTRE, RING, (end - width, end), (*ACCENT, 150), 12)
        if bins <= MOST_TICKS:
            for k in range(bins):
                angle = 2 * math.pi * k / bins
                canvas.line([_at(angle, RING - 12), _at(angle, RING)], FAINT, 1)

    def _draw_rod(self, canvas: Canvas, frame: Frame) -> None:
        tip = _at(float(frame.inner[0]), ROD)
        canvas.line([CENTRE, tip], ROD_COLOUR, WIDTH)
        canvas.circle(CENTRE, WIDTH / 2, ROD_COLOUR)
        canvas.circle(tip, WIDTH / 2, ROD_COLOUR)
        canvas.circle(CENTRE, 6, INK)

    def _draw_words(self, canvas: Canvas, frame: Frame) -> None:
        angle, speed = _wrapped(frame.inner[0]), float(frame.inner[1])
        canvas.text((16, 22), f"angle {angle:+.2f} rad", 14, INK, anchor="lm")
        canvas.text((16, 42), f"speed {speed:+.2f} rad/s", 14, INK, anchor="lm")
        self._draw_speed(canvas, frame)
        right = SIZE - 16
        if frame.actions:
            canvas.text(
                (right, 26), f"{frame.reward:+.2f}", 26, reward_colour(frame.reward), anchor="rm", bold=True
            )
            canvas.text((right, 52), f"torque {self._torque(frame):+.1f} N m", 14, INK, anchor="rm")
        else:
            canvas.text((right, 26), "an episode begins", 14, FAINT, anchor="rm")
        write_status(canvas, SIZE - 32, steps=frame.steps, horizon=self._task.horizon, total=frame.total)

    def _draw_speed(self, canvas: Canvas, frame: Frame) -> None:
        """Draw the bins of the speed as a row of boxes, and the speed as a mark on it."""
        left, y, length, bins = 16.0, 58.0, 96.0, self._task.speed_bins
        seen = int(frame.observation) % bins
        canvas.box((left, y), (length, 8), SHADE)
        canvas.box((left + length * seen / bins, y), (length / bins, 8), (*ACCENT, 150))
        if bins <= MOST_TICKS:
            for k in range(bins + 1):
                canvas.line([(left + length * k / bins, y), (left + length * k / bins, y + 8)], FAINT, 1)
        x = left + length * (float(frame.inner[1]) + MAX_SPEED) / (2 * MAX_SPEED)
        canvas.line([(x, y - 3), (x, y + 11)], INK, 2)


def _wrapped(angle: float) -> float:
    return (float(angle) + math.pi) % (2 * math.pi) - math.pi


def _at(angle: float, radius: float) -> Point:
    """Point at an angle from upright, counterclockwise."""
    return CENTRE[0] - radius * math.sin(angle), CENTRE[1] - radius * math.cos(angle)


def _draw_torque(canvas: Canvas, torque: float) -> None:
    """Draw a torque as an arrow around the pivot; positive ones turn counterclockwise."""
    if torque == 0:
        return
    radius, sweep = 46.0, 40 + 200 * abs(torque) / MAX_TORQUE
    start, end = (-90 - sweep / 2, -90 + sweep / 2)
    canvas.arc(CENTRE, radius, (start, end), INK, 4)
    tip_turn = math.radians(start if torque > 0 else end)
    tip = (CENTRE[0] + (radius - 2) * math.cos(tip_turn), CENTRE[1] + (radius - 2) * math.sin(tip_turn))
    direction = tip_turn + (-math.pi / 2 if torque > 0 else math.pi / 2)
    ahead = (tip[0] + 10 * math.cos(direction), tip[1] + 10 * math.sin(direction))
    canvas.arrow_head(ahead, direction, 15, INK)
