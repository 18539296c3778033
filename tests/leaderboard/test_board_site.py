"""The static site: pages that are complete without scripts, escape everything, and stay small."""

from __future__ import annotations

import dataclasses
import http.client
import json
import re
import sys
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from anymdp_bench.cli import app as cli
from anymdp_bench.cli.board import next_steps
from anymdp_bench.evaluation.boards import BOARDS
from anymdp_bench.foundation.errors import RecordsError
from anymdp_bench.leaderboard.site.build import MARKER, build_site, rows_of_agents
from anymdp_bench.leaderboard.site.data import script_text
from anymdp_bench.leaderboard.site.names import plain_name
from anymdp_bench.leaderboard.site.overview import heat_view, leaders_of_all
from anymdp_bench.leaderboard.site.rows import board_view, first_names
from anymdp_bench.leaderboard.site.serve import make_server
from anymdp_bench.leaderboard.standings.listed import paper_boards
from anymdp_bench.leaderboard.standings.load import Standing, Standings, load_standings
from anymdp_bench.leaderboard.standings.ranking import rank
from anymdp_bench.leaderboard.submissions.facts import board_facts
from anymdp_bench.leaderboard.submissions.metadata import Machine
from anymdp_bench.leaderboard.verification.findings import Findings, Needs
from anymdp_bench.leaderboard.verification.verdict import Reproduction, Verdict
from tests.support.maintainer import allow, new_key
from tests.support.scale_boards import first_view, write_all
from tests.support.synthetic import write_submission

BANDITS = "anymdp-1x5-online-v0"
HOSTILE = '<script>alert("x")</script>"\'><img src=x onerror=alert(1)>&amp;</td>'
VOID = {"meta", "link", "input", "br", "img"}


