"""The command that lets a sequence model read a board's recorded play."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from anymdp_bench.cli.output import AsJson, frame_rows, print_json

DEFAULT_BOARD = "anymdp-16x5-sequence-v0"
DEFAULT_OUT = Path("runs")


def read(
    model: Annotated[str, typer.Argument(help="package.module:factory, which makes a sequence model.")],
    board: Annotated[str, typer.Option(help="Name of a sequence board.")] = DEFAULT_BOARD,
    tasks: Annotated[int | None, typer.Option(help="Only the first so many sequences.")] = None,
    steps: Annotated[int | None, typer.Option(help="Only their first so many steps.")] = None,
    segment: Annotated[int, typer.Option(help="Steps that are shown at once.")] = 512,
    out: Annotated[
        Path | None, typer.Option(help="Keep the losses in this folder; default: a folder under runs/.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Let a sequence model read recorded play from a process of its own, and keep its losses."""
    from rich.console import Console

    from anymdp_bench.evaluation.isolation.models import IsolatedModel
    from anymdp_bench.evaluation.sequence.evaluate import evaluate_sequence

    sys.path.append(str(Path.cwd()))
    name = model.partition(":")[2].replace("_", "-").lower()
    reader = IsolatedModel(model)
    result = evaluate_sequence(reader, board, name=name, n_tasks=tasks, steps=steps, segment=segment)
    folder = (out or DEFAULT_OUT / result.board.name) / name
    result.save(folder)
    if as_json:
        print_json(frame_rows(result.table()))
    else:
        Console(soft_wrap=True).print(result.table().set_index("model").T.to_string())
    typer.echo(f"Losses of {name}: {folder}", err=True)


def add_to(app: typer.Typer) -> None:
    """Add this command to the package's command."""
    app.command()(read)
