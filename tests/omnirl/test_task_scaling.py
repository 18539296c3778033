"""Task scaling: runs that differ in their tasks alone, names that stay or change, resumption, the table."""

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pd = pytest.importorskip("pandas")

from typer.testing import CliRunner  # noqa: E402

from anymdp_bench import InvalidConfig  # noqa: E402
from omnirl_reference.cli.app import app  # noqa: E402
from omnirl_reference.config import StreamConfig, TrainConfig  # noqa: E402
from omnirl_reference.config.file import train_config  # noqa: E402
from omnirl_reference.model.model import OmniRL  # noqa: E402
from omnirl_reference.stream import Stream  # noqa: E402
from omnirl_reference.studies.scaling import BIN, loss_by_step, runs_of, study, summary  # noqa: E402

VALUES = {
    "name": "tiny",
    "model": {"n_states": 16, "n_actions": 5, "width": 16, "layers": 1, "head_width": 8},
    "stream": {"steps": 48},
    "stages": [{"updates": 4}],
    "batch": 2,
    "segment": 32,
    "warm_up": 1,
    "evaluate_every": 2,
}


def tiny() -> TrainConfig:
    return train_config(VALUES)


def names_of(config: StreamConfig, index: int) -> list[list[int]]:
    """Ids of the first states of a batch of four, by sequence."""
    return [sorted(set(row.tolist())) for row in Stream(config, 4).make(index).states]


@pytest.mark.parametrize("family", ["anymdp", "garnet"])
def test_names_stay_with_a_task_or_change_with_every_sequence(family: str) -> None:
    config = StreamConfig(family=family, n_states=64, task_states=(16,), n_tasks=4, steps=300, relabel=False)
    fixed = Stream(config, 4)
    for first, second in zip(names_of(config, 0), names_of(config, 1), strict=True):
        assert len(set(first) | set(second)) <= 16
    free = dataclasses.replace(config, relabel=True)
    seen = [set(a) | set(b) for a, b in zip(names_of(free, 0), names_of(free, 1), strict=True)]
    assert max(map(len, seen)) > 16
    replayed = Stream(config, 4, replay=True).make(0)
    for row, known in zip(replayed.states, fixed.make(0).states, strict=True):
        assert len(set(row.tolist()) | set(known.tolist())) <= 16


def test_relabelling_is_what_it_was() -> None:
    """The first batch of the default stream, as released."""
    batch = Stream(StreamConfig(steps=64), 2).make(0)
    assert batch.states[:, :8].tolist() == FIRST_STATES
    assert batch.actions[:, :8].tolist() == FIRST_ACTIONS


FIRST_STATES = [[15, 12, 15, 13, 15, 13, 15, 6], [7, 9, 7, 8, 7, 9, 7, 8]]
FIRST_ACTIONS = [[2, 5, 2, 0, 2, 3, 4, 0], [0, 5, 3, 5, 1, 5, 2, 5]]


def test_runs_differ_in_their_tasks_alone() -> None:
    runs = runs_of(tiny(), (8, None))
    assert [run.name for run in runs] == ["8", "endless", "8-relabelled", "endless-relabelled"]
    for run in runs:
        stream = dataclasses.replace(run.config.stream, n_tasks=None, relabel=True, label="soft")
        assert dataclasses.replace(run.config, name="tiny", stream=stream) == dataclasses.replace(
            tiny(), validate_every=0
        )
    some = runs_of(tiny(), (8, 16, None), (None,))
    assert [run.name for run in some] == ["8", "16", "endless", "endless-relabelled"]
    with pytest.raises(InvalidConfig, match="n_tasks=8 is not legal: give null where the model plays"):
        runs_of(train_config(VALUES | {"stages": [{"updates": 1, "on_policy_share": 0.5}]}), (8,))
    with pytest.raises(InvalidConfig, match="relabel=False is not legal: give true where the model plays"):
        runs_of(train_config(VALUES | {"stages": [{"updates": 1, "on_policy_share": 0.5}]}), (None,))


def test_losses_by_step_add_up_to_the_mean() -> None:
    torch.manual_seed(0)
    model = OmniRL(tiny().model).eval()
    config = StreamConfig(steps=48, label="hard")
    sequences = Stream(config, 8).make(0)
    whole, parts = (loss_by_step(model, sequences, length) for length in (48, 7))
    np.testing.assert_allclose(whole, parts, rtol=1e-3)
    with torch.no_grad():
        model.policy.weight.zero_()
        model.policy.bias.zero_()
    np.testing.assert_allclose(loss_by_step(model, sequences, 48), math.log(5), rtol=1e-5)


