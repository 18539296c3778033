"""Examples in the docstrings of public names, which stand on the pages of the API, run as written."""

from __future__ import annotations

import ast
import doctest
import inspect
import itertools
import re
from pathlib import Path
from types import ModuleType

import gymnasium
import numpy as np
import pytest

import anymdp_bench
from anymdp_bench import kernels
from anymdp_bench.foundation.registry import load_object

ROOT = Path(__file__).parent.parent
PUBLIC = {name: getattr(anymdp_bench, name) for name in anymdp_bench.__all__}


def further_names() -> list[str]:
    """Names by path that the pages of the API show besides the public ones."""
    for node in ast.parse((ROOT / "docs" / "hooks.py").read_text(encoding="utf-8")).body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == "MORE"
        ):
            return [name for names in ast.literal_eval(node.value).values() for name in names]
    raise AssertionError("docs/hooks.py has no table MORE")


SHOWN = {name: value for name, value in PUBLIC.items() if callable(value)}
SHOWN |= {name: load_object(":".join(name.rsplit(".", 1))) for name in further_names()}


def home_of(package: str, name: str) -> Path:
    """File that the package's own imports say a public name comes from, followed to where it is assigned."""
    path = ROOT / Path(*package.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and name in {alias.name for alias in node.names}:
            return home_of(node.module, name)
    return path


def text_below(path: Path, name: str) -> str:
    """The string below an assignment, which the pages of the API show."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    for node, below in itertools.pairwise(body):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            text = isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and below.value.value
            return inspect.cleandoc(text) if isinstance(text, str) else ""
    raise AssertionError(f"{path} assigns no {name}")


def constants(package: ModuleType) -> list[tuple[str, str]]:
    return [(package.__name__, name) for name in package.__all__ if not callable(getattr(package, name))]


def run_examples(text: str, name: str, names: dict[str, object]) -> None:
    example = doctest.DocTestParser().get_doctest(text, {**names, "np": np}, name, None, 0)
    told: list[str] = []
    doctest.DocTestRunner(verbose=False, optionflags=doctest.ELLIPSIS).run(example, out=told.append)
    assert not told, "".join(told)


@pytest.mark.parametrize("name", SHOWN)
def test_every_public_callable_has_an_example_that_runs(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "Examples:\n" in (SHOWN[name].__doc__ or ""), f"{name} has no Examples in its docstring"
    run_examples(SHOWN[name].__doc__, name, {**PUBLIC, "gymnasium": gymnasium})


def test_the_examples_of_kernels_use_every_one_of_them() -> None:
    text = kernels.__doc__ or ""
    code = "".join(example.source for example in doctest.DocTestParser().get_examples(text))
    unused = [name for name in kernels.__all__ if not re.search(rf"\b{name}\b", code)]
    assert not unused
    run_examples(text, "kernels", {name: getattr(kernels, name) for name in kernels.__all__})


@pytest.mark.parametrize(("package", "name"), [*constants(anymdp_bench), *constants(kernels)])
def test_every_public_constant_says_what_it_is_with_an_example(package: str, name: str) -> None:
    text = text_below(home_of(package, name), name)
    assert "Examples:\n" in text, f"{name} has no Examples in the string below it"
    run_examples(text, name, {**PUBLIC, **{other: getattr(kernels, other) for other in kernels.__all__}})


@pytest.mark.parametrize("name", [name for name, value in PUBLIC.items() if inspect.isfunction(value)])
def test_public_functions_say_what_they_take(name: str) -> None:
    text = inspect.getdoc(PUBLIC[name]) or ""
    assert "Args:" in text or not inspect.signature(PUBLIC[name]).parameters, (
        f"{name}: no arguments described"
    )
