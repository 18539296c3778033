"""The command ``omnirl study``: claims of the paper, tried at the scale of one machine."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anymdp_bench.cli.output import AsJson, print_json, print_table

if TYPE_CHECKING:
    from omnirl_reference.exact.config import ExactConfig

study_app = typer.Typer(help="Try claims of the paper; every study goes on where it was stopped.")
Out = Annotated[Path, typer.Option(help="Folder of the runs, the table and the curves.")]
Minutes = Annotated[float | None, typer.Option(help="Stop after so many minutes of training.", min=0)]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]
Threads = Annotated[int, typer.Option(help="Threads of torch.", min=1)]
Online = Annotated[int, typer.Option(help="Validation tasks that every model then plays; 0: none.", min=0)]
Document = Annotated[
    Path | None, typer.Option(help="Document whose part of the study's name is written, figure beside it.")
]
NOT_DONE = "not all runs are done: give the same command again"


@study_app.callback()
def _study() -> None:
    """Try claims of the paper; every study goes on where it was stopped."""


@study_app.command("task-scaling")
def task_scaling(
    out: Out,
    config: Annotated[str, typer.Option(help="What is trained: a file, or a name.")] = "task-scaling",
    minutes: Minutes = None,
    tasks: Annotated[
        list[int] | None, typer.Option(help="Number of tasks, 0 for endless; repeatable.")
    ] = None,
    relabelled: Annotated[
        list[int] | None, typer.Option(help="The same with relabelling; default: those of --tasks.")
    ] = None,
    device: Device = "cpu",
    threads: Threads = 1,
    online: Online = 0,
    document: Document = None,
    as_json: AsJson = False,
) -> None:
    """Few tasks are recognised, many learnt: train on 100, 1K, 10K and endless tasks, relabelled or not."""
    import torch

    from omnirl_reference.config.file import load_config
    from omnirl_reference.studies.report import draw_scaling, scaling_text
    from omnirl_reference.studies.scaling import COUNTS, gains, runs_of, study, summary, with_play

    torch.set_num_threads(threads)
    counts = [count or None for count in tasks] if tasks else COUNTS
    renamed = [count or None for count in relabelled] if relabelled else None
    runs = runs_of(load_config(config), counts, renamed)
    done = study(runs, out, minutes=math.inf if minutes is None else minutes, device=device, tell=_tell)
    frame = gains(out)
    table = with_play(summary(frame), out, online)
    frame.to_csv(out / "curves.csv", index=False)
    table.to_csv(out / "table.csv", index=False)
    text = scaling_text(table)
    print_table(table, text, as_json)
    if document is not None:
        draw_scaling(frame, document.parent / "figures" / "task-scaling.svg")
        _write(document, "task-scaling", text, "task-scaling.svg", "Loss by update, seen and unseen tasks")
    if not done:
        typer.echo(NOT_DONE, err=as_json)


@study_app.command("exact-scaling")
def exact_scaling(
    out: Out,
    config: Annotated[str, typer.Option(help="What is trained: a file, or a name.")] = "exact-scaling",
    minutes: Minutes = None,
    tasks: Annotated[
        list[int] | None, typer.Option(help="Number of tasks, 0 for endless; repeatable.")
    ] = None,
    threads: Threads = 1,
    online: Online = 0,
    document: Document = None,
    as_json: AsJson = False,
) -> None:
    """The same for the exact memory, whose answers do not depend on names: are few tasks enough?"""
    import torch

    from omnirl_reference.studies.exact_scaling import exact_runs_of, exact_study, exact_summary
    from omnirl_reference.studies.report import exact_text
    from omnirl_reference.studies.scaling import COUNTS

    torch.set_num_threads(threads)
    counts = [count or None for count in tasks] if tasks else COUNTS
    runs = exact_runs_of(_exact(config), counts)
    done = exact_study(runs, out, minutes=math.inf if minutes is None else minutes, tell=_tell)
    table = exact_summary(runs, out, online)
    text = exact_text(table)
    print_table(table, text, as_json)
    if document is not None:
        _write(document, "exact-scaling", text)
    if not done:
        typer.echo(NOT_DONE, err=as_json)


@study_app.command("ablations")
def ablations(
    out: Out,
    config: Annotated[str, typer.Option(help="What is changed: a file, or a name.")] = "exact-ablations",
    minutes: Minutes = None,
    threads: Threads = 1,
    online: Online = 64,
    document: Document = None,
    as_json: AsJson = False,
) -> None:
    """What each part of the exact memory's training is worth: one thing changed at a time."""
    import torch

    from omnirl_reference.studies.ablations import ablation_summary, ablations_of, train_ablations
    from omnirl_reference.studies.report import ablations_text

    torch.set_num_threads(threads)
    runs = ablations_of(_exact(config))
    done = train_ablations(runs, out, minutes=math.inf if minutes is None else minutes, tell=_tell)
    table = ablation_summary(runs, out, online)
    text = ablations_text(table)
    print_table(table, text, as_json)
    if document is not None:
        _write(document, "ablations", text)
    if not done:
        typer.echo(NOT_DONE, err=as_json)


