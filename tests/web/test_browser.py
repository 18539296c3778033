"""The site in a real browser, from files and without network: Debian's chromium, driven by playwright.

Outside the default test paths: ``python -m pytest tests/web``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from anymdp_bench.leaderboard.site.build import build_site
from anymdp_bench.leaderboard.standings.load import load_standings
from anymdp_bench.leaderboard.submissions.facts import board_facts
from anymdp_bench.leaderboard.submissions.submission import read_submission
from tests.leaderboard.test_board_site import HOSTILE, with_title
from tests.support.maintainer import allow, new_key, verify_as_found
from tests.support.synthetic import write_submission

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
BOARD = "anymdp-1x5-online-v0"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("boards")
    facts = board_facts(BOARD)
    key = new_key(tmp_path_factory.mktemp("keys"))
    allow(root, key)
    for i, name in enumerate(("alpha", "beta", "gamma", "delta")):
        learner = name == "delta"
        folder = write_submission(root, facts, name, level=0.9 - 0.2 * i, learner=learner, seed=i)
        if name in ("beta", "gamma"):
            verify_as_found(folder, read_submission(folder), key)
    write_submission(root, board_facts("cliffwalking-online-v0"), "alpha", level=0.7)
    standings = load_standings(root)
    out = tmp_path_factory.mktemp("site")
    build_site(standings, out / "plain")
    build_site(with_title(standings, HOSTILE), out / "hostile")
    return out


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test on console errors, exceptions, dialogs, and requests off the disk."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request", lambda r: complaints.append(r.url) if not r.url.startswith(("file:", "data:")) else None
    )
    page.on("dialog", lambda dialog: complaints.append(f"dialog {dialog.message}"))
    yield page
    context.close()
    assert complaints == []


def show(page: Page, site: Path, path: str) -> None:
    page.goto((site / path).as_uri())


def names(page: Page, nth: int = 0) -> list[str]:
    """Agents of a ranking in the order shown; hidden rows are left out."""
    rows = page.locator("table.ranking").nth(nth).locator("tbody tr:not(.line):visible th a")
    return [text.removeprefix("Agent ") for text in rows.all_inner_texts()]


def test_first_page_lists_boards_and_filters_by_protocol(page: Page, site: Path) -> None:
    show(page, site, "plain/index.html")
    rows = page.locator("#board-list tbody tr:visible")
    expect(rows).to_have_count(36)
    page.get_by_label("Protocol").select_option("imitation")
    expect(rows).to_have_count(5)
    page.get_by_label("Search").fill("cliff")
    expect(rows).to_have_count(1)
    expect(page.locator("form[data-for=board-list] output")).to_have_text("1 of 36 rows")
    page.get_by_label("Protocol").select_option("")
    page.get_by_label("Search").fill(BOARD)
    page.locator("#board-list").get_by_role("link", name="AnyMDP bandit, 5 actions").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"AnyMDP bandit, 5 actions {BOARD}")


def test_first_page_shows_the_leaders_of_a_chosen_row_and_their_curves(page: Page, site: Path) -> None:
    show(page, site, "plain/index.html")
    curves = page.locator("#chart svg.chart path.curve")
    rows = page.locator("#leaders tbody tr:not(.line) th a")
    expect(curves).to_have_count(4)
    expect(rows).to_have_text(["Agent beta", "Agent gamma", "Agent alpha", "Agent delta"])
    assert page.locator("#chart svg.chart").bounding_box()["y"] < 500  # type: ignore[index]
    page.locator("select[name=row]").select_option("cliffwalking-online-v0")
    expect(rows).to_have_text(["Agent alpha"])
    expect(curves).to_have_count(1)
    page.locator("select[name=row]").select_option(BOARD)
    expect(rows).to_have_count(4)
    page.get_by_label("Plot Agent delta").uncheck()
    expect(curves).to_have_count(3)
    expect(page.locator("#row-link")).to_have_attribute("href", f"board/{BOARD}.html")


@pytest.mark.parametrize("path", ["index.html", f"board/{BOARD}.html", "agent/alpha.html"])
@pytest.mark.parametrize("width", [390, 1280])
def test_scores_and_status_are_seen_without_scrolling_sideways(
    width: int, path: str, page: Page, site: Path
) -> None:
    page.set_viewport_size({"width": width, "height": 900})
    show(page, site, f"plain/{path}")
    expect(page.locator("#chart svg.chart")).to_be_visible()
    box = page.locator(".split > .scroll")
    assert box.evaluate("(box) => box.scrollWidth - box.clientWidth") <= 0
    expect(page.locator(".split .tag").first).to_be_in_viewport(ratio=0) if width > 390 else None
    if path != "index.html":
        page.get_by_label("all columns").check()
        if width == 1280:
            assert box.evaluate("(box) => box.scrollWidth - box.clientWidth") <= 0


def test_ranking_puts_verified_first_and_sorts_within_its_groups(page: Page, site: Path) -> None:
    show(page, site, f"plain/board/{BOARD}.html")
    assert names(page) == ["beta", "gamma", "alpha", "delta"]
    page.get_by_label("all columns").check()
    header = page.locator("table.ranking").first.get_by_role("button", name="regret")
    header.click()
    assert names(page) == ["gamma", "beta", "alpha", "delta"]
    cell = page.locator("table.ranking").first.locator("th[data-key=regret]")
    expect(cell).to_have_attribute("aria-sort", "descending")
    header.click()
    assert names(page) == ["beta", "gamma", "alpha", "delta"]
    expect(cell).to_have_attribute("aria-sort", "ascending")


def test_filters_hide_rows_and_say_how_many_are_left(page: Page, site: Path) -> None:
    show(page, site, f"plain/board/{BOARD}.html")
    count = page.locator("form.filters output").first
    expect(count).to_have_text("8 of 8 rows")
    page.get_by_label("published figures").uncheck()
    expect(count).to_have_text("4 of 8 rows")
    page.get_by_label("verified only").check()
    expect(count).to_have_text("2 of 8 rows")
    expect(page.locator(".group-unverified .line:not(.title)")).to_have_count(2)
    expect(page.locator(".group-unverified .line:not(.title):visible")).to_have_count(0)
    page.get_by_label("verified only").uncheck()
    page.get_by_label("gradient-free only").check()
    expect(count).to_have_text("3 of 8 rows")
    page.get_by_label("gradient-free only").uncheck()
    page.get_by_label("Track").select_option("learner")
    expect(count).to_have_text("1 of 8 rows")


def test_curves_are_plotted_for_chosen_agents(page: Page, site: Path) -> None:
    show(page, site, f"plain/board/{BOARD}.html")
    curves = page.locator("#chart svg.chart path.curve")
    expect(curves).to_have_count(4)
    before = curves.first.get_attribute("d")
    page.get_by_label("Plot Agent delta").uncheck()
    expect(curves).to_have_count(3)
    page.get_by_label("Plot Agent delta").check()
    expect(curves).to_have_count(4)
    for label, choice in (("Scale", "linear"), ("Task", "5")):
        page.get_by_role("combobox", name=label).select_option(choice)
        expect(curves.first).not_to_have_attribute("d", str(before))
        before = curves.first.get_attribute("d")
    page.get_by_role("combobox", name="Horizontal axis").select_option("episodes")
    expect(page.locator("#chart svg.chart")).to_contain_text("learning episodes per task")
    page.get_by_label("Plot Agent beta").uncheck()
    expect(curves).to_have_count(3)
    page.get_by_text("The curves as a table").click()
    expect(page.locator("#curve-table table")).to_have_count(3)


def test_chart_is_read_with_the_keyboard(page: Page, site: Path) -> None:
    show(page, site, f"plain/board/{BOARD}.html")
    chart = page.locator("#chart svg.chart")
    expect(chart).to_have_attribute(
        "aria-label",
        "Learning curves over learning steps per task of Agent beta, Agent gamma, Agent alpha, Agent delta",
    )
    chart.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#chart output")).to_contain_text("Agent beta:")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#curve-table table").first).to_be_visible()


def test_tasks_are_shown_one_by_one(page: Page, site: Path) -> None:
    show(page, site, f"plain/board/{BOARD}.html")
    table = page.locator("#task-table table")
    expect(table.locator("tbody tr")).to_have_count(64)
    expect(table.locator("thead th")).to_have_text(
        ["task", "uniform", "oracle", "optimum", "Agent beta", "Agent gamma", "Agent alpha", "Agent delta"]
    )


def test_an_agents_page_shows_all_its_boards(page: Page, site: Path) -> None:
    show(page, site, f"plain/board/{BOARD}.html")
    page.get_by_role("link", name="Agent alpha").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Agent alpha alpha")
    expect(page.locator("table.ranking tbody tr")).to_have_count(2)
    expect(page.locator("#chart svg.chart path.curve")).to_have_count(2)
    expect(page.locator("#bars rect.bar").first).to_be_visible()
    page.locator("details.verdict summary").first.click()
    expect(page.get_by_text("setting alpha").first).to_be_visible()


@pytest.mark.parametrize("path", [f"board/{BOARD}.html", "agent/alpha.html"])
def test_hostile_names_appear_as_text(path: str, page: Page, site: Path) -> None:
    show(page, site, f"hostile/{path}")
    expect(page.locator("#chart .legend li").first).to_be_visible()
    assert HOSTILE in page.locator("body").inner_text()
    sources = page.locator("img").evaluate_all("(images) => images.map((image) => image.getAttribute('src'))")
    assert all(source.startswith("../badge/") for source in sources)
    assert page.evaluate("[...document.scripts].every((script) => script.src && !script.text)")


@pytest.mark.parametrize("path", ["index.html", f"board/{BOARD}.html", "agent/alpha.html", "submit.html"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phones_width_is_enough(path: str, scheme: str, page: Page, site: Path) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    show(page, site, f"plain/{path}")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(15, 19, 24)")


def test_the_theme_can_be_chosen(page: Page, site: Path) -> None:
    show(page, site, "plain/index.html")
    button = page.get_by_role("button", name="Theme")
    button.click()
    button.click()
    expect(button).to_have_text("Theme: dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 19, 24)"
    page.reload()
    expect(button).to_have_text("Theme: dark")


def test_everything_is_reached_with_the_keyboard(page: Page, site: Path) -> None:
    show(page, site, f"plain/board/{BOARD}.html")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to content")).to_be_focused()
    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.textContent || document.activeElement.name"))
    assert {"score\N{NO-BREAK SPACE}%", "verified", "Agent beta"} <= reached


def test_every_field_and_picture_has_a_name(page: Page, site: Path) -> None:
    show(page, site, f"plain/board/{BOARD}.html")
    expect(page.locator("#chart svg.chart")).to_be_visible()
    unnamed = page.evaluate(
        """() => [...document.querySelectorAll("input, select, button, a, svg[role=img], [role=region]")]
            .filter((node) => !(node.ariaLabel || node.textContent.trim() || node.labels?.length))
            .map((node) => node.outerHTML)"""
    )
    assert unnamed == []


def test_without_scripts_the_tables_are_complete(browser: Browser, site: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    show(page, site, f"plain/board/{BOARD}.html")
    assert names(page) == ["beta", "gamma", "alpha", "delta"]
    expect(page.locator("form.filters").first).to_be_hidden()
    context.close()


def test_colours_can_be_told_from_their_background(page: Page, site: Path) -> None:
    """WCAG 2.1 contrast of text and curves against the paper: at least 4.5 and 3."""
    show(page, site, "plain/index.html")
    for theme in ("light", "dark"):
        ratios = page.evaluate(
            """(theme) => {
              document.documentElement.dataset.theme = theme;
              const style = getComputedStyle(document.documentElement);
              const light = (name) => {
                const hex = style.getPropertyValue(name).trim();
                const [r, g, b] = [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16) / 255)
                  .map((c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
                return 0.2126 * r + 0.7152 * g + 0.0722 * b;
              };
              const contrast = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
              const curves = [...Array(8).keys()].map((i) => `c${i}`);
              const names = ["ink", "soft", "link", "good", "bad", ...curves];
              const paper = light("--paper");
              return Object.fromEntries(names.map((name) => [name, contrast(paper, light(`--${name}`))]));
            }""",
            theme,
        )
        for name, ratio in ratios.items():
            assert ratio >= (3 if name.startswith("c") else 4.5), (theme, name, ratio)
