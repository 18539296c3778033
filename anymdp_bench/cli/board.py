"""The commands around the leaderboards: submit, verify, board build, board serve."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from anymdp_bench.cli.output import AsJson, print_json, progress_bars
from anymdp_bench.foundation.errors import InvalidConfig, SubmissionRefused

if TYPE_CHECKING:
    from anymdp_bench.leaderboard.verification.findings import AnyFinding, Needs
    from anymdp_bench.leaderboard.verification.findings_file import FindingsFile

LEADERBOARDS = Path("leaderboards")
SITE = Path("build") / "site"
REFUSED = 2
STALE = 1
NOT_VERIFIED = 1

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
    run: Annotated[Path, typer.Argument(help="Records folder of a finished run, or of a model's losses.")],
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
    uses_geometry: Annotated[
        bool, typer.Option("--uses-geometry", help="It uses what neighbouring ids of observations mean.")
    ] = False,
    key: Annotated[
        Path | None, typer.Option(help="Your SSH key: signs the entry, and claims the name for this key.")
    ] = None,
    leaderboards: Root = LEADERBOARDS,
) -> None:
    """Check a run and write it as a submission, one folder and nothing else."""
    from rich.console import Console

    from anymdp_bench.leaderboard.submissions.claims import OWNERS, SIGNATURE
    from anymdp_bench.leaderboard.submissions.kinds import kind_of
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
        uses_geometry=uses_geometry,
    )
    with _listing_problems():
        _, folder = make(run, entry, leaderboards, key=key)
    console = Console(highlight=False, soft_wrap=True)
    kind = kind_of(folder.parent.name)
    for check in kind.metadata_checks + kind.table_checks:
        console.print(f"passed: {(check.__doc__ or '').splitlines()[0]}", markup=False)
    console.print(f"\nWritten: {folder}", markup=False)
    files = str(folder) if key is None else f"{folder} {folder}{SIGNATURE} {leaderboards / OWNERS}"
    console.print(next_steps(name, files, leaderboards), markup=False)


def next_steps(name: str, files: str, leaderboards: Path) -> str:
    """What to do with an entry that is written: a pull request from a clone, or first a copy into one."""
    if any((folder / ".git").exists() for folder in leaderboards.resolve().parents):
        how = f"  git switch -c submit-{name} && git add {files} && git commit -m 'Submit {name}'\n"
        return (
            f"To submit it, open a pull request with it:\n{how}and push the branch to a fork of the project."
        )
    return (
        f"{leaderboards} lies in no clone of the project. To submit the entry, clone the project, copy\n"
        f"  {files}\nto the same places there, commit, and open a pull request."
    )


def verify(
    submission: Annotated[Path, typer.Argument(help="A folder leaderboards/submissions/<board>/<name>.")],
    fraction: Annotated[
        float, typer.Option(help="Share of the shards that this call replays, above 0, at most 1.")
    ] = 0.1,
    jobs: Annotated[int, typer.Option(help="Worker processes.")] = 1,
    call_seconds: Annotated[float, typer.Option(help="Longest silence of the agent.")] = 300.0,
    memory_mib: Annotated[int, typer.Option(help="Most memory of an agent's process.")] = 8192,
    expect: Annotated[
        str | None, typer.Option(help="SHA-256 of the findings, as the call before this one told it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Find out what is still missing about a submission; what is found is added to a file beside its folder.

    This runs the submitted agent's code, in processes of its own. Exit status 0: everything was found, and
    nothing against it.
    """
    from anymdp_bench.evaluation.isolation.process import Limits
    from anymdp_bench.leaderboard.submissions.claims import check_foreign
    from anymdp_bench.leaderboard.submissions.problems import refuse
    from anymdp_bench.leaderboard.submissions.submission import read_entry
    from anymdp_bench.leaderboard.verification.findings_file import FindingsFile
    from anymdp_bench.leaderboard.verification.told import told
    from anymdp_bench.leaderboard.verification.verify import (
        check_fraction,
        needs_of,
        shards_left,
        submitted_agent,
        verify_submission,
    )

    check_fraction(fraction)
    sys.path.append(str(Path.cwd()))
    with _listing_problems():
        checked = read_entry(submission)
        root = submission.resolve().parents[2]
        refuse(check_foreign(root, submission.resolve(), checked.digest))
        file = FindingsFile(submission, expect)
        sys.stderr.write(
            f"Every check passed. Now running the agent's code: {checked.metadata.entry_point}\n"
        )
        agent = submitted_agent(checked, Limits(call_seconds=call_seconds, memory_mib=memory_mib))
        needs, before = needs_of(checked), file.about(checked.digest)
        sys.stderr.write(f"To be found: {', '.join(before.missing(needs)) or 'nothing more'}\n")
        found = []
        try:
            with progress_bars() as bars:
                bar = bars.add_task("shards played again", total=shards_left(before, needs, fraction))
                for line in verify_submission(checked, file, agent, fraction=fraction, jobs=jobs):
                    found.append(line)
                    bars.update(bar, advance=line.kind == "replay")
        finally:
            for line in [] if as_json else found:
                typer.echo(told(line))
    if not _tell_verdict(file, checked.digest, needs, found, as_json):
        raise typer.Exit(NOT_VERIFIED)


