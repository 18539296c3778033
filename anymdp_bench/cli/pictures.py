"""Commands that draw: ``show`` a task, ``plot`` finished runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anymdp_bench.cli.output import AsJson, print_json

if TYPE_CHECKING:
    from anymdp_bench.tasks.task import TabularTask


def add_to(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command()(show)
    app.command()(plot)


def show(
    name: Annotated[str, typer.Argument(help="Name of a bank or of a board.")],
    task: Annotated[int, typer.Option(help="Index of the task.")] = 0,
    split: Annotated[str, typer.Option(help="test, validation or train.")] = "test",
    out: Annotated[
        Path | None, typer.Option(help="Picture (png, svg, pdf); default: NAME-TASK.png in this folder.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Describe one task, and draw its transitions, rewards, values and visits (extra plot)."""
    from rich.console import Console
    from rich.table import Table

    from anymdp_bench.banks import load_bank
    from anymdp_bench.banks.bank import SPLITS
    from anymdp_bench.evaluation.boards import get_board
    from anymdp_bench.foundation.checks import check_choice, check_integer
    from anymdp_bench.planning.figures import plot_task
    from anymdp_bench.tasks.task import require_tabular

    check_choice("split", split, SPLITS)
    tasks = getattr(load_bank(get_board(name).bank), split)
    check_integer("task", task, 0, None if split == "train" else len(tasks) - 1)
    shown = require_tabular(tasks[task])
    path = out or Path(f"{name}-{task}.png")
    plot_task(shown).savefig(path, dpi=150)
    if as_json:
        print_json({**_facts(shown), "picture": str(path)})
        return
    table = Table("")
    table.add_column(f"{name}, {split} task {task}", overflow="fold")
    for key, value in _facts(shown).items():
        table.add_row(key, value)
    Console().print(table)
    Console().print(f"Drawn in {path}", soft_wrap=True)


def _facts(task: TabularTask) -> dict[str, str]:
    from anymdp_bench.planning import references

    returns = references(task)
    return {
        "family": task.family,
        "settings": ", ".join(f"{key}={value}" for key, value in task.config.items()),
        "seed": str(task.seed),
        "states, ends": f"{task.n_states}, {int(task.terminal.sum())}",
        "observations, actions": f"{task.n_observations}, {task.n_actions}",
        "horizon": f"{task.horizon} steps",
        "return of uniform play": f"{returns.random:.4g} ± {returns.random_std:.3g} an episode",
        "return of the oracle": f"{returns.oracle:.4g} ± {returns.oracle_std:.3g} an episode",
        "best possible return": f"{returns.optimal:.4g}",
        "fingerprint": task.fingerprint(),
    }


def plot(
    folders: Annotated[list[Path], typer.Argument(help="Records folders, or folders that hold some.")],
    by: Annotated[str, typer.Option(help="Draw over learning steps or episodes.")] = "steps",
    out: Annotated[Path, typer.Option(help="Picture (png, svg, pdf).")] = Path("curves.png"),
) -> None:
    """Draw learning curves of finished runs with 95 % intervals, beside the paper's points (extra plot)."""
    from rich.console import Console

    from anymdp_bench.evaluation.curves import plot_results
    from anymdp_bench.evaluation.result import load_result
    from anymdp_bench.evaluation.run_folder import records_folders

    results = [load_result(folder) for folder in records_folders(folders)]
    plot_results(results, by=by).savefig(out, dpi=150)
    Console().print(f"Drawn in {out}", soft_wrap=True)
