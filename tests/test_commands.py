"""Commands in documents are accepted by the command line; most run for hours, so they are only parsed."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from anymdp_bench.cli import app as cli
from omnirl_reference.cli import app as omnirl_cli

ROOT = Path(__file__).parent.parent
APPS = {"anymdp-bench": cli.app, "omnirl": omnirl_cli.app}
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("leaderboards/*.md")])
LEAST_COMMANDS = 30


def commands_of(text: str) -> list[list[str]]:
    """Words of every command of ours in the blocks marked ``bash``."""
    found = []
    for block in re.findall(r"^```bash\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
        for line in block.replace("\\\n", " ").splitlines():
            words: list[str] = []
            for word in [*shlex.split(line, comments=True), "&&"]:
                if word in ("&&", "do") or word.endswith(";"):
                    words += [] if word in ("&&", "do") else [word.removesuffix(";")]
                    if words and words[0] in APPS:
                        found.append(words)
                    words = []
                else:
                    words.append(word)
    return found


COMMANDS = [
    pytest.param(words, id=f"{path.relative_to(ROOT)}: {' '.join(words)[:60]}")
    for path in DOCUMENTS
    for words in commands_of(path.read_text(encoding="utf-8"))
]


def accept(words: list[str]) -> None:
    """Parse a command as the command line does, without running it."""
    command: Any = typer.main.get_command(APPS[words[0]])
    rest = words[1:]
    while hasattr(command, "commands"):
        assert rest[0] in command.commands, f"no command {rest[0]!r}"
        command = command.commands[rest.pop(0)]
    command.make_context(command.name, rest)


def test_documents_are_read() -> None:
    assert len(COMMANDS) >= LEAST_COMMANDS
    text = "```bash\nfor n in a; do omnirl train $n --out x; done  # no\nls && anymdp-bench \\\n  list\n```\n"
    assert commands_of(text) == [["omnirl", "train", "$n", "--out", "x"], ["anymdp-bench", "list"]]


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_in_a_document_is_accepted(words: list[str]) -> None:
    accept(words)


def test_modules_that_documents_run_exist() -> None:
    texts = [path.read_text(encoding="utf-8") for path in DOCUMENTS]
    named = {
        name
        for text in texts
        for name in re.findall(r"python -m ((?:tests|baselines|anymdp_bench)[\w.]+)", text)
    }
    assert len(named) > 3 and not [name for name in named if importlib.util.find_spec(name) is None]


def test_an_option_that_does_not_exist_is_noticed() -> None:
    with pytest.raises(Exception, match="--no-such"):
        accept(["anymdp-bench", "run", "q-ucb", "--no-such"])
