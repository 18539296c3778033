"""Options and small steps that the commands of studies share."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path, typer.Option(help="Folder of the runs, the table and the curves.")]
Minutes = Annotated[float | None, typer.Option(help="Stop after so many minutes of training.", min=0)]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Threads = Annotated[int, typer.Option(help="Threads of torch.", min=1)]
Online = Annotated[int, typer.Option(help="Validation tasks that every model then plays; 0: none.", min=0)]
Shipped = Annotated[
    bool,
    typer.Option(
        "--shipped",
        help="Train nothing: the shipped checkpoint of that configuration plays, as its notes say.",
    ),
]
Document = Annotated[
    Path | None, typer.Option(help="Document whose part of the study's name is written, figure beside it.")
]
Beside = Annotated[list[str] | None, typer.Option(help="Checkpoints and agents that play too; repeatable.")]
Banks = Annotated[list[str] | None, typer.Option(help="Banks that are played; repeatable.")]
Tasks = Annotated[int, typer.Option(help="The first so many test tasks of each bank.", min=1)]
Steps = Annotated[int, typer.Option(help="Steps of every task.", min=1)]
Temperature = Annotated[
    float | None, typer.Option(help="That the trained model plays at; default: it falls.", min=0.01)
]
NOT_DONE = "not all runs are done: give the same command again"


def limit_of(minutes: float | None) -> float:
    """Minutes of training, without a limit where none is given."""
    return math.inf if minutes is None else minutes


def write_part(document: Path, part: str, text: str, figure: str = "", caption: str = "") -> None:
    """Replace a document's part by a table, and by a figure below it where there is one."""
    from anymdp_bench.reproduce.document import replace_part

    replace_part(document, part, f"{text}\n{image(figure, caption)}" if figure else text)


def image(figure: str, caption: str) -> str:
    """Markdown of a figure of the documents."""
    return f"![{caption}](figures/{figure})"


def told(name: str, done: int, of: int) -> None:
    """Say on stderr how far something is."""
    sys.stderr.write(f"{name}: {done} of {of}\n")


def tell(name: str, done: int, of: int) -> None:
    """Say on stderr how far a training run is."""
    sys.stderr.write(f"{name}: {done} of {of} updates\n")
