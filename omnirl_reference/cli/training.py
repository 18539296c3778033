"""Commands around training: ``train``, ``data``, ``export``, ``fetch``."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anymdp_bench import InvalidConfig
from anymdp_bench.cli.options import options_of
from anymdp_bench.foundation.checks import check
from omnirl_reference.cli.options import (
    Config,
    First,
    Last,
    Options,
    Out,
    Steps,
    Threads,
    Views,
    WithContext,
    given,
    plays,
)

if TYPE_CHECKING:
    from omnirl_reference.training.trainer import Trainer

SHOW_EVERY = 5


def add_to(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for command in (train, data, fetch, export):
        app.command()(command)


def train(
    config: Config,
    out: Out,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    minutes: Annotated[float | None, typer.Option(help="Stop after so many minutes.", min=0)] = None,
    data: Annotated[Path | None, typer.Option(help="Take batches from `omnirl data`'s folder.")] = None,
    start: Annotated[str | None, typer.Option(help="Checkpoint that the run begins with.")] = None,
    threads: Threads = 1,
) -> None:
    """Train a model; the same command goes on where it was stopped or killed.

    For several processes, start it with ``torchrun --nproc-per-node N -m omnirl_reference.cli train ...``.
    """
    import torch

    from omnirl_reference.config.file import load_config
    from omnirl_reference.exact.config import exact_values
    from omnirl_reference.playing.export import run_facts
    from omnirl_reference.stream.data_set import DataSet
    from omnirl_reference.training.trainer import Trainer

    values = exact_values(config)
    if values is not None:
        from omnirl_reference.exact.command import train_exact

        check(data is None, "data", data, "nothing: an exact-memory agent trains on its own play")
        train_exact(values, out, minutes=minutes, start=start, threads=threads)
        return
    torch.set_num_threads(threads)
    files = None if data is None else DataSet(data)
    whole = dataclasses.replace(load_config(config), **given(start=start))
    trainer = Trainer(whole, out, device, data=files)
    notes = run_facts(trainer.device)
    try:
        with _shown(trainer) as (log, on_evaluation):
            trainer.run(
                log,
                on_evaluation=on_evaluation,
                notes=notes,
                minutes=math.inf if minutes is None else minutes,
            )
    finally:
        trainer.processes.close()
    if trainer.processes.leads:
        typer.echo(f"{trainer.update} of {trainer.config.updates} updates are done: {out}")


@contextmanager
def _shown(trainer: Trainer) -> Iterator[tuple[Callable[[dict[str, float]], None], ...]]:
    """Log files and a progress bar, for the process that leads."""
    if not trainer.processes.leads:
        yield _ignore, _ignore
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from omnirl_reference.training.logs import RunLog

    log = RunLog(trainer.folder, trainer.update)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    steps, seconds = trainer.config.steps_until(trainer.update), trainer.seconds
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("begins", total=trainer.config.updates, completed=trainer.update)

        def update(values: dict[str, float]) -> None:
            log.update({**values, "seconds": trainer.seconds})
            progress.update(bar, completed=trainer.update)
            if trainer.update % SHOW_EVERY == 0:
                done = trainer.config.steps_until(trainer.update - 1) - steps
                rate = done / max(trainer.seconds - seconds, 1e-9)
                progress.update(bar, description=f"loss {values['policy']:.3f}  {rate:,.0f} steps/s")

        try:
            yield update, log.evaluation
        finally:
            log.close()


def _ignore(values: dict[str, Any]) -> None:
    """Log nothing."""


def data(
    config: Config,
    out: Out,
    batches: Annotated[int, typer.Option(help="How many.", min=1)],
    stage: Annotated[int, typer.Option(help="Stage of the configuration, from 0.", min=0)] = 0,
) -> None:
    """Write the first batches of a configuration's stream to files."""
    from rich.console import Console
    from rich.progress import Progress

    from omnirl_reference.config.file import load_config
    from omnirl_reference.stream.data_set import write_data

    whole = load_config(config)
    if stage >= len(whole.stages):
        raise InvalidConfig(f"stage={stage}: {config} has stages 0..{len(whole.stages) - 1}.")
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("batches", total=batches)
        write_data(
            out,
            whole.stream_of(whole.stages[stage]),
            whole.batch,
            batches,
            lambda n: progress.advance(bar, n),
        )


def fetch(
    name: Annotated[str, typer.Argument(help="Checkpoint that the installed package does not hold.")],
    source: Annotated[str, typer.Option(help="Folder or address that holds it.")],
) -> None:
    """Copy a checkpoint of the suite to where the installed package finds it; its digests are checked."""
    from omnirl_reference.model import shipped

    typer.echo(f"written: {shipped.fetch(name, source)}")


def export(
    run: Annotated[Path, typer.Argument(help="Folder that training wrote.")],
    name: Annotated[str, typer.Argument(help="Name of the checkpoint.")],
    out: Annotated[Path | None, typer.Option(help="Default: with the package's checkpoints.")] = None,
    first: First = None,
    last: Last = None,
    steps: Steps = None,
    with_context: WithContext = None,
    views: Views = None,
    tasks: Annotated[int | None, typer.Option(help="Validation tasks that are played.", min=1)] = None,
    hardware: Annotated[str | None, typer.Option(help="Where the run did not note it.")] = None,
    commit: Annotated[str | None, typer.Option(help="Where the run did not note it.")] = None,
    option: Options = None,
) -> None:
    """Validate a run's model and write it as a checkpoint that can ship."""
    from omnirl_reference.config.file import read_json
    from omnirl_reference.exact.config import is_exact
    from omnirl_reference.exact.export import export_exact
    from omnirl_reference.model.shipped import CHECKPOINTS, NOTES
    from omnirl_reference.playing.agent import Temperature
    from omnirl_reference.playing.export import export as write
    from omnirl_reference.trials.checkpoint import is_trials
    from omnirl_reference.trials.export import export_trials

    notes = read_json(run / NOTES)
    played = given(first=first, last=last, steps=steps, with_context=with_context)
    with plays() as begin:
        how: dict[str, Any] = {
            "folder": out or CHECKPOINTS,
            "changes": given(hardware=hardware, commit=commit),
            "watcher": lambda plan: begin(f"{plan.bank}, {plan.protocol}"),
            **given(tasks=tasks),
        }
        if is_trials(notes):
            target = export_trials(run, name, **how)
        elif is_exact(notes):
            acting = {**played, **given(views=views), **options_of(option or [])}
            target = export_exact(run, name, acting, **how)
        else:
            target = write(run, name, temperature=Temperature(**played), **how, **given(views=views))
    typer.echo(f"written: {target}")