class Page(HTMLParser):
    """Checks that tags close in order, and collects what a test asks about."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("boards")
    write_submission(root, board_facts(BANDITS), "alpha", level=0.9)
    write_submission(root, board_facts(BANDITS), "beta", level=0.5, learner=True)
    write_submission(root, board_facts(BANDITS), "short", level=0.5, n_tasks=16)
    write_submission(root, board_facts("cliffwalking-online-v0"), "alpha", level=0.7)
    return root


@pytest.fixture(scope="module")
def standings(root: Path) -> Standings:
    return load_standings(root)


@pytest.fixture(scope="module")
def site(standings: Standings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("site") / "pages"
    build_site(standings, out)
    return out


def test_every_page_is_well_formed_and_its_links_lead_somewhere(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) == 2 + 1 + 36 + 3 + 3
    for path in pages:
        page = Page(path.read_text())
        assert len(page.all("h1")) == 1 and page.all("html")[0]["lang"] == "en"
        for tag, attribute in (("a", "href"), ("script", "src"), ("link", "href")):
            for attributes in page.all(tag):
                target = str(attributes.get(attribute)).split("#")[0]
                if target and not target.startswith(("https:", "data:")):
                    assert (path.parent / target).is_file(), f"{path}: {target}"
        ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
        assert len(ids) == len(set(ids))


def test_pages_hold_no_inline_code_and_nothing_from_elsewhere(site: Path) -> None:
    for path in site.rglob("*.html"):
        page = Page(path.read_text())
        assert all(set(attributes) <= {"src", "defer"} for attributes in page.all("script"))
        assert not [
            attributes for _, attributes in page.tags if any(name.startswith("on") for name in attributes)
        ]
        assert not [attributes for _, attributes in page.tags if "style" in attributes]
        (policy,) = [a["content"] for a in page.all("meta") if a.get("http-equiv")]
        assert policy is not None and "script-src 'self'" in policy and "default-src 'none'" in policy


def test_rows_carry_what_they_are_sorted_and_filtered_by(site: Path) -> None:
    page = Page((site / "board" / f"{BANDITS}.html").read_text())
    assert len(page.all("table")) == 1
    rows = [attributes for attributes in page.all("tr") if "data-verified" in attributes]
    assert len(rows) == 2 + 2 + 1 + 4  # alpha, beta; published; the prefix ranking of alpha and short
    assert sum(attributes.get("data-published") == "1" for attributes in rows) == 4
    picks = [a["data-curve"] for a in page.all("input") if a.get("class") == "pick"]
    assert set(picks) == {f"{BANDITS}/{name}" for name in ("alpha", "beta", "short")}
    for key in picks:
        assert (site / "data" / f"{key}.js").is_file()


def test_curves_are_scripts_that_hand_over_json(site: Path, standings: Standings) -> None:
    text = (site / "data" / BANDITS / "beta.js").read_text()
    match = re.fullmatch(r'learningCurve\("(.*?)",(.*)\);\n', text.replace('", {', '",{'))
    assert match and match.group(1) == f"{BANDITS}/beta"
    values = json.loads(match.group(2))
    (beta,) = [entry for entry in standings.boards[BANDITS].entries if entry.name == "beta"]
    np.testing.assert_allclose(values["mean"], beta.curve.mean, rtol=1e-3)
    assert len(values["tasks"]) == 64 and len(values["tasks"][0]) == len(values["kept"]) == 25
    assert len(text) < 60_000


def with_title(standings: Standings, title: str) -> Standings:
    """Standings in which a check has failed to notice a hostile text."""
    standing = standings.boards[BANDITS]
    entries = tuple(
        dataclasses.replace(
            entry,
            metadata=entry.metadata.model_copy(
                update={"title": title, "description": title, "authors": title}
            ),
        )
        for entry in standing.entries
    )
    rankings = tuple(rank(entries, ranking.track, ranking.n_tasks) for ranking in standing.rankings)
    changed = Standing(standing.board, standing.n_tasks, entries, rankings)
    return Standings({BANDITS: changed}, {"in-context": [], "learner": []})


def leaders(site: Path, key: str) -> dict[str, Any]:
    text = (site / "data" / "leaders" / f"{key}.js").read_text()
    match = re.fullmatch(r'leaders\("(.*?)", (.*)\);\n', text)
    assert match and match.group(1) == key and "<" not in text
    values: dict[str, Any] = json.loads(match.group(2))
    return values


def test_leaders_carry_their_curves_and_nobody_who_has_not_played(site: Path, standings: Standings) -> None:
    rows = leaders(site, BANDITS)["rows"]
    assert [row["name"] for row in rows] == ["alpha", "short", "beta"] and not any(
        row["rank"] for row in rows
    )
    (alpha,) = [entry for entry in standings.boards[BANDITS].entries if entry.name == "alpha"]
    np.testing.assert_allclose(rows[0]["y"][-1], alpha.curve.mean[-1], rtol=1e-3)
    np.testing.assert_allclose(rows[0]["x"][0], alpha.curve.steps[0], rtol=1e-3)
    assert [row["name"] for row in leaders(site, "cliffwalking-online-v0")["rows"]] == ["alpha"]
    assert leaders(site, "switch2-online-v0")["rows"] == []


def test_the_overall_curve_ends_at_the_overall_score(standings: Standings) -> None:
    """Where a score stays the same over the last tenth, the curve's end is the score."""
    (alpha,) = [total for total in standings.overall["in-context"] if total.entry.name == "alpha"]
    flat = [dataclasses.replace(e.curve, tasks=np.full_like(e.curve.tasks, 0.5)) for e in alpha.rows]
    rows = [dataclasses.replace(e, curve=curve) for e, curve in zip(alpha.rows, flat, strict=True)]
    total = dataclasses.replace(alpha, rows=tuple(rows))
    (row,) = leaders_of_all({"in-context": [total], "learner": []})["rows"]
    np.testing.assert_allclose(row["y"], 2 * 0.5 / len(paper_boards()), rtol=1e-3)
    assert row["score"].note == f"2 of {len(paper_boards())} rows" and row["led"]


def test_a_heat_map_has_a_cell_for_every_row_that_counts(standings: Standings) -> None:
    heat = heat_view(standings.overall)
    assert sum(span for _, span in heat["families"]) == len(heat["columns"]) == len(paper_boards())
    ((alpha, short),) = [group["rows"] for group in heat["tracks"][0]["groups"]]
    assert sum(cell is not None for cell in alpha["cells"]) == 2
    assert sum(cell is not None for cell in short["cells"]) == 1
    for cell in filter(None, alpha["cells"]):
        assert cell["step"] == round(10 * min(1, max(0, cell["sort"])))


def test_the_first_of_a_track_are_plotted_but_never_uniform_play() -> None:
    places = [("a", 1), ("uniform", 2), ("b", 2), ("c", 3), ("d", 4), ("x", None), ("y", None), ("z", None)]
    assert first_names(places, "in-context") == {"a", "b", "c", "x", "y"}
    assert first_names(places, "learner") == {"a", "b", "x"}


