"""Names and modules that are not there: what a message says to do."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import anymdp_bench
from anymdp_bench import MissingExtra, UnknownName, evaluate, get_board, make_agent
from anymdp_bench.cli.app import app
from anymdp_bench.foundation.registry import load_object
from tests.support.scripted import BOARD, Scripted, corridor


def test_a_misspelt_name_gives_the_nearest_alone() -> None:
    with pytest.raises(UnknownName, match=r"Did you mean 'anymdp-16x5-online-v0'.*\?$") as told:
        get_board("anymdp-16x5-onlin-v0")
    assert len(str(told.value)) < 200
    with pytest.raises(UnknownName, match=r"Registered: anymdp-128x5-imitation-v0, .* and \d+ more\.$"):
        get_board("????")


def test_a_module_that_is_not_found_names_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UnknownName, match=rf"cannot import 'my_modul'.*this is {tmp_path}.*PYTHONPATH"):
        load_object("my_modul:make")
    (tmp_path / "needy.py").write_text("import not_installed_anywhere\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UnknownName, match=r"'needy:make' needs 'not_installed_anywhere', which is not inst"):
        load_object("needy:make")


@pytest.mark.parametrize(
    ("agent", "modules", "extra"),
    [("ppo", ("torch", "stable_baselines3"), "baselines"), ("omnirl-16", ("torch",), "omnirl")],
)
def test_agents_name_the_extra_that_they_need(
    agent: str, modules: tuple[str, ...], extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith(("baselines.ppo", "omnirl_reference"))]:
        monkeypatch.delitem(sys.modules, name)
    for module in modules:
        for name in [name for name in sys.modules if name == module or name.startswith(f"{module}.")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setitem(sys.modules, module, None)
    told = rf"(torch|stable_baselines3) is not installed. Run: .* install 'anymdp-bench\[{extra}\]'"
    with pytest.raises(MissingExtra, match=told):
        make_agent(agent)


def test_public_names_name_the_extra_that_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("stable_baselines3")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "stable_baselines3", None)
    monkeypatch.delitem(sys.modules, "anymdp_bench.envs.sb3", raising=False)
    monkeypatch.delitem(vars(anymdp_bench), "Sb3VecEnv", raising=False)
    with pytest.raises(MissingExtra, match=r"Sb3VecEnv: stable_baselines3 is not inst.*\[baselines\]"):
        anymdp_bench.Sb3VecEnv  # noqa: B018


def test_a_board_is_not_half_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2", None)
    words = ["board", "build", "--leaderboards", str(tmp_path), "--site", str(tmp_path / "site")]
    assert isinstance(CliRunner().invoke(app, words).exception, MissingExtra)
    assert list(tmp_path.iterdir()) == []


def test_a_result_is_shown_in_one_line() -> None:
    result = evaluate(Scripted(), BOARD, tasks=[corridor()])
    assert repr(result) == "Result(agent='scripted', board='test', track='in-context', tasks=1, runs=1)"
