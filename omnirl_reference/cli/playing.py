"""Commands that let checkpoints play: ``evaluate``, ``search``, ``windows``, ``compare``."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anymdp_bench import InvalidConfig
from anymdp_bench.cli.options import options_of
from anymdp_bench.cli.output import AsJson, frame_rows, print_json
from anymdp_bench.foundation.checks import check
from anymdp_bench.foundation.extras import require_extra
from anymdp_bench.foundation.files import write_text
from omnirl_reference.cli.options import (
    First,
    Last,
    Options,
    Steps,
    Threads,
    Views,
    WithContext,
    given,
    plays,
)

if TYPE_CHECKING:
    from omnirl_reference.playing.validation import Score


def add_to(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for command in (evaluate, search, windows, compare):
        app.command()(command)


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
    options = given(first=first, last=last, steps=steps, with_context=with_context, views=views)
    agent = make(checkpoint, **options, **options_of(option or []))
    plan = Plan(bank=bank, split=split, tasks=tasks, protocol=protocol, steps=length, seed=seed)
    with plays() as begin:
        scores = validate(agent, plan, begin(protocol))
    if not scores:
        raise InvalidConfig(f"length={length}: no episode has ended by then in a window; give 500 or more.")
    _print_scores(f"{agent.info.name}, {protocol}", scores, as_json)


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
    options = given(first=first, last=last, steps=steps, with_context=with_context, views=views)
    agents = [make(checkpoint, **options) for checkpoint in checkpoints]
    plan = Plan(bank=bank, split=split, tasks=tasks, episodes=episodes, teacher_episodes=teacher_episodes)
    with plays() as begin:
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
