"""Independent calls on several processors, or on a cluster; results come as they finish, in any order."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

import joblib
from joblib.externals.loky.process_executor import TerminatedWorkerError

from anymdp_bench.evaluation.orphans import end_with_parent
from anymdp_bench.foundation.errors import InvalidConfig, WorkerLost
from anymdp_bench.foundation.extras import require_extra

Out = TypeVar("Out")
Calls = Sequence[tuple[Any, ...]]
"""Arguments of each call."""


def _on_processes(function: Callable[..., Out], calls: Calls, jobs: int) -> Iterator[Out]:
    pool = joblib.Parallel(
        n_jobs=max(1, min(jobs, len(calls))),
        return_as="generator_unordered",
        initializer=end_with_parent,
        initargs=(os.getpid(),),
    )
    try:
        yield from pool(joblib.delayed(function)(*call) for call in calls)
    except TerminatedWorkerError as error:
        raise WorkerLost(
            "A worker process has died, most often because the memory was full. What was finished is kept: "
            "repeat the command, with fewer jobs."
        ) from error
    except BrokenProcessPool as error:
        raise pickle.UnpicklingError("a worker cannot read what it was sent") from error.__cause__


def _on_ray(function: Callable[..., Out], calls: Calls, jobs: int) -> Iterator[Out]:
    """Use the cluster that this program has joined, the one of ``RAY_ADDRESS``, or one of this machine.

    joblib's Ray backend hands results over only when the last one is there, so tasks are submitted here.
    """
    require_extra("ray", "ray", what="backend='ray'")
    import ray

    if not ray.is_initialized():
        ray.init(log_to_driver=False)
    remote = ray.remote(function)
    waiting = iter(calls)
    pending = [remote.remote(*call) for _, call in zip(range(jobs), waiting, strict=False)]
    while pending:
        ready, pending = ray.wait(pending, num_returns=1)
        pending += [remote.remote(*call) for _, call in zip(ready, waiting, strict=False)]
        yield from ray.get(ready)


BACKENDS: dict[str, Callable[[Callable[..., Any], Calls, int], Iterator[Any]]] = {
    "processes": _on_processes,
    "ray": _on_ray,
}
"""Where calls are made."""


def check_backend(name: str) -> str:
    """Return `name`.

    Raises:
        InvalidConfig: there is no such backend.
    """
    if name not in BACKENDS:
        raise InvalidConfig(f"backend={name!r}: give one of {', '.join(BACKENDS)}.")
    return name


def fan_out(function: Callable[..., Out], calls: Calls, *, jobs: int, backend: str) -> Iterator[Out]:
    """Call `function` with each tuple of arguments, at most `jobs` at a time.

    Raises:
        InvalidConfig: the backend is unknown or not installed.
        WorkerLost: a worker process has died.
        pickle.PickleError: a call cannot be sent to a worker process.
    """
    return BACKENDS[check_backend(backend)](function, calls, jobs)
