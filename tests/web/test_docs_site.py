"""The documentation site in a real browser: complete, quiet, offline, on a wide and on a narrow screen."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urldefrag, urljoin

import pytest

pytest.importorskip("mkdocs")
sync_api = pytest.importorskip("playwright.sync_api")

ROOT = Path(__file__).parents[2]
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
SCREENS = {"wide": (1280, 900), "phone": (390, 844)}
BOARD = "board/"
PATIENCE = 120_000
"""Milliseconds for a page; busy machines are slow."""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site") / "docs"
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", str(folder)]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    run = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


@pytest.fixture(scope="module")
def address(built: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(built)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


def pages_of(built: Path) -> list[str]:
    """Addresses of all pages but the board's, which has tests of its own."""
    found = sorted(path.parent.relative_to(built).as_posix() for path in built.rglob("index.html"))
    return ["" if name == "." else f"{name}/" for name in found if not f"{name}/".startswith(BOARD)]


def test_examples_of_public_names_are_shown_as_code(built: Path) -> None:
    for path in (built / "api").glob("*/index.html"):
        page = path.read_text(encoding="utf-8")
        assert "<blockquote>" not in page, f"{path.parent.name}: call the section Examples"
        assert "&gt;&gt;&gt; " in page, path.parent.name


def board_pages() -> list[str]:
    """Some pages of the real board; tests of its own go through a small one."""
    tables = "overall-v1", "anymdp-16x5-online-v0", "darkroom-10-offline-v0"
    agents = "omnirl-any", "omnirl-16", "q-ucb"
    return [
        BOARD,
        *(f"{BOARD}board/{name}.html" for name in tables),
        *(f"{BOARD}agent/{a}.html" for a in agents),
    ]


@pytest.mark.parametrize(("screen", "scheme"), [("wide", "light"), ("phone", "dark")])
def test_the_real_boards_pages_are_quiet_and_fit_the_screen(
    address: str, browser: Any, screen: str, scheme: str
) -> None:
    view, complaints = watched(browser, address, screen, scheme)
    for page in board_pages():
        check_fits(view, address, page, screen)
        rows = view.evaluate(
            "[...document.querySelectorAll('table tbody tr')].filter(r => r.offsetHeight).length"
        )
        assert rows > 3, f"{page} shows {rows} rows"
    assert complaints == []
    view.close()


def watched(browser: Any, address: str, screen: str, scheme: str) -> tuple[Any, list[str]]:
    """A window, and what it complains of: errors, requests of other hosts, answers that are none."""
    width, height = SCREENS[screen]
    view = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
    view.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    view.on("console", lambda message: message.type == "error" and complaints.append(message.text))
    view.on("pageerror", lambda error: complaints.append(str(error)))
    view.on("request", lambda r: r.url.startswith((address, "data:", "blob:")) or complaints.append(r.url))
    view.on("response", lambda r: r.status >= 400 and complaints.append(f"{r.status} {r.url}"))
    return view, complaints


def check_fits(view: Any, address: str, page: str, screen: str) -> None:
    view.goto(address + page, wait_until="load")
    overflow = view.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0, f"{page} is {overflow} pixels wider than a {screen} screen"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
def test_pages_are_quiet_fit_the_screen_and_ask_no_other_host(
    built: Path, address: str, browser: Any, screen: str, scheme: str
) -> None:
    view, complaints = watched(browser, address, screen, scheme)
    for page in pages_of(built):
        check_fits(view, address, page, screen)
        shown = view.evaluate("document.body.getAttribute('data-md-color-scheme')")
        assert shown == ("slate" if scheme == "dark" else "default")
    assert complaints == []
    view.close()


def test_every_link_leads_somewhere(built: Path, address: str, browser: Any) -> None:
    view = browser.new_page()
    view.set_default_timeout(PATIENCE)
    anchors: dict[str, set[str]] = {}
    links: list[tuple[str, str]] = []
    for page in pages_of(built):
        view.goto(address + page, wait_until="domcontentloaded")
        anchors[address + page] = set(view.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id)"))
        hrefs = view.evaluate("[...document.querySelectorAll('a[href]')].map(a => a.getAttribute('href'))")
        links += [(page, urljoin(address + page, href)) for href in hrefs]
    broken = []
    for page, link in links:
        target, anchor = urldefrag(link)
        if not target.startswith(address):
            continue
        path = built / target.removeprefix(address)
        exists = path.is_file() or (path / "index.html").is_file()
        known = anchors.get(target)
        if not exists or (anchor and known is not None and anchor not in known):
            broken.append((page, link))
    assert broken == []
    view.close()


def test_search_works_without_a_network(address: str, browser: Any) -> None:
    view = browser.new_page(viewport={"width": 1280, "height": 900})
    view.goto(address)
    view.keyboard.press("/")
    view.keyboard.type("stationary_distribution")
    view.wait_for_selector(".md-search-result__item a", state="attached")
    found = view.evaluate(
        "[...document.querySelectorAll('.md-search-result__item a')].map(a => a.getAttribute('href')).join()"
    )
    assert "api/planning/" in found
    view.close()


def test_environment_pages_show_a_picture(built: Path, address: str, browser: Any) -> None:
    view = browser.new_page(viewport={"width": 390, "height": 844})
    for page in pages_of(built):
        if page.startswith("environments/") and page != "environments/":
            view.goto(address + page)
            assert view.evaluate("document.querySelector('.facts img').naturalWidth") > 300
    view.close()
