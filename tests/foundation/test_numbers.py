"""Integers of every kind are taken at every door, and leave it as Python's own."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from anymdp_bench import (
    Board,
    child_seed,
    evaluate,
    load_bank,
    record_context,
    record_episodes,
    sample_task,
    sample_tasks,
)
from anymdp_bench.worlds import cliffwalking, darkroom, random_lake_map
from anymdp_bench.worlds.pendulum.task import PendulumTask
from tests.support.scripted import BOARD, Scripted, corridor

Whole = Callable[[int], Any]
KINDS: list[Whole] = [np.int64, np.uint8, np.int32, np.array]
VECTOR = "vector_entry_point"


def is_plain(value: Any) -> bool:
    return type(value) in (int, float, bool, str, type(None))


TASKS: dict[str, Callable[[Whole], Any]] = {
    "anymdp": lambda w: sample_task("anymdp", seed=w(1), n_states=w(16), n_actions=w(5), min_states=w(8)),
    "flat": lambda w: sample_task("anymdp-flat", seed=w(1), n_states=w(16)),
    "garnet": lambda w: sample_task("garnet", seed=w(0), n_states=w(16), branching=w(2)),
    "anypomdp": lambda w: sample_task("anypomdp", seed=w(0), n_states=w(16), n_observations=w(16)),
    "tokens": lambda w: sample_task(
        "multi-token-anypomdp", seed=w(0), n_states=w(16), observation_tokens=w(2), action_tokens=w(2)
    ),
    "darkroom": lambda w: darkroom(size=w(6)),
    "cliff": lambda w: cliffwalking(rows=w(4), columns=w(8)),
    "pendulum": lambda w: PendulumTask(angle_bins=w(12), torques=w(5), horizon=w(9), seed=w(3)),
    "built": lambda w: dataclasses.replace(corridor(), horizon=w(10), seed=w(4), config={"a": w(2)}),
    "bank": lambda w: load_bank("darkroom-6-goals-v0").test[w(2)],
}


@pytest.mark.parametrize("whole", KINDS)
@pytest.mark.parametrize("name", TASKS)
def test_settings_of_tasks(name: str, whole: Whole, tmp_path: Path) -> None:
    task, expected = TASKS[name](whole), TASKS[name](int)
    assert task.fingerprint() == expected.fingerprint() and task.config == expected.config
    assert all(is_plain(value) for value in [*task.config.values(), task.horizon, task.seed])
    task.save(tmp_path / "task.npz")


@pytest.mark.parametrize("whole", KINDS)
@pytest.mark.parametrize("env_id", ["Garnet-v0", "DiscretePendulum-v0", "Switch2-v0"])
def test_environments(env_id: str, whole: Whole) -> None:
    single = gymnasium.make(env_id).reset(seed=whole(3))[0]
    batch = gymnasium.make_vec(env_id, num_envs=whole(2), vectorization_mode=VECTOR)
    assert np.array_equal(batch.reset(seed=whole(3))[0][0], single)


@pytest.mark.parametrize("whole", KINDS)
def test_evaluations_and_records(whole: Whole, tmp_path: Path) -> None:
    settings: dict[str, Any] = {"n_tasks": whole(2), "runs": whole(2), "seed": whole(0)}
    assert all(is_plain(value) for value in Board(name="a", bank="b", **settings).as_dict().values())
    tasks = [corridor()] * 2
    result = evaluate(Scripted(), BOARD, tasks=tasks, jobs=whole(1), out=tmp_path, **settings)
    assert result.manifest.board.runs == 2
    assert len(sample_tasks("garnet", whole(2), seed=whole(3), n_jobs=whole(1))) == 2
    recorded = record_context("darkroom-6-v0", "uniform", tasks=[whole(0)], run=whole(0), n_episodes=whole(2))
    expected = record_context("darkroom-6-v0", "uniform", tasks=[0], n_episodes=2)
    assert recorded.fingerprint() == expected.fingerprint()
    assert record_episodes(tasks[:1], "uniform", [whole(1)], whole(2)).n_episodes == 2


@pytest.mark.parametrize("whole", KINDS)
def test_seeds(whole: Whole) -> None:
    assert child_seed(whole(2), "a", whole(3)) == child_seed(2, "a", 3)
    assert random_lake_map(whole(1), size=whole(4)) == random_lake_map(1)


def test_configurations_of_training_keep_pythons_own_numbers() -> None:
    model = pytest.importorskip("omnirl_reference.config.model")
    config = model.ModelConfig(n_states=np.uint8(16), n_actions=np.int64(5), layers=np.array(2))
    assert json.loads(json.dumps(dataclasses.asdict(config))) == dataclasses.asdict(config)
