import csv
import json
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

torch = pytest.importorskip("torch")

from anymdp_bench import InvalidConfig  # noqa: E402
from omnirl_reference.cli import app as cli  # noqa: E402
from omnirl_reference.config.file import load_config  # noqa: E402
from omnirl_reference.config.stream import StreamConfig  # noqa: E402
from omnirl_reference.playing import export  # noqa: E402
from omnirl_reference.playing.agent import make  # noqa: E402
from omnirl_reference.playing.compare import points, verdicts  # noqa: E402
from omnirl_reference.playing.validation import Plan  # noqa: E402
from omnirl_reference.stream.data_set import DataSet, write_data  # noqa: E402
from omnirl_reference.stream.stream import Stream  # noqa: E402
from omnirl_reference.training import logs  # noqa: E402

CONFIG = {
    "name": "tiny",
    "model": {"width": 32, "layers": 1, "head_width": 16},
    "stream": {"steps": 80},
    "stages": [{"updates": 4}, {"updates": 2, "on_policy_share": 0.5}],
    "batch": 4,
    "segment": 48,
    "own_play": {"refresh": 3, "pool": 4},
    "evaluate_every": 3,
    "validate_every": 6,
    "validation_tasks": 1,
}


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "tiny.json"
    path.write_text(json.dumps(CONFIG))
    return str(path)


def command(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["omnirl", *map(str, words)])
    try:
        cli.main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_train_stops_goes_on_logs_and_evaluates(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, config: str
) -> None:
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert command(monkeypatch, "train", config, "--out", whole) == 0
    for done in range(1, 4):
        assert command(monkeypatch, "train", config, "--out", cut, "--minutes", 0) == 0
        assert f"{done} of 6 updates" in capsys.readouterr().out
    with (cut / "training.csv").open("a") as file:
        file.write("9,1,1,1\n4,")
    assert command(monkeypatch, "train", config, "--out", cut) == 0
    assert (whole / "weights.safetensors").read_bytes() == (cut / "weights.safetensors").read_bytes()
    losses = [[row["policy"] for row in table(folder / "training.csv")] for folder in (whole, cut)]
    assert losses[0] == losses[1]
    assert len(losses[0]) == 6
    evaluations = table(cut / "evaluation.csv")
    assert evaluations == table(whole / "evaluation.csv")
    assert [row["update"] for row in evaluations] == ["3", "6"]
    assert float(evaluations[0]["unseen 0-16"]) == pytest.approx(np.log(5), abs=0.5)
    assert evaluations[0]["seen 256+"] == ""
    assert evaluations[0]["score 500-1000"] == ""
    assert evaluations[1]["score 500-1000"] != ""
    assert command(monkeypatch, "evaluate", cut, "--tasks", 1, "--length", 600) == 0
    assert "0-500" in capsys.readouterr().out


def test_a_run_of_another_configuration_is_not_continued(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, config: str
) -> None:
    run = ("train", config, "--out", tmp_path / "run", "--minutes", 0)
    assert command(monkeypatch, *run) == 0
    Path(config).write_text(json.dumps(CONFIG | {"evaluate_every": 50}))
    assert command(monkeypatch, *run) == 0
    Path(config).write_text(json.dumps(CONFIG | {"learning_rate": 0.5}))
    assert command(monkeypatch, *run) == 2
    assert "another configuration" in capsys.readouterr().err
    assert command(monkeypatch, "train", "omnirl-17", "--out", tmp_path / "x") == 2
    assert "omnirl-16" in capsys.readouterr().err


def test_a_new_run_may_begin_with_a_checkpoint(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, config: str
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    words = ("--minutes", 0, "--start", first)
    assert command(monkeypatch, "train", config, "--out", first, "--minutes", 0) == 0
    assert command(monkeypatch, "train", config, "--out", second, *words) == 0
    before, after = (table(folder / "training.csv")[0] for folder in (first, second))
    assert before["policy"] != after["policy"]
    Path(config).write_text(json.dumps(CONFIG | {"model": {"width": 16, "layers": 1, "head_width": 16}}))
    assert command(monkeypatch, "train", config, "--out", tmp_path / "third", *words) == 2
    assert "nothing but fewer states" in capsys.readouterr().err


def test_export_writes_what_a_reader_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, config: str
) -> None:
    run, shelf = tmp_path / "run", tmp_path / "shelf"
    assert command(monkeypatch, "train", config, "--out", run, "--minutes", 0) == 0
    plans = [Plan(tasks=1, protocol=protocol, teacher_episodes=1, steps=600) for protocol in export.PROTOCOLS]
    own = load_config(config)
    assert [(plan.protocol, plan.tasks) for plan in export.default_plans(own)] == [
        (protocol, 1) for protocol in export.PROTOCOLS
    ]
    assert {plan.tasks for plan in export.default_plans(own, 5)} == {5}
    monkeypatch.setattr(export, "default_plans", lambda config, tasks: plans)
    words = ("export", run, "small", "--out", shelf, "--last", 0.3, "--hardware", "a fast machine")
    assert command(monkeypatch, *words) == 0
    notes = json.loads((shelf / "small" / "notes.json").read_text())
    assert notes["seeds"] == {"weights": 0, "stream": 0}
    assert notes["updates"] == 1
    assert notes["steps"] == 320
    assert notes["hardware"] == "a fast machine"
    assert [entry["protocol"] for entry in notes["validation"]] == ["online", "imitation", "offline"]
    assert set(notes["validation"][0]["clipped"]) == {"0-500"}
    agent = make(str(shelf / "small"))
    assert agent.temperature.last == 0.3
    assert agent.info.config["checkpoint"] == "small"
    assert command(monkeypatch, *words) == 2
    assert "exists already" in capsys.readouterr().err
    monkeypatch.setattr(export, "MOST_BYTES", 10)
    with pytest.raises(InvalidConfig, match="at most 16 may ship"):
        export.export(run, "large", folder=shelf)


