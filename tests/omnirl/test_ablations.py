"""The study of what each part of the exact memory's training is worth."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch")

from anymdp_bench import InvalidConfig  # noqa: E402
from omnirl_reference.cli.app import app  # noqa: E402
from omnirl_reference.exact.config import ExactConfig, Pool, exact_config  # noqa: E402
from omnirl_reference.exact.families import Family  # noqa: E402
from omnirl_reference.exact.features import FIRST_ADVANTAGE, N_COUNTS, N_PLANNERS  # noqa: E402
from omnirl_reference.exact.lanes import Lanes  # noqa: E402
from omnirl_reference.exact.lives import KIND, UNIFORM  # noqa: E402
from omnirl_reference.exact.trainer import ExactTrainer  # noqa: E402
from omnirl_reference.studies.ablations import CHANGES, ablations_of  # noqa: E402

TINY = {"name": "tiny", "updates": 3, "width": 8, "pools": [{"lanes": 2, "life": 200}]}


def test_every_run_differs_from_the_base_in_one_thing() -> None:
    base = ExactConfig(name="base", pools=(Pool(),))
    runs = ablations_of(base)
    assert len({run.config.name for run in runs}) == len(runs) == len(CHANGES) + 1
    for run in runs:
        changed = {
            field.name
            for field in dataclasses.fields(base)
            if getattr(run.config, field.name) != getattr(base, field.name)
        }
        assert len(changed - {"name"}) == (run.change != "as it is")


def test_a_blind_network_has_no_weights_from_what_it_does_not_see(tmp_path: Path) -> None:
    config = exact_config({**TINY, "blind": ["planners", "tags"]})
    trainer = ExactTrainer(config, tmp_path)
    trainer.run()
    for network in (trainer.network, trainer.average):
        assert not network.shortcut.any()
        assert not network.from_pair.weight[:, N_COUNTS : FIRST_ADVANTAGE + 2 * N_PLANNERS].any()
        assert network.from_pair.weight[:, :N_COUNTS].any()
        assert not network.state_in.weight[:, 4:].any()
        assert network.state_in.weight[:, :4].any()
    assert ExactTrainer(config, tmp_path).config.blind == ("planners", "tags")


@pytest.mark.parametrize("own_play", [True, False])
def test_without_own_play_lanes_act_at_random(own_play: bool) -> None:
    lanes = Lanes(Family("anymdp", 16, 5), 16, 400, 0.25, 0, own_play=own_play)
    for _ in range(5):
        lanes.tick()
        random = lanes.state.whole[:, KIND] == UNIFORM
    assert np.all(random) != own_play


def test_illegal_inputs_are_refused() -> None:
    with pytest.raises(InvalidConfig, match="give some of planners, tags"):
        exact_config({**TINY, "blind": ["rewards"]})


def test_the_command_goes_on_and_fills_the_document(tmp_path: Path) -> None:
    file, document = tmp_path / "tiny.json", tmp_path / "page.md"
    file.write_text(json.dumps({"kind": "exact", **TINY}), encoding="utf-8")
    document.write_text("<!-- begin ablations -->\n<!-- end ablations -->\n", encoding="utf-8")
    call = ["study", "ablations", "--config", str(file), "--out", str(tmp_path / "runs"), "--online", "1"]
    first = CliRunner().invoke(app, [*call, "--minutes", "0"])
    assert "give the same command again" in first.stdout
    second = CliRunner().invoke(app, [*call, "--document", str(document), "--json"])
    assert second.exit_code == 0
    assert {row["change"] for row in json.loads(second.stdout)} >= set(CHANGES)
    assert "give the same" not in second.stdout
    text = document.read_text(encoding="utf-8")
    assert all(f"| {change} " in text for change in CHANGES)
