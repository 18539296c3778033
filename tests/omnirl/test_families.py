"""Streams that mix families, and grids among them."""

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
from omnirl_reference.config.file import load_config, train_config  # noqa: E402
from omnirl_reference.config.stream import StreamConfig  # noqa: E402
from omnirl_reference.stream.simulate import Sequences  # noqa: E402
from omnirl_reference.stream.stream import Stream  # noqa: E402
from omnirl_reference.studies.report import domains_text, draw_domains  # noqa: E402
from omnirl_reference.training.trainer import Trainer  # noqa: E402

MIXED = StreamConfig(
    families={"anymdp": 1.0, "garnet": 2.0, "grid": 1.0},
    n_states=64,
    task_states=(16, 32),
    steps=200,
    label_behaviour=True,
    behaviours={"noisy-0.994": 1.0},
)


def rows_of(batch: Sequences, rows: list[int]) -> list[np.ndarray]:
    return [values[rows] for values in batch]


def test_rows_are_those_of_their_families() -> None:
    batch = Stream(MIXED, 24).make(1)
    found = dict.fromkeys(MIXED.families or {}, 0)
    for family in found:
        alone = Stream(dataclasses.replace(MIXED, families=None, family=family), 24).make(1)
        same = [
            row for row in range(24) if all(map(np.array_equal, rows_of(batch, [row]), rows_of(alone, [row])))
        ]
        found[family] = len(same)
    assert sum(found.values()) == 24 and min(found.values()) > 0


def test_a_task_keeps_its_family_and_shares_hold() -> None:
    stream = Stream(MIXED, 4)
    families = [stream._family_of(index) for index in range(2000)]
    assert families == [Stream(MIXED, 9)._family_of(index) for index in range(2000)]
    assert abs(families.count("garnet") / 2000 - 0.5) < 0.05
    few = Stream(dataclasses.replace(MIXED, n_tasks=3, relabel=False), 6).make(0)
    for row in range(3):
        first, again = (set(few.states[k].tolist()) for k in (row, row + 3))
        assert len(first | again) <= 32


def test_grids_are_sequences_like_others() -> None:
    config = dataclasses.replace(MIXED, families=None, family="grid", label_behaviour=False, label="hard")
    batch = Stream(config, 8).make(0)
    acting = batch.actions < 5
    np.testing.assert_allclose(batch.targets.sum(-1), acting, atol=1e-6)
    assert (batch.actions == 5).any() and batch.states.max() < 64
    assert max(len(set(row.tolist())) for row in batch.states) <= 32


def test_noise_falls_until_the_oracle_acts_alone() -> None:
    batch = Stream(
        dataclasses.replace(MIXED, steps=3000, masked_sequences=0.0, masked_episodes=0.0), 24
    ).make(0)
    random = (batch.behaviour == 6) & (batch.actions < 5)
    assert random[:, :100].mean() > random[:, -500:].mean() + 0.2


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"families": {"chess": 1.0}}, "families="),
        ({"families": {"anymdp": 0.0}}, "families="),
        ({"families": {"grid": 1.0}, "n_actions": 3}, "n_actions=3 is not legal: give 4 or 5 in a grid"),
        ({"families": {"grid": 1.0}, "n_states": 8, "task_states": None}, "n_states=8"),
    ],
)
def test_what_no_stream_can_play_is_refused(changes: dict, text: str) -> None:
    with pytest.raises(InvalidConfig, match=text):
        dataclasses.replace(MIXED, **changes)


def test_a_model_plays_no_mixture_itself() -> None:
    values = {"name": "x", "stream": {"families": {"anymdp": 1.0}}, "stages": [{"updates": 1}]}
    train_config(values)
    with pytest.raises(InvalidConfig, match="where the model plays itself"):
        train_config(values | {"stages": [{"updates": 1, "on_policy_share": 0.5}]})


def test_vintix_trains(tmp_path: Path) -> None:
    whole = load_config("vintix")
    model = dataclasses.replace(whole.model, width=16, layers=1, head_width=8)
    stages = tuple(dataclasses.replace(stage, updates=2) for stage in whole.stages)
    stream = dataclasses.replace(whole.stream, steps=64)
    tiny = dataclasses.replace(
        whole,
        model=model,
        stream=stream,
        stages=stages,
        batch=3,
        segment=32,
        evaluate_every=4,
        start="",
    )
    found: list[dict[str, float]] = []
    Trainer(tiny, tmp_path / "run").run(until=3)
    Trainer(tiny, tmp_path / "run").run(on_evaluation=found.append)
    assert found and np.isfinite(list(found[-1].values())).all()


def test_the_study_plays_boards_seen_and_held_out(tmp_path: Path) -> None:
    values = {
        "name": "tiny",
        "model": {"n_states": 36, "width": 16, "layers": 1, "head_width": 8},
        "stream": {
            "n_states": 36,
            "task_states": [16],
            "families": {"anymdp": 1.0, "grid": 1.0},
            "steps": 32,
        },
        "stages": [{"updates": 1}],
        "batch": 2,
    }
    (tmp_path / "tiny.json").write_text(json.dumps(values))
    command = ["study", "domains", "--config", str(tmp_path / "tiny.json"), "--out", str(tmp_path / "out")]
    command += ["--beside", "uniform", "--tasks", "2", "--steps", "300"]
    command += ["--bank", "darkroom-6-goals-v0", "--bank", "anymdp-64x5-v0"]
    first = CliRunner().invoke(app, command)
    assert first.exit_code == 0, first.output
    again = CliRunner().invoke(app, command)
    assert again.output.splitlines()[-4:] == first.output.splitlines()[-4:]
    rows = json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)
    assert {row["agent"] for row in rows} == {"tiny", "uniform"} and None in [row["late"] for row in rows]
    table = pd.read_csv(tmp_path / "out" / "table.csv").set_index(["bank", "agent"])
    assert np.isnan(table.loc[("anymdp-64x5-v0", "tiny"), "late"])
    assert np.isfinite(table.loc[("darkroom-6-goals-v0", "tiny"), "late"])


def test_held_out_banks_are_called_so_in_table_and_figure(tmp_path: Path) -> None:
    scores = {"agent": ["a", "b"] * 2, "bank": ["seen", "seen", "new", "new"], "early": [0.0, 0.1, 0.2, 0.3]}
    frame = pd.DataFrame({**scores, "late": [0.5, math.nan, 0.7, -0.2]})
    text = domains_text(frame, ["new"])
    assert "| `new`, held out |" in text and "| `seen`          |" in text
    draw_domains(frame, tmp_path / "one.svg", ["new"])
    drawing = (tmp_path / "one.svg").read_text()
    assert drawing.count("(held out)") == 1 and "early" in drawing
