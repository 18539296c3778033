"""The camera of an environment: keeps the last step, and shows it when asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from anymdp_bench.envs.rendering.frame import Frame, Painter
from anymdp_bench.envs.rendering.painters import painter_of
from anymdp_bench.foundation.errors import EpisodeOver
from anymdp_bench.foundation.extras import require_extra
from anymdp_bench.tasks.protocol import Task


class Camera:
    """Keeps the last frame of each of n environments, and shows it when asked.

    Args:
        mode: ``"ansi"`` or ``"rgb_array"``.
        n: Number of environments.

    Raises:
        MissingExtra: pictures are asked for and Pillow is not installed.
    """

    def __init__(self, mode: str, n: int = 1) -> None:
        """See the class."""
        if mode == "rgb_array":
            require_extra("render", "PIL", what="render_mode='rgb_array'")
        self._mode = mode
        self._frames: list[Frame | None] = [None] * n
        self._painters: dict[int, tuple[Task, Painter]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Leave the painters behind: they follow from the tasks."""
        return vars(self) | {"_painters": {}}

    def begin(self, row: int, inner: Any, observation: Any) -> None:
        """Keep the first frame of an episode."""
        self._frames[row] = Frame(inner, observation)

    def step(
        self, row: int, before: Any, actions: Sequence[int], reward: float, inner: Any, observation: Any
    ) -> None:
        """Keep the frame after a step."""
        last = self._frames[row]
        steps, total = (last.steps, last.total) if last is not None else (0, 0.0)
        self._frames[row] = Frame(
            inner, observation, steps + 1, total + reward, before, tuple(actions), reward
        )

    def show(self, tasks: Sequence[Task]) -> tuple[Any, ...]:
        """Show each environment's last frame as a text or as pixels, given the task of each.

        Raises:
            EpisodeOver: no episode has begun.
        """
        kept = {id(task): self._painters.get(id(task)) for task in tasks}
        self._painters = {key: painter for key, painter in kept.items() if painter is not None}
        return tuple(self._show(frame, task) for frame, task in zip(self._frames, tasks, strict=True))

    def _show(self, frame: Frame | None, task: Task) -> Any:
        if frame is None:
            raise EpisodeOver("No episode has begun: call reset() before render().")
        if id(task) not in self._painters:
            self._painters[id(task)] = (task, painter_of(task))
        painter = self._painters[id(task)][1]
        return painter.text(frame) if self._mode == "ansi" else painter.picture(frame)
