"""The command ``omnirl``: train, evaluate and export in-context agents."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from anymdp_bench import BenchError

USER_ERROR = 2

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
Threads = Annotated[int, typer.Option(help="Threads of torch.", min=1)]


@app.callback()
def omnirl() -> None:
    """Train and evaluate in-context agents of the OmniRL kind."""


@app.command()
def evaluate(
    checkpoint: Annotated[str, typer.Argument(help="Name of a shipped checkpoint, or a run's folder.")],
    bank: Annotated[str, typer.Option(help="Bank whose tasks are played.")] = "anymdp-16x5-v0",
    split: Annotated[str, typer.Option(help="validation, train or test.")] = "validation",
    tasks: Annotated[int, typer.Option(help="The first so many tasks.", min=1)] = 64,
    protocol: Annotated[str, typer.Option(help="online, imitation or offline.")] = "online",
    length: Annotated[int, typer.Option(help="Steps of each task, online.", min=1)] = 8000,
    first: Annotated[float, typer.Option(help="First temperature, online.")] = 2.0,
    last: Annotated[float, typer.Option(help="Last temperature, online.")] = 0.1,
    steps: Annotated[int, typer.Option(help="Steps over which it falls.", min=1)] = 1500,
    with_context: Annotated[float, typer.Option(help="Temperature after a recorded context.")] = 0.2,
    seed: Annotated[int, typer.Option(help="Root of all random numbers.", min=0)] = 0,
    threads: Threads = 1,
) -> None:
    """Score a checkpoint on validation tasks: 0 is uniform play, 1 the oracle."""
    import torch
    from rich.console import Console
    from rich.table import Table

    from omnirl_reference.agent import make
    from omnirl_reference.validation import Plan, validate

    torch.set_num_threads(threads)
    agent = make(checkpoint, first=first, last=last, steps=steps, with_context=with_context)
    plan = Plan(bank=bank, split=split, tasks=tasks, protocol=protocol, steps=length, seed=seed)
    table = Table("steps", "mean, clipped", "mean", "median", "tasks", title=f"{agent.info.name}, {protocol}")
    for score in validate(agent, plan):
        figures = (f"{value:.3f}" for value in score[1:4])
        table.add_row(score.window, *figures, str(score.tasks))
    Console().print(table)


def main() -> None:
    """Run the command; a mistake of the user's is told in one line, with exit status 2."""
    try:
        app()
    except (BenchError, OSError) as error:
        sys.stderr.write(f"omnirl: {' '.join(str(error).split())}\n")
        sys.exit(USER_ERROR)
