"""The commands around the leaderboards: submit, verify, board build, board serve."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from anymdp_bench.foundation.errors import SubmissionRefused

LEADERBOARDS = Path("leaderboards")
SITE = Path("build") / "site"
REFUSED = 2
STALE = 1
SEED_BITS = 32

board_app = typer.Typer(help="Build or serve the leaderboards.", no_args_is_help=True)
Root = Annotated[Path, typer.Option("--leaderboards", help="Folder of the leaderboards.")]


@contextmanager
def _listing_problems() -> Iterator[None]:
    """Tell every problem of a submission in a line of its own, and exit."""
    try:
        yield
    except SubmissionRefused as error:
        sys.stderr.write("".join(f"refused: {text}\n" for text in error.problems))
        raise typer.Exit(REFUSED) from error


def submit(
    run: Annotated[Path, typer.Argument(help="Records folder of a finished run.")],
    name: Annotated[str, typer.Option(help="Lower-case letters, digits, hyphens; the folder's name.")],
    url: Annotated[str | None, typer.Option(help="Where the code is.")] = None,
    paper: Annotated[str | None, typer.Option(help="Where it is described.")] = None,
    title: Annotated[str | None, typer.Option(help="Name for people; default: the name.")] = None,
    authors: Annotated[str | None, typer.Option(help="Who made it.")] = None,
    description: Annotated[str | None, typer.Option(help="One line on what it is.")] = None,
    agent: Annotated[
        str | None, typer.Option(help="Registered name or package.module:Class, for `verify`.")
    ] = None,
    date: Annotated[str | None, typer.Option(help="Day of submission; default: today.")] = None,
    gradient_free: Annotated[
        bool | None,
        typer.Option(help="No gradient step while it is evaluated; default: no for a learner, else yes."),
    ] = None,
    leaderboards: Root = LEADERBOARDS,
) -> None:
    """Check a run and write it as a submission, one folder and nothing else."""
    from rich.console import Console

    from anymdp_bench.leaderboard.submissions.checks import METADATA_CHECKS, TABLE_CHECKS
    from anymdp_bench.leaderboard.submissions.submit import Entry
    from anymdp_bench.leaderboard.submissions.submit import submit as make

    entry = Entry(
        name=name,
        title=title,
        authors=authors,
        description=description,
        url=url,
        paper=paper,
        date=date,
        entry_point=agent,
        gradient_free=gradient_free,
    )
    with _listing_problems():
        _, folder = make(run, entry, leaderboards)
    console = Console(highlight=False, soft_wrap=True)
    for check in METADATA_CHECKS + TABLE_CHECKS:
        console.print(f"passed: {(check.__doc__ or '').splitlines()[0]}", markup=False)
    console.print(f"\nWritten: {folder}", markup=False)
    console.print(
        f"To submit it, open a pull request with this folder:\n"
        f"  git switch -c submit-{name} && git add {folder} && git commit -m 'Submit {name}'\n"
        "and push the branch to a fork of the project.",
        markup=False,
    )


def verify(
    submission: Annotated[Path, typer.Argument(help="A folder leaderboards/submissions/<board>/<name>.")],
    fraction: Annotated[float, typer.Option(help="Share of the run to repeat, above 0, at most 1.")] = 0.1,
    fresh: Annotated[bool, typer.Option(help="Also play tasks drawn now (in-context agents).")] = False,
    seed: Annotated[
        int | None, typer.Option(help="Chooses the part and the fresh tasks; default: drawn.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Worker processes.")] = 1,
) -> None:
    """Run a random part of a submission again, and write the verdict beside its folder.

    This runs the submitted agent's code.
    """
    from anymdp_bench.leaderboard.submissions.submission import read_submission
    from anymdp_bench.leaderboard.verification.verify import (
        check_fraction,
        submitted_agent,
        verify_submission,
    )

    check_fraction(fraction)
    sys.path.insert(0, str(Path.cwd()))
    with _listing_problems():
        checked = read_submission(submission)
        sys.stderr.write(
            f"Every check passed. Now running the agent's code: {checked.metadata.entry_point}\n"
        )
        agent = submitted_agent(checked)
        drawn = secrets.randbits(SEED_BITS) if seed is None else seed
        path, verdict = verify_submission(
            checked, submission, agent, fraction=fraction, fresh=fresh, seed=drawn, jobs=jobs
        )
    typer.echo(path.read_text(encoding="utf-8"))
    typer.echo(f"{'verified' if verdict.verified else 'NOT verified'}: {path}")


@board_app.command()
def build(
    site: Annotated[Path, typer.Option(help="Folder for the pages; replaced.")] = SITE,
    check: Annotated[
        bool, typer.Option(help="Write nothing; fail if the committed tables are stale.")
    ] = False,
    leaderboards: Root = LEADERBOARDS,
) -> None:
    """Turn all submissions into tables (Markdown and CSV) and a static site."""
    from anymdp_bench.leaderboard.standings.files import stale_tables, write_tables
    from anymdp_bench.leaderboard.standings.load import load_standings
    from anymdp_bench.leaderboard.standings.tables import tables

    with _listing_problems():
        standings = load_standings(leaderboards)
    wanted = tables(standings)
    if check:
        stale = stale_tables(leaderboards, wanted)
        if stale:
            sys.stderr.write(f"stale: {', '.join(stale)}. Run `anymdp-bench board build` and commit.\n")
            raise typer.Exit(STALE)
        typer.echo(f"{len(wanted)} tables are up to date.")
        return
    from anymdp_bench.leaderboard.site.build import build_site

    write_tables(leaderboards, wanted)
    build_site(standings, site)
    typer.echo(
        f"Wrote {len(wanted)} tables to {leaderboards / 'tables'} and the site to {site / 'index.html'}."
    )


@board_app.command()
def serve(
    site: Annotated[Path, typer.Option(help="Folder that `board build` wrote.")] = SITE,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any free one.")] = 8000,
) -> None:
    """Serve the built site to this machine alone."""
    from anymdp_bench.leaderboard.site.serve import make_server

    server = make_server(site, port)
    typer.echo(f"Serving {site} on http://127.0.0.1:{server.server_address[1]}/ (stop with Ctrl+C)")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


def add_to(app: typer.Typer) -> None:
    """Add these commands to the package's command."""
    app.command()(submit)
    app.command()(verify)
    app.add_typer(board_app, name="board")
