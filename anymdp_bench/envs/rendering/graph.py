"""A tabular task as the graph of its states, which stand on an arc by value."""

from __future__ import annotations

import functools
import math

import numpy as np

from anymdp_bench.envs.partial import action_law
from anymdp_bench.envs.rendering.canvas import (
    ACCENT,
    FAINT,
    INK,
    PAPER,
    SHADE,
    Canvas,
    Point,
    mix,
    ramp,
    readable_on,
    reward_colour,
    write_status,
)
from anymdp_bench.envs.rendering.frame import Frame, Pixels
from anymdp_bench.foundation.types import FloatArray, IntArray
from anymdp_bench.planning.figures import state_values
from anymdp_bench.tasks.task import TabularTask

SIZE = 512
CENTRE, RADIUS = (256.0, 254.0), 176.0
FIRST, SPAN = 225.0, 270.0
"""Degrees of the lowest rank on the arc, and from there clockwise to the highest."""
LARGEST_NODE, LEAST_NODE, LEAST_LOOP = 17.0, 2.0, 9.0
"""Pixels: radius of a state, and of the loop of staying in it."""
LABELLED = 40
"""States of larger tasks are not labelled."""
BAR = 46.0
"""Length of the bar of a probability of 1."""
PULL = 0.25
"""How far edges stay from the centre: 0 through it, 1 straight."""
CURVE_POINTS = 24
LISTED = 12
"""Successors that a text names at most."""
LEAST_LISTED = 5e-4
"""Least probability of one that it names."""


