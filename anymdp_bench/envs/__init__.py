"""Environments over tasks, registered with Gymnasium; one line in `ENVS` each.

Nothing is imported before an environment is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import gymnasium

from anymdp_bench.foundation.errors import InvalidConfig
from anymdp_bench.foundation.registry import unknown_name

if TYPE_CHECKING:
    from anymdp_bench.envs.base import BatchEnv
    from anymdp_bench.foundation.types import JsonScalar
    from anymdp_bench.tasks.protocol import Task


class EnvEntry(NamedTuple):
    """A registered environment.

    Attributes:
        id: Name for `gymnasium.make`.
        entry_point: Module of this package, and attribute, that make one environment.
        vector_entry_point: The same for a batch.
        kwargs: Settings and their defaults.
    """

    id: str
    entry_point: str
    vector_entry_point: str
    kwargs: Mapping[str, JsonScalar]


ENVS = (
    EnvEntry(
        "AnyMDP-v0",
        "making:anymdp",
        "making:anymdp_vec",
        {"n_states": 16, "n_actions": 5, "min_states": None, "task_seed": 0},
    ),
    EnvEntry(
        "AnyPOMDP-v0",
        "making:anypomdp",
        "making:anypomdp_vec",
        {"n_states": 64, "n_observations": 64, "density": None, "task_seed": 0},
    ),
    EnvEntry(
        "MultiTokenAnyPOMDP-v0",
        "making:multi_token",
        "making:multi_token_vec",
        {
            "n_states": 256,
            "n_observations": 64,
            "density": None,
            "observation_tokens": 4,
            "action_tokens": 2,
            "task_seed": 0,
        },
    ),
    EnvEntry(
        "Garnet-v0",
        "making:garnet",
        "making:garnet_vec",
        {"n_states": 16, "n_actions": 5, "branching": 2, "sigma": 0.1, "task_seed": 0},
    ),
    EnvEntry("Darkroom-v0", "making:darkroom", "making:darkroom_vec", {"size": 10, "goal": "corner"}),
    EnvEntry(
        "DiscretePendulum-v0",
        "pendulum:DiscretePendulumEnv",
        "pendulum:make_pendulum_vec",
        {"g": 9.8, "angle_bins": 12, "speed_bins": 5, "torques": 5, "start": "random", "reward": "raw"},
    ),
    EnvEntry(
        "Switch2-v0",
        "switch2:Switch2Env",
        "switch2:make_switch2_vec",
        {"step_cost": -0.1, "reward": "raw", "observation": "column"},
    ),
    EnvEntry(
        "AnyMDP-trial-v0",
        "trials:trial",
        "trials:make_trial_vec",
        {"bank": "anymdp-16x5-v0", "n_tasks": 256, "episodes": 10, "observation": "vector"},
    ),
    EnvEntry("ShapedFrozenLake-v0", "making:frozenlake", "making:frozenlake_vec", {"is_slippery": True}),
    EnvEntry(
        "ShapedCliffWalking-v0", "making:cliffwalking", "making:cliffwalking_vec", {"is_slippery": False}
    ),
)
ONE_HOT_ENVS = tuple(
    EnvEntry(
        entry.id.replace("-v", "-onehot-v"),
        "making:one_hot",
        "making:one_hot_vec",
        {"of": entry.id, **entry.kwargs},
    )
    for entry in ENVS
    if entry.id != "AnyMDP-trial-v0"
)
"""The same ones as float32 vectors, for scripts that take nothing but an id; trials are vectors already."""


def register_all() -> None:
    """Tell Gymnasium about every environment; safe to call again."""
    for entry in (*ENVS, *ONE_HOT_ENVS):
        if entry.id not in gymnasium.registry:
            gymnasium.register(
                entry.id,
                entry_point=f"{__name__}.{entry.entry_point}",
                vector_entry_point=f"{__name__}.{entry.vector_entry_point}",
                kwargs=dict(entry.kwargs),
            )


def env_entry(env_id: str) -> EnvEntry:
    """Return the entry of a registered id.

    Raises:
        UnknownName: there is none.
    """
    for entry in ENVS:
        if entry.id == env_id:
            return entry
    raise unknown_name("environment", env_id, (entry.id for entry in ENVS))


def batch_env(
    tasks: Sequence[Task],
    *,
    autoreset_mode: str = "NextStep",
    info_level: str = "none",
    render_mode: str | None = None,
) -> BatchEnv:
    """Make the batch that steps `tasks`, all of them of one kind.

    Args:
        tasks: One for each environment.
        autoreset_mode: As for `BatchEnv`.
        info_level: As for `BatchEnv`.
        render_mode: As for `BatchEnv`.

    Raises:
        InvalidConfig: tasks of different kinds or shapes, or a mode that is not legal.
        UnsupportedSetting: a render mode that is unknown.

    Examples:
        >>> env = batch_env([sample_task("anymdp", seed=seed) for seed in range(3)])
        >>> observations, infos = env.reset(seed=0)
        >>> observations.shape
        (3,)
    """
    from anymdp_bench.tasks.task import TabularTask

    if all(isinstance(task, TabularTask) for task in tasks):
        from anymdp_bench.envs.vector import TabularVectorEnv

        return TabularVectorEnv(
            tasks, autoreset_mode=autoreset_mode, info_level=info_level, render_mode=render_mode
        )
    from anymdp_bench.envs.pendulum import PendulumVectorEnv

    return PendulumVectorEnv(
        tasks, autoreset_mode=autoreset_mode, info_level=info_level, render_mode=render_mode
    )


def task_of(env: object) -> Task:
    """Return the task that a single environment plays, whatever wraps it; ``env.unwrapped.task`` with a type.

    Args:
        env: From `gymnasium.make`, with any wrappers.

    Raises:
        InvalidConfig: it is no environment of this package.

    Examples:
        >>> env = gymnasium.make("anymdp_bench:AnyMDP-v0", task_seed=7)
        >>> task_of(env).n_actions
        5
    """
    from anymdp_bench.tasks.protocol import Task as AnyTask

    task = getattr(getattr(env, "unwrapped", env), "task", None)
    if not isinstance(task, AnyTask):
        raise InvalidConfig(f"{env!r} plays no task of this package: give a single environment of its ids.")
    return task
