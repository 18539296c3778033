"""Tasks of banks as single environments, and their specifications, for libraries that make environments."""

from __future__ import annotations

import re

from gymnasium.envs.registration import EnvSpec

from anymdp_bench.banks import load_bank
from anymdp_bench.envs.pendulum import DiscretePendulumEnv
from anymdp_bench.envs.single import SingleEnv
from anymdp_bench.envs.tabular import TabularEnv
from anymdp_bench.foundation.checks import check_integer
from anymdp_bench.worlds.pendulum.task import PendulumTask

PENDULUM_SETTINGS = ("g", "angle_bins", "speed_bins", "torques", "start", "reward")


def task_spec(bank: str, index: int = 0, *, split: str = "test") -> EnvSpec:
    """Specification of an environment that plays one task of a bank.

    ``gymnasium.make`` takes it in place of an id, and `to_minari` writes it into a data set.

    Args:
        bank: Name of the bank.
        index: Number of the task.
        split: ``"test"``, ``"validation"`` or ``"train"``.

    Raises:
        UnknownName: no such bank.
        InvalidConfig: no such split.
        IndexError: no such task.

    Examples:
        >>> env = gymnasium.make(task_spec("darkroom-6-v0"))
        >>> env.observation_space
        Discrete(36)
    """
    index = check_integer("index", index, 0)
    load_bank(bank).split(split)[index]
    stem, version = re.fullmatch(r"(.+)-v(\d+)", bank).groups()  # type: ignore[union-attr]
    return EnvSpec(
        id=f"anymdp_bench/{stem}-{split}-{index}-v{version}",
        entry_point=f"{__name__}:make_bank_task",
        kwargs={"bank": bank, "index": index, "split": split},
    )


def make_bank_task(
    bank: str,
    index: int,
    split: str = "test",
    *,
    info_level: str = "none",
    render_mode: str | None = None,
) -> SingleEnv:
    """Make the environment of `task_spec`; the other arguments are those of `SingleEnv`.

    A task for two players is played as the joint table that it is, as teachers play it.
    """
    task = load_bank(bank).split(split)[index]
    if not isinstance(task, PendulumTask):
        return TabularEnv(task, info_level=info_level, render_mode=render_mode)
    settings = {name: getattr(task, name) for name in PENDULUM_SETTINGS}
    return DiscretePendulumEnv(**settings, info_level=info_level, render_mode=render_mode)
