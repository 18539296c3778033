"""The command ``anymdp-bench reproduce``: the paper's table and some of its comparisons."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from anymdp_bench.cli.output import AsJson, progress_bars
from anymdp_bench.cli.published import Where, publish
from anymdp_bench.foundation.errors import InvalidConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from anymdp_bench.reproduce.compact import Compact
    from anymdp_bench.reproduce.runs import Cell, Places

DEFAULT_AGENTS = "q-ucb,ppo"
EFFICIENCY_AGENTS = "uniform,q-ucb,ppo,oim,psrl,omnirl-any,omnirl-16"
RECORDED_AGENTS = "uniform,cql,oim,psrl,ucbvi,omnirl-any,omnirl-16"
Key = TypeVar("Key")
"""What a command calls its cells by."""

reproduce_app = typer.Typer(
    help="The paper's table and comparisons; only what has not been kept is run.", no_args_is_help=True
)
Agents = Annotated[str, typer.Option(help="Registered names, separated by commas.")]
Tasks = Annotated[
    int | None, typer.Option(help="First so many tasks of every bank; default: as kept, or 64.")
]
Jobs = Annotated[int | None, typer.Option(help="Worker processes; default: one for each CPU.")]
Out = Annotated[Path | None, typer.Option(help="Records, tables and figures; default: runs/reproduce.")]
Kept = Annotated[
    Path | None, typer.Option("--results", help="Kept compact results; default: leaderboards/results.")
]
Run = Annotated[bool, typer.Option("--run/--no-run", help="Whether to run what is missing.")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Run everything again and replace what was kept.")]
Document = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="Also update the generated part of this document."),
]


@reproduce_app.command("paper-table")
def paper_table(
    agents: Agents = DEFAULT_AGENTS,
    tasks: Tasks = None,
    jobs: Jobs = None,
    out: Out = None,
    results: Kept = None,
    run: Run = True,
    fresh: Fresh = False,
    document: Document = None,
    only: Annotated[str | None, typer.Option(help="Run these banks alone, separated by commas.")] = None,
    figures: Annotated[bool, typer.Option("--figures", help="Draw the learning curve of every row.")] = False,
    as_json: AsJson = False,
) -> None:
    """All rows of the paper's main table, with the paper's figure beside each of ours.

    Writes paper-table.md and .csv, and after a run or with --figures a learning curve for each row.
    """
    from anymdp_bench.foundation.extras import require_extra
    from anymdp_bench.foundation.files import write_text
    from anymdp_bench.reproduce.figures import curve_links, draw_rows
    from anymdp_bench.reproduce.table import paper_cells, paper_frame
    from anymdp_bench.reproduce.table_text import markdown

    names = _names(agents)
    if run or figures:
        require_extra("plot", "matplotlib", what="Figures")
    places = _places(out, results)
    cells = {(cell.bank, cell.agent): cell for cell in paper_cells(names, tasks)}
    wanted = None if only is None else only.split(",")
    to_run = {key for key in cells if run and (wanted is None or key[0] in wanted)}
    found, n_run = _collect(cells, to_run, places, jobs, fresh)
    frame = paper_frame(found, names)
    folder = places.records.parent
    where = (document or folder / "paper-table.md").parent / "figures"
    if n_run or figures:
        draw_rows(found, names, where)
    text = markdown(frame) + curve_links(where)
    publish("paper-table", frame, text, Where(folder, document, as_json))
    write_text(folder / "paper-table.csv", frame.to_csv(index=False))


@reproduce_app.command()
def e6(
    agents: Agents = DEFAULT_AGENTS,
    tasks: Annotated[
        int | None, typer.Option(help="First so many tasks where nothing is kept yet; default: 64.")
    ] = None,
    jobs: Jobs = None,
    out: Out = None,
    results: Kept = None,
    run: Run = True,
    fresh: Fresh = False,
    document: Document = None,
    as_json: AsJson = False,
) -> None:
    """AnyMDP against Garnet and against AnyMDP without composite reward."""
    from anymdp_bench.foundation.extras import require_extra
    from anymdp_bench.reproduce.difficulty import (
        difficulty_cells,
        difficulty_frame,
        difficulty_text,
        draw_difficulty,
    )

    require_extra("plot", "matplotlib", what="Figures")
    places = _places(out, results)
    cells = difficulty_cells(_names(agents), tasks)
    found, _ = _collect(cells, set(cells) if run else set(), places, jobs, fresh)
    folder = places.records.parent
    frame = difficulty_frame(found)
    publish("e6", frame, difficulty_text(frame), Where(folder, document, as_json))
    draw_difficulty(found, (document or folder / "e6.md").parent / "figures" / "e6.svg")


@reproduce_app.command("sample-efficiency")
def sample_efficiency(
    agents: Agents = EFFICIENCY_AGENTS,
    tasks: Tasks = None,
    jobs: Jobs = None,
    out: Out = None,
    results: Kept = None,
    run: Run = True,
    fresh: Fresh = False,
    document: Document = None,
    as_json: AsJson = False,
) -> None:
    """Score against environment steps on six rows, and steps to shares of the oracle's score.

    Agents that are not installed are left out, and said to be.
    """
    from anymdp_bench.agents.registry import agent_table
    from anymdp_bench.foundation.extras import require_extra
    from anymdp_bench.foundation.files import write_text
    from anymdp_bench.reproduce.efficiency import (
        FIGURE,
        draw_efficiency,
        efficiency_cells,
        efficiency_frame,
        efficiency_text,
    )

    require_extra("plot", "matplotlib", what="Figures")
    names = [name for name in agents.split(",") if name in agent_table()]
    for name in agents.split(","):
        if name not in names:
            typer.echo(f"{name}: no such agent is installed, left out.", err=True)
    places = _places(out, results)
    cells = {(cell.bank, cell.agent): cell for cell in efficiency_cells(names, tasks)}
    found, _ = _collect(cells, set(cells) if run else set(), places, jobs, fresh)
    for name in [name for name in names if all(agent != name for _, agent in found)]:
        typer.echo(f"{name}: no result is kept, left out. Give --run, or --results FOLDER.", err=True)
        names.remove(name)
    folder = places.records.parent
    frame = efficiency_frame(found, names)
    publish("sample-efficiency", frame, efficiency_text(frame), Where(folder, document, as_json))
    write_text(folder / "sample-efficiency.csv", frame.to_csv(index=False))
    where = (document or folder / "sample-efficiency.md").parent / "figures"
    draw_efficiency(found, names, where / FIGURE)


@reproduce_app.command()
def e7(out: Out = None, document: Document = None, as_json: AsJson = False) -> None:
    """Sorted stationary laws of AnyMDP and of Garnet."""
    from anymdp_bench.foundation.extras import require_extra
    from anymdp_bench.reproduce.laws import draw_laws, law_tasks, laws_frame, laws_text

    require_extra("plot", "matplotlib", what="Figures")
    folder = _places(out, None).records.parent
    tasks = law_tasks()
    frame = laws_frame(tasks)
    publish("e7", frame, laws_text(frame), Where(folder, document, as_json))
    draw_laws(tasks, (document or folder / "e7.md").parent / "figures" / "e7.svg")


@reproduce_app.command()
def paired(
    agents: Agents = "omnirl-any,oim",
    seed: Annotated[int, typer.Option(help="Of tasks and play.")] = 0,
    jobs: Jobs = None,
    out: Out = None,
    document: Document = None,
    only: Annotated[str | None, typer.Option(help="Of these banks alone, separated by commas.")] = None,
    as_json: AsJson = False,
) -> None:
    """Play agents on the same fresh tasks; the first one's lead over each other, with its interval.

    Writes paired.md and .csv. The same command goes on where it was stopped.
    """
    from rich.console import Console

    from anymdp_bench.foundation.files import write_text
    from anymdp_bench.reproduce.paired import COMPARISONS, paired_frame, paired_text, play_comparison

    names, places = _names(agents), _places(out, None)
    console = Console(stderr=True)
    played = []
    for comparison in COMPARISONS:
        if only is None or comparison.bank in only.split(","):
            with console.status("") as status:
                found = play_comparison(
                    comparison,
                    names,
                    seed=seed,
                    out=places.records / "paired",
                    jobs=jobs or usable_cpus(),
                    on_agent=lambda agent, bank, show=status: show.update(f"{agent} on {bank}"),  # type: ignore[misc]
                )
            played.append((comparison, found))
    folder = places.records.parent
    frame = paired_frame(played)
    publish("paired", frame, paired_text(frame), Where(folder, document, as_json))
    write_text(folder / "paired.csv", frame.to_csv(index=False))


@reproduce_app.command()
def recorded(
    agents: Annotated[str, typer.Option(help="Names of entries, separated by commas.")] = RECORDED_AGENTS,
    root: Annotated[Path, typer.Option(help="Folder of the leaderboards.")] = Path("leaderboards"),
    out: Out = None,
    document: Document = None,
    as_json: AsJson = False,
) -> None:
    """Begin and end of learning after recorded episodes, from the entries of the boards.

    Writes recorded.md and .csv.
    """
    from anymdp_bench.foundation.files import write_text
    from anymdp_bench.reproduce.recorded import recorded_frame, recorded_text

    frame = recorded_frame(root, agents.split(","))
    if frame.empty:
        raise InvalidConfig(f"root={str(root)!r}: no entry of {agents} on a board with recorded episodes.")
    folder = _places(out, None).records.parent
    publish("recorded", frame, recorded_text(frame), Where(folder, document, as_json))
    write_text(folder / "recorded.csv", frame.to_csv(index=False))


def _names(agents: str) -> list[str]:
    """Names of a list, each checked."""
    from anymdp_bench.agents.registry import agent_table
    from anymdp_bench.foundation.registry import lookup

    names = agents.split(",")
    for name in names:
        lookup("agent", agent_table(), name)
    return names


def _places(out: Path | None, results: Path | None) -> Places:
    from anymdp_bench.reproduce.runs import DEFAULT_OUT, Places, default_results

    folder = DEFAULT_OUT if out is None else out
    folder.mkdir(parents=True, exist_ok=True)
    return Places(results=default_results() if results is None else results, records=folder / "records")


def _collect(
    cells: Mapping[Key, Cell], to_run: set[Key], places: Places, jobs: int | None, fresh: bool
) -> tuple[dict[Key, Compact], int]:
    """Kept results of all cells and new ones of those `to_run` that have none; also how many are new."""
    from anymdp_bench.reproduce.runs import find, play

    found: dict[Key, Compact] = {}
    n_run = 0
    with progress_bars() as progress:
        for key, cell in cells.items():
            kept = None if fresh and key in to_run else find(cell, places)
            if kept is None and key in to_run:
                bar = progress.add_task(f"{cell.agent} {cell.board.name}", total=None)

                def show(n_episodes: int, total: int, bar: int = bar) -> None:
                    progress.update(bar, advance=n_episodes, total=total)  # type: ignore[arg-type]

                kept = play(cell, places, jobs=jobs or usable_cpus(), on_progress=show)
                n_run += 1
            if kept is not None:
                found[key] = kept
    return found, n_run


def usable_cpus() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
