"""Commands of documents that end within a minute, run as written: the document must stay as it is."""

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


def run(words: list[str], folder: Path) -> None:
    """Run a command of the package that is tested in a folder."""
    code = "import sys; from anymdp_bench.cli import main; sys.argv[0] = 'anymdp-bench'; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *words[1:]],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", REPRODUCED, ids=lambda words: words[2])
def test_results_are_what_their_commands_make(words: list[str], tmp_path: Path) -> None:
    shutil.copytree(DOCS, tmp_path / "docs")
    (tmp_path / "leaderboards").symlink_to(ROOT / "leaderboards")
    run(words, tmp_path)
    assert (tmp_path / "docs" / "results.md").read_bytes() == (DOCS / "results.md").read_bytes()
