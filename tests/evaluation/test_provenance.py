"""The hash of an agent's code: it changes with every file that the agent is made of, and with no other."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from anymdp_bench.agents.registry import make_agent
from anymdp_bench.records import provenance
from anymdp_bench.records.provenance import agent_hash

AGENT = """
{imports}

class Mine:
    pass
"""


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Any]]:
    """Makes the agent of a module below the test's folder; modules are forgotten afterwards."""
    known = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    yield lambda module: importlib.import_module(module).Mine()
    for name in set(sys.modules) - known:
        file = getattr(sys.modules[name], "__file__", None)
        if file is not None and Path(file).is_relative_to(tmp_path):
            del sys.modules[name]


def write(path: Path, content: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)


def test_all_files_of_a_package_count(tmp_path: Path, made: Callable[[str], Any]) -> None:
    package = tmp_path / "packaged_agent"
    write(package / "__init__.py")
    write(package / "agent.py", AGENT.format(imports=""))
    agent = made("packaged_agent.agent")
    seen = [agent_hash(agent)]
    for file in ("helper.py", "weights.npy", "deep/er/table.bin", "deep/code.py"):
        for content in ("1", "2"):
            write(package / file, content)
            seen.append(agent_hash(agent))
    assert len(set(seen)) == len(seen) == 9
    (package / "weights.npy").rename(package / "other.npy")
    assert agent_hash(agent) not in seen
    assert agent_hash(agent) == agent_hash(agent)


@pytest.mark.parametrize(
    "file",
    ["__pycache__/x.txt", "deep/__pycache__/agent.x.py", "a.pyc", "a.nbi", "a.nbc", ".a.swp", ".git/config"],
)
def test_hidden_and_compiled_files_do_not_count(
    file: str, tmp_path: Path, made: Callable[[str], Any]
) -> None:
    package = tmp_path / "clean_agent"
    write(package / "__init__.py")
    write(package / "agent.py", AGENT.format(imports=""))
    agent = made("clean_agent.agent")
    before = agent_hash(agent)
    write(package / file, "x")
    write(tmp_path / "beside.py", "x")
    assert agent_hash(agent) == before


def test_a_lone_module_counts_with_what_it_imports_from_beside(
    tmp_path: Path, made: Callable[[str], Any]
) -> None:
    imports = "import lone_helper, lone_package.part"
    write(tmp_path / "lone_agent.py", AGENT.format(imports=imports))
    for file in ("lone_helper.py", "lone_package/__init__.py", "lone_package/part.py"):
        write(tmp_path / file, "BEST = 1")
    agent = made("lone_agent")
    seen = [agent_hash(agent)]
    for file in ("lone_helper.py", "lone_package/__init__.py", "lone_package/part.py"):
        write(tmp_path / file, "BEST = 22")
        seen.append(agent_hash(agent))
    assert len(set(seen)) == 4
    write(tmp_path / "unrelated.py")
    write(tmp_path / "results" / "points.txt")
    assert agent_hash(agent) == seen[-1]


def test_what_happens_to_be_loaded_does_not_count(
    tmp_path: Path, made: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same agent has one hash in every process."""
    write(tmp_path / "lonely_agent.py", AGENT.format(imports="import json"))
    agent = made("lonely_agent")
    before = agent_hash(agent)
    for name, file in (("installed_one", "venv/lib/site-packages/installed_one.py"), ("other", "other.py")):
        write(tmp_path / file)
        module = type(sys)(name)
        module.__file__ = str(tmp_path / file)
        monkeypatch.setitem(sys.modules, name, module)
        assert agent_hash(agent) == before


def test_imports_are_followed_by_any_part_of_their_path(tmp_path: Path, made: Callable[[str], Any]) -> None:
    write(tmp_path / "deep" / "followed_agent.py", AGENT.format(imports="from deep import followed_helper"))
    write(tmp_path / "deep" / "followed_helper.py", "from .followed_further import BEST")
    write(tmp_path / "deep" / "followed_further.py", "BEST = 1")
    agent = made("deep.followed_agent")
    before = agent_hash(agent)
    write(tmp_path / "deep" / "followed_further.py", "BEST = 22")
    assert agent_hash(agent) != before


def test_an_agent_that_was_typed_in_is_unknown() -> None:
    space: dict[str, Any] = {"__name__": "__typed__"}
    exec("class Mine: pass", space)
    assert agent_hash(space["Mine"]()) == "unknown"


def test_files_are_read_once_while_they_stay_as_they_are() -> None:
    agent = make_agent("uniform")
    first = agent_hash(agent)
    read = provenance._file_digest.cache_info().misses
    assert agent_hash(agent) == first
    assert provenance._file_digest.cache_info().misses == read
