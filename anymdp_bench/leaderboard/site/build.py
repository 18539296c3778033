"""Build the pages."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anymdp_bench import __version__
from anymdp_bench.evaluation.boards import PROTOCOLS
from anymdp_bench.foundation.errors import RecordsError
from anymdp_bench.foundation.extras import require_extra
from anymdp_bench.leaderboard.site.data import curve_key, curve_script
from anymdp_bench.leaderboard.site.entries import agent_view, badge_view
from anymdp_bench.leaderboard.site.names import plain_name
from anymdp_bench.leaderboard.site.overview import (
    MOST_LEADERS,
    heat_view,
    leaders_of_all,
    leaders_of_row,
    leaders_script,
)
from anymdp_bench.leaderboard.site.readings import COLUMNS as READING_COLUMNS
from anymdp_bench.leaderboard.site.readings import MODEL_COLUMNS, model_views, reading_view
from anymdp_bench.leaderboard.site.rows import (
    AGENT,
    RANK,
    SCORES,
    STATUS,
    board_view,
    ranking_view,
    shown_first,
)
from anymdp_bench.leaderboard.standings.listed import paper_boards
from anymdp_bench.leaderboard.standings.load import Standing, Standings
from anymdp_bench.leaderboard.standings.overall import NAME
from anymdp_bench.leaderboard.standings.ranking import Row
from anymdp_bench.leaderboard.standings.reading_tables import LEGEND as READING_LEGEND
from anymdp_bench.leaderboard.standings.tables import LEGEND, OVERALL_LEGEND

if TYPE_CHECKING:
    from jinja2 import Environment

MARKER = ".anymdp-bench-site"
"""File that marks a folder as built here, so that it may be replaced."""
ASSETS = Path(__file__).parent


def build_site(standings: Standings, out: Path, home: str = "") -> None:
    """Write all pages to a folder, which must be new, empty, or built here before.

    Args:
        standings: What they show.
        out: The folder.
        home: Where the documentation lies, seen from that folder; empty: nowhere.

    Raises:
        RecordsError: the folder holds something else.
        MissingExtra: jinja2 is not installed.
    """
    require_extra("web", "jinja2", what="The site")
    if out.exists() and not (out / MARKER).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise RecordsError(f"{out} holds something else. Choose an empty folder for the site.")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    (out / MARKER).touch()
    (out / "static").mkdir()
    for asset in (ASSETS / "static").iterdir():
        (out / "static" / asset.name).write_bytes(asset.read_bytes())
    _Writer(out, _environment(home)).write_all(standings)


def _environment(home: str) -> Environment:
    import jinja2

    folder = ASSETS / "templates"
    templates = {file.name: file.read_text(encoding="utf-8") for file in folder.iterdir()}
    environment = jinja2.Environment(
        loader=jinja2.DictLoader(templates),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        version=__version__, overall_name=NAME, overall_legend=OVERALL_LEGEND, home=home
    )
    return environment


class _Writer:
    """Writes pages below one folder."""

    def __init__(self, out: Path, environment: Environment) -> None:
        self._out = out
        self._environment = environment

    def write_all(self, standings: Standings) -> None:
        """Write the first page, the overall board, every board, agent and curve."""
        views = {name: board_view(standing) for name, standing in standings.boards.items()}
        self._overview(standings, views)
        self._page("submit.html", "submit.html")
        for name, standing in standings.boards.items():
            self._board(standing, views[name])
        models = self._readings(standings)
        totals = {total.entry.name: total for found in standings.overall.values() for total in found}
        for name, rows in rows_of_agents(standings).items():
            view = agent_view(rows, totals.get(name))
            view |= {"columns": SCORES, "status": STATUS, "rank": RANK, "reads": name in models}
            self._page(f"agent/{name}.html", "agent.html", **view)
            verified = name in totals and totals[name].group == "verified"
            self._page(f"badge/{name}.svg", "badge.svg", **badge_view(view["badge"], verified))

    def _overview(self, standings: Standings, views: Mapping[str, Mapping[str, Any]]) -> None:
        """Write the first page, the overall board, and the leaders of each row."""
        overall = standings.overall
        rows = [name for name in paper_boards() if name in standings.boards]
        leaders = leaders_of_all(overall)
        choices = [(leaders["key"], leaders["title"]), *((name, plain_name(name).full) for name in rows)]
        self._write(f"data/leaders/{NAME}.js", leaders_script(leaders))
        for name in rows:
            self._write(f"data/leaders/{name}.js", leaders_script(leaders_of_row(standings.boards[name])))
        self._page(
            "index.html",
            "index.html",
            boards=list(views.values()),
            leaders=leaders,
            choices=choices,
            heat=heat_view(overall, MOST_LEADERS),
            protocols=PROTOCOLS,
            readings=[reading_view(standing) for standing in standings.readings.values()],
        )
        self._page(f"board/{NAME}.html", "overall.html", heat=heat_view(overall))

    def _readings(self, standings: Standings) -> set[str]:
        """Write the boards of recorded play and their models' pages; return the models' names."""
        for name, standing in standings.readings.items():
            view = reading_view(standing)
            legend = plain_legend(READING_LEGEND)
            self._page(f"board/{name}.html", "reading.html", board=view, columns=READING_COLUMNS, legend=legend)
        acting = rows_of_agents(standings)
        models = model_views(standings)
        for name, view in models.items():
            view |= {"columns": MODEL_COLUMNS, "acts": name in acting}
            self._page(f"model/{name}.html", "model.html", **view)
        return set(models)

    def _board(self, standing: Standing, view: Mapping[str, Any]) -> None:
        views = [ranking_view(ranking, standing) for ranking in standing.rankings]
        lengths = sorted({ranking.n_tasks for ranking in standing.rankings}, reverse=True)
        self._page(
            f"board/{standing.board.name}.html",
            "board.html",
            board=view,
            rankings=[ranking for ranking in views if ranking["groups"]],
            lengths=lengths,
            first_length=shown_first(standing),
            columns=(RANK, AGENT, *SCORES, STATUS),
            legend=plain_legend(LEGEND),
            has_entries=bool(standing.entries),
        )
        for entry in standing.entries:
            self._write(f"data/{curve_key(entry)}.js", curve_script(entry))

    def _page(self, path: str, template: str, **values: Any) -> None:
        root = "../" * path.count("/")
        self._write(path, self._environment.get_template(template).render(root=root, **values))

    def _write(self, path: str, text: str) -> None:
        target = self._out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def plain_legend(lines: Iterable[str]) -> str:
    """A table's legend without the marks of Markdown."""
    return " ".join(lines).replace("`", "").replace("*", "")


def rows_of_agents(standings: Standings) -> dict[str, list[tuple[Standing, Row]]]:
    """Each agent's row on every board, on as many tasks as it has played."""
    found: dict[str, list[tuple[Standing, Row]]] = defaultdict(list)
    for standing in standings.boards.values():
        for ranking in standing.rankings:
            for row in ranking.rows:
                if row.entry.n_tasks == ranking.n_tasks:
                    found[row.entry.name].append((standing, row))
    return dict(sorted(found.items()))
