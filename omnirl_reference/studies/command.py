"""The command ``omnirl study``: claims of the paper, tried at the scale of one machine."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

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
Beside = Annotated[list[str] | None, typer.Option(help="Checkpoints and agents that play too; repeatable.")]
Banks = Annotated[list[str] | None, typer.Option(help="Banks that are played; repeatable.")]
Tasks = Annotated[int, typer.Option(help="The first so many test tasks of each bank.", min=1)]
Steps = Annotated[int, typer.Option(help="Steps of every task.", min=1)]
Temperature = Annotated[
    float | None, typer.Option(help="That the trained model plays at; default: it falls.", min=0.01)
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
    done = study(runs, out, minutes=_limit(minutes), device=device, tell=_tell)
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
    done = exact_study(runs, out, minutes=_limit(minutes), tell=_tell)
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
    done = train_ablations(runs, out, minutes=_limit(minutes), tell=_tell)
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
    done = train_mixers(runs, out, minutes=_limit(minutes), device=device, tell=_tell)
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


@study_app.command("action-sets")
def action_sets(
    out: Out,
    config: Annotated[str, typer.Option(help="What is trained: a file, or a name.")] = "headless-ad",
    minutes: Minutes = None,
    beside: Beside = None,
    bank: Banks = None,
    tasks: Tasks = 32,
    steps: Steps = 1000,
    temperature: Temperature = 1.0,
    device: Device = "cpu",
    threads: Threads = 1,
    document: Document = None,
    as_json: AsJson = False,
) -> None:
    """One model, any number of actions: train it on up to 20, and play tasks of 4 to 50."""
    from omnirl_reference.studies.domains import ACTION_SETS

    names = beside or ["ad", "omnirl-any", "oim", "psrl", "uniform"]
    played = _Played(names, bank or ACTION_SETS, tasks, steps, temperature)
    _domains("action-sets", config, out, minutes, played, device, threads, document, as_json)


@study_app.command("domains")
def domains(
    out: Out,
    config: Annotated[str, typer.Option(help="What is trained: a file, or a name.")] = "vintix",
    minutes: Minutes = None,
    beside: Beside = None,
    bank: Banks = None,
    tasks: Tasks = 32,
    steps: Steps = 2000,
    temperature: Temperature = None,
    device: Device = "cpu",
    threads: Threads = 1,
    document: Document = None,
    as_json: AsJson = False,
) -> None:
    """One model, many domains: train it on three families, and play boards seen and held out."""
    from omnirl_reference.studies.domains import HELD_OUT, SEEN

    names = beside or ["ad-eps", "omnirl-any", "uniform"]
    played = _Played(names, bank or [*SEEN, *HELD_OUT], tasks, steps, temperature)
    _domains("domains", config, out, minutes, played, device, threads, document, as_json)


class _Played(NamedTuple):
    """Who plays beside the trained model, and what: arguments of `domains.play_domains`."""

    names: Sequence[str]
    banks: Sequence[str]
    tasks: int
    steps: int
    temperature: float | None


def _domains(
    part: str,
    config: str,
    out: Path,
    minutes: float | None,
    played: _Played,
    device: str,
    threads: int,
    document: Path | None,
    as_json: bool,
) -> None:
    import torch

    from omnirl_reference.config.file import load_config
    from omnirl_reference.studies.domains import play_domains, train_one
    from omnirl_reference.studies.report import domains_text

    torch.set_num_threads(threads)
    whole = load_config(config)
    if not train_one(whole, out, minutes=_limit(minutes), device=device, tell=_tell):
        typer.echo(NOT_DONE, err=as_json)
        return
    frame = play_domains(
        [whole.name, *played.names],
        out,
        played.banks,
        tasks=played.tasks,
        steps=played.steps,
        temperature=played.temperature,
        tell=_told,
    )
    frame.to_csv(out / "table.csv", index=False)
    text = domains_text(frame)
    print_table(frame, text, as_json)
    if document is not None:
        _write(document, part, text)


@study_app.command("rl2")
def rl2(
    out: Out,
    bank: Annotated[str, typer.Option(help="Whose training tasks trials are played on.")] = "anymdp-1x5-v0",
    episodes: Annotated[int, typer.Option(help="Episodes of a trial.", min=1)] = 100,
    core: Annotated[str, typer.Option(help="The memory: lstm or s5.")] = "lstm",
    discount: Annotated[float, typer.Option(help="Of rewards in training.", min=0, max=1)] = 0.9,
    entropy: Annotated[float, typer.Option(help="Weight of the policy's entropy.", min=0)] = 0.003,
    learning_rate: Annotated[float, typer.Option(help="Of Adam.", min=0)] = 2e-3,
    minutes: Minutes = None,
    steps: Annotated[int, typer.Option(help="Stop after so many steps.", min=1)] = 10_000_000,
    trials: Annotated[int, typer.Option(help="Trials on test tasks in the end.", min=1)] = 1024,
    beside: Beside = None,
    tasks: Annotated[int, typer.Option(help="The first so many test tasks, for those beside.", min=1)] = 64,
    part: Annotated[str, typer.Option(help="Part of the document that is written.")] = "rl2",
    threads: Threads = 1,
    document: Document = None,
    as_json: AsJson = False,
) -> None:
    """Learn to learn by reward alone: recurrent PPO on trials, its score episode by episode."""
    import torch

    from omnirl_reference.studies.report import draw_rl2, rl2_text
    from omnirl_reference.studies.rl2 import NAME, curve, curves_beside
    from omnirl_reference.trials.training import setting_of, train_rl2

    torch.set_num_threads(threads)
    how = {"core": core, "discount": discount, "entropy": entropy, "learning_rate": learning_rate}
    setting = setting_of(bank, episodes, **how)
    limit = _limit(minutes)
    done = train_rl2(setting, out, minutes=limit, steps=steps, tell=lambda done: _told(NAME, done, steps))
    splits = {NAME: "test", f"{NAME}, training tasks": "train"}
    curves = {name: curve(setting, out, trials=trials, split=split) for name, split in splits.items()}
    names = ["omnirl-any", "oim", "uniform"] if beside is None else beside
    curves |= curves_beside(setting, names, out, tasks=tasks, tell=_told)
    text = rl2_text(curves, done)
    if as_json:
        print_json({"steps": done, "scores": {name: scores.tolist() for name, scores in curves.items()}})
    else:
        typer.echo(text)
    if document is not None:
        draw_rl2(curves, document.parent / "figures" / f"{part}.svg")
        _write(document, part, text, f"{part}.svg", "Score by episode of a trial")


def _limit(minutes: float | None) -> float:
    return math.inf if minutes is None else minutes


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


def _told(name: str, done: int, of: int) -> None:
    sys.stderr.write(f"{name}: {done} of {of}\n")


def _tell(name: str, done: int, of: int) -> None:
    sys.stderr.write(f"{name}: {done} of {of} updates\n")