def test_uniform_play_is_never_the_best(standings: Standings) -> None:
    standing = standings.boards[BANDITS]
    found = [board_view(standing)["best"]]
    for name in ("alpha", "uniform"):
        entries = tuple(
            dataclasses.replace(
                entry,
                metadata=entry.metadata.model_copy(update={"name": name}),
                findings=Findings((), "somebody"),
                needs=Needs(0, False, False),
                older=older_verdict(),
            )
            for entry in standing.entries
            if entry.name == "alpha"
        )
        rankings = (rank(entries, "in-context", standing.n_tasks), rank(entries, "learner", standing.n_tasks))
        found.append(board_view(dataclasses.replace(standing, entries=entries, rankings=rankings))["best"])
    assert [best[0]["name"] for best in found] == [None, "alpha", None]


def older_verdict() -> Verdict:
    again = Reproduction(
        test="equal to the bit",
        outcome="equal",
        p_value=None,
        difference=0.0,
        cells=8,
        shards=[0],
        seed=0,
        differing=[],
    )
    machine = Machine(python="3", packages={}, machine="x", system="Linux", processor="", git_commit=None)
    return Verdict(schema=1, submission="1" * 64, reproduction=again, fresh=None, machine=machine)


def test_boards_have_plain_names_of_their_own() -> None:
    names = {name: plain_name(name) for name in BOARDS}
    assert len({name.full for name in names.values()}) == len(BOARDS)
    assert names["anymdp-16x5-online-v0"].full == "AnyMDP, 16 states, 5 actions"
    assert names["anymdp-1x50-online-v0"].full == "AnyMDP bandit, 50 actions"
    assert names["darkroom-10-offline-v0"].full.endswith("cells, after a noisy oracle's episodes")
    assert names["pendulum-g9.8-fixed-online-v0"].full == "Pendulum, g = 9.8, fixed start"
    assert not set(names) & {name.full for name in names.values()}
    assert plain_name("my-own-board").full == "my-own-board"
    assert plain_name("switch2-online-v1").full == "Switch2, version 1"


def test_badges_are_pictures_without_a_word_of_the_submission(standings: Standings, tmp_path: Path) -> None:
    build_site(with_title(standings, HOSTILE), tmp_path / "site")
    text = (tmp_path / "site" / "badge" / "alpha.svg").read_text()
    ElementTree.fromstring(text)
    assert "AnyMDP: 1 board" in text and "alert" not in text
    build_site(standings, tmp_path / "plain")
    assert (
        f"% over 2 of {len(paper_boards())} rows, unverified"
        in (tmp_path / "plain" / "badge" / "alpha.svg").read_text()
    )


def test_an_agents_page_says_how_to_run_it_and_what_was_found(site: Path) -> None:
    page = Page((site / "agent" / "alpha.html").read_text())
    assert "anymdp-bench verify leaderboards/submissions/" in page.text or "no entry point" in page.text
    assert "Missing today: the agent check" in page.text and "Signed by nobody." in page.text


def test_hostile_texts_are_escaped_even_if_no_check_had_noticed_them(
    standings: Standings, tmp_path: Path
) -> None:
    build_site(with_title(standings, HOSTILE), tmp_path / "site")
    board = (tmp_path / "site" / "board" / f"{BANDITS}.html").read_text()
    agent = (tmp_path / "site" / "agent" / "alpha.html").read_text()
    for text in (board, agent):
        page = Page(text)
        assert HOSTILE in page.text
        assert all(str(image["src"]).startswith("../badge/") for image in page.all("img"))
        assert all("src" in attributes for attributes in page.all("script"))
    data = (tmp_path / "site" / "data" / BANDITS / "alpha.js").read_text()
    assert "<" not in data and data.isascii()


def test_script_text_means_the_same_and_cannot_end_a_script() -> None:
    values = {"</script>": "<!-- & \u2028 é"}
    text = script_text(values)
    assert json.loads(text) == values and text.isascii() and "<" not in text


def test_agents_have_a_row_for_every_board(standings: Standings, site: Path) -> None:
    rows = rows_of_agents(standings)
    assert {name: len(found) for name, found in rows.items()} == {"alpha": 2, "beta": 1, "short": 1}
    text = (site / "agent" / "alpha.html").read_text()
    assert "cliffwalking-online-v0" in text and BANDITS in text


