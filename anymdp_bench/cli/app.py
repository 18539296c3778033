"""The command ``anymdp-bench``: list what there is, run an agent, score what was run."""

from __future__ import annotations

import io
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from anymdp_bench.cli.board import add_to as add_board_commands
from anymdp_bench.cli.doctor import doctor
from anymdp_bench.cli.options import Version, options_of
from anymdp_bench.cli.output import AsJson, print_json, progress_bars, score_rows
from anymdp_bench.cli.pictures import add_to as add_picture_commands
from anymdp_bench.cli.reading import add_to as add_reading_commands
from anymdp_bench.cli.reproduce import reproduce_app, usable_cpus
from anymdp_bench.foundation.errors import BenchError
from anymdp_bench.foundation.extras import missing_module
from anymdp_bench.foundation.stopping import stopping_cleanly

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from anymdp_bench.agents.protocol import Agent
    from anymdp_bench.evaluation.boards import Board
    from anymdp_bench.evaluation.result import Result

ANCHORS = ("uniform", "oracle")
"""Agents that stand in every table that they can play: they score 0 and 1."""
DEFAULT_BOARD = "anymdp-16x5-v0"
DEFAULT_OUT = Path("runs")
USER_ERROR = 2

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
add_board_commands(app)
add_picture_commands(app)
add_reading_commands(app)
app.add_typer(reproduce_app, name="reproduce")
app.command()(doctor)


@app.callback()
def _common(
    version: Version = False,
) -> None:
    """Score agents on tabular reinforcement-learning tasks."""


@app.command("list")
def list_names(as_json: AsJson = False) -> None:
    """Name every environment, bank, board and agent."""
    from rich.console import Console
    from rich.table import Table

    from anymdp_bench.agents.registry import agent_table
    from anymdp_bench.banks import BANKS
    from anymdp_bench.envs import ENVS
    from anymdp_bench.evaluation.boards import BOARDS
    from anymdp_bench.evaluation.sequence.boards import SEQUENCE_BOARDS

    names = {
        "environments": [entry.id for entry in ENVS],
        "banks": list(BANKS),
        "boards": list(BOARDS),
        "sequence boards": list(SEQUENCE_BOARDS),
        "agents": list(agent_table()),
    }
    if as_json:
        print_json(names)
        return
    table = Table("kind", "name", show_lines=True)
    for kind, members in names.items():
        table.add_row(kind, "\n".join(members))
    Console().print(table)


