"""Records on disk: they belong to one run, survive being killed, and stay readable."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from anymdp_bench import evaluate, load_result
from anymdp_bench.agents.protocol import AgentInfo, Episodes
from anymdp_bench.evaluation.boards import Board
from anymdp_bench.evaluation.result import Result
from anymdp_bench.evaluation.run_folder import Manifest, RecordFolder
from anymdp_bench.foundation.errors import RecordsError
from anymdp_bench.records.record import Cell, ShardRecord, block_points
from tests.support.scripted import Scripted, TabledLearner, corridor

BOARD = Board(name="test", bank="none", context_episodes=40, train_episodes=40, test_every=10, shard_size=1)
TASKS = [corridor(noise=1.0, horizon=h) for h in (3, 4, 5)]
FIXTURES = Path(__file__).parents[1] / "fixtures"


def run(out: Path | None = None, agent: Any = None, tasks: Any = TASKS, **changes: Any) -> Result:
    return evaluate(agent or Scripted(), BOARD, tasks=tasks, out=out, **changes)


def assert_same(one: Result, other: Result) -> None:
    """Equal to the last bit, wall time aside."""
    for mine, theirs in zip(one.shards, other.shards, strict=True):
        for values, others in zip(mine.lived, theirs.lived, strict=True):
            np.testing.assert_array_equal(values, others)
            assert values.dtype == others.dtype
        for name in set(mine.points._fields) - {"seconds"}:
            values, others = getattr(mine.points, name), getattr(theirs.points, name)
            np.testing.assert_array_equal(values, others)
            assert values.dtype == others.dtype
    pd.testing.assert_frame_equal(one.scores(), other.scores())


@pytest.mark.parametrize("agent", [Scripted(), TabledLearner()], ids=["in-context", "learner"])
def test_records_read_back_as_they_were_written(agent: Any, tmp_path: Path) -> None:
    result = run(tmp_path / "run", agent)
    read = load_result(tmp_path / "run")
    assert_same(result, read)
    assert read.manifest == result.manifest
    result.save(tmp_path / "copy")
    assert_same(result, load_result(tmp_path / "copy"))


def test_files_and_columns(tmp_path: Path) -> None:
    run(tmp_path)
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    shards = {f"shards/{kind}-000{i}.parquet" for kind in ("points", "lived") for i in range(3)}
    assert names == shards | {"manifest.json", "lock"}
    points = pq.read_table(tmp_path / "shards" / "points-0001.parquet")
    assert points.schema.metadata[b"anymdp_bench_schema"] == b"1"
    assert points.column_names == [
        *("task", "run", "episodes", "steps", "count", "return", "return_even", "return_odd", "seconds")
    ]
    assert points["task"].to_pylist() == [1] * 4
    lived = pq.read_table(tmp_path / "shards" / "lived-0001.parquet")
    assert lived.column_names == ["task", "run", "return", "received", "length"]
    manifest = json.loads((tmp_path / "manifest.json").read_text())
    assert manifest["schema"] == 1 and manifest["track"] == "in-context"
    assert manifest["fingerprints"] == [task.fingerprint() for task in TASKS]
    assert manifest["references"]["oracle"] == [2.0] * 3
    assert {"python", "packages", "machine", "git_commit", "command"} <= manifest["provenance"].keys()


class Counting(Scripted):
    """Counts the shards that are really played."""

    played = 0

    def begin(self, *args: Any, **kwargs: Any) -> None:
        Counting.played += 1
        super().begin(*args, **kwargs)


def test_the_same_call_goes_on_where_it_stopped(tmp_path: Path) -> None:
    whole = run(tmp_path, Counting())
    (tmp_path / "shards" / "points-0001.parquet").unlink()
    Counting.played = 0
    progress: list[tuple[int, int]] = []
    again = run(tmp_path, Counting(), on_progress=lambda *call: progress.append(call))
    assert Counting.played == 1
    assert sum(n for n, _ in progress) == 3 * 40
    assert_same(whole, again)
    run(tmp_path, Counting())
    assert Counting.played == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"agent": Scripted(info=AgentInfo(name="other"))}, r"agent.name: there scripted, here other"),
        ({"agent": Scripted(info=AgentInfo(name="scripted", config={"lr": 1}))}, r"agent.config: there {}"),
        ({"context_episodes": 20}, r"board.context_episodes: there 40, here 20"),
        ({"seed": 3}, r"board.seed: there 0, here 3"),
        ({"tasks": TASKS[:2]}, r"board.n_tasks: there 3, here 2"),
        ({"tasks": [TASKS[1], TASKS[0], TASKS[2]]}, r"fingerprints: there"),
    ],
)
def test_a_different_run_is_refused(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    run(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(RecordsError, match=rf"holds a different run \({message}.*Choose another folder"):
        run(tmp_path, **change)
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_other_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run(tmp_path)
    monkeypatch.setattr("anymdp_bench.evaluation.evaluate.package_hash", lambda: "0" * 64)
    with pytest.raises(RecordsError, match=r"code.anymdp_bench: there [0-9a-f]{37}\.\.\., here 0000"):
        run(tmp_path)


def test_a_live_run_holds_the_folder(tmp_path: Path) -> None:
    manifest = run().manifest
    with RecordFolder(tmp_path).claimed(manifest), pytest.raises(RecordsError, match="another process"):
        run(tmp_path)
    run(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "is not a records folder: it has no manifest.json"),
        ("", r"manifest.json: damaged \(JSONDecodeError"),
        ("[]", r"damaged \(AttributeError|holds a JSON list"),
        ('{"schema": 1}', r"damaged \(KeyError"),
        ('{"schema": 99}', r"schema 99; this version reads schema 1. Upgrade"),
        ('{"schema": 1, "references": {}, "board": {"name": "x"}}', "name and bank are needed"),
    ],
)
def test_damaged_manifests_are_refused(text: str | None, message: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(RecordsError, match=message):
        load_result(tmp_path)


def test_references_that_are_unknown_survive(tmp_path: Path) -> None:
    result = run()
    unknown = {name: [float("nan")] * 3 for name in result.manifest.references}
    result = Result(dataclasses.replace(result.manifest, references=unknown), result.shards)
    result.save(tmp_path)
    read = load_result(tmp_path).manifest.references
    assert all(np.isnan(values).all() for values in read.values())


def test_block_points_by_hand() -> None:
    scores = np.array([[1.0, 2, 3, 4, 5, 6, 7, 8]])
    points = block_points(Episodes(scores, scores, np.full((1, 8), 3)), 4, np.arange(8.0)[None])
    assert points.mean.tolist() == [[2.5, 6.5]]
    assert points.even.tolist() == [[2, 6]] and points.odd.tolist() == [[3, 7]]
    assert points.episodes.tolist() == [4, 8] and points.steps.tolist() == [[12, 24]]
    assert points.seconds.tolist() == [[3, 7]] and points.counts.tolist() == [4, 4]


def test_every_released_schema_stays_readable() -> None:
    for folder in sorted(FIXTURES.glob("records-schema-*")):
        expected = pd.read_csv(folder / "scores.csv")
        scores = load_result(folder).scores()[list(expected)]  # later versions may add columns
        pd.testing.assert_frame_equal(scores, expected, check_dtype=False)
    assert (FIXTURES / "records-schema-1").is_dir()


# --- killing ---

VICTIM = """
import sys
sys.path.insert(0, {root!r})
from tests.evaluation.test_records import slow_run
slow_run({out!r})
"""


class Slow(Scripted):
    def observe(self, *transition: Any) -> None:
        super().observe(*transition)
        time.sleep(0.001)


def slow_run(out: str) -> Result:
    return evaluate(Slow(), BOARD, tasks=[corridor(noise=1.0)] * 8, out=out)


def test_a_run_killed_at_any_moment_goes_on(tmp_path: Path) -> None:
    whole = slow_run(str(tmp_path / "whole"))
    killed = tmp_path / "killed"
    code = VICTIM.format(root=str(Path(__file__).parents[2]), out=str(killed))
    rng = np.random.default_rng(0)
    for first_sign in ("shards/points-0000.parquet", "lock", "lock"):
        victim = subprocess.Popen([sys.executable, "-c", code])
        while victim.poll() is None and not (killed / first_sign).exists():
            time.sleep(0.01)
        time.sleep(rng.uniform(0.0, 0.3))
        victim.send_signal(signal.SIGKILL)
        assert victim.wait() == -signal.SIGKILL
    assert 0 < len(list(killed.rglob("points-*.parquet"))) < 8
    assert_same(whole, slow_run(str(killed)))
    leftovers = [path.name for path in killed.rglob(".*.parquet.*")]
    assert len(leftovers) <= 3  # temporary files of killed writers are never read


def test_a_full_disk_loses_no_finished_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = run()
    real = os.fsync
    calls = []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 5:  # manifest, lived 0, points 0, manifest, lived 1
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        run(tmp_path)
    assert sorted(p.name for p in (tmp_path / "shards").iterdir()) == [
        "lived-0000.parquet",
        "points-0000.parquet",
    ]
    monkeypatch.undo()
    assert_same(whole, run(tmp_path))


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(disk)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a disk")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_really_full_disk_loses_no_finished_shard(tiny_disk: Path) -> None:
    tasks = [corridor(noise=1.0)] * 8
    whole = run(tasks=tasks)
    with pytest.raises(OSError, match="No space left"):
        run(tiny_disk, tasks=tasks)
    kept = len(list(tiny_disk.rglob("points-*.parquet")))
    assert 0 < kept < 8
    subprocess.run(["mount", "-o", "remount,size=1m", str(tiny_disk)], check=True)
    assert_same(whole, run(tiny_disk, tasks=tasks))
    assert not [path for path in tiny_disk.rglob(".*") if path.is_file()]


def test_manifest_round_trip() -> None:
    manifest = run().manifest
    assert Manifest.from_dict(json.loads(json.dumps(manifest.as_dict()))) == manifest
    assert manifest.cells == (Cell(0, 0), Cell(1, 0), Cell(2, 0))
    assert isinstance(run().shards[0], ShardRecord)