def test_a_data_set_holds_the_streams_batches(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, config: str
) -> None:
    monkeypatch.setattr("omnirl_reference.stream.data_set.PER_SHARD", 2)
    folder = tmp_path / "data"
    assert command(monkeypatch, "data", config, "--out", folder, "--batches", 5) == 0
    assert len(list(folder.glob("*.npz"))) == 3
    data, stream = DataSet(folder), Stream(StreamConfig(steps=80), 4)
    for index in (0, 3, 4, 1):
        pairs = zip(data.get(index), stream.make(index), strict=True)
        assert all(np.array_equal(a, b) and a.dtype == b.dtype for a, b in pairs)
    assert np.array_equal(data.get(7).rewards, data.get(2).rewards)
    with pytest.raises(InvalidConfig, match="another data set"):
        write_data(folder, StreamConfig(steps=81), 4, 5)
    with pytest.raises(InvalidConfig, match="Write one with `omnirl data`"):
        DataSet(tmp_path)
    assert command(monkeypatch, "train", config, "--out", tmp_path / "files", "--data", folder) == 0
    assert command(monkeypatch, "train", config, "--out", tmp_path / "stream") == 0
    one, two = (table(tmp_path / name / "training.csv") for name in ("files", "stream"))
    assert [row["policy"] for row in one[:4]] == [row["policy"] for row in two[:4]]


def test_compare_draws_every_model_by_every_protocol(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, config: str
) -> None:
    pytest.importorskip("matplotlib")
    for name in ("dpd", "other"):
        assert command(monkeypatch, "train", config, "--out", tmp_path / name, "--minutes", 0) == 0
    words = ("--tasks", 2, "--episodes", 20, "--teacher-episodes", 2, "--out", tmp_path / "figure")
    assert command(monkeypatch, "compare", tmp_path / "dpd", tmp_path / "other", *words) == 0
    points = table(tmp_path / "figure.csv")
    kinds = {(row["agent"], row["protocol"], row["episodes"]) for row in points}
    assert len(points) == len(kinds) == 2 * 3 * 2
    assert all(float(row["low"]) <= float(row["high"]) for row in points)
    out = capsys.readouterr().out
    assert "0.620" in out or "0.62" in out
    assert "Ours, imitation: nothing to compare." in out
    assert "<svg" in (tmp_path / "figure.svg").read_text()
    assert command(monkeypatch, "compare", tmp_path / "dpd", tmp_path / "other", *words, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert len(told["curves"]) == len(points) and "Ours, imitation: nothing to compare." in told["verdicts"]


def test_verdicts_compare_the_last_points_task_by_task() -> None:
    easy = np.linspace(0.0, 1.0, 8)
    noise = np.tile([0.01, -0.01], 4)
    last = {"dpd": easy + 0.2 + noise, "dpt": easy, "ad": easy - noise, "ad-eps": easy + 0.1 - noise}
    frame = pd.DataFrame(
        [
            (agent, protocol, episodes, task, score if episodes == 20 else 9.0)
            for protocol in ("online", "imitation", "offline")
            for agent, scores in last.items()
            for episodes in (10, 20)
            for task, score in enumerate(scores)
        ],
        columns=["agent", "protocol", "episodes", "task", "score"],
    )
    _, online, *_ = verdicts(frame)
    borne_out, not_separated, contradicted = online.removeprefix("Ours, online: ").split("; ")
    assert borne_out.startswith("borne out: dpd > dpt [+0.191, +0.209], dpd > ad [")
    assert not_separated == "not separated: dpt > ad [-0.009, +0.009]"
    assert contradicted.startswith("contradicted: dpt > ad-eps [-0.1")
    summary = points(frame)
    dpd = summary[(summary["agent"] == "dpd") & (summary["episodes"] == 20)].iloc[0]
    assert dpd["score"] == pytest.approx(0.7)
    assert (dpd["low"], dpd["high"]) == tuple(np.quantile(last["dpd"], [0.25, 0.75]))


def test_tensorboard_is_written_where_it_is_installed(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    log = logs.RunLog(tmp_path, 0)
    log.update({"update": 1.0, "policy": 1.5})
    log.evaluation({"update": 1.0, "unseen 0-16": 1.6})
    log.close()
    assert list((tmp_path / "tensorboard").iterdir())
