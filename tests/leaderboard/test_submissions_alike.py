"""What looks like something else: titles, names, dates, and bytes that nobody reads."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from anymdp_bench.foundation.errors import SubmissionRefused
from anymdp_bench.leaderboard.standings.load import load_standings
from anymdp_bench.leaderboard.submissions.facts import board_facts
from anymdp_bench.leaderboard.submissions.kinds import kind_of
from anymdp_bench.leaderboard.submissions.metadata import FILE, parse_metadata
from anymdp_bench.leaderboard.submissions.plain import looks_like
from anymdp_bench.leaderboard.submissions.submission import read_submission
from tests.leaderboard.test_submissions import Edit, edited, setting
from tests.support.synthetic import write_submission
from tests.support.tiny_board import FACTS, facts_of

BOARDS = Path(__file__).parents[2] / "leaderboards"
CLAIM = "holds one of verified, official, or what looks like it: leave that to the board"


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


@pytest.mark.parametrize("field", ["title", "authors", "description"])
@pytest.mark.parametrize(
    "text",
    [
        "PPO (verif\u0131ed)",  # LATIN SMALL LETTER DOTLESS I
        "V\xe9rified",
        "V3RIFIED",
        "0fficial PPO",
        "PPO, Offici4l",
        "VVerified",  # two letters that are also read as one
        "Verlfled",
        "v e r i f i e d",
        "Verifie\u0257",  # LATIN SMALL LETTER D WITH HOOK
    ],
)
def test_nobody_claims_what_the_board_says(text: str, field: str, tmp_path: Path) -> None:
    with pytest.raises(SubmissionRefused) as caught:
        read_submission(edited(tmp_path, setting(field, text)), facts_of)
    assert caught.value.problems == (f"metadata: {field}: {text!a} {CLAIM}",)


@pytest.mark.parametrize("field", ["authors", "description"])
@pytest.mark.parametrize("mark", "\u2713\u2714\u2705\u2611\u221a\U0001f5f8\U0001f5f9")
def test_nobody_checks_an_own_entry(mark: str, field: str, tmp_path: Path) -> None:
    with pytest.raises(SubmissionRefused) as caught:
        read_submission(edited(tmp_path, setting(field, f"{mark} A. Nonymous")), facts_of)
    text = f"holds a check mark (U+{ord(mark):04X}): leave that to the board"
    assert caught.value.problems == (f"metadata: {field}: {text}",)


@pytest.mark.parametrize("sign", "\u221a\u2192\u2295\xd7")
def test_signs_of_a_title_are_those_of_ascii(sign: str, tmp_path: Path) -> None:
    with pytest.raises(SubmissionRefused, match=rf"title: holds U\+{ord(sign):04X}: .*signs are plain"):
        read_submission(edited(tmp_path, setting("title", f"PPO {sign} 2")), facts_of)


@pytest.mark.parametrize("field", ["title", "description"])
@pytest.mark.parametrize("text", ["PPO + S5 = 1 ~ 2", "Checks every file, 478 of them", "Caf\xe9 PPO (ours)"])
def test_plain_words_and_signs_are_accepted(text: str, field: str, tmp_path: Path) -> None:
    assert getattr(read_submission(edited(tmp_path, setting(field, text)), facts_of).metadata, field) == text


def test_mathematics_may_describe_an_agent(tmp_path: Path) -> None:
    text = "Bonus \u2264 2 \xd7 3"
    folder = edited(tmp_path, setting("description", text))
    assert read_submission(folder, facts_of).metadata.description == text


def test_present_entries_are_accepted_and_none_looks_like_another() -> None:
    paths = BOARDS.glob(f"submissions/*/*/{FILE}")
    entries = [parse_metadata(json.loads(p.read_text()), kind_of(p.parts[-3]).metadata) for p in paths]
    titles = {entry.name: entry.title for entry in entries}
    assert len(titles) > 20
    for seen in (titles.keys(), titles.values()):
        assert len({looks_like(text) for text in seen}) == len(titles)


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


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("VVorld rnodel", "World model"),
        ("DPT", "\xf0PT"),  # LATIN SMALL LETTER ETH, a D with a stroke in capitals
        ("Th\u0131ng", "THING"),
        ("I1l", "lI1"),
    ],
)
def test_titles_look_alike_in_capitals_too(one: str, other: str) -> None:
    assert looks_like(one) == looks_like(other)


def test_titles_that_differ_do_not_look_alike() -> None:
    titles = ["PPO", "DPT", "DPD", "AD", "AD eps", "OIM", "PSRL", "UCBVI", "Q-UCB", "CQL", "Łódź", "Lund"]
    assert len({looks_like(title) for title in titles}) == len(titles)
