"""What lies in the leaderboards' folder, and tables that are the same bytes everywhere."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest

from anymdp_bench.foundation.errors import InvalidConfig, SubmissionRefused
from anymdp_bench.leaderboard.site.build import build_site
from anymdp_bench.leaderboard.standings.entry import make_entry
from anymdp_bench.leaderboard.standings.files import stale_tables, write_tables
from anymdp_bench.leaderboard.standings.listed import listed_boards
from anymdp_bench.leaderboard.standings.load import load_standings
from anymdp_bench.leaderboard.standings.ranking import rank
from anymdp_bench.leaderboard.standings.tables import escape, percent, tables
from anymdp_bench.leaderboard.submissions.facts import board_facts
from anymdp_bench.leaderboard.submissions.signing import SIGNERS
from anymdp_bench.leaderboard.submissions.submission import read_submission
from anymdp_bench.leaderboard.verification.findings_file import FindingsFile
from anymdp_bench.leaderboard.verification.signature import sign, signer_of
from anymdp_bench.leaderboard.verification.verdict import LISTED
from anymdp_bench.records.record import CellReferences
from tests.support.maintainer import (
    again,
    allow,
    new_key,
    older_verdict,
    replayed,
    verify_as_found,
)
from tests.support.synthetic import write_submission
from tests.support.tiny_board import FACTS, TINY

BANDITS = "anymdp-1x5-online-v0"
NAN = float("nan")


@pytest.fixture(scope="module")
def leaderboards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("boards")
    facts = board_facts(BANDITS)
    key = new_key(tmp_path_factory.mktemp("keys"))
    folder = write_submission(root, facts, "good", level=0.9, title="Good *agent* | [x](y)")
    allow(root, key)
    verify_as_found(folder, read_submission(folder), key)
    write_submission(root, facts, "bad", level=0.3, seed=2, url=None)
    folder = write_submission(root, facts, "falls", level=0.5, seed=3)
    verify_as_found(folder, read_submission(folder), key, again(read_submission(folder), "fresh", 0.7))
    write_submission(root, facts, "slow", level=0.6, learner=True, uses_geometry=True)
    return root


def test_what_new_seeds_gave_stands_beside_what_was_submitted(leaderboards: Path, tmp_path: Path) -> None:
    """Who submits the luckiest of many seeds is seen by it: seeds that nobody chose give less."""
    build_site(load_standings(leaderboards), tmp_path / "site")
    page = (tmp_path / "site" / "agent" / "falls.html").read_text(encoding="utf-8")
    assert "64 fresh tasks with new seeds: 20.0 %, drop 70.0 % [60.0, 80.0], 99.9 % interval" in page


def test_tables_show_what_was_found(leaderboards: Path) -> None:
    text = tables(load_standings(leaderboards))[f"{BANDITS}.md"]
    body = text.split("## In-context agents")[1].split("##")[0]
    assert body.index("Good") < body.index("**unverified**") < body.index("bad")
    assert body.index("bad") < body.index("**fell**") < body.index("falls on fresh tasks")
    assert r"*OmniRL \(AnyMDP\)*" in body and "*published*" in body
    assert "TQL" in text.split("## Learners")[1] and "unverified, unclaimed name, uses geometry" in text


def test_hostile_titles_are_text_in_markdown(leaderboards: Path) -> None:
    text = tables(load_standings(leaderboards))[f"{BANDITS}.md"]
    assert r"[Good \*agent\* \| \[x\]\(y\)](https://example.org/code)" in text
    assert escape("<b>`|*_[a](b)") == r"\<b\>\`\|\*\_\[a\]\(b\)"


def test_csv_has_every_column(leaderboards: Path) -> None:
    text = tables(load_standings(leaderboards))[f"{BANDITS}.csv"]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["track"], row["rank"], row["agent"], row["group"]) for row in rows] == [
        ("in-context", "1", "good", "verified"),
        ("in-context", "", "bad", "unverified"),
        ("in-context", "", "falls", "fell"),
        ("learner", "", "slow", "unverified"),
    ]
    assert float(rows[0]["iqm"]) == pytest.approx(0.9 * 0.95, abs=0.05)
    assert all(len(row["iqm"]) <= 12 for row in rows)


def test_tables_are_the_same_bytes_and_staleness_is_noticed(leaderboards: Path, tmp_path: Path) -> None:
    first, second = (tables(load_standings(leaderboards)) for _ in range(2))
    assert first == second and set(first) == {
        *(f"{name}.{kind}" for name in (BANDITS, "overall-v1") for kind in ("md", "csv")),
    }
    assert stale_tables(tmp_path, first) == sorted(first)
    write_tables(tmp_path, first)
    assert stale_tables(tmp_path, first) == []
    (tmp_path / "tables" / "overall-v1.md").write_text("old")
    (tmp_path / "tables" / "gone-v0.md").write_text("old")
    assert stale_tables(tmp_path, first) == ["gone-v0.md", "overall-v1.md"]
    write_tables(tmp_path, first)
    assert stale_tables(tmp_path, first) == []


def test_a_board_without_references_lists_its_entries_unranked(tmp_path: Path) -> None:
    nothing = CellReferences(*[np.full(2, NAN)] * 3)
    unknown = dataclasses.replace(FACTS, references=nothing)
    folder = write_submission(tmp_path, unknown, "mine")
    found = make_entry(read_submission(folder, lambda name: unknown), [2])
    assert found.scores == {}
    assert [(row.rank, row.scores) for row in rank([found], "in-context", 2).rows] == [(None, {})]


def test_one_bad_submission_is_named_with_its_folder(leaderboards: Path, tmp_path: Path) -> None:
    facts = board_facts("darkroom-6-online-v0")
    good = write_submission(tmp_path, facts, "good")
    bad = write_submission(tmp_path, facts, "bad", date="yesterday")
    with pytest.raises(SubmissionRefused, match=r"darkroom-6-online-v0/bad: metadata: date") as caught:
        load_standings(tmp_path)
    assert len(caught.value.problems) == 1
    (bad.parent / "ghost.verdict.json").write_text("{}")
    (tmp_path / "submissions" / "stray.txt").write_text("x")
    with pytest.raises(SubmissionRefused) as caught:
        load_standings(tmp_path)
    assert len(caught.value.problems) == 3
    assert good.exists()


def test_one_name_is_one_agent(tmp_path: Path) -> None:
    write_submission(tmp_path, board_facts("darkroom-6-online-v0"), "mine")
    write_submission(tmp_path, board_facts("darkroom-8-online-v0"), "mine", url="https://example.org/other")
    with pytest.raises(SubmissionRefused, match="owner: mine has another url on darkroom-8-online-v0"):
        load_standings(tmp_path)


def test_findings_count_for_the_files_that_they_are_about(tmp_path: Path) -> None:
    key = new_key(tmp_path / "keys")
    folder = write_submission(tmp_path, board_facts("darkroom-6-online-v0"), "mine")
    allow(tmp_path, key)
    path = verify_as_found(folder, read_submission(folder), key)
    text = (folder / "submission.json").read_text()

    def group() -> str:
        (only,) = load_standings(tmp_path).boards["darkroom-6-online-v0"].entries
        return only.group

    assert group() == "verified"
    (folder / "submission.json").write_text(text.replace("Agent mine", "Agent yours"))
    assert group() == "unverified"
    (folder / "submission.json").write_text(text)
    assert group() == "verified"
    FindingsFile(folder).append(replayed(read_submission(folder), 0))  # the signature was for less
    assert group() == "unverified"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-1]))
    assert group() == "verified"


def test_only_allowed_keys_count(tmp_path: Path) -> None:
    mine, theirs = new_key(tmp_path / "keys", "mine"), new_key(tmp_path / "keys", "theirs")
    folder = write_submission(tmp_path, board_facts("darkroom-6-online-v0"), "mine")
    allow(tmp_path, mine)
    path = verify_as_found(folder, read_submission(folder), theirs)
    assert signer_of(path, tmp_path / SIGNERS) is None
    sign(path, mine)
    assert signer_of(path, tmp_path / SIGNERS) == "maintainer@example.org"
    assert signer_of(path, tmp_path / "nobody") is None
    path.with_name(path.name + ".sig").write_text("-----BEGIN SSH SIGNATURE-----\nAAAA\n")
    assert signer_of(path, tmp_path / SIGNERS) is None
    with pytest.raises(InvalidConfig, match="did not sign"):
        sign(path, tmp_path / "no-key")


def test_verdicts_of_older_rules_count_only_where_they_are_listed(tmp_path: Path) -> None:
    folder = write_submission(tmp_path, board_facts("darkroom-6-online-v0"), "mine")
    path = folder.with_name("mine.verdict.json")
    path.write_text(json.dumps(older_verdict(read_submission(folder).digest)))

    def group() -> str:
        (only,) = load_standings(tmp_path).boards["darkroom-6-online-v0"].entries
        return only.group

    assert group() == "unverified"
    (tmp_path / LISTED).write_text(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  some/where\n")
    assert group() == "older rules"
    path.write_text(json.dumps(older_verdict("1" * 64)))
    assert group() == "unverified"
    path.write_text("{}")
    with pytest.raises(SubmissionRefused, match=r"mine\.verdict\.json is damaged"):
        load_standings(tmp_path)


def test_curves_keep_the_ends_and_the_quartiles(tmp_path: Path) -> None:
    folder = write_submission(tmp_path, board_facts(BANDITS), "mine", learner=True)
    submission = read_submission(folder)
    curve = make_entry(submission, [64]).curve
    values = submission.record.points.mean
    random, oracle, _ = (reference[:, None] for reference in submission.record.references)
    scores = (values - random) / (oracle - random)
    np.testing.assert_allclose(curve.mean, scores.mean(axis=0))
    np.testing.assert_allclose(curve.low, np.quantile(scores, 0.25, axis=0))
    assert curve.task_points[0] == 0 and curve.task_points[-1] == 99 and len(curve.task_points) == 25
    np.testing.assert_allclose(curve.tasks, scores[:, curve.task_points])


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, "50.0"), (-0.0001, "0.0"), (1.049, "104.9"), (NAN, "-"), (-0.1, "-10.0")]
)
def test_percent(value: float, text: str) -> None:
    assert percent(value) == text
    assert math.isnan(value) == (text == "-")


def test_the_tiny_board_is_not_listed() -> None:
    assert TINY.name not in listed_boards()
