"""Write the default tasks that ship with the package: ``python -m anymdp_bench.envs.defaults``."""

from __future__ import annotations

import sys

from anymdp_bench.envs import env_entry
from anymdp_bench.envs.making import DEFAULT_TASKS, FAMILIES, WORLDS, TaskSource, default_path


def write_default_tasks() -> list[str]:
    """Build every default task and save it; return the ids."""
    DEFAULT_TASKS.mkdir(parents=True, exist_ok=True)
    written = []
    for env_id in (*FAMILIES, *WORLDS):
        settings = dict(env_entry(env_id).kwargs)
        seed = int(settings.pop("task_seed", 0) or 0)
        TaskSource(env_id, settings).build(seed).save(default_path(env_id))
        written.append(env_id)
    return written


if __name__ == "__main__":
    sys.stdout.write("\n".join(write_default_tasks()) + "\n")
