"""The study of mixers: runs that differ in their mixer alone, kept readings, the table, the document."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pd = pytest.importorskip("pandas")

from typer.testing import CliRunner  # noqa: E402

from anymdp_bench import InvalidConfig, SequenceBoard, SequenceResult  # noqa: E402
from omnirl_reference.cli.app import app  # noqa: E402
from omnirl_reference.config.file import load_config, train_config  # noqa: E402
from omnirl_reference.model.mixers import MIXERS  # noqa: E402
from omnirl_reference.studies.mixers import doubling_means, runs_of, summary, train_mixers  # noqa: E402

VALUES = {
    "name": "tiny",
    "model": {"n_states": 64, "n_actions": 5, "width": 16, "layers": 1, "head_width": 8},
    "stream": {"n_states": 64, "task_states": [16], "steps": 48},
    "stages": [{"updates": 2}],
    "batch": 2,
    "segment": 32,
    "warm_up": 1,
    "evaluate_every": 1,
}


def result_of(losses: list[float]) -> SequenceResult:
    board = SequenceBoard(name="small", bank="anymdp-16x5-v0", n_tasks=1, steps=64 * len(losses))
    kinds = dict.fromkeys(("policy", "next_observation", "reward"), np.array([losses]))
    return SequenceResult(model="m", board=board, losses=kinds, state_bytes=8, seconds=0.0)


@pytest.mark.parametrize("name", ["sequence", "sequence-core", "sequence-large"])
def test_runs_differ_in_their_mixer_alone(name: str) -> None:
    base = load_config(name)
    runs = runs_of(base)
    assert [run.name for run in runs] == [*MIXERS]
    for run in runs:
        model = dataclasses.replace(run.config.model, mixer=base.model.mixer)
        assert dataclasses.replace(run.config, name=base.name, model=model) == base


def test_an_unknown_mixer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="mixer='lstm' is not legal"):
        train_mixers(runs_of(train_config(VALUES), ["lstm"]), tmp_path)


def test_the_summary_has_the_last_losses_that_were_reached(tmp_path: Path) -> None:
    short, long = result_of([1.6, 1.4]), result_of([1.6, 1.4, *([1.0] * 8), *([0.5] * 22)])
    table = summary([short, long], tmp_path)
    assert table["policy, last"].tolist() == pytest.approx([1.4, 0.5])
    assert table["policy@100"].tolist() == pytest.approx([1.4, 1.4])
    assert math.isnan(table["policy@1000"][0]) and table["policy@1000"][1] == table["policy, last"][1]


def test_curves_have_ever_longer_stretches() -> None:
    result = result_of([1.6, 1.4, *([1.0] * 8), *([0.5] * 22)])
    steps, losses = doubling_means(result, "policy")
    assert (np.diff(steps) > 0).all() and len(steps) < 32
    assert losses[0] == pytest.approx(1.6) and losses[-1] == pytest.approx(0.5)


def test_the_command_goes_on_and_writes_a_document(tmp_path: Path) -> None:
    (tmp_path / "tiny.json").write_text(json.dumps(VALUES))
    document = tmp_path / "studies.md"
    document.write_text("<!-- begin sequence-mixers (it) -->\n<!-- end sequence-mixers -->\n")
    command = ["study", "sequence", "--config", str(tmp_path / "tiny.json"), "--out", str(tmp_path / "out")]
    command += ["--mixer", "s5", "--mixer", "gated-slot", "--board", "anymdp-16x5-sequence-v0"]
    command += ["--beside", "omnirl-any", "--tasks", "2", "--steps", "128"]
    stopped = CliRunner().invoke(app, [*command, "--minutes", "0"])
    assert stopped.exit_code == 0 and "not all runs are done" in stopped.output
    for _ in range(4):
        answer = CliRunner().invoke(app, [*command, "--minutes", "0"])
    whole = CliRunner().invoke(app, [*command, "--document", str(document)])
    assert whole.exit_code == 0 and "not all runs" not in whole.output, answer.output
    table = pd.read_csv(tmp_path / "out" / "table.csv")
    assert set(table["model"]) == {"s5", "gated-slot", "omnirl-any"}
    assert "`gated-slot`" in document.read_text() and "1.24" in document.read_text()
    assert (tmp_path / "figures" / "sequence-mixers.svg").exists()
