"""Data flows one way: a module imports what stands above it here, never what stands below."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import anymdp_bench

ROOT = Path(anymdp_bench.__file__).parent
OUTSIDE = ("baselines", "omnirl_reference")

LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("fan_out",),
    ("registry", "exact", "checks", "spaces"),
    ("seeding",),
    ("task", "task_checks", "task_build", "task_file"),
    ("planning",),
    ("diagnostics",),
    ("samplers", "worlds", "pendulum"),
    ("pendulum_references", "pendulum_solve"),
    ("pendulum_normaliser",),
    ("banks", "kernels"),
    ("envs",),
    ("contexts",),
    ("agent", "boards", "provenance", "sb3"),
    ("agents", "records", "progress"),
    ("record_tables",),
    ("record_folder",),
    ("protocols", "scoring"),
    ("plots", "paper"),
    ("result",),
    ("evaluation", "report"),
    ("run_recording",),
    ("agent_check", "submissions"),
    ("standings",),
    ("site",),
    ("reproduce",),
    ("cli_board", "cli_reproduce"),
    ("cli",),
)
RANK = {room: rank for rank, rooms in enumerate(LAYERS) for room in rooms}

PUBLIC_MODULES = ("anymdp_bench.kernels",)
"""Compiled building blocks are imported from their own module, which numba needs."""

FREE_NAMES = {"__version__"}
"""Attributes of the package itself that every module may read."""

HEAVY = ("torch", "stable_baselines3", "matplotlib", "pygame", "pettingzoo", "minari", "ray", "tensorboard")


def modules(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.py") if "data" not in path.relative_to(folder).parts)


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imported_modules(path: Path) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Yield (line, module, names) of every import, at any depth of the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, ()
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: imports are absolute"
            yield node.lineno, node.module or "", tuple(alias.name for alias in node.names)


def rooms_used(path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, room) for every room of the package that a file imports from."""
    for line, module, names in imported_modules(path):
        if module == "anymdp_bench":
            yield from ((line, name) for name in names or ("__init__",) if name not in FREE_NAMES)
        elif module.startswith("anymdp_bench."):
            yield line, module.split(".")[1]


@pytest.mark.parametrize("path", modules(ROOT), ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_imports_from_a_lower_layer(path: Path) -> None:
    room = room_of(path)
    if room == "__init__":
        return
    assert room in RANK, f"{room!r} has no layer: add it to LAYERS where its imports allow"
    for line, used in rooms_used(path):
        assert used in RANK, f"{path}:{line} imports {used!r}, which is no room of the package"
        assert RANK[used] <= RANK[room], f"{path}:{line}: {used} stands below {room}; do not import it here"


def test_every_layer_exists() -> None:
    assert set(RANK) == {room_of(path) for path in modules(ROOT)} - {"__init__"}


@pytest.mark.parametrize("folder", OUTSIDE)
def test_agents_use_public_names_only(folder: str) -> None:
    public = set(anymdp_bench.__all__)
    for path in modules(ROOT.parent / folder):
        for line, module, names in imported_modules(path):
            where = f"{path.relative_to(ROOT.parent)}:{line}"
            inner = module.startswith("anymdp_bench.") and module not in PUBLIC_MODULES
            assert not inner, f"{where} reaches into {module}"
            if module == "anymdp_bench":
                assert names, f"{where}: name what you use: `from anymdp_bench import ...`"
                assert set(names) <= public, f"{where}: {sorted(set(names) - public)} are not public"


@pytest.mark.parametrize("folder", OUTSIDE)
def test_core_never_imports_agents(folder: str) -> None:
    for path in modules(ROOT):
        for line, module, _ in imported_modules(path):
            assert module.split(".")[0] != folder, f"{path}:{line} imports {module}"


@pytest.mark.parametrize("module", ["anymdp_bench", "anymdp_bench.cli", *OUTSIDE])
def test_import_loads_no_heavy_package(module: str) -> None:
    code = f"import sys, {module}\nprint(*sorted(set({HEAVY!r}) & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == ""
