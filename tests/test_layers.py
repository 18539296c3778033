"""Data flows one way: a room imports from rooms above it, and no circle of files exists anywhere."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import anymdp_bench

ROOT = Path(anymdp_bench.__file__).parent.parent

ROOMS: dict[str, tuple[str, ...]] = {
    "anymdp_bench": (
        "foundation",
        "tasks",
        "planning",
        "samplers",
        "worlds",
        "banks",
        "kernels",
        "envs",
        "contexts",
        "agents",
        "records",
        "scoring",
        "evaluation",
        "leaderboard",
        "reproduce",
        "cli",
    ),
    "baselines": ("families", "greedy", "oracle", "uniform", "q_ucb", "cql", "ppo", "tuning", "model_based"),
    "omnirl_reference": (
        "config",
        "model",
        "playing",
        "stream",
        "training",
        "exact",
        "trials",
        "factories",
        "readers",
        "studies",
        "cli",
    ),
}
"""Rooms of each package, in the order in which data walks through them."""
FLOORS: dict[str, tuple[str, ...]] = {
    "anymdp_bench/leaderboard": ("submissions", "verification", "standings", "site"),
}
"""The same for rooms that are divided once more."""

PUBLIC_MODULES = (
    "anymdp_bench.kernels",
    "anymdp_bench.cli.options",
    "anymdp_bench.cli.output",
    "anymdp_bench.foundation.checks",
    "anymdp_bench.foundation.digests",
    "anymdp_bench.foundation.extras",
    "anymdp_bench.foundation.files",
    "anymdp_bench.foundation.stopping",
    "anymdp_bench.reproduce.document",
    "anymdp_bench.reproduce.figures",
)
"""Modules of the package that agents may import from by path."""
AGENTS = ("baselines", "omnirl_reference")
FREE_NAMES = {"__version__"}
"""Attributes of the package itself that every module may read."""
MOST_ENTRIES = 18
HEAVY = ("torch", "stable_baselines3", "matplotlib", "pygame", "pettingzoo", "minari", "ray", "tensorboard")


def name_of(path: Path) -> str:
    """Dotted name of a module."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for package in ROOMS for path in sorted((ROOT / package).rglob("*.py"))}


def imported_modules(path: Path) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Yield (line, module, names) of every import, at any depth of the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, ()
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            yield node.lineno, node.module or "", tuple(alias.name for alias in node.names)


def arrows(module: str) -> Iterator[tuple[int, str]]:
    """Yield (line, module) for every module of this repository that a file imports."""
    for line, source, names in imported_modules(MODULES[module]):
        for name in names:
            inner = f"{source}.{name}"
            if inner in MODULES:
                yield line, inner
            elif source in MODULES and not (source in ROOMS and name in FREE_NAMES):
                yield line, source
        if not names and source in MODULES:
            yield line, source


def rank(module: str, folder: str, rooms: tuple[str, ...]) -> int | None:
    """Place of a module's room in a folder; None outside it, or for the folder itself."""
    inside = module.replace(".", "/").removeprefix(f"{folder}/")
    if inside == module.replace(".", "/"):
        return None
    room = inside.split("/")[0]
    assert room in rooms, f"{room!r} has no place among the rooms of {folder}: add it to test_layers.py"
    return rooms.index(room)


@pytest.mark.parametrize("module", MODULES)
def test_no_arrow_runs_back(module: str) -> None:
    for folder, rooms in {**ROOMS, **FLOORS}.items():
        own = rank(module, folder, rooms)
        if own is None:
            continue
        for line, used in arrows(module):
            place = rank(used, folder, rooms)
            where = f"{MODULES[module].relative_to(ROOT)}:{line}"
            assert place is None or place <= own, f"{where}: {used} comes later than {module}"
            if folder in ROOMS and folder not in AGENTS:
                assert used != folder, f"{where}: name the module, not the package"


def test_there_is_no_circle_of_files() -> None:
    TopologicalSorter(
        {module: {used for _, used in arrows(module)} - {module} for module in MODULES}
    ).prepare()


def test_every_room_exists_and_says_what_it_is_for() -> None:
    for folder, rooms in {**ROOMS, **FLOORS}.items():
        files = {path.stem for path in (ROOT / folder).glob("*.py")} - {"__init__", "__main__"}
        folders = {path.parent.name for path in (ROOT / folder).glob("*/__init__.py")}
        assert set(rooms) == files | folders
        for name in folders:
            text = ast.get_docstring(ast.parse((ROOT / folder / name / "__init__.py").read_text("utf-8")))
            assert text, f"{folder}/{name} does not say what comes in and what goes out"


def test_the_package_reads_at_a_glance() -> None:
    entries = [path.name for path in (ROOT / "anymdp_bench").iterdir() if path.name != "__pycache__"]
    assert len(entries) <= MOST_ENTRIES


@pytest.mark.parametrize("folder", AGENTS)
def test_agents_use_public_names_only(folder: str) -> None:
    public = set(anymdp_bench.__all__)
    for path in sorted((ROOT / folder).rglob("*.py")):
        for line, module, names in imported_modules(path):
            where = f"{path.relative_to(ROOT)}:{line}"
            inner = module.startswith("anymdp_bench.") and module not in PUBLIC_MODULES
            assert not inner, f"{where} reaches into {module}"
            if module == "anymdp_bench":
                assert names, f"{where}: name what you use: `from anymdp_bench import ...`"
                assert set(names) <= public, f"{where}: {sorted(set(names) - public)} are not public"


@pytest.mark.parametrize("folder", AGENTS)
def test_core_never_imports_agents(folder: str) -> None:
    for path in sorted((ROOT / "anymdp_bench").rglob("*.py")):
        for line, module, _ in imported_modules(path):
            assert module.split(".")[0] != folder, f"{path}:{line} imports {module}"


@pytest.mark.parametrize("module", ["anymdp_bench", "anymdp_bench.cli", *AGENTS])
def test_import_loads_no_heavy_package(module: str) -> None:
    code = f"import sys, {module}\nprint(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == ""
