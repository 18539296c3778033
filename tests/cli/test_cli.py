"""The command line: its main job, what it prints, and how it says that something is wrong."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from anymdp_bench.agents.registry import agent_table
from anymdp_bench.banks import BANKS
from anymdp_bench.cli import app as cli
from anymdp_bench.evaluation.boards import BOARDS, get_board
from anymdp_bench.evaluation.evaluate import evaluate
from anymdp_bench.evaluation.report import count_text, score_table
from anymdp_bench.worlds.pendulum.task import PendulumTask
from baselines.uniform import Uniform

AGENT = """
import numpy as np
from anymdp_bench import AgentInfo, SingleTask

class FirstAction:
    info = AgentInfo(name="first-action")
    def begin(self, observation_space, action_space, seed): pass
    def act(self, observation): return 0
    def observe(self, *transition): pass

def make():
    return SingleTask(FirstAction)

class Illegal(FirstAction):
    def act(self, observation): return 99

def make_named(first=1, checkpoint="none"):
    return SingleTask(FirstAction, AgentInfo(name=f"{first!r}-{checkpoint!r}"))

def make_illegal():
    return SingleTask(Illegal)
"""


def command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str
) -> tuple[int, str, str]:
    """Run the command in this process; return exit status, standard output and standard error."""
    monkeypatch.setattr(sys, "argv", ["anymdp-bench", *words])
    monkeypatch.setenv("COLUMNS", "80")
    try:
        cli.main()
        status = 0
    except SystemExit as stop:
        status = int(stop.code or 0)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.fixture(autouse=True)
def private_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_list_names_everything(capsys, monkeypatch) -> None:
    status, out, _ = command(capsys, monkeypatch, "list")
    assert status == 0
    for name in [*BANKS, *BOARDS, *agent_table(), "AnyMDP-v0", "Switch2-v0"]:
        assert name in out


def test_run_prints_the_table_and_keeps_records(capsys, monkeypatch, tmp_path: Path) -> None:
    words = "run", "uniform", "--board", "frozenlake-v0", "--jobs", "1", "--out", "records"
    status, out, told = command(capsys, monkeypatch, *words)
    assert status == 0
    assert told.splitlines()[-1] == f"Records of uniform: {Path('records') / 'uniform'}"
    rows = {line.split()[0]: line for line in out.splitlines() if line.strip()}
    assert {"uniform", "oracle", "TQL-UCB", "PPO", "OmniRL"} <= set(rows)
    assert "100.0 [100.0, 100.0]" in rows["oracle"]
    assert "95.3" in rows["TQL-UCB"] and "23.6K" in rows["TQL-UCB"]
    assert "frozenlake-online-v0: 1 task, 10 runs each" in out
    assert (tmp_path / "records" / "uniform" / "manifest.json").exists()
    again = command(capsys, monkeypatch, *words)
    assert again[:2] == (status, out)


def test_score_reads_records(capsys, monkeypatch, tmp_path: Path) -> None:
    command(
        capsys, monkeypatch, "run", "oracle", "--board", "darkroom-6-v0", "--jobs", "1", "--out", "records"
    )
    status, out, _ = command(capsys, monkeypatch, "score", "records", "--csv", "all.csv")
    assert status == 0 and "darkroom-6-online-v0: 1 task, 10 runs each" in out
    table = pd.read_csv(tmp_path / "all.csv")
    assert set(table["agent"]) == {"oracle", "uniform"}
    assert table.set_index("agent").loc["oracle", "performance"] == pytest.approx(1.0, abs=0.05)


def test_agents_of_the_user_run_from_their_folder(capsys, monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "my_agent.py").write_text(AGENT)
    monkeypatch.setattr(sys, "path", list(sys.path))
    words = "run", "my_agent:make", "--tasks", "1", "--jobs", "1"
    status, out, _ = command(capsys, monkeypatch, *words)
    assert status == 0 and "first-action" in out
    (folder,) = (tmp_path / "runs" / "anymdp-16x5-online-v0").glob("*/first-action")
    assert (folder / "manifest.json").exists()


def test_options_reach_what_makes_the_agent(capsys, monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "my_agent.py").write_text(AGENT)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "my_agent", raising=False)
    words = "run", "my_agent:make_named", "--tasks", "1", "--jobs", "1", "--checkpoint", "a=b"
    status, out, _ = command(capsys, monkeypatch, *words, "--option", "first=2.5")
    assert status == 0
    assert "2.5-'a=b'" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "uniform", "--option", "speed"), "--option 'speed': give KEY=VALUE."),
        (("run", "uniform", "--checkpoint", "x"), "agent 'uniform' has no option checkpoint; it has none."),
        (("run", "unifrom"), "Unknown agent 'unifrom'. Did you mean 'uniform'?"),
        (("run", "uniform", "--board", "anymdp-16x6-v0"), "Unknown board 'anymdp-16x6-v0'. Did you"),
        (("run", "uniform", "--tasks", "0"), "n_tasks=0 is not legal: give an integer of at least 1."),
        (
            ("run", "uniform", "--split", "train"),
            "split='train' is not legal: give one of 'test', 'validation'",
        ),
        (("run", "uniform", "--jobs", "0"), "jobs=0 is not legal: give an integer of at least 1"),
        (("run", "no.such:Agent"), "cannot import 'no'"),
        (("score", "nowhere"), "nowhere is not a records folder: it has no manifest.json."),
    ],
)
def test_mistakes_are_told_in_one_line(words, message: str, capsys, monkeypatch) -> None:
    status, _, err = command(capsys, monkeypatch, *words)
    lines = [line for line in err.splitlines() if line.startswith("anymdp-bench: ")]
    assert status == 2
    assert len(lines) == 1 and message in lines[0]
    assert "Traceback" not in err


def test_an_illegal_action_names_agent_task_and_step(capsys, monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "my_agent.py").write_text(AGENT)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "my_agent", raising=False)
    words = "run", "my_agent:make_illegal", "--board", "darkroom-6-v0", "--jobs", "1"
    status, _, err = command(capsys, monkeypatch, *words)
    assert status == 2
    assert "Agent 'first-action', task 0, run 0, step 0, in act: illegal actions" in err


def test_bare_command_shows_help_and_unknown_options_are_refused(capsys, monkeypatch) -> None:
    assert "Usage" in "".join(command(capsys, monkeypatch)[1:])
    assert command(capsys, monkeypatch, "run", "uniform", "--bord", "x")[0] == 2


@pytest.mark.parametrize("module", ["pandas", "pyarrow", "joblib"])
def test_importing_the_command_is_light(module: str) -> None:
    """What only some commands need is imported by those."""
    code = f"import sys, anymdp_bench.cli; print({module!r} in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"


def test_rows_without_references_show_raw_returns() -> None:
    result = evaluate(Uniform(), "pendulum-g1-v0", tasks=[PendulumTask(g=3.0)], context_episodes=10)
    console = Console(width=80, file=io.StringIO())
    console.print(score_table([result]))
    text = console.file.getvalue()
    assert re.search(r"^uniform +return -[\d.]+", text, re.MULTILINE)


def test_the_oracle_stands_only_where_it_can_plan() -> None:
    assert cli._anchors(get_board("pendulum-g1-v0")) == ("uniform",)
    assert cli._anchors(get_board("switch2-v0")) == ("uniform", "oracle")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (29, "29"),
        (999, "999"),
        (1000, "1.00K"),
        (4700, "4.70K"),
        (297_000, "297K"),
        (999_400, "999K"),
        (999_600, "1.00M"),
        (1.1e6, "1.10M"),
        (float("nan"), "-"),
    ],
)
def test_counts_are_short(value: float, text: str) -> None:
    assert count_text(value) == text
