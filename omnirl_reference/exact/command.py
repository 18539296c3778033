"""What the command ``omnirl`` does for exact-memory agents."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import typer

from anymdp_bench import InvalidConfig
from omnirl_reference.exact.acting import Acting
from omnirl_reference.exact.config import exact_config
from omnirl_reference.exact.search import CANDIDATES, search
from omnirl_reference.exact.trainer import ExactTrainer, Log
from omnirl_reference.playing.export import run_facts
from omnirl_reference.playing.validation import Plan
from omnirl_reference.training.logs import RunLog

COLUMNS = ("update", "pool", "policy", "values", "gains", "norm", "rate", "skipped", "seconds")
"""Of ``training.csv``."""
SHOW_EVERY = 20


def train_exact(
    values: Mapping[str, Any], out: Path, *, minutes: float | None, start: str | None, threads: int
) -> None:
    """Train the configuration of some JSON values, in a folder; the same call goes on."""
    torch.set_num_threads(threads)
    config = exact_config(values)
    if start is not None:
        config = dataclasses.replace(config, start=start)
    trainer = ExactTrainer(config, out)
    with _shown(trainer) as log:
        facts = run_facts(torch.device("cpu"))
        trainer.run(log, notes=facts, minutes=math.inf if minutes is None else minutes)
    typer.echo(f"{trainer.update} of {config.updates} updates are done: {out}")


@contextmanager
def _shown(trainer: ExactTrainer) -> Iterator[Log]:
    """A log file and a progress bar."""
    from rich.console import Console
    from rich.progress import Progress

    log = RunLog(trainer.folder, trainer.update, COLUMNS)
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("begins", total=trainer.config.updates, completed=trainer.update)

        def update(values: dict[str, float]) -> None:
            log.update({**values, "seconds": trainer.seconds})
            if trainer.update % SHOW_EVERY == 0:
                progress.update(bar, completed=trainer.update, description=f"policy {values['policy']:.3f}")

        try:
            yield update
        finally:
            log.close()


def search_exact(
    run: Path, plans: list[Plan], fields: list[str], start: dict[str, Any], *, quiet: bool = False
) -> tuple[Acting, list[dict[str, Any]]]:
    """Search `Acting`; print every setting that is played as a line of CSV, unless `quiet`.

    Returns:
        The best setting, and of all that were played ``worth``, ``acting`` and the worth of each plan.
    """
    unknown = sorted(set(fields) - set(CANDIDATES))
    if unknown:
        raise InvalidConfig(f"fields {unknown}: give some of {', '.join(CANDIDATES)}.")
    names = [field.name for field in dataclasses.fields(Acting)]
    played: list[dict[str, Any]] = []

    def say(*cells: object) -> None:
        if not quiet:
            typer.echo(",".join(map(str, cells)))

    def told(how: Acting, mean: float, each: dict[str, float]) -> None:
        played.append({"worth": mean, "acting": dataclasses.asdict(how), "plans": each})
        say(f"{mean:.4f}", *(getattr(how, name) for name in names), *(f"{x:.4f}" for x in each.values()))

    say("worth", *names, *(f"{plan.bank} {plan.protocol}" for plan in plans))
    return search(run, plans, fields or tuple(CANDIDATES), start=Acting(**start), told=told), played
