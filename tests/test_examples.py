"""The scripts of ``examples/`` run, and the table of what works, the scripts and the workflow agree."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.test_package import closure, wanted

ROOT = Path(__file__).parent.parent
SCRIPTS = sorted((ROOT / "examples").glob("*.py"))
LONGEST = 60
"""Lines of a script."""
STEPS = "600"
RESULT = re.compile(r"[\w-]+ \d+\.\d+\S*[:,] .*\d.*")
"""Library, version, and a number that came out."""
PATIENCE = 300
"""Seconds for a script that compiles first, on a busy machine."""
ROW = re.compile(r"^\| (.+?) \| (.+?) \| .+? \| \[(\w+)\.py\]\(\.\./examples/\3\.py\) \| (.+?) \|$", re.M)
EVERY_CI, WEEKLY = "every CI", "weekly"


class Row(NamedTuple):
    library: str
    version: str
    script: str
    run: str


TABLE = [Row(*found) for found in ROW.findall((ROOT / "docs" / "works_with.md").read_text(encoding="utf-8"))]


def modules(path: Path) -> set[str]:
    """Top-level modules of others that a script imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names)


def weekly_jobs() -> dict[str, str]:
    """What the weekly workflow installs for each script."""
    text = (ROOT / ".github" / "workflows" / "weekly.yml").read_text(encoding="utf-8")
    return dict(re.findall(r"- \{script: (\w+), packages: (.+)\}", text))


def absent(package: str) -> list[str]:
    """What the extras of an installed package need, as in ``ray[rllib]``, and is not installed."""
    if "[" not in package:
        return []
    package = package.strip('"')
    extras = Requirement(package).extras
    needs = map(Requirement, metadata.requires(Requirement(package).name) or ())
    wanted = [n.name for n in needs if n.marker and any(n.marker.evaluate({"extra": e}) for e in extras)]
    here = {canonicalize_name(found.name) for found in metadata.distributions()}
    return [name for name in wanted if canonicalize_name(name) not in here]


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_runs(path: Path) -> None:
    missing = [name for name in modules(path) if importlib.util.find_spec(name) is None]
    missing = missing or absent(weekly_jobs().get(path.stem, ""))
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed")
    run = subprocess.run(
        [sys.executable, str(path), "--steps", STEPS],
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert run.returncode == 0, run.stderr
    assert RESULT.fullmatch(run.stdout.splitlines()[-1]), run.stdout


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.stem)
def test_a_script_is_short_and_named_unlike_a_library(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST
    assert path.stem not in modules(path)


def test_the_table_has_a_row_for_every_script() -> None:
    assert sorted(row.script for row in TABLE) == [path.stem for path in SCRIPTS]
    assert {row.run for row in TABLE} == {EVERY_CI, WEEKLY}


def test_scripts_of_every_ci_need_no_more_than_the_tests_do() -> None:
    installed = closure(wanted("") | wanted("test"))
    for row in TABLE:
        needed = {canonicalize_name(name) for name in modules(ROOT / "examples" / f"{row.script}.py")}
        enough = needed - {"anymdp-bench"} <= installed
        assert enough == (row.run == EVERY_CI), f"{row.script} needs {sorted(needed)}"


def test_versions_of_every_ci_are_the_pinned_ones() -> None:
    pins = re.findall(r"^([\w-]+)==(\S+)$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.M)
    for row in TABLE:
        if row.run == EVERY_CI:
            name = (row.version.split() if " " in row.version else [row.library.split(",")[0]])[0]
            version = row.version.split()[-1]
            assert version == {canonicalize_name(pin): of for pin, of in pins}[canonicalize_name(name)]


def test_weekly_scripts_and_what_they_need_are_those_of_the_workflow() -> None:
    assert weekly_jobs().keys() == {row.script for row in TABLE if row.run == WEEKLY}
    for script, package in weekly_jobs().items():
        module = Requirement(package.strip('"')).name.replace("-", "_")
        assert module in modules(ROOT / "examples" / f"{script}.py"), script
