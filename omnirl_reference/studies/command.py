"""The command ``omnirl study``: claims of the paper, tried at the scale of one machine."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Annotated

import typer

study_app = typer.Typer(help="Try claims of the paper; every study goes on where it was stopped.")


@study_app.callback()
def _study() -> None:
    """Try claims of the paper; every study goes on where it was stopped."""


@study_app.command("task-scaling")
def task_scaling(
    out: Annotated[Path, typer.Option(help="Folder of the runs, the table and the curves.")],
    config: Annotated[str, typer.Option(help="What is trained: a file, or a configuration's name.")] = "dpd",
    minutes: Annotated[float | None, typer.Option(help="Stop after so many minutes.", min=0)] = None,
    tasks: Annotated[
        list[int] | None, typer.Option(help="Number of tasks, 0 for endless; repeatable.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "cpu",
    threads: Annotated[int, typer.Option(help="Threads of torch.", min=1)] = 1,
) -> None:
    """Few tasks are recognised, many learnt: train on 100, 1K, 10K and endless tasks, relabelled or not."""
    import torch

    from omnirl_reference.config.file import load_config
    from omnirl_reference.studies.scaling import COUNTS, gains, runs_of, study, summary

    torch.set_num_threads(threads)
    counts = [count or None for count in tasks] if tasks else COUNTS
    runs = runs_of(load_config(config), counts)
    done = study(runs, out, minutes=math.inf if minutes is None else minutes, device=device, tell=_tell)
    frame = gains(out)
    table = summary(frame)
    frame.to_csv(out / "curves.csv", index=False)
    table.to_csv(out / "table.csv", index=False)
    typer.echo(table.round(3).to_string(index=False))
    threshold = table.attrs["threshold"]
    typer.echo(f"least t: first step of context at which d is {threshold:.0%}, at the update of max d")
    if not done:
        typer.echo("not all runs are done: give the same command again")


def _tell(name: str, done: int, of: int) -> None:
    sys.stderr.write(f"{name}: {done} of {of} updates\n")
