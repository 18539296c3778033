"""Tasks of any kind, read from npz files."""

from __future__ import annotations

from os import PathLike

from anymdp_bench.foundation.errors import BenchError, TaskFileError, UnknownName
from anymdp_bench.foundation.registry import load_object, lookup
from anymdp_bench.tasks.archive import FORMAT, UNREADABLE, read_members, read_meta
from anymdp_bench.tasks.protocol import Task

TASK_KINDS = {
    "tabular": "anymdp_bench.tasks.task:TabularTask",
    "pendulum": "anymdp_bench.worlds.pendulum.task:PendulumTask",
}


def load_task(path: str | PathLike[str]) -> Task:
    """Read a task that `Task.save` wrote; nothing in the file is executed.

    Args:
        path: The file.

    Raises:
        TaskFileError: missing, truncated, too large, pickled, or with other members than a task has.
        InvalidTask: its arrays do not describe a task.

    Examples:
        >>> task = sample_task("garnet", seed=7)
        >>> task.save("task.npz")
        >>> load_task("task.npz").fingerprint() == task.fingerprint()
        True
    """
    try:
        arrays = read_members(path)
        meta = read_meta(arrays)
        if meta.pop("format", None) != FORMAT:
            raise TaskFileError(f"{path}: not of task format {FORMAT}.")
        make = load_object(lookup("task kind", TASK_KINDS, str(meta.pop("kind", None))))
        task: Task = make(**arrays, **meta)
    except BenchError as error:
        if isinstance(error, UnknownName | TaskFileError) and not str(error).startswith(str(path)):
            raise TaskFileError(f"{path}: {error}") from error
        raise
    except UNREADABLE as error:
        raise TaskFileError(
            f"{path}: cannot be read as a task ({type(error).__name__}: {error}). "
            "Give a file that Task.save wrote."
        ) from error
    return task
