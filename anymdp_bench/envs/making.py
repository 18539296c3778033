"""Entry points of the tabular environments: from settings to a task to an environment."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from anymdp_bench.envs import env_entry
from anymdp_bench.envs.one_hot import OneHot, OneHotVector
from anymdp_bench.envs.options import check_render_mode
from anymdp_bench.envs.tabular import TabularEnv
from anymdp_bench.foundation.checks import check_choice, check_integer
from anymdp_bench.foundation.registry import load_object, unknown_setting
from anymdp_bench.foundation.seeding import check_seed
from anymdp_bench.foundation.types import JsonScalar
from anymdp_bench.tasks.file import load_task
from anymdp_bench.tasks.protocol import Task

DEFAULT_TASKS = Path(__file__).parent / "default_tasks"
"""Folder of the tasks that environments without settings play, ``<id>.npz``."""

FAMILIES = {
    "AnyMDP-v0": "anymdp",
    "AnyPOMDP-v0": "anypomdp",
    "MultiTokenAnyPOMDP-v0": "multi-token-anypomdp",
    "Garnet-v0": "garnet",
}
"""Environments whose tasks are drawn by a sampler, from ``task_seed``."""
WORLDS = {
    "Darkroom-v0": "anymdp_bench.worlds:darkroom",
    "ShapedFrozenLake-v0": "anymdp_bench.worlds:frozenlake",
    "ShapedCliffWalking-v0": "anymdp_bench.worlds:cliffwalking",
}
"""Environments whose task follows from their settings."""


def default_path(env_id: str) -> Path:
    """File of the default task of an id."""
    return DEFAULT_TASKS / f"{env_id}.npz"


@dataclasses.dataclass(frozen=True)
class TaskSource:
    """Where the tasks of an environment come from.

    Attributes:
        env_id: Registered id.
        settings: All settings but the seed of the task.
    """

    env_id: str
    settings: Mapping[str, JsonScalar]

    def task(self, task_seed: int) -> Task:
        """Return the task of a seed: from its file if it is the default, else built now."""
        defaults = dict(env_entry(self.env_id).kwargs)
        given = {**self.settings} | ({"task_seed": task_seed} if self.is_drawn else {})
        path = default_path(self.env_id)
        if given == defaults and path.exists():
            return load_task(path)
        return self.build(task_seed)

    def build(self, task_seed: int) -> Task:
        """Build the task of a seed from the settings."""
        if not self.is_drawn:
            return self._build_world()
        from anymdp_bench.samplers import sample_task

        return sample_task(FAMILIES[self.env_id], seed=task_seed, **self.settings)

    def _build_world(self) -> Task:
        world = load_object(WORLDS[self.env_id])
        legal = inspect.signature(world).parameters
        for name in self.settings:
            if name not in legal:
                raise unknown_setting(self.env_id, name, legal)
        task: Task = world(**self.settings)
        return task

    def own(self, n: int, task_seed: int) -> list[Task]:
        """Return n tasks, of the seeds ``task_seed + i``."""
        if n == 1 or not self.is_drawn:
            return self.shared(n, task_seed)
        from anymdp_bench.samplers import sample_tasks

        return list(sample_tasks(FAMILIES[self.env_id], n, seed=task_seed, n_jobs=-1, **self.settings))

    def shared(self, n: int, task_seed: int) -> list[Task]:
        """Return one task n times."""
        return [self.task(task_seed)] * n

    @property
    def is_drawn(self) -> bool:
        """A sampler draws the task from a seed."""
        return self.env_id in FAMILIES


def _source(env_id: str, settings: dict[str, JsonScalar]) -> tuple[TaskSource, int]:
    """Fill in the defaults, and split off the seed of the task."""
    filled = dict(env_entry(env_id).kwargs) | settings
    drawn = env_id in FAMILIES
    task_seed = check_seed(filled.pop("task_seed")) if drawn else 0
    return TaskSource(env_id, filled), task_seed


def make_tabular(
    env_id: str, *, info_level: str = "none", render_mode: str | None = None, **settings: JsonScalar
) -> TabularEnv:
    """Make one tabular environment.

    Args:
        env_id: Registered id.
        info_level: As for `SingleEnv`.
        render_mode: As for `SingleEnv`.
        **settings: Settings of the task, and ``task_seed`` if it is drawn.

    Raises:
        UnsupportedSetting: a setting or a render mode that is unknown.
        InvalidConfig: a setting that is out of range.
        InvalidSeed: `task_seed` is not a seed.
    """
    source, task_seed = _source(env_id, settings)
    return TabularEnv(
        source.task(task_seed),
        info_level=info_level,
        resample=source.task if source.is_drawn else None,
        render_mode=render_mode,
    )


def make_tabular_vec(
    env_id: str,
    *,
    num_envs: int = 1,
    tasks: str = "own",
    autoreset_mode: str = "NextStep",
    info_level: str = "none",
    render_mode: str | None = None,
    **settings: JsonScalar,
) -> Any:
    """Make a batch of tabular environments.

    Args:
        env_id: Registered id.
        num_envs: Number of environments n, at least 1.
        tasks: ``"own"``, the default: environment i plays the task of ``task_seed + i``; ``"shared"``: all
            play one, as Gymnasium's own vectorizations ``"sync"`` and ``"async"`` do.
        autoreset_mode: As for `BatchEnv`.
        info_level: As for `BatchEnv`.
        render_mode: As for `BatchEnv`.
        **settings: As for `make_tabular`.

    Raises:
        UnsupportedSetting: a setting or a render mode that is unknown.
        InvalidConfig: a setting that is out of range.
        InvalidSeed: `task_seed` is not a seed.
    """
    from anymdp_bench.envs.vector import TabularVectorEnv

    check_render_mode(render_mode)
    source, task_seed = _source(env_id, settings)
    num_envs = check_integer("num_envs", num_envs, 1)
    check_choice("tasks", tasks, ("own", "shared"))
    draw = partial(source.own if tasks == "own" else source.shared, num_envs)
    return TabularVectorEnv(
        draw(task_seed),
        autoreset_mode=autoreset_mode,
        info_level=info_level,
        render_mode=render_mode,
        resample=draw if source.is_drawn else None,
    )


def make_one_hot(of: str, **settings: Any) -> OneHot:
    """Make the environment `of` with its ids shown as one-hot vectors; settings and errors are its own."""
    return OneHot(load_object(f"{__package__}.{env_entry(of).entry_point}")(**settings))


def make_one_hot_vec(of: str, **settings: Any) -> OneHotVector:
    """Make the batch of `of` with its ids shown as one-hot vectors; settings and errors are its own."""
    return OneHotVector(load_object(f"{__package__}.{env_entry(of).vector_entry_point}")(**settings))


class SinglePoint(partial[Any]):
    """Entry point of one id; Gymnasium asks it what its environments can render."""

    metadata = TabularEnv.metadata


anymdp, anymdp_vec = SinglePoint(make_tabular, "AnyMDP-v0"), partial(make_tabular_vec, "AnyMDP-v0")
anypomdp, anypomdp_vec = SinglePoint(make_tabular, "AnyPOMDP-v0"), partial(make_tabular_vec, "AnyPOMDP-v0")
multi_token = SinglePoint(make_tabular, "MultiTokenAnyPOMDP-v0")
multi_token_vec = partial(make_tabular_vec, "MultiTokenAnyPOMDP-v0")
garnet, garnet_vec = SinglePoint(make_tabular, "Garnet-v0"), partial(make_tabular_vec, "Garnet-v0")
darkroom, darkroom_vec = SinglePoint(make_tabular, "Darkroom-v0"), partial(make_tabular_vec, "Darkroom-v0")
frozenlake = SinglePoint(make_tabular, "ShapedFrozenLake-v0")
frozenlake_vec = partial(make_tabular_vec, "ShapedFrozenLake-v0")
cliffwalking = SinglePoint(make_tabular, "ShapedCliffWalking-v0")
cliffwalking_vec = partial(make_tabular_vec, "ShapedCliffWalking-v0")
one_hot, one_hot_vec = SinglePoint(make_one_hot), make_one_hot_vec