@study_app.command("sequence")
def sequence(
    out: Out,
    config: Annotated[str, typer.Option(help="What is trained: a file, or a name.")] = "sequence",
    minutes: Minutes = None,
    mixer: Annotated[list[str] | None, typer.Option(help="Only these mixers; repeatable.")] = None,
    beside: Annotated[
        list[str] | None, typer.Option(help="Shipped checkpoints that read too; repeatable.")
    ] = None,
    board: Annotated[list[str] | None, typer.Option(help="Sequence boards; repeatable.")] = None,
    tasks: Annotated[int | None, typer.Option(help="Only the first so many sequences.")] = None,
    steps: Annotated[int | None, typer.Option(help="Only their first so many steps.")] = None,
    device: Device = "cpu",
    threads: Threads = 1,
    document: Document = None,
    as_json: AsJson = False,
) -> None:
    """Which mixer remembers best: train all at equal width, depth, steps and data; losses by context."""
    import torch

    from omnirl_reference.config.file import load_config
    from omnirl_reference.studies.mixers import (
        BOARDS,
        readings,
        runs_of,
        summary,
        train_mixers,
        trained,
    )
    from omnirl_reference.studies.report import draw_mixers, mixers_text

    torch.set_num_threads(threads)
    runs = runs_of(load_config(config), mixer)
    limit = math.inf if minutes is None else minutes
    done = train_mixers(runs, out, minutes=limit, device=device, tell=_tell)
    names = [*trained(runs, out), *(beside or [])]
    results = readings(names, out, boards=board or BOARDS, n_tasks=tasks, steps=steps)
    if results:
        table = summary(results, out)
        table.to_csv(out / "table.csv", index=False)
        text = mixers_text(table)
        print_table(table, text, as_json)
        if document is not None:
            draw_mixers(results, document.parent / "figures" / "sequence-mixers.svg")
            _write(document, "sequence-mixers", text, "sequence-mixers.svg", "Loss by length of context")
    if not done:
        typer.echo(NOT_DONE, err=as_json)


@study_app.command("rl2")
def rl2(
    out: Out,
    bank: Annotated[str, typer.Option(help="Whose training tasks trials are played on.")] = "anymdp-1x5-v0",
    episodes: Annotated[int, typer.Option(help="Episodes of a trial.", min=1)] = 100,
    minutes: Annotated[float, typer.Option(help="Stop after so many minutes.", min=0)] = 10.0,
    trials: Annotated[int, typer.Option(help="Trials on test tasks in the end.", min=1)] = 1024,
    threads: Threads = 1,
    document: Document = None,
    as_json: AsJson = False,
) -> None:
    """Learn to learn by reward alone: recurrent PPO on trials, its score episode by episode."""
    import torch

    from omnirl_reference.studies.report import draw_rl2, rl2_text
    from omnirl_reference.studies.rl2 import Setting, curve, train_rl2

    torch.set_num_threads(threads)
    setting = Setting(bank=bank, episodes=episodes)
    steps = train_rl2(setting, out, minutes=minutes)
    scores = curve(setting, out, trials=trials)
    text = rl2_text(scores, steps)
    if as_json:
        print_json({"steps": steps, "scores": scores.tolist()})
    else:
        typer.echo(text)
    if document is not None:
        draw_rl2(scores, document.parent / "figures" / "rl2.svg")
        _write(document, "rl2", text, "rl2.svg", "Score by episode of a trial")


def _exact(config: str) -> ExactConfig:
    from anymdp_bench import UnknownName
    from omnirl_reference.exact.config import exact_config, exact_names, exact_values

    values = exact_values(config)
    if values is None:
        raise UnknownName(f"configuration {config!r}: give a file, or one of {', '.join(exact_names())}.")
    return exact_config(values)


def _write(document: Path, part: str, text: str, figure: str = "", caption: str = "") -> None:
    from anymdp_bench.reproduce.document import replace_part

    replace_part(document, part, f"{text}\n![{caption}](figures/{figure})" if figure else text)


def _tell(name: str, done: int, of: int) -> None:
    sys.stderr.write(f"{name}: {done} of {of} updates\n")
