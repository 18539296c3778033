"""Where a result comes from: hashes of the code that made it, versions, machine."""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
import inspect
import itertools
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("anymdp-bench", "gymnasium", "numba", "numpy", "scipy", "torch", "stable-baselines3")
COMPILED = {".pyc", ".nbi", ".nbc"}
"""Endings of files that Python and numba write beside the source."""


@functools.cache
def package_hash() -> str:
    """SHA-256 (hex) of this package's source files."""
    root = Path(__file__).parents[1]
    return _hash_files(root, root.rglob("*.py"))


def agent_hash(agent: Any) -> str:
    """SHA-256 (hex) of an agent's source files; ``"unknown"`` if it was typed in.

    In a package these are all files of the folder that its class lies in and of those below, source and data,
    but for hidden and compiled ones. A lone module's are its own file and those beside and below it that its
    text imports, and they in turn. What lies elsewhere is not covered: a package's other folders, data files
    beside a lone module, modules that are imported by a computed name, installed packages, what is
    downloaded. An agent for one task counts by its own class, not by the adapter's.
    """
    maker = getattr(agent, "make_agent", type(agent))
    try:
        path = Path(inspect.getfile(maker)).absolute()
    except (TypeError, OSError):
        return "unknown"
    if not path.is_file():
        return "unknown"
    folder = path.parent
    in_package = (folder / "__init__.py").is_file()
    return _hash_files(folder, _package_files(folder) if in_package else _imported_files(path, folder, set()))


def _package_files(folder: Path) -> Iterator[Path]:
    """Files in a folder and below, but for hidden and compiled ones."""
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") or part == "__pycache__" for part in parts)
        if not hidden and path.suffix not in COMPILED and path.is_file():
            yield path


def _imported_files(path: Path, root: Path, known: set[Path]) -> set[Path]:
    """Add a module's file and those of its folder, and of `root`, that its text imports, and they in turn."""
    known.add(path)
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return known
    for names in _imports(tree):
        for found in _files_of(names, {path.parent, root}):
            if found not in known and found.is_file():
                _imported_files(found, root, known)
    return known


def _files_of(names: list[str], folders: set[Path]) -> Iterator[Path]:
    """Where the modules of a dotted path may lie, by the whole path or as a folder on it calls them."""
    for folder in folders:
        for first, last in itertools.combinations(range(len(names) + 1), 2):
            base = folder.joinpath(*names[first:last])
            yield base.with_name(f"{base.name}.py")
            yield base / "__init__.py"


def _imports(tree: ast.AST) -> Iterator[list[str]]:
    """Dotted paths of everything that a module's text imports, and of the names that it takes from there."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = (node.module or "").split(".") if node.module else []
            yield from ([*parts, alias.name] for alias in node.names)
            yield parts


def _hash_files(root: Path, files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        found = path.stat()
        digest.update(str(path.relative_to(root)).encode())
        digest.update(_file_digest(path, found.st_size, found.st_mtime_ns, found.st_ctime_ns))
    return digest.hexdigest()


@functools.lru_cache(4096)
def _file_digest(path: Path, *unchanged: int) -> bytes:
    """SHA-256 of a file; read once while its size and times are `unchanged`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def provenance() -> dict[str, Any]:
    """Versions and machine, for information: runs are told apart by the hashes of their code."""
    return {
        "python": platform.python_version(),
        "packages": {name: found for name in PACKAGES if (found := _version(name))},
        "machine": platform.machine(),
        "system": platform.system(),
        "processor": _processor(),
        "cpus": os.cpu_count(),
        "git_commit": _git_commit(),
        "command": [_without_folder(argument) for argument in sys.argv],
    }


def _without_folder(argument: str) -> str:
    """Name alone of an absolute path: records are published, folders of a machine are nobody's business."""
    path = Path(argument)
    return path.name if path.is_absolute() else argument


def _processor() -> str:
    """Model of the processor: the last bits of some libraries depend on it."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _git_commit() -> str | None:
    """Commit of the working tree that the package is imported from, if it is one."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None
    try:
        answer = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return answer.stdout.strip()
