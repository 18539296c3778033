"""Where a result comes from: hashes of the code that made it, versions, machine."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import os
import platform
import subprocess
import sys
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

PACKAGES = ("anymdp-bench", "gymnasium", "numba", "numpy", "scipy", "torch", "stable-baselines3")


@functools.cache
def package_hash() -> str:
    """SHA-256 (hex) of this package's source files."""
    root = Path(__file__).parents[1]
    return _hash_files(root, root.rglob("*.py"))


def agent_hash(agent: Any) -> str:
    """SHA-256 (hex) of the source files beside an agent's class; ``"unknown"`` if it was typed in.

    An agent for one task counts by its own class, not by the adapter's.
    """
    maker = getattr(agent, "make_agent", type(agent))
    try:
        path = Path(inspect.getfile(maker))
    except (TypeError, OSError):
        return "unknown"
    if not path.is_file():
        return "unknown"
    in_package = (path.parent / "__init__.py").is_file()
    return _hash_files(path.parent, path.parent.glob("*.py") if in_package else [path])


def _hash_files(root: Path, files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(str(path.relative_to(root)).encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


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
