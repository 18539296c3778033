"""Results for programs: JSON on standard output, where tables are for people."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import pandas as pd
    from rich.progress import Progress

    from anymdp_bench.evaluation.result import Result

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")]


def print_json(value: Any) -> None:
    """Print a value as strict JSON: numbers that are not finite are null."""
    typer.echo(json.dumps(_strict(value), indent=1, ensure_ascii=False, allow_nan=False))


def score_rows(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Every score column of every result, a mapping each."""
    return [
        {str(name): value for name, value in result.scores().iloc[0].to_dict().items()} for result in results
    ]


def frame_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Every row of a table, a mapping each."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def print_table(frame: pd.DataFrame, text: str, as_json: bool) -> None:
    """Print a table: its rows as JSON, or its text."""
    if as_json:
        print_json(frame_rows(frame))
    else:
        typer.echo(text)


def progress_bars() -> Progress:
    """Bars on standard error: how far, how long it will still take, and in the end how long it took."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    name, left = TextColumn("{task.description}"), TimeRemainingColumn(elapsed_when_finished=True)
    return Progress(name, BarColumn(), TaskProgressColumn(), left, console=Console(stderr=True))


def _strict(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _strict(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
