"""Options that the package's commands share, and those of agents as a command line gives them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated

import typer

from anymdp_bench.foundation.errors import InvalidConfig
from anymdp_bench.foundation.types import JsonScalar


def _print_version(asked: bool) -> None:
    if asked:
        from anymdp_bench import __version__

        typer.echo(__version__)
        raise typer.Exit


Version = Annotated[
    bool,
    typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop."),
]


def options_of(given: Sequence[str]) -> dict[str, JsonScalar]:
    """Read ``KEY=VALUE`` pairs; a value that is no JSON number, true, false or null is a text.

    Raises:
        InvalidConfig: a text is not of that form.
    """
    options: dict[str, JsonScalar] = {}
    for text in given:
        key, _, value = text.partition("=")
        if not (key and value):
            raise InvalidConfig(f"--option {text!r}: give KEY=VALUE.")
        try:
            parsed = json.loads(value)
        except json.JSONDecodeError:
            parsed = value
        options[key] = value if isinstance(parsed, list | dict) else parsed
    return options
