"""Long contexts: what models expect of recorded play, by the length of what they have read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anymdp_bench import SequenceResult, evaluate_sequence
from anymdp_bench.cli.output import AsJson, frame_rows, print_json

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_BOARD = "anymdp-16x5-sequence-v0"


def read(
    checkpoint: str, board: str, *, n_tasks: int | None = None, steps: int | None = None
) -> SequenceResult:
    """Let a checkpoint read a sequence board.

    Args:
        checkpoint: Shipped name, or a run's folder.
        board: Name of the board.
        n_tasks: Only the first so many sequences.
        steps: Only their first so many steps.

    Raises:
        UnknownName: no such checkpoint or board.
        AgentError: the board has more states or actions than the model knows.
    """
    from omnirl_reference.readers import make_reader

    name = Path(checkpoint).name
    return evaluate_sequence(make_reader(checkpoint), board, name=name, n_tasks=n_tasks, steps=steps)


def table(results: Sequence[SequenceResult]) -> pd.DataFrame:
    """One row for each result."""
    import pandas as pd

    return pd.concat([result.table() for result in results], ignore_index=True)


def add_to(app: typer.Typer) -> None:
    """Add the command to an application."""
    app.command("sequence")(_sequence)


def _sequence(
    checkpoints: Annotated[list[str], typer.Argument(help="Shipped names, or runs' folders.")],
    board: Annotated[str, typer.Option(help="Name of a sequence board.")] = DEFAULT_BOARD,
    tasks: Annotated[int | None, typer.Option(help="Only the first so many sequences.")] = None,
    steps: Annotated[int | None, typer.Option(help="Only their first so many steps.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the losses and the table.")] = None,
    threads: Annotated[int, typer.Option(help="Threads of torch.", min=1)] = 1,
    as_json: AsJson = False,
) -> None:
    """Read recorded play and say what was expected: losses by length of context, memory, cost."""
    import torch
    from rich.console import Console

    torch.set_num_threads(threads)
    results = []
    for checkpoint in checkpoints:
        results.append(read(checkpoint, board, n_tasks=tasks, steps=steps))
        if out is not None:
            results[-1].save(out / results[-1].model)
    found = table(results)
    if out is not None:
        found.to_csv(out / "table.csv", index=False)
    if as_json:
        print_json(frame_rows(found))
        return
    Console(soft_wrap=True).print(found.set_index("model").T.to_string())
