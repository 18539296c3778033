"""The command ``anymdp-bench doctor``: is this installation whole, and what does it use?"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import platform
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import typer

from anymdp_bench.cli.output import AsJson, print_json

DEPENDENCIES = ("gymnasium", "numba", "numpy", "pandas", "scipy", "pyarrow")
OPTIONAL = ("torch", "stable_baselines3", "minari", "pettingzoo", "ray")
"""Packages whose version explains most troubles with extras."""
PROBLEM = 1


class Finding(NamedTuple):
    """What was found about one thing.

    Attributes:
        name: Of the thing.
        found: In words.
        ok: Whether it works; missing extras are no fault.
        advice: What to do; may be empty.
    """

    name: str
    found: str
    ok: bool = True
    advice: str = ""


def findings() -> list[Finding]:
    """Look at versions, processor, caches, extras, agents and what they need, and one step."""
    return [*_versions(), *_machine(), _cache(), *_extras(), _agents(), *_of_agents(), _step()]


def _versions() -> Iterator[Finding]:
    from anymdp_bench import __version__

    yield Finding("anymdp-bench", f"{__version__} in {Path(__file__).parents[1]}")
    yield Finding("Python", f"{platform.python_version()} ({sys.executable})")
    for name in DEPENDENCIES:
        yield Finding(name, importlib.metadata.version(name))
    for name in OPTIONAL:
        if importlib.util.find_spec(name) is not None:
            yield Finding(name, importlib.metadata.version(name))


def _machine() -> Iterator[Finding]:
    from anymdp_bench.cli.reproduce import usable_cpus

    yield Finding("system", f"{platform.system()} {platform.release()}, {platform.machine()}")
    yield Finding("processors", f"{usable_cpus()} of {os.cpu_count()} usable")
    threads = os.environ.get("OMP_NUM_THREADS", "not set")
    yield Finding("OMP_NUM_THREADS", threads)


def _cache() -> Finding:
    """Where compiled kernels are kept: beside the sources, or where numba was told."""
    from anymdp_bench.foundation.compiling.cache import VARIABLE

    folder = Path(os.environ.get(VARIABLE) or Path(__file__).parent / "__pycache__")
    if is_writable(folder):
        return Finding("cache of compiled code", f"{folder}, writable")
    advice = f"let {VARIABLE} name a folder that can be written; until then every process compiles again"
    return Finding("cache of compiled code", f"{folder} cannot be written", False, advice)


def is_writable(folder: Path) -> bool:
    """Whether a file can be made in a folder, or in the nearest one above it that exists."""
    while not folder.exists():
        folder = folder.parent
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def _extras() -> Iterator[Finding]:
    from anymdp_bench.foundation.extras import EXTRAS

    for extra in sorted(set(EXTRAS.values())):
        missing = [
            name for name, of in EXTRAS.items() if of == extra and importlib.util.find_spec(name) is None
        ]
        advice = f"python -m pip install 'anymdp-bench[{extra}]'" if missing else ""
        found = f"missing: {', '.join(missing)}" if missing else "installed"
        yield Finding(f"extra {extra}", found, advice=advice)


def _agents() -> Finding:
    from anymdp_bench.agents.registry import agent_table

    return Finding("agents", ", ".join(agent_table()))


def _of_agents() -> Iterator[Finding]:
    """What packages of agents tell about themselves: the function that their ``INSTALLATION`` names."""
    from anymdp_bench.agents.registry import GROUP
    from anymdp_bench.foundation.registry import load_object

    for point in importlib.metadata.entry_points(group=GROUP):
        path = getattr(importlib.import_module(point.module), "INSTALLATION", None)
        for name, found, advice in load_object(path)() if path else ():
            yield Finding(name, found, advice=advice)


def _step() -> Finding:
    """One step of the first environment: the whole way from tasks to kernels."""
    import gymnasium as gym

    try:
        env = gym.make("anymdp_bench:AnyMDP-v0")
        env.reset(seed=0)
        env.step(0)
    except Exception as error:  # whatever it is, it is what is looked for
        text = " ".join(str(error).split())
        return Finding("AnyMDP-v0", f"{type(error).__name__}: {text}", False, "reinstall the package")
    return Finding("AnyMDP-v0", "made, reset, stepped")


def doctor(as_json: AsJson = False) -> None:
    """Say what is installed, what is missing and what does not work; exit status 1 if something does not."""
    found = findings()
    if as_json:
        print_json([finding._asdict() for finding in found])
    else:
        _show(found)
    if not all(finding.ok for finding in found):
        raise typer.Exit(PROBLEM)


def _show(found: list[Finding]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console, table = Console(), Table("")
    table.add_column("found", overflow="fold")
    for finding in found:
        mark = "" if finding.ok else "[red]NOT ok:[/red] "
        table.add_row(finding.name, mark + escape(finding.found))
    console.print(table)
    for finding in found:  # below the table, where no border and no line break gets into a copied command
        if finding.advice:
            console.print(escape(f"{finding.name}: {finding.advice}"), soft_wrap=True)
