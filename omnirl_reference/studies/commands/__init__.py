"""The command ``omnirl study``: claims of the paper, tried at the scale of one machine."""

from __future__ import annotations

import typer

from omnirl_reference.studies.commands import playing, training

study_app = typer.Typer(help="Try claims of the paper; every study goes on where it was stopped.")
for command in (
    training.task_scaling,
    training.exact_scaling,
    training.ablations,
    training.sequence,
    playing.action_sets,
    playing.domains,
    playing.rl2,
):
    study_app.command(command.__name__.replace("_", "-"))(command)