def test_only_folders_of_ours_are_replaced(standings: Standings, tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("x")
    with pytest.raises(RecordsError, match="holds something else"):
        build_site(standings, tmp_path)
    assert (tmp_path / "precious.txt").exists()
    build_site(standings, tmp_path / "site")
    (tmp_path / "site" / "old.html").write_text("x")
    build_site(standings, tmp_path / "site")
    assert not (tmp_path / "site" / "old.html").exists() and (tmp_path / "site" / MARKER).exists()


def test_the_same_submissions_give_the_same_bytes(root: Path, site: Path, tmp_path: Path) -> None:
    build_site(load_standings(root), tmp_path / "again")
    for path in (path for path in site.rglob("*") if path.is_file()):
        assert (tmp_path / "again" / path.relative_to(site)).read_bytes() == path.read_bytes()


def test_many_submissions_stay_small_to_look_at(tmp_path: Path) -> None:
    write_all(tmp_path / "boards", 40)
    build_site(load_standings(tmp_path / "boards"), tmp_path / "site")
    assert first_view(tmp_path / "site") < 100_000
    assert sum(path.stat().st_size for path in (tmp_path / "site" / "static").iterdir()) < 100 * 1024


@pytest.fixture
def connection(site: Path) -> Iterator[http.client.HTTPConnection]:
    server = make_server(site, 0)
    assert server.server_address[0] == "127.0.0.1"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    yield connection
    connection.close()
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        ("/index.html", None, 200),
        ("/", None, 200),
        (f"/board/{BANDITS}.html", None, 200),
        ("/board/", None, 404),
        ("/../../etc/passwd", None, 404),
        ("/%2e%2e/%2e%2e/etc/passwd", None, 404),
        ("/index.html", "evil.example.org:80", 421),
        ("/index.html", "localhost:80", 200),
    ],
)
def test_the_server_hands_out_the_site_alone(
    path: str, host: str | None, status: int, connection: http.client.HTTPConnection
) -> None:
    connection.request("GET", path, headers={} if host is None else {"Host": host})
    assert connection.getresponse().status == status


def test_only_built_sites_are_served(tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match=r"is no built site\. Build it first"):
        make_server(tmp_path, 0)


def command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["anymdp-bench", *words])
    try:
        cli.main()
        status = 0
    except SystemExit as stop:
        status = int(stop.code or 0)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.mark.parametrize("place", ["", "clone"])
def test_what_follows_is_a_pull_request_from_a_clone(tmp_path: Path, place: str) -> None:
    (tmp_path / "clone" / ".git").mkdir(parents=True)
    advice = next_steps("mine", "FILES", tmp_path / place / "leaderboards")
    assert ("git switch -c submit-mine && git add FILES" in advice) == bool(place)
    assert ("clone the project, copy" in advice) != bool(place)


def test_the_commands_from_a_run_to_a_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("run", "uniform", "--board", "darkroom-6-v0", "--jobs", "1", "--out", "runs")
    assert command(monkeypatch, capsys, *words)[0] == 0
    status, _, err = command(
        monkeypatch, capsys, "submit", "runs/uniform", "--name", "Bad", "--url", "ftp://x"
    )
    assert status == 2 and err.count("refused: metadata: ") == 2
    status, out, _ = command(monkeypatch, capsys, "submit", "runs/uniform", "--name", "uniform")
    assert status == 0 and "lies in no clone" in out and out.count("passed: ") == 12
    folder = "leaderboards/submissions/darkroom-6-online-v0/uniform"
    status, out, err = command(monkeypatch, capsys, "verify", folder, "--fraction", "0.5")
    assert status == 0 and "verified, to be signed: " in out and "running the agent's code: uniform" in err
    assert command(monkeypatch, capsys, "verify", folder, "--fraction", "0")[0] == 2
    status, out, _ = command(monkeypatch, capsys, "board", "build", "--check", "--json")
    assert status == 1 and json.loads(out)["stale"] == json.loads(out)["tables"]
    status, out, _ = command(monkeypatch, capsys, "board", "build", "--site", "pages")
    assert status == 0 and "Wrote 4 tables" in out and (tmp_path / "pages" / "index.html").exists()
    assert command(monkeypatch, capsys, "board", "build", "--check")[0] == 0
    table = tmp_path / "leaderboards/tables/darkroom-6-online-v0.md"
    assert "|  | uniform |" in table.read_text()
    key = new_key(tmp_path / "keys")
    allow(tmp_path / "leaderboards", key)
    status, out, _ = command(monkeypatch, capsys, "board", "sign", folder, "--key", str(key))
    assert status == 0 and "Signed: " in out
    assert command(monkeypatch, capsys, "board", "build", "--site", "pages")[0] == 0
    assert "| 1 | uniform |" in table.read_text()
