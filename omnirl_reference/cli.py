"""The command ``omnirl``: train, evaluate and export in-context agents."""

from __future__ import annotations

import dataclasses
import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anymdp_bench import BenchError, InvalidConfig
from anymdp_bench.cli.options import options_of
from anymdp_bench.cli.output import AsJson, frame_rows, print_json
from anymdp_bench.foundation.checks import check
from anymdp_bench.foundation.extras import missing_module, require_extra
from anymdp_bench.foundation.files import write_text
from anymdp_bench.foundation.stopping import stopping_cleanly
from omnirl_reference.studies.commands import study_app
from omnirl_reference.studies.sequence import add_to as add_sequence

if TYPE_CHECKING:
    from omnirl_reference.playing.validation import Score, Watch
    from omnirl_reference.training.trainer import Trainer

USER_ERROR = 2
SHOW_EVERY = 5

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
add_sequence(app)
app.add_typer(study_app, name="study")
Threads = Annotated[int, typer.Option(help="Threads of torch.", min=1)]


def _print_version(asked: bool) -> None:
    if asked:
        from anymdp_bench import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def _common(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop."),
    ] = False,
) -> None:
    """Train and evaluate in-context agents of the OmniRL kind."""


Config = Annotated[str, typer.Argument(help="A file, or the name of a configuration that ships.")]
Out = Annotated[Path, typer.Option(help="Folder to write to.")]
First = Annotated[float | None, typer.Option(help="First temperature, online.")]
Last = Annotated[float | None, typer.Option(help="Last temperature, online.")]
Steps = Annotated[int | None, typer.Option(help="Steps over which it falls.")]
Views = Annotated[int | None, typer.Option(help="Relabelled copies of a task that decide together.")]
WithContext = Annotated[float | None, typer.Option(help="Temperature after a recorded context.")]
Options = Annotated[
    list[str] | None, typer.Option("--option", help="KEY=VALUE, how an exact-memory agent acts.")
]


@app.command()
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
    whole = dataclasses.replace(load_config(config), **_given(start=start))
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


@app.command()
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


@app.command()
def fetch(
    name: Annotated[str, typer.Argument(help="Checkpoint that the installed package does not hold.")],
    source: Annotated[str, typer.Option(help="Folder or address that holds it.")],
) -> None:
    """Copy a checkpoint of the suite to where the installed package finds it; its digests are checked."""
    from omnirl_reference.model import shipped

    typer.echo(f"written: {shipped.fetch(name, source)}")


@app.command()
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
    played = _given(first=first, last=last, steps=steps, with_context=with_context)
    with _plays() as begin:
        how: dict[str, Any] = {
            "folder": out or CHECKPOINTS,
            "changes": _given(hardware=hardware, commit=commit),
            "watcher": lambda plan: begin(f"{plan.bank}, {plan.protocol}"),
            **_given(tasks=tasks),
        }
        if is_trials(notes):
            target = export_trials(run, name, **how)
        elif is_exact(notes):
            acting = {**played, **_given(views=views), **options_of(option or [])}
            target = export_exact(run, name, acting, **how)
        else:
            target = write(run, name, temperature=Temperature(**played), **how, **_given(views=views))
    typer.echo(f"written: {target}")


@app.command()
def evaluate(
    checkpoint: Annotated[str, typer.Argument(help="Name of a shipped checkpoint, or a run's folder.")],
    bank: Annotated[str, typer.Option(help="Bank whose tasks are played.")] = "anymdp-16x5-v0",
    split: Annotated[str, typer.Option(help="validation, train or test.")] = "validation",
    tasks: Annotated[int, typer.Option(help="The first so many tasks.", min=1)] = 64,
    protocol: Annotated[str, typer.Option(help="online, imitation or offline.")] = "online",
    length: Annotated[int, typer.Option(help="Steps of each task, online.", min=1)] = 8000,
    first: First = None,
    last: Last = None,
    steps: Steps = None,
    with_context: WithContext = None,
    views: Views = None,
    seed: Annotated[int, typer.Option(help="Root of all random numbers.", min=0)] = 0,
    threads: Threads = 1,
    option: Options = None,
    as_json: AsJson = False,
) -> None:
    """Score a checkpoint on validation tasks: 0 is uniform play, 1 the oracle."""
    import torch

    from omnirl_reference.factories import make
    from omnirl_reference.playing.validation import Plan, validate

    torch.set_num_threads(threads)
    options = _given(first=first, last=last, steps=steps, with_context=with_context, views=views)
    agent = make(checkpoint, **options, **options_of(option or []))
    plan = Plan(bank=bank, split=split, tasks=tasks, protocol=protocol, steps=length, seed=seed)
    with _plays() as begin:
        scores = validate(agent, plan, begin(protocol))
    if not scores:
        raise InvalidConfig(f"length={length}: no episode has ended by then in a window; give 500 or more.")
    _print_scores(f"{agent.info.name}, {protocol}", scores, as_json)


