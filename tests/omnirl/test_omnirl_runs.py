"""Runs and data sets that are killed, gone on with, or gone on with by mistake."""

import csv
import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import load_file  # noqa: E402

from anymdp_bench import InvalidConfig, UnknownName, evaluate  # noqa: E402
from omnirl_reference.cli import app as cli  # noqa: E402
from omnirl_reference.config.file import train_config  # noqa: E402
from omnirl_reference.config.stream import StreamConfig  # noqa: E402
from omnirl_reference.config.training import TrainConfig  # noqa: E402
from omnirl_reference.model.checkpoint import TRAINING, WEIGHTS  # noqa: E402
from omnirl_reference.playing import export  # noqa: E402
from omnirl_reference.playing.agent import make  # noqa: E402
from omnirl_reference.playing.compare import curves  # noqa: E402
from omnirl_reference.playing.validation import Plan, scores_of_run  # noqa: E402
from omnirl_reference.stream.data_set import DataSet, write_data  # noqa: E402
from omnirl_reference.training import processes  # noqa: E402
from omnirl_reference.training.trainer import Trainer  # noqa: E402

CONFIG: dict[str, Any] = {
    "name": "test",
    "model": {"width": 32, "layers": 1, "head_width": 16},
    "stream": {"steps": 64},
    "stages": [{"updates": 6}],
    "batch": 4,
    "evaluate_every": 1000,
}


def config_of(**changes: object) -> TrainConfig:
    return train_config(CONFIG | changes)


def notes_of(folder: Path) -> dict[str, Any]:
    values: dict[str, Any] = json.loads((folder / "notes.json").read_text())
    return values


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "training.csv").open(newline="") as file:
        return [{name: row[name] for name in ("update", "policy")} for row in csv.DictReader(file)]


def train(path: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "omnirl_reference.cli", "train", str(path), "--out", str(out)]


def updates_in(folder: Path) -> int:
    file = folder / TRAINING
    return int(load_file(file)["update"]) if file.exists() else 0


def test_a_killed_run_goes_on_as_if_nothing_had_been(tmp_path: Path) -> None:
    path, cut, whole = tmp_path / "config.json", tmp_path / "cut", tmp_path / "whole"
    path.write_text(json.dumps(CONFIG | {"stages": [{"updates": 60}], "checkpoint_minutes": 0}))
    for _ in range(2):
        before = updates_in(cut)
        with subprocess.Popen(train(path, cut), stderr=subprocess.DEVNULL) as run:
            end = time.monotonic() + 120
            while updates_in(cut) < before + 5 and time.monotonic() < end:
                time.sleep(0.01)
            run.kill()
        assert before < updates_in(cut) < 60
    for folder in (cut, whole):
        subprocess.run(train(path, folder), check=True, capture_output=True, timeout=240)
    assert (cut / WEIGHTS).read_bytes() == (whole / WEIGHTS).read_bytes()
    assert rows(cut) == rows(whole)
    assert [int(row["update"]) for row in rows(cut)] == list(range(60))


def test_a_finished_run_is_left_as_it_is_and_its_pieces_are_noted(tmp_path: Path) -> None:
    for until, commit in ((2, "a"), (3, "a"), (6, "b"), (6, "c")):
        Trainer(config_of(), tmp_path, "cpu").run(notes={"commit": commit}, until=until)
    notes = notes_of(tmp_path)
    assert notes["commit"] == "b"
    assert notes["pieces"] == [{"from_update": 0, "commit": "a"}, {"from_update": 3, "commit": "b"}]


def test_a_checkpoint_without_its_run_is_not_overwritten(tmp_path: Path) -> None:
    Trainer(config_of(), tmp_path, "cpu").run(until=1)
    (tmp_path / TRAINING).unlink()
    weights = (tmp_path / WEIGHTS).read_bytes()
    with pytest.raises(InvalidConfig, match="cannot go on"):
        Trainer(config_of(), tmp_path, "cpu")
    assert (tmp_path / WEIGHTS).read_bytes() == weights


def test_a_damaged_run_is_named(tmp_path: Path) -> None:
    Trainer(config_of(), tmp_path, "cpu").run(until=1)
    (tmp_path / TRAINING).write_bytes(b"\xff" * 40)
    with pytest.raises(InvalidConfig, match=r"training.safetensors is damaged"):
        Trainer(config_of(), tmp_path, "cpu")


