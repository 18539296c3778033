"""Studies of what trained models play: other action sets, other domains, trials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from anymdp_bench.cli.output import AsJson, print_json, print_table
from omnirl_reference.studies.commands.options import (
    NOT_DONE,
    Banks,
    Beside,
    Device,
    Document,
    Minutes,
    Out,
    Shipped,
    Steps,
    Tasks,
    Temperature,
    Threads,
    limit_of,
    tell,
    told,
    write_part,
)


def action_sets(
    out: Out,
    config: Annotated[str, typer.Option(help="What is trained: a file, or a name.")] = "headless-ad",
    shipped: Shipped = False,
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
    _domains("action-sets", config, shipped, out, minutes, played, device, threads, document, as_json)


def domains(
    out: Out,
    config: Annotated[str, typer.Option(help="What is trained: a file, or a name.")] = "vintix",
    shipped: Shipped = False,
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
    """One model, many domains: train it on five families, and play boards seen and held out."""
    from omnirl_reference.studies.domains import HELD_OUT, SEEN

    names = beside or ["ad-eps", "omnirl-any", "uniform"]
    played = _Played(names, bank or [*SEEN, *HELD_OUT], tasks, steps, temperature)
    _domains("domains", config, shipped, out, minutes, played, device, threads, document, as_json)


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
    shipped: bool,
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
    from omnirl_reference.studies.domains import HELD_OUT, check_shipped, play_domains, train_one
    from omnirl_reference.studies.report import domains_text, draw_domains

    torch.set_num_threads(threads)
    whole = load_config(config)
    if shipped:
        check_shipped(whole)
    elif not train_one(whole, out, minutes=limit_of(minutes), device=device, tell=tell):
        typer.echo(NOT_DONE, err=as_json)
        return
    frame = play_domains(
        [whole.name, *played.names],
        out,
        played.banks,
        tasks=played.tasks,
        steps=played.steps,
        temperature=played.temperature,
        fill=part == "domains",
        tell=told,
    )
    frame.to_csv(out / "table.csv", index=False)
    held_out = HELD_OUT if part == "domains" else ()
    text = domains_text(frame, held_out)
    print_table(frame, text, as_json)
    if document is not None:
        draw_domains(frame, document.parent / "figures" / f"{part}.svg", held_out)
        write_part(document, part, text, f"{part}.svg", "Early and late scores, bank by bank")


def rl2(
    out: Out,
    bank: Annotated[str, typer.Option(help="Whose training tasks trials are played on.")] = "anymdp-1x5-v0",
    episodes: Annotated[int, typer.Option(help="Episodes of a trial.", min=1)] = 100,
    core: Annotated[str, typer.Option(help="The memory: lstm or s5.")] = "lstm",
    discount: Annotated[float, typer.Option(help="Of rewards in training.", min=0, max=1)] = 0.9,
    scale: Annotated[float, typer.Option(help="What rewards are multiplied by in training.", min=0)] = 1.0,
    entropy: Annotated[float, typer.Option(help="Weight of the policy's entropy.", min=0)] = 0.003,
    learning_rate: Annotated[float, typer.Option(help="Of Adam.", min=0)] = 2e-3,
    width: Annotated[int, typer.Option(help="Of the memory.", min=1)] = 64,
    train_tasks: Annotated[int, typer.Option(help="The first so many training tasks.", min=1)] = 256,
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
    setting = setting_of(
        bank,
        episodes,
        core=core,
        discount=discount,
        scale=scale,
        entropy=entropy,
        learning_rate=learning_rate,
        width=width,
        n_tasks=train_tasks,
    )
    limit = limit_of(minutes)
    done = train_rl2(setting, out, minutes=limit, steps=steps, tell=lambda done: told(NAME, done, steps))
    splits = {NAME: "test", f"{NAME}, training tasks": "train"}
    curves = {name: curve(setting, out, trials=trials, split=split) for name, split in splits.items()}
    names = ["omnirl-any", "oim", "uniform"] if beside is None else beside
    curves |= curves_beside(setting, names, out, tasks=tasks, tell=told)
    text = rl2_text(curves, done)
    if as_json:
        print_json({"steps": done, "scores": {name: scores.tolist() for name, scores in curves.items()}})
    else:
        typer.echo(text)
    if document is not None:
        draw_rl2(curves, document.parent / "figures" / f"{part}.svg")
        write_part(document, part, text, f"{part}.svg", "Score by episode of a trial")