@app.command()
def search(
    run: Annotated[Path, typer.Argument(help="Folder of an exact-memory run or checkpoint.")],
    bank: Annotated[list[str], typer.Option(help="NAME:TASKS whose validation tasks are played.")],
    field: Annotated[list[str] | None, typer.Option(help="What may move; default: everything.")] = None,
    length: Annotated[int, typer.Option(help="Steps of each task.", min=1)] = 8000,
    seed: Annotated[int, typer.Option(help="Root of all random numbers.", min=0)] = 0,
    option: Options = None,
    as_json: AsJson = False,
) -> None:
    """Search how an exact-memory agent acts, by its return on validation tasks."""
    from omnirl_reference.exact.command import search_exact
    from omnirl_reference.playing.validation import Plan

    plans = []
    for name, _, tasks in (text.partition(":") for text in bank):
        check(tasks.isdecimal(), "bank", f"{name}:{tasks}", "NAME:TASKS, e.g. anymdp-16x5-v0:64")
        plans.append(Plan(bank=name, tasks=int(tasks), steps=length, seed=seed))
    best, played = search_exact(run, plans, field or [], options_of(option or []), quiet=as_json)
    found = dataclasses.asdict(best)
    if as_json:
        print_json({"best": found, "played": played})
        return
    typer.echo(" ".join(f"--option {name}={value}" for name, value in found.items()))


@app.command()
def windows(
    records: Annotated[Path, typer.Argument(help="Records of an in-context agent's run on a board.")],
    as_json: AsJson = False,
) -> None:
    """Score what `anymdp-bench run` recorded in the windows of `evaluate`."""
    from anymdp_bench import load_result
    from omnirl_reference.playing.validation import scores_of_run

    result = load_result(records)
    title = f"{result.manifest.agent.name}, {result.manifest.board.name}"
    _print_scores(title, scores_of_run(result), as_json)


def _print_scores(title: str, scores: list[Score], as_json: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    if as_json:
        print_json({"title": title, "windows": [score._asdict() for score in scores]})
        return
    table = Table("steps", "mean, clipped", "mean", "median", "tasks", title=title)
    for score in scores:
        figures = (f"{value:.3f}" for value in score[1:4])
        table.add_row(score.window, *figures, str(score.tasks))
    Console().print(table)


@app.command()
def compare(
    checkpoints: Annotated[list[str], typer.Argument(help="Shipped names, or runs' folders.")],
    out: Annotated[Path, typer.Option(help="Written: this name with .csv and .svg.")],
    bank: Annotated[str, typer.Option(help="Bank whose tasks are played.")] = "anymdp-16x5-v0",
    split: Annotated[str, typer.Option(help="validation, train or test.")] = "validation",
    tasks: Annotated[int, typer.Option(help="The first so many tasks.", min=2)] = 32,
    episodes: Annotated[int, typer.Option(help="Own episodes of each task.", min=10)] = 60,
    teacher_episodes: Annotated[int, typer.Option(help="Episodes of a teacher.", min=1)] = 100,
    first: First = None,
    last: Last = None,
    steps: Steps = None,
    with_context: WithContext = None,
    views: Views = None,
    as_json: AsJson = False,
) -> None:
    """Draw the curves of several models, online, offline and by imitation, next to the paper's figures."""
    from rich.console import Console

    from omnirl_reference.factories import make
    from omnirl_reference.playing.compare import curves, draw, last_points, points, verdicts
    from omnirl_reference.playing.validation import Plan

    require_extra("plot", "matplotlib", what="Curves")
    out.parent.mkdir(parents=True, exist_ok=True)
    options = _given(first=first, last=last, steps=steps, with_context=with_context, views=views)
    agents = [make(checkpoint, **options) for checkpoint in checkpoints]
    plan = Plan(bank=bank, split=split, tasks=tasks, episodes=episodes, teacher_episodes=teacher_episodes)
    with _plays() as begin:
        frame = curves(agents, plan, lambda name, how: begin(f"{name}, {how}"))
    summary = points(frame)
    write_text(f"{out}.csv", summary.to_csv(index=False, float_format="%.4f"))
    draw(summary, Path(f"{out}.svg"))
    if as_json:
        print_json({"curves": frame_rows(summary), "verdicts": verdicts(frame)})
        return
    console = Console(soft_wrap=True)
    console.print(last_points(summary).round(3).to_string())
    for text in verdicts(frame):
        console.print(text)


@contextmanager
def _plays() -> Iterator[Callable[[str], Watch]]:
    """Progress bars, one for each play: call it with a title, then tell what it gives."""
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True)) as progress:

        def begin(title: str) -> Watch:
            bar = progress.add_task(title, total=1.0)
            return lambda share: progress.update(bar, completed=share)

        yield begin


def _given(**options: Any) -> dict[str, Any]:
    return {name: value for name, value in options.items() if value is not None}


def main() -> None:
    """Run the command; a mistake of the user's is told in one line, with exit status 2."""
    try:
        with stopping_cleanly():
            app()
    except ModuleNotFoundError as error:
        told = missing_module(error, "This command")
        if told is error:
            raise
        _stop(str(told))
    except (BenchError, OSError) as error:
        _stop(str(error))


def _stop(text: str) -> None:
    sys.stderr.write(f"omnirl: {' '.join(text.split())}\n")
    sys.exit(USER_ERROR)


if __name__ == "__main__":
    main()