def test_a_stopped_study_goes_on_and_ends_alike(tmp_path: Path) -> None:
    runs = runs_of(tiny(), (4,))
    assert study(runs, tmp_path / "whole")
    assert not study(runs, tmp_path / "parts", minutes=0)
    while not study(runs, tmp_path / "parts", minutes=0):
        pass
    for run in runs:
        whole, parts = (pd.read_csv(tmp_path / kind / run.name / "curves.csv") for kind in ("whole", "parts"))
        assert sorted(set(whole["update"])) == [0, 2, 4]
        assert len(whole) == 3 * 2 * (48 // BIN)
        pd.testing.assert_frame_equal(whole, parts)
        notes = json.loads((tmp_path / "parts" / run.name / "notes.json").read_text())
        assert notes["updates"] == 4
    assert study(runs, tmp_path / "whole")


def test_the_table_says_where_gains_are_greatest() -> None:
    rows = [
        (tasks, False, kind, update, step, 1.0 - gain * (step + 16) / 48 * update / 4, 1.0)
        for tasks, kind, gain in ((4, "seen", 0.8), (4, "unseen", 0.1), (0, "seen", 0.7), (0, "unseen", 0.62))
        for update in (0, 2, 4)
        for step in (0, 16, 32)
    ]
    frame = pd.DataFrame(rows, columns=["tasks", "relabel", "kind", "update", "step", "loss", "start"])
    found = summary(frame.assign(d=1 - frame["loss"] / frame["start"]))
    assert found.attrs["threshold"] == pytest.approx(0.1)
    table = found.set_index(["tasks", "kind"])
    assert table.loc[(4, "seen"), "max d"] == pytest.approx(0.8)
    assert table.loc[("endless", "unseen"), "max d"] == pytest.approx(0.62)
    assert (table["at update"] == 4).all()
    assert table.loc[("endless", "unseen"), "least t"] == 0


def test_the_command_writes_table_and_curves(tmp_path: Path) -> None:
    (tmp_path / "tiny.json").write_text(json.dumps(VALUES))
    command = [
        "study",
        "task-scaling",
        "--config",
        str(tmp_path / "tiny.json"),
        "--out",
        str(tmp_path / "out"),
    ]
    answer = CliRunner().invoke(app, [*command, "--tasks", "4", "--tasks", "0"])
    assert answer.exit_code == 0, answer.output
    assert "least t: first step of context" in answer.output and "not all runs" not in answer.output
    table = pd.read_csv(tmp_path / "out" / "table.csv")
    assert len(table) == 8 and set(table["tasks"]) == {"4", "endless"}
    assert (tmp_path / "out" / "curves.csv").exists()


def test_the_study_is_written_into_a_document_and_models_play(tmp_path: Path) -> None:
    (tmp_path / "tiny.json").write_text(json.dumps(VALUES))
    document = tmp_path / "docs" / "studies.md"
    document.parent.mkdir()
    document.write_text("# Studies\n\n<!-- begin task-scaling (it) -->\n<!-- end task-scaling -->\n\nEnd.\n")
    command = [
        "study",
        "task-scaling",
        "--config",
        str(tmp_path / "tiny.json"),
        "--out",
        str(tmp_path / "out"),
    ]
    command += ["--tasks", "100", "--relabelled", "0", "--online", "2", "--document", str(document)]
    answer = CliRunner().invoke(app, command)
    assert answer.exit_code == 0, answer.output
    text = document.read_text()
    assert text.startswith("# Studies") and text.endswith("End.\n")
    assert "|   100 | kept     | unseen |" in text.replace("|     100", "|   100")
    figures = document.parent / "figures"
    assert "17.9" in text and "figures/task-scaling-context.svg" in text
    assert (figures / "task-scaling.svg").exists() and (figures / "task-scaling-context.svg").exists()
    table = pd.read_csv(tmp_path / "out" / "table.csv")
    assert table[table["kind"] == "unseen"]["online"].notna().all()
    assert table[table["kind"] == "seen"]["online"].isna().all()
