"""Studies of what training is worth: number of tasks, parts of the exact memory, mixers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from anymdp_bench.cli.output import AsJson, print_table
from omnirl_reference.studies.commands.options import (
    NOT_DONE,
    Device,
    Document,
    Minutes,
    Online,
    Out,
    Threads,
    image,
    limit_of,
    tell,
    write_part,
)

if TYPE_CHECKING:
    from omnirl_reference.exact.config import ExactConfig


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
    from omnirl_reference.studies.report import draw_gains, draw_scaling, scaling_text
    from omnirl_reference.studies.scaling import COUNTS, gains, runs_of, study, summary, with_play

    torch.set_num_threads(threads)
    counts = [count or None for count in tasks] if tasks else COUNTS
    renamed = [count or None for count in relabelled] if relabelled else None
    runs = runs_of(load_config(config), counts, renamed)
    done = study(runs, out, minutes=limit_of(minutes), device=device, tell=tell)
    frame = gains(out)
    table = with_play(summary(frame), out, online)
    frame.to_csv(out / "curves.csv", index=False)
    table.to_csv(out / "table.csv", index=False)
    text = scaling_text(table)
    print_table(table, text, as_json)
    if document is not None:
        figures = document.parent / "figures"
        draw_scaling(frame, figures / "task-scaling.svg")
        draw_gains(frame, figures / "task-scaling-context.svg")
        text += f"\n{image('task-scaling.svg', 'Loss by update, seen and unseen tasks')}\n"
        write_part(document, "task-scaling", text, "task-scaling-context.svg", "Gain by length of context")
    if not done:
        typer.echo(NOT_DONE, err=as_json)


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
    from omnirl_reference.studies.report import draw_exact, exact_text
    from omnirl_reference.studies.scaling import COUNTS

    torch.set_num_threads(threads)
    counts = [count or None for count in tasks] if tasks else COUNTS
    runs = exact_runs_of(_exact(config), counts)
    done = exact_study(runs, out, minutes=limit_of(minutes), tell=tell)
    table = exact_summary(runs, out, online)
    text = exact_text(table)
    print_table(table, text, as_json)
    if document is not None:
        draw_exact(table, document.parent / "figures" / "exact-scaling.svg")
        write_part(
            document, "exact-scaling", text, "exact-scaling.svg", "Loss and score by number of training tasks"
        )
    if not done:
        typer.echo(NOT_DONE, err=as_json)


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
    done = train_ablations(runs, out, minutes=limit_of(minutes), tell=tell)
    table = ablation_summary(runs, out, online)
    text = ablations_text(table)
    print_table(table, text, as_json)
    if document is not None:
        write_part(document, "ablations", text)
    if not done:
        typer.echo(NOT_DONE, err=as_json)


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
    done = train_mixers(runs, out, minutes=limit_of(minutes), device=device, tell=tell)
    names = [*trained(runs, out), *(beside or [])]
    results = readings(names, out, boards=board or BOARDS, n_tasks=tasks, steps=steps)
    if results:
        table = summary(results, out)
        table.to_csv(out / "table.csv", index=False)
        text = mixers_text(table)
        print_table(table, text, as_json)
        if document is not None:
            draw_mixers(results, document.parent / "figures" / "sequence-mixers.svg")
            write_part(document, "sequence-mixers", text, "sequence-mixers.svg", "Loss by length of context")
    if not done:
        typer.echo(NOT_DONE, err=as_json)


def _exact(config: str) -> ExactConfig:
    from anymdp_bench import UnknownName
    from omnirl_reference.exact.config import exact_config, exact_names, exact_values

    values = exact_values(config)
    if values is None:
        raise UnknownName(f"configuration {config!r}: give a file, or one of {', '.join(exact_names())}.")
    return exact_config(values)
