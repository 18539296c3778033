"""Commands of documents that end within a minute, run in order as written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_commands import commands_of

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
REPRODUCED = [
    words for words in commands_of((DOCS / "results.md").read_text(encoding="utf-8")) if "--no-run" in words
]
"""What fills docs/results.md from kept results."""


def run(words: list[str], folder: Path, status: int = 0) -> None:
    """Run a command of the package that is tested in a folder."""
    code = "import sys; from anymdp_bench.cli import main; sys.argv[0] = 'anymdp-bench'; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *words[1:]],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == status, done.stdout + done.stderr


@pytest.mark.parametrize("words", REPRODUCED, ids=lambda words: words[2])
def test_results_are_what_their_commands_make(words: list[str], tmp_path: Path) -> None:
    shutil.copytree(DOCS, tmp_path / "docs")
    (tmp_path / "leaderboards").symlink_to(ROOT / "leaderboards")
    run(words, tmp_path)
    assert (tmp_path / "docs" / "results.md").read_bytes() == (DOCS / "results.md").read_bytes()


MINE = '''
import numpy as np

import anymdp_bench as bench


class MyAgent:
    """Plays at random."""

    info = bench.AgentInfo(name="my-agent")

    def begin(self, n, observation_space, action_space, seed, context=None, tasks=None):
        self.n, self.actions, self.random = n, action_space.n, np.random.default_rng(seed)

    def act(self, observations, active):
        return self.random.integers(self.actions, size=self.n)

    def observe(self, *step):
        pass
'''
BUILT = "anymdp-16x5-online-v0", "my-agent"
"""What stands for <board> and <name> in the document."""
ONCE = "sign", "serve", "read"
"""Needs a maintainer's key, does not end, or is another way."""


def test_the_way_onto_a_board_is_as_written(tmp_path: Path) -> None:
    """Every command of docs/leaderboards.md, in order; a tenth of the shards is not enough for a verdict."""
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "my_module.py").write_text(MINE)
    for words in commands_of((DOCS / "leaderboards.md").read_text(encoding="utf-8")):
        if not {*words[1:3]} & {*ONCE}:
            filled = [word.replace("<board>", BUILT[0]).replace("<name>", BUILT[1]) for word in words]
            run(filled, tmp_path, status=1 if words[1] == "verify" else 0)
    folder = tmp_path / "leaderboards" / "submissions" / BUILT[0]
    assert "equal" in (folder / f"{BUILT[1]}.findings.jsonl").read_text()
    assert "My agent" in (tmp_path / "leaderboards" / "tables" / f"{BUILT[0]}.md").read_text()
    assert (tmp_path / "build" / "site" / "agent" / f"{BUILT[1]}.html").is_file()


def test_an_own_agent_is_run_as_written(tmp_path: Path) -> None:
    (tmp_path / "my_module.py").write_text(f"{MINE}\n\nmake = MyAgent\n")
    for words in commands_of((DOCS / "agents.md").read_text(encoding="utf-8")):
        run(words, tmp_path)
    assert (tmp_path / "runs" / "mine" / "my-agent" / "manifest.json").is_file()


MODEL = '''
import numpy as np

import anymdp_bench as bench


class Uniform:
    """Expects every action alike."""

    def begin(self, n, n_observations, n_actions):
        return np.zeros((n, n_actions))

    def answer(self, segment, state):
        return bench.Answers(np.zeros((*segment.actions.shape, state.shape[1]))), state


make_model = Uniform
'''


def test_the_way_onto_a_board_of_recorded_play_is_as_written(tmp_path: Path) -> None:
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "my_module.py").write_text(MODEL)
    for words in commands_of((DOCS / "sequences.md").read_text(encoding="utf-8")):
        run(words, tmp_path)
    assert (tmp_path / "leaderboards" / "submissions" / "anymdp-16x5-sequence-v0" / "my-model").is_dir()