@app.command()
def run(
    agent: Annotated[str, typer.Argument(help="Registered name, or package.module:Class.")],
    board: Annotated[str, typer.Option(help="Name of a board or of a bank.")] = DEFAULT_BOARD,
    tasks: Annotated[int | None, typer.Option(help="Play only the first so many tasks.")] = None,
    split: Annotated[
        str, typer.Option(help="test, or validation: the bank's tasks to choose settings on.")
    ] = "test",
    jobs: Annotated[int | None, typer.Option(help="Workers; default: one for each CPU.")] = None,
    backend: Annotated[
        str, typer.Option(help="processes, or ray: the cluster of RAY_ADDRESS, or this machine's.")
    ] = "processes",
    out: Annotated[
        Path | None, typer.Option(help="Keep the records in this folder; default: a folder under runs/.")
    ] = None,
    controls: Annotated[
        bool,
        typer.Option(
            "--controls", help="Also record what the columns `controlled` and `controlled_...` need."
        ),
    ] = False,
    option: Annotated[
        list[str] | None, typer.Option(help="KEY=VALUE, passed on to what makes the agent; repeatable.")
    ] = None,
    checkpoint: Annotated[str | None, typer.Option(help="Short for --option checkpoint=NAME.")] = None,
    isolated: Annotated[
        bool,
        typer.Option("--isolated", help="Let the agent play from a process of its own, as `verify` does."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Score an agent on a board, next to uniform play, the oracle and the paper's figures.

    Finished parts are kept: the same command goes on where it was stopped, or prints the table again.
    """
    from rich.console import Console

    from anymdp_bench.agents.registry import make_agent
    from anymdp_bench.evaluation.boards import get_board
    from anymdp_bench.evaluation.evaluate import change_board
    from anymdp_bench.evaluation.isolation.settings import AgentSource
    from anymdp_bench.evaluation.isolation.trust import walled_agent
    from anymdp_bench.evaluation.report import score_table

    sys.path.append(str(Path.cwd()))
    changes = {"split": split} | ({} if tasks is None else {"n_tasks": tasks})
    spec = change_board(get_board(board), changes)
    options = options_of([*(option or ()), *([] if checkpoint is None else [f"checkpoint={checkpoint}"])])
    source = AgentSource(name=agent, bank=spec.bank, options=options)
    agents = [walled_agent(source) if isolated else make_agent(agent, bank=spec.bank, options=options)]
    agents += [make_agent(anchor, bank=spec.bank) for anchor in _anchors(spec) if anchor != agent]
    how = {"jobs": usable_cpus() if jobs is None else jobs, "backend": backend, "controls": controls}
    results = _run_all(agents, spec, out, how)
    if as_json:
        print_json(score_rows(results))
    else:
        Console().print(score_table(results))
    typer.echo(f"Records of {agents[0].info.name}: {_folder(agents[0], spec, out)}", err=True)


def _anchors(board: Board) -> Sequence[str]:
    """Leave the oracle out where there are no tables that it could solve."""
    from anymdp_bench.banks import load_bank
    from anymdp_bench.tasks.task import TabularTask

    tabular = isinstance(load_bank(board.bank).test[0], TabularTask)
    return ANCHORS if tabular else ANCHORS[:1]


def _run_all(agents: Sequence[Agent], board: Board, out: Path | None, how: Mapping[str, Any]) -> list[Result]:
    from anymdp_bench.evaluation.evaluate import evaluate

    results = []
    with progress_bars() as progress:
        bars = [progress.add_task(agent.info.name, total=None, start=False) for agent in agents]
        for agent, bar in zip(agents, bars, strict=True):
            progress.start_task(bar)

            def show(n_episodes: int, total: int, bar: int = bar) -> None:
                progress.update(bar, advance=n_episodes, total=total)  # type: ignore[arg-type]

            results.append(evaluate(agent, board, out=_folder(agent, board, out), on_progress=show, **how))
    return results


def _folder(agent: Agent, board: Board, out: Path | None) -> Path:
    from anymdp_bench.reproduce.runs import run_folder

    return out / agent.info.name if out else run_folder(DEFAULT_OUT, board, agent)


@app.command()
def score(
    folders: Annotated[list[Path], typer.Argument(help="Records folders, or folders that hold some.")],
    csv: Annotated[Path | None, typer.Option(help="Also write every column to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Score finished runs from their records, board by board."""
    import pandas as pd
    from rich.console import Console

    from anymdp_bench.evaluation.report import score_table
    from anymdp_bench.evaluation.result import load_result
    from anymdp_bench.evaluation.run_folder import records_folders
    from anymdp_bench.foundation.files import write_text

    results = [load_result(folder) for folder in records_folders(folders)]
    boards = {result.manifest.board: None for result in results}
    if as_json:
        print_json(score_rows(results))
    for board in {} if as_json else boards:
        Console().print(score_table([result for result in results if result.manifest.board == board]))
    if csv is not None:
        write_text(csv, pd.concat([result.scores() for result in results]).to_csv(index=False))


def _show_warning(message: Warning | str, *where: Any) -> None:
    """Tell a warning in one line."""
    sys.stderr.write(f"anymdp-bench: {message}\n")


def main() -> None:
    """Run the command; a mistake of the user's is told in one line, with exit status 2.

    Characters that a terminal cannot show, as names of files may have, are escaped.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    warnings.showwarning = _show_warning  # type: ignore[assignment]  # it looks at the message alone
    try:
        with stopping_cleanly():
            app()
    except ModuleNotFoundError as error:
        told = missing_module(error, "This command")
        if told is error:
            raise
        _stop(told)
    except (BenchError, OSError) as error:
        _stop(error)


def _stop(error: Exception) -> None:
    sys.stderr.write(f"anymdp-bench: {' '.join(str(error).split())}\n")
    sys.exit(USER_ERROR)
