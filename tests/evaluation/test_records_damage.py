"""Records that rot, and paths that other libraries misread."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anymdp_bench import load_result
from anymdp_bench.evaluation.run_folder import RecordFolder
from anymdp_bench.foundation.errors import RecordsError, RecordsWarning
from anymdp_bench.reproduce.compact import save_compact
from tests.evaluation.test_records import Counting, assert_same, run

ODD_NAMES = ["lr:0.1", "run-2026-11-25T15:35:00", "file:x", "s3:", "a%20b#c?d", os.fsdecode(b"l\xe9")]


@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
def test_every_path_of_the_file_system_will_do(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    whole = run(Path(name), Counting())
    assert_same(whole, load_result(name))
    Counting.played = 0
    assert_same(whole, run(Path(name), Counting()))
    assert Counting.played == 0
    assert len(save_compact(whole, Path(name)).curve()) == 3 * 4


@pytest.mark.parametrize("name", ["lr:0.1", os.fsdecode(b"l\xe9")], ids=ascii)
def test_the_command_takes_such_paths_in_every_locale(name: str, tmp_path: Path) -> None:
    run(tmp_path / name / "x")
    plain = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "POSIX", "COLUMNS": "200"}
    told = subprocess.run(
        [sys.executable, "-m", "anymdp_bench.cli", "score", name, "--csv", f"{name}.csv"],
        cwd=tmp_path,
        env=os.environ | plain | {"PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr
    assert "scripted" in told.stdout and (tmp_path / f"{name}.csv").exists()


@pytest.mark.parametrize("name", ["points-0002.parquet", "lived-0002.parquet"])
@pytest.mark.parametrize("keep", [0, 10, -20])
def test_half_written_shards_are_run_again(name: str, keep: int, tmp_path: Path) -> None:
    whole = run(tmp_path, Counting())
    path = tmp_path / "shards" / name
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(RecordsError, match=rf"1 of 3 shards are missing or damaged \(shards/{name}\)"):
        load_result(tmp_path)
    Counting.played = 0
    with pytest.warns(RecordsWarning, match=rf"{name} is damaged; its tasks are played again"):
        assert_same(whole, run(tmp_path, Counting()))
    assert Counting.played == 1


def without_digests(folder: Path) -> None:
    """What an older version left."""
    manifest = json.loads((folder / "manifest.json").read_text())
    old = {name: value for name, value in manifest.items() if name not in ("files", "sha256")}
    (folder / "manifest.json").write_text(json.dumps(old, indent=1))


def test_a_shard_of_other_cells_is_refused(tmp_path: Path) -> None:
    run(tmp_path)
    without_digests(tmp_path)
    shards = tmp_path / "shards"
    (shards / "points-0000.parquet").replace(shards / "points-0001.parquet")
    with pytest.raises(RecordsError, match=r"points-0001.parquet: the points do not hold the cells.*Delete"):
        run(tmp_path)


def test_folders_without_digests_stay_readable(tmp_path: Path) -> None:
    whole = run(tmp_path)
    without_digests(tmp_path)
    assert_same(whole, load_result(tmp_path))
    (tmp_path / "shards" / "lived-0001.parquet").write_bytes(b"")
    with pytest.warns(RecordsWarning, match="is damaged"):
        assert_same(whole, run(tmp_path))


def test_the_manifest_names_every_file(tmp_path: Path) -> None:
    run(tmp_path)
    named = json.loads((tmp_path / "manifest.json").read_text())["files"]
    files = {str(path.relative_to(tmp_path)): path for path in (tmp_path / "shards").iterdir()}
    assert named == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}


def flip_a_bit(folder: Path, rng: np.random.Generator) -> Path:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.stat().st_size)
    path = files[rng.integers(len(files))]
    flip_a_bit_of(path, rng)
    return path


def flip_a_bit_of(path: Path, rng: np.random.Generator) -> None:
    content = bytearray(path.read_bytes())
    content[rng.integers(len(content))] ^= 1 << int(rng.integers(8))
    path.write_bytes(content)


def test_no_flipped_bit_is_silent(tmp_path: Path) -> None:
    whole, rng = run(tmp_path / "whole"), np.random.default_rng(0)
    for number in range(200):
        folder = tmp_path / str(number)
        shutil.copytree(tmp_path / "whole", folder)
        path = flip_a_bit(folder, rng)
        try:
            read = load_result(folder)
        except RecordsError as error:
            assert path.name in str(error)
        else:
            assert_same(whole, read)
            assert read.manifest == whole.manifest


def test_a_damaged_manifest_stops_the_run(tmp_path: Path) -> None:
    run(tmp_path)
    path = tmp_path / "manifest.json"
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))
    for call in (run, load_result):
        with pytest.raises(RecordsError, match=r"manifest.json: damaged .*SHA-256.*Delete the folder"):
            call(tmp_path)


def test_the_manifest_is_read_once_while_nobody_changes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(tmp_path)
    folder, read = RecordFolder(tmp_path), []
    plain = Path.read_text

    def counted(path: Path, *args: Any, **how: Any) -> str:
        read.append(path.name)
        return plain(path, *args, **how)

    monkeypatch.setattr(Path, "read_text", counted)
    shards = folder.manifest().shards
    assert len(shards) > 1
    for index, cells in enumerate(shards):
        assert folder.read_shard(index, cells) is not None
    assert read == ["manifest.json"]
    flip_a_bit_of(tmp_path / "manifest.json", np.random.default_rng(1))
    with pytest.raises(RecordsError, match=r"manifest\.json"):
        folder.read_shard(0, shards[0])
