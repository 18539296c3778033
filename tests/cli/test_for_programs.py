"""What programs read: versions, JSON, and the state of an installation."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

import anymdp_bench
from anymdp_bench import MissingExtra, evaluate, load_result, load_sequence_result
from anymdp_bench.cli import app as cli
from anymdp_bench.cli import doctor, output
from anymdp_bench.cli.app import app
from anymdp_bench.foundation import extras
from omnirl_reference.cli import app as omnirl_cli
from omnirl_reference.cli.app import app as omnirl_app
from omnirl_reference.model import shipped

runner = CliRunner()


def as_json(*words: str) -> object:
    result = runner.invoke(app, [*words, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_version() -> None:
    assert runner.invoke(app, ["--version"]).stdout.strip() == anymdp_bench.__version__


def test_names_as_json_are_those_of_the_tables() -> None:
    names = as_json("list")
    assert isinstance(names, dict)
    assert "AnyMDP-v0" in names["environments"]
    assert "q-ucb" in names["agents"]
    assert set(names) == {"environments", "banks", "boards", "sequence boards", "agents"}


def test_scores_as_json_are_those_of_the_records(tmp_path: Path) -> None:
    run = as_json("run", "uniform", "--board", "darkroom-6-v0", "--jobs", "1", "--out", str(tmp_path))
    again = as_json("score", str(tmp_path))
    assert isinstance(run, list)
    assert isinstance(again, list)
    assert sorted(run, key=str) == sorted(again, key=str)
    known = load_result(tmp_path / "uniform").scores().iloc[0]
    row = next(row for row in run if row["agent"] == "uniform")
    for name, value in row.items():
        if value is None:
            assert math.isnan(known[name])
        else:
            assert value == known[name]


def test_losses_as_json_are_those_that_are_kept(tmp_path: Path) -> None:
    model = "tests.leaderboard.zoo.readers:Counts"
    rows = as_json("read", model, "--tasks", "1", "--steps", "128", "--out", str(tmp_path))
    kept = load_sequence_result(tmp_path / "counts")
    assert isinstance(rows, list) and rows[0]["policy@100"] == kept.table().iloc[0]["policy@100"]
    assert kept.made["entry_point"] == model and kept.made["segment"] == 512


WITHOUT_TABLE = {
    "anymdp-bench": {"plot", "submit", "board sign", "board claim", "board serve"},
    "omnirl": {"train", "data", "fetch", "export"},
}
"""Commands that print no table, or lines for programs already."""


@pytest.mark.parametrize(("name", "whole"), [("anymdp-bench", app), ("omnirl", omnirl_app)])
def test_every_table_is_printed_as_json_too(name: str, whole: Any) -> None:
    without = set()
    todo = [("", typer.main.get_command(whole))]
    while todo:
        path, command = todo.pop()
        inner = getattr(command, "commands", {})
        todo += [(f"{path} {word}".strip(), one) for word, one in inner.items()]
        if not inner and not any("--json" in parameter.opts for parameter in command.params):
            without.add(path)
    assert without == WITHOUT_TABLE[name]


def test_json_is_strict(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json({"a": [np.float64("nan"), np.int64(3), math.inf], "b": (True, "text", None)})
    assert json.loads(capsys.readouterr().out) == {"a": [None, 3, None], "b": [True, "text", None]}


def test_a_whole_installation_has_no_problem() -> None:
    found = {finding["name"]: finding for finding in as_json("doctor")}  # type: ignore[attr-defined]
    assert all(finding["ok"] for finding in found.values())
    assert found["anymdp-bench"]["found"].startswith(anymdp_bench.__version__)
    assert "oracle" in found["agents"]["found"]
    assert runner.invoke(app, ["doctor"]).exit_code == 0


def test_a_missing_extra_is_no_problem_and_its_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(extras.EXTRAS, "no_such_module", "plot")
    finding = next(finding for finding in doctor.findings() if finding.name == "extra plot")
    assert finding.ok
    assert finding.found == "missing: no_such_module"
    assert finding.advice == "python -m pip install 'anymdp-bench[plot]'"
    monkeypatch.setenv("COLUMNS", "40")
    lines = runner.invoke(app, ["doctor"]).stdout.splitlines()
    assert f"extra plot: {finding.advice}" in lines  # in one piece on any screen, to be copied


@pytest.mark.parametrize("program", ["anymdp-bench", "omnirl"])
def test_a_command_that_lacks_a_package_says_what_to_install(
    program: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lacking() -> None:
        raise ModuleNotFoundError("No module named 'sb3_contrib.ppo'", name="sb3_contrib.ppo")

    module = {"anymdp-bench": cli, "omnirl": omnirl_cli}[program]
    monkeypatch.setattr(module, "app", lacking)
    with pytest.raises(SystemExit, match="2"):
        module.main()
    told = f"{program}: This command: sb3_contrib is not installed. Run: python -m pip install"
    assert capsys.readouterr().err == f"{told} 'anymdp-bench[rl2]'\n"


def test_figures_ask_for_their_extra_before_anything_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None)
    for command in ("e6", "e7", "sample-efficiency", "paper-table"):
        result = runner.invoke(app, ["reproduce", command])
        assert isinstance(result.exception, MissingExtra) and result.stdout == ""


def test_a_document_is_looked_for_before_anything_is_computed(tmp_path: Path) -> None:
    result = runner.invoke(app, ["reproduce", "e7", "--document", str(tmp_path / "none.md")])
    assert result.exit_code == 2
    assert "does not exist" in " ".join(result.output.replace("│", " ").split())


def test_the_doctor_knows_pictures_and_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(shipped.STORE, str(tmp_path))
    monkeypatch.setattr(shipped, "CHECKPOINTS", tmp_path / "nothing")
    found = {finding.name: finding for finding in doctor.findings()}
    assert found["extra render"].found == "installed"
    assert found["checkpoints in the package"].found == "none"
    beside = found["checkpoints beside it"]
    assert str(tmp_path) in beside.found and "not fetched: " in beside.found and "omnirl-16" in beside.found
    assert beside.ok and beside.advice.startswith("omnirl fetch NAME --source PLACE")


def test_a_cache_that_cannot_be_written_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(file))
    result = runner.invoke(app, ["doctor"])
    assert result.exit_code == doctor.PROBLEM
    assert "NOT ok" in result.stdout
    assert "NUMBA_CACHE_DIR" in result.stdout


def test_an_environment_that_cannot_be_made_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: object) -> None:
        raise RuntimeError("half\ninstalled")

    monkeypatch.setattr("gymnasium.make", broken)
    last = doctor.findings()[-1]
    assert (last.ok, last.found) == (False, "RuntimeError: half installed")


def test_the_same_rows_for_results_in_memory() -> None:
    result = evaluate("uniform", "darkroom-6-v0", runs=2)
    assert output.score_rows([result])[0]["agent"] == "uniform"
