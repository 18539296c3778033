"""The same results from a Ray cluster of two nodes on this machine; needs the extra ``ray``."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anymdp_bench import AgentError, InvalidConfig, evaluate
from anymdp_bench.evaluation.fan_out import fan_out
from tests.support.scripted import Scripted, corridor

ray = pytest.importorskip("ray", reason="Ray is not installed: pip install .[ray]")
pytestmark = pytest.mark.filterwarnings("ignore")
"""Ray's own warnings."""


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[None]:
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    cluster.add_node(num_cpus=1)
    ray.init(address=cluster.address, log_to_driver=False)
    yield
    ray.shutdown()
    cluster.shutdown()


def test_calls_are_made_on_both_nodes(two_nodes: None) -> None:
    def where(i: int) -> tuple[int, str]:
        time.sleep(0.3)
        return i, ray.get_runtime_context().get_node_id()

    found = dict(fan_out(where, [(i,) for i in range(6)], jobs=2, backend="ray"))
    assert sorted(found) == list(range(6))
    assert len(set(found.values())) == 2


def test_a_cluster_gives_the_results_of_one_process(two_nodes: None, tmp_path: Path) -> None:
    changes: dict[str, Any] = {"n_tasks": 4, "shard_size": 1, "train_episodes": 200}
    here = evaluate("q-ucb", "anymdp-16x5-v0", **changes)
    there = evaluate("q-ucb", "anymdp-16x5-v0", jobs=2, backend="ray", out=tmp_path / "run", **changes)
    assert len(list((tmp_path / "run").rglob("*.parquet"))) > 0
    for name in ("scores", "rewards", "lengths"):
        np.testing.assert_array_equal(getattr(here.record.lived, name), getattr(there.record.lived, name))
    np.testing.assert_array_equal(here.record.points.mean, there.record.points.mean)


def test_an_error_of_one_task_is_told(two_nodes: None) -> None:
    class Raiser(Scripted):
        def act(self, observations: Any, active: Any) -> Any:
            raise ZeroDivisionError("no idea")

    tasks = [corridor(horizon=h) for h in (3, 4)]
    with pytest.raises(AgentError, match="no idea"):
        evaluate(Raiser(), "anymdp-16x5-v0", tasks=tasks, jobs=2, backend="ray", n_tasks=2, shard_size=1)


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(InvalidConfig, match="backend='slurm'"):
        evaluate("uniform", "anymdp-16x5-v0", backend="slurm")
