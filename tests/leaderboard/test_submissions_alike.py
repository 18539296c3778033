"""What looks like something else: titles, names, dates, and bytes that nobody reads."""

from __future__ import annotations

from pathlib import Path

import pytest

from anymdp_bench.foundation.errors import SubmissionRefused
from anymdp_bench.leaderboard.standings.load import load_standings
from anymdp_bench.leaderboard.submissions.facts import board_facts
from anymdp_bench.leaderboard.submissions.plain import looks_like
from anymdp_bench.leaderboard.submissions.submission import read_submission
from tests.leaderboard.test_submissions import Edit, edited, setting
from tests.support.synthetic import write_submission
from tests.support.tiny_board import FACTS, facts_of


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (setting("title", "\u0430gent"), r"title: holds U\+0430: letters of a title are Latin"),
        (setting("title", "agent \u2713"), r"title: holds U\+2713: .*signs are plain"),
        (setting("title", "a\u2800gent"), r"title: holds U\+2800"),
        (setting("title", "\u1160"), r"title: holds U\+1160"),
        (setting("title", "Verified agent"), "title: 'Verified agent' holds one of verified, official"),
        (setting("title", "- - -"), "title: '- - -' has no letter and no digit"),
        *(
            (setting(field, "0" * 64), f"{field}.*: is all zeros")
            for field in ("code.anymdp_bench", "code.agent", "fingerprints.1")
        ),
        (setting("name", "nul"), "name: 'nul' is the name of a device"),
        (setting("name", "aux"), "name: 'aux' is the name of a device"),
        (setting("name", "com0"), "name: 'com0' is the name of a device"),
        (setting("name", "con"), "name: 'con' is the name of a device"),
        (setting("name", "lpt1"), "name: 'lpt1' is the name of a device"),
        (setting("schema", "x" * 100_000), r"schema: 'x{119}\.\.\. is no integer$"),
        (
            setting("date", "9999-12-31"),
            "date: '9999-12-31': give the day of submission, 2025-02-05 to today",
        ),
        (setting("date", "1970-01-01"), "date: '1970-01-01': give the day"),
    ],
)
def test_what_looks_like_something_else_is_refused(edit: Edit, message: str, tmp_path: Path) -> None:
    with pytest.raises(SubmissionRefused, match=message):
        read_submission(edited(tmp_path, edit), facts_of)


def test_bytes_that_nobody_reads_are_refused(tmp_path: Path) -> None:
    folder = write_submission(tmp_path, FACTS, "mine")
    path = folder / "points.parquet"
    content = path.read_bytes()
    size = int.from_bytes(content[-8:-4], "little")
    path.write_bytes(content[: -8 - size] + bytes(1000) + content[-8 - size :])
    with pytest.raises(SubmissionRefused, match="end of the columns is"):
        read_submission(folder, facts_of)


def test_hard_links_are_refused(tmp_path: Path) -> None:
    folder = write_submission(tmp_path, FACTS, "mine")
    (tmp_path / "elsewhere").hardlink_to(folder / "points.parquet")
    with pytest.raises(
        SubmissionRefused, match=r"points\.parquet has another name elsewhere \(a hard link\)"
    ):
        read_submission(folder, facts_of)


@pytest.mark.parametrize(
    "title",
    [
        "Agent yours",
        "agent y0urs",
        "Àgent yóurs",
        "Agent-yours",
        "\u0251gent yours",  # LATIN SMALL LETTER ALPHA
        "Agent y\u1d0furs",  # LATIN LETTER SMALL CAPITAL O
        "A\u0262ent yours",  # LATIN LETTER SMALL CAPITAL G
        "Agent y\u00f8urs",  # a stroke is an accent
        "Agent your\ua731",
        "Agent yo\ua79frs",  # LATIN SMALL LETTER VOLAPUK UE
    ],
)
def test_titles_that_look_alike_are_refused(title: str, tmp_path: Path) -> None:
    write_submission(tmp_path, board_facts("darkroom-6-online-v0"), "yours")
    write_submission(tmp_path, board_facts("darkroom-6-online-v0"), "mine", title=title)
    with pytest.raises(SubmissionRefused, match=r"title: (yours|mine) has a title that looks like that of"):
        load_standings(tmp_path)


def test_titles_that_differ_do_not_look_alike() -> None:
    titles = ["PPO", "DPT", "DPD", "AD", "AD eps", "OIM", "PSRL", "UCBVI", "Q-UCB", "CQL", "Łódź", "Lund"]
    assert len({looks_like(title) for title in titles}) == len(titles)
