"""Which painter shows a task."""

from __future__ import annotations

from anymdp_bench.envs.rendering.frame import Painter
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.task import require_tabular
from anymdp_bench.worlds.pendulum.task import PendulumTask


def painter_of(task: Task) -> Painter:
    """Return the painter of a task: pendulum, room, or else the graph of its states.

    Raises:
        NotTabular: a task of your own that has no tables.
    """
    if isinstance(task, PendulumTask):
        from anymdp_bench.envs.rendering.pendulum import PendulumPainter

        return PendulumPainter(task)
    tabular = require_tabular(task)
    from anymdp_bench.envs.rendering.rooms import RoomPainter, room_of

    room = room_of(tabular)
    if room is not None:
        return RoomPainter(tabular, room)
    from anymdp_bench.envs.rendering.graph import GraphPainter

    return GraphPainter(tabular)