def _tell_verdict(
    file: FindingsFile, submission: str, needs: Needs, found: Sequence[AnyFinding], as_json: bool
) -> bool:
    """Say what is missing of a submission and what speaks against it, and return whether it is verified."""
    findings = file.about(submission)
    missing, holds = list(findings.missing(needs)), findings.holds(needs)
    against = [f"fell on {kind} tasks" for kind in findings.fell] + ["not reproduced"] * findings.refuted
    if as_json:
        lines = [line.model_dump(mode="json", by_alias=True, exclude={"machine"}) for line in found]
        summary = {"verified": holds, "missing": missing, "against": against, "found": lines}
        print_json(summary | {"findings_sha256": file.digest})
        return holds
    for kind, texts in (("missing", missing), ("against it", against)):
        for text in texts:
            typer.echo(f"{kind}: {text}")
    typer.echo(f"findings: SHA-256 {file.digest}, for --expect")
    typer.echo("verified, to be signed: anymdp-bench board sign" if holds else "NOT verified")
    return holds


@board_app.command()
def sign(
    submission: Annotated[Path, typer.Argument(help="A folder leaderboards/submissions/<board>/<name>.")],
    key: Annotated[Path, typer.Option(help="A maintainer's SSH key; its public half is in allowed_signers.")],
    expect: Annotated[
        str | None, typer.Option(help="SHA-256 of the findings, as the last `verify` told it.")
    ] = None,
) -> None:
    """Sign what was found about a submission. This runs nobody's code but OpenSSH's."""
    from anymdp_bench.leaderboard.verification.findings import findings_path
    from anymdp_bench.leaderboard.verification.signature import sign as make_signature

    path = findings_path(submission)
    if not path.is_file():
        raise InvalidConfig(f"{path} does not exist: run `anymdp-bench verify` first.")
    typer.echo(f"Signed: {make_signature(path, key, expect)}")


@board_app.command()
def claim(
    names: Annotated[list[str], typer.Argument(help="Names whose entries are all yours.")],
    key: Annotated[Path, typer.Option(help="Your SSH key.")],
    leaderboards: Root = LEADERBOARDS,
) -> None:
    """Claim names for a key by signing every entry that stands under them; the entries stay as they are."""
    from anymdp_bench.leaderboard.submissions.claims import claim as make_claim

    with _listing_problems():
        for name in names:
            typer.echo(f"{name}: {len(make_claim(leaderboards, name, key))} entries signed")


@board_app.command()
def build(
    site: Annotated[Path, typer.Option(help="Folder for the pages; replaced.")] = SITE,
    check: Annotated[
        bool, typer.Option(help="Write nothing; fail if the committed tables are stale.")
    ] = False,
    before: Annotated[
        Path | None,
        typer.Option(help="The leaderboards' folder before: no change may touch claims or findings."),
    ] = None,
    leaderboards: Root = LEADERBOARDS,
    as_json: AsJson = False,
) -> None:
    """Turn all submissions into tables (Markdown and CSV) and a static site."""
    from anymdp_bench.foundation.extras import require_extra
    from anymdp_bench.leaderboard.standings.files import stale_tables, write_tables
    from anymdp_bench.leaderboard.standings.load import foreign_entries, load_standings
    from anymdp_bench.leaderboard.standings.tables import tables
    from anymdp_bench.leaderboard.submissions.problems import refuse
    from anymdp_bench.leaderboard.verification.changes import check_change

    if not check:
        require_extra("web", "jinja2", what="The site")
    with _listing_problems():
        refuse(() if before is None else check_change(before, leaderboards))
        standings = load_standings(leaderboards)
        foreign = foreign_entries(leaderboards, standings)
        refuse(foreign if check else ())
    wanted = tables(standings)
    if check:
        stale = stale_tables(leaderboards, wanted)
        if as_json:
            print_json({"tables": sorted(wanted), "stale": sorted(stale)})
        if stale:
            sys.stderr.write(f"stale: {', '.join(stale)}. Run `anymdp-bench board build` and commit.\n")
            raise typer.Exit(STALE)
        if not as_json:
            typer.echo(f"{len(wanted)} tables are up to date.")
        return
    from anymdp_bench.leaderboard.site.build import build_site

    write_tables(leaderboards, wanted)
    build_site(standings, site)
    if as_json:
        print_json({"tables": sorted(wanted), "folder": str(leaderboards / "tables"), "site": str(site)})
    else:
        typer.echo(
            f"Wrote {len(wanted)} tables to {leaderboards / 'tables'} and the site to {site / 'index.html'}."
        )
    with _listing_problems():
        refuse(foreign)


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
