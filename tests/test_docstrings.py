"""Examples in the docstrings of public names, which stand on the pages of the API, run as written."""

from __future__ import annotations

import doctest
from pathlib import Path

import gymnasium
import numpy as np
import pytest

import anymdp_bench

LEAST_EXAMPLES = 16
PUBLIC = {name: getattr(anymdp_bench, name) for name in anymdp_bench.__all__}
NAMES = [name for name, value in PUBLIC.items() if callable(value) and ">>>" in (value.__doc__ or "")]


def test_the_most_used_names_have_examples() -> None:
    assert len(NAMES) >= LEAST_EXAMPLES


@pytest.mark.parametrize("name", NAMES)
def test_examples_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = {**PUBLIC, "np": np, "gymnasium": gymnasium}
    example = doctest.DocTestParser().get_doctest(PUBLIC[name].__doc__, names, name, None, 0)
    told: list[str] = []
    doctest.DocTestRunner(verbose=False).run(example, out=told.append)
    assert not told, "".join(told)