class GraphPainter:
    """Shows a tabular task: its states by value, and where the last action could lead.

    Args:
        task: Any tabular task.
    """

    def __init__(self, task: TabularTask) -> None:
        """See the class."""
        self._task = task

    @functools.cached_property
    def _value(self) -> FloatArray:
        """Value of arriving in each inner state, float64 ``[S]``."""
        return state_values(self._task)

    @functools.cached_property
    def _rank(self) -> IntArray:
        """Place of each inner state by value, 0 the lowest, int64 ``[S]``."""
        rank = np.empty(self._task.n_states, np.int64)
        rank[np.argsort(self._value, kind="stable")] = np.arange(self._task.n_states)
        return rank

    @functools.cached_property
    def _colours(self) -> list[tuple[int, ...]]:
        """Colour of each state; ends that pay far less or more than all others have the outermost colours."""
        going_on = self._value[~self._task.terminal]
        low, high = float(going_on.min()), float(going_on.max())
        return [ramp((float(value) - low) / (high - low) if high > low else 0.5) for value in self._value]

    @functools.cached_property
    def _names(self) -> list[int]:
        """Name of each inner state: the id that is seen; its number where emissions are seen instead."""
        hidden = self._task.emission_weight is not None
        return list(range(self._task.n_states)) if hidden else self._task.state_ids.tolist()

    def _law(self, frame: Frame) -> FloatArray | None:
        if frame.before is None:
            return None
        return action_law(self._task, int(frame.before), frame.actions)

    def _seen(self, frame: Frame) -> str:
        """Name what the agent sees, where that is not the state's own id."""
        if self._task.emission_weight is None:
            return ""
        return " ".join(map(str, np.atleast_1d(frame.observation).tolist()))

    # --- text ---

    def text(self, frame: Frame) -> str:
        """Describe the last step, and where it could have led."""
        task, state = self._task, int(frame.inner)
        lines = [f"step {frame.steps} of {task.horizon}, return {frame.total:.4g}"]
        if frame.before is not None:
            action = " ".join(map(str, frame.actions))
            lines.append(f"{self._named(int(frame.before))}, action {action}: reward {frame.reward:+.4g}")
        lines.append(f"now {self._named(state)}" + (", the end" if task.terminal[state] else ""))
        if self._task.emission_weight is not None:
            lines.append(f"observed {self._seen(frame)}")
        law = self._law(frame)
        if law is not None:
            lines += self._listed(law, state)
        return "\n".join(lines) + "\n"

    def _listed(self, law: FloatArray, state: int) -> list[str]:
        """The likeliest successors, the one that came marked, and how many more there are."""
        lines = ["probability  to"]
        for target in np.argsort(-law, kind="stable")[:LISTED]:
            if law[target] >= LEAST_LISTED:
                mark = "  <-" if target == state else ""
                lines.append(f"{law[target]:11.3f}  {self._named(int(target))}{mark}")
        more = int((law > 0).sum()) - len(lines) + 1
        return [*lines, f"             and {more} more"] if more else lines

    def _named(self, state: int) -> str:
        rank = f"rank {int(self._rank[state]) + 1} of {self._task.n_states}"
        return f"state {self._names[state]} ({rank}, value {self._value[state]:.3g})"

    # --- picture ---

    def picture(self, frame: Frame) -> Pixels:
        """Draw the states on an arc, the last action's edges and bars, and the reward."""
        canvas = Canvas(SIZE, SIZE)
        law = self._law(frame)
        if law is not None:
            self._draw_edges(canvas, frame, law)
        self._draw_nodes(canvas, frame)
        self._draw_words(canvas, frame, law)
        return canvas.pixels()

    @functools.cached_property
    def _node(self) -> float:
        """Radius of a state."""
        spacing = math.radians(SPAN) * RADIUS / max(self._task.n_states - 1, 1)
        return min(max(0.42 * spacing, LEAST_NODE), LARGEST_NODE)

    def _turn(self, state: int) -> float:
        """Direction of a state from the centre, in radians with y down."""
        n = self._task.n_states
        share = int(self._rank[state]) / (n - 1) if n > 1 else 0.5
        return math.radians(share * SPAN - FIRST)

    def _place(self, state: int, radius: float = RADIUS) -> Point:
        turn = self._turn(state)
        return CENTRE[0] + radius * math.cos(turn), CENTRE[1] + radius * math.sin(turn)

    def _draw_edges(self, canvas: Canvas, frame: Frame, law: FloatArray) -> None:
        before, now = int(frame.before), int(frame.inner)
        for target in np.argsort(law, kind="stable").tolist():
            if law[target] > 0 and target != now:
                colour = mix(FAINT, 0.3 + 0.5 * math.sqrt(law[target]))
                self._draw_edge(canvas, before, target, float(law[target]), colour)
        self._draw_edge(canvas, before, now, float(law[now]), ACCENT)

    def _draw_edge(
        self, canvas: Canvas, source: int, target: int, chance: float, colour: tuple[int, ...]
    ) -> None:
        outside = RADIUS + self._node + 5
        bar = [self._place(target, outside), self._place(target, outside + 2 + BAR * chance)]
        canvas.line(bar, colour, min(max(1.1 * self._node, 2.5), 9))
        width = 1.2 + 7 * chance
        if source == target:
            loop = max(self._node, LEAST_LOOP)
            canvas.circle(self._place(source, RADIUS - 2.1 * loop), loop, None, colour, width)
            return
        start, end = self._place(source), self._place(target)
        middle = ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
        bend = (CENTRE[0] + PULL * (middle[0] - CENTRE[0]), CENTRE[1] + PULL * (middle[1] - CENTRE[1]))
        canvas.line(_curve(start, bend, end), colour, width)
        if colour == ACCENT:
            direction = math.atan2(end[1] - bend[1], end[0] - bend[0])
            reach = self._node + 4
            tip = (end[0] - reach * math.cos(direction), end[1] - reach * math.sin(direction))
            canvas.arrow_head(tip, direction, 11 + width, colour)

    def _draw_nodes(self, canvas: Canvas, frame: Frame) -> None:
        now = int(frame.inner)
        marked = [state for state in (frame.before, now) if state is not None]
        others = [state for state in range(self._task.n_states) if state not in marked]
        for state in [*others, *map(int, marked)]:
            size = self._node if state not in marked else max(self._node, 5.0)
            if state == now:
                canvas.circle(self._place(state), size + 6, ACCENT)
                canvas.circle(self._place(state), size + 3, PAPER)
            elif state in marked:
                canvas.circle(self._place(state), size + 2.5, INK)
            self._draw_node(canvas, state, size)

    def _draw_node(self, canvas: Canvas, state: int, size: float) -> None:
        colour, (x, y) = self._colours[state], self._place(state)
        if self._task.terminal[state]:
            canvas.box((x - 0.8 * size, y - 0.8 * size), (1.6 * size, 1.6 * size), colour)
        else:
            canvas.circle((x, y), size, colour)
        if self._task.n_states <= LABELLED:
            label = str(self._names[state])
            canvas.text((x, y), label, min(13.0, 0.95 * size), readable_on(colour))

    def _draw_words(self, canvas: Canvas, frame: Frame, law: FloatArray | None) -> None:
        task, state = self._task, int(frame.inner)
        canvas.text((16, 22), f"state {self._names[state]}", 15, anchor="lm", bold=True)
        place = f"rank {int(self._rank[state]) + 1} of {task.n_states}"
        canvas.text((16, 42), place + (", the end" if task.terminal[state] else ""), 13, FAINT, anchor="lm")
        if task.emission_weight is not None:
            canvas.text((16, 61), f"observed {self._seen(frame)}", 13, FAINT, anchor="lm")
        _draw_legend(canvas, bool(task.terminal.any()))
        x = CENTRE[0]
        if law is None:
            canvas.text((x, 400), "an episode begins", 16, FAINT)
        else:
            canvas.text((x, 396), f"{frame.reward:+.2f}", 34, reward_colour(frame.reward), bold=True)
            action = " ".join(map(str, frame.actions))
            canvas.text((x, 428), f"action {action}, probability {law[state]:.2f}", 14)
        write_status(canvas, SIZE - 32, steps=frame.steps, horizon=task.horizon, total=frame.total)


def _curve(start: Point, bend: Point, end: Point) -> list[Point]:
    """Points of a quadratic Bezier curve."""
    points = []
    for t in np.linspace(0.0, 1.0, CURVE_POINTS).tolist():
        a, b, c = (1 - t) ** 2, 2 * t * (1 - t), t**2
        points.append((a * start[0] + b * bend[0] + c * end[0], a * start[1] + b * bend[1] + c * end[1]))
    return points


def _draw_legend(canvas: Canvas, has_ends: bool) -> None:
    """Draw the colours of values, and what a square means."""
    right, y = canvas.width - 16.0, 22.0
    for k in range(48):
        canvas.box((right - 72 + 1.5 * k, y - 5), (1.5, 10), ramp(k / 47))
    canvas.text((right - 80, y), "value", 13, FAINT, anchor="rm")
    if has_ends:
        canvas.box((right - 72, y + 14), (11, 11), SHADE, FAINT)
        canvas.text((right - 56, y + 20), "an end", 13, FAINT, anchor="lm")