def test_what_a_run_began_with_is_part_of_it(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    Trainer(config_of(), first, "cpu").run(until=1)
    begun = config_of(start=str(first))
    Trainer(begun, second, "cpu").run(until=1)
    assert notes_of(second)["start"] == str(first)
    Trainer(begun, second, "cpu").run(until=2)
    with pytest.raises(InvalidConfig, match=r"other start\)"):
        Trainer(config_of(), second, "cpu")
    with pytest.raises(UnknownName, match="nosuch"):
        Trainer(config_of(start="nosuch"), tmp_path / "third", "cpu")


def data_of(folder: Path, batch: int = 4, **stream: Any) -> DataSet:
    write_data(folder, StreamConfig(**{"steps": 64, **stream}), batch, 3)
    return DataSet(folder)


def test_the_files_of_a_run_are_part_of_it(tmp_path: Path) -> None:
    data, run = data_of(tmp_path / "data"), tmp_path / "run"
    Trainer(config_of(), run, "cpu", data=data).run(until=1)
    assert notes_of(run)["data"]["batches"] == 3
    with pytest.raises(InvalidConfig, match=r"other data\)"):
        Trainer(config_of(), run, "cpu")
    Trainer(config_of(), run, "cpu", data=data).run(until=2)


def test_files_must_hold_what_the_configuration_says(tmp_path: Path) -> None:
    small, other = data_of(tmp_path / "a", batch=3), data_of(tmp_path / "b", label="hard")
    with pytest.raises(InvalidConfig, match="batches of 3; the configuration needs 4"):
        Trainer(config_of(), tmp_path / "run", "cpu", data=small)
    with pytest.raises(InvalidConfig, match="another stream"):
        Trainer(config_of(), tmp_path / "run", "cpu", data=other)


def test_a_data_set_that_was_cut_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnirl_reference.stream.data_set.PER_SHARD", 1)
    stream, folder = StreamConfig(steps=64), tmp_path / "data"

    def stop(n: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_data(folder, stream, 4, 3, stop)
    with pytest.raises(InvalidConfig, match="not complete"):
        DataSet(folder)
    other = dataclasses.replace(stream, behaviours={"uniform": 1.0})
    with pytest.raises(InvalidConfig, match="another data set"):
        write_data(folder, other, 4, 3)
    write_data(folder, stream, 4, 3)
    assert len(DataSet(folder)) == 3
    (folder / "data.json").unlink()
    with pytest.raises(InvalidConfig, match="another data set"):
        write_data(folder, other, 4, 3)


@pytest.mark.parametrize("name", ["data.json", "batches-00000000.npz"])
def test_a_changed_bit_of_a_data_set_is_noticed(tmp_path: Path, name: str) -> None:
    data_of(tmp_path)
    content = (tmp_path / name).read_bytes()
    for place in range(0, len(content), len(content) // 16):
        spoilt = bytearray(content)
        spoilt[place] ^= 1
        (tmp_path / name).write_bytes(spoilt)
        with pytest.raises(InvalidConfig):
            DataSet(tmp_path).get(0)
    (tmp_path / name).write_bytes(content)
    assert DataSet(tmp_path).get(0).rewards.shape == (4, 64)


def test_names_tell_agents_apart() -> None:
    twins = [make("dpd"), make("dpd")]
    with pytest.raises(InvalidConfig, match="a name of its own"):
        curves(twins, Plan(tasks=2, episodes=10))


def test_commits_of_other_projects_are_not_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / ".venv" / "omnirl_reference"
    inside.mkdir(parents=True)
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    monkeypatch.setattr(export, "__file__", str(inside / "export.py"))
    assert export.run_facts(processes.choose_device("cpu"))["commit"] is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["evaluate", "omnirl-61"], "or one of ad, "),
        (["evaluate", "dpd", "--tasks", "1", "--length", "10", "--views", "1"], "length=10"),
        (["train", "dpd", "--out", "x", "--data", "nosuch"], "Write one with `omnirl data`"),
        (["train", "dpd", "--out", "x", "--device", "gpu"], "give one of auto, cpu, cuda"),
    ],
)
def test_common_mistakes_are_told_in_one_line(
    words: list[str],
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["omnirl", *words])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    assert told in capsys.readouterr().err


def test_without_torch_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["omnirl", "train", "dpd", "--out", str(tmp_path)])
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert stop.value.code == 2
    assert "anymdp-bench[omnirl]" in capsys.readouterr().err


def test_windows_of_a_run_by_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    result = evaluate(make("dpd"), "anymdp-16x5-v0", n_tasks=2, context_episodes=20)
    record = result.record
    low, high = record.references.random, record.references.oracle
    found = {score.window: score for score in scores_of_run(result)}
    means = []
    for task in range(2):
        begin, inside = 0, []
        for score, length in zip(record.lived.scores[task], record.lived.lengths[task], strict=True):
            if begin >= 500 and begin + length <= 1000:
                inside.append((score - low[task]) / (high[task] - low[task]))
            begin += length
        means += [np.mean(inside)] if inside else []
    assert found["500-1000"].tasks == len(means) > 0
    assert found["500-1000"].mean == pytest.approx(np.mean(means))
    assert found["500-1000"].clipped == pytest.approx(np.clip(means, -1, 1.2).mean())
    result.save(tmp_path / "run")
    monkeypatch.setattr(sys, "argv", ["omnirl", "windows", str(tmp_path / "run")])
    with pytest.raises(SystemExit):
        cli.main()
    assert f"{found['500-1000'].mean:.3f}" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["omnirl", "windows", str(tmp_path / "run"), "--json"])
    with pytest.raises(SystemExit):
        cli.main()
    windows = {row["window"]: row for row in json.loads(capsys.readouterr().out)["windows"]}
    assert windows["500-1000"]["mean"] == found["500-1000"].mean
    learner = evaluate("q-ucb", "anymdp-1x5-v0", n_tasks=1, train_episodes=100)
    with pytest.raises(InvalidConfig, match="q-ucb was scored on test episodes"):
        scores_of_run(learner)
