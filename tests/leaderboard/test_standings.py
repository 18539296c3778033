"""Rankings, ties, common prefixes, the overall board, and tables that are the same bytes everywhere."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anymdp_bench.evaluation.boards import BOARDS
from anymdp_bench.foundation.errors import InvalidConfig, SubmissionRefused
from anymdp_bench.leaderboard.standings.entry import Entry, make_entry
from anymdp_bench.leaderboard.standings.files import stale_tables, write_tables
from anymdp_bench.leaderboard.standings.listed import listed_boards, paper_boards, paper_figures
from anymdp_bench.leaderboard.standings.load import load_standings
from anymdp_bench.leaderboard.standings.overall import overall
from anymdp_bench.leaderboard.standings.ranking import interval, rank
from anymdp_bench.leaderboard.standings.tables import escape, percent, tables
from anymdp_bench.leaderboard.submissions.facts import board_facts
from anymdp_bench.leaderboard.submissions.signing import SIGNERS
from anymdp_bench.leaderboard.submissions.submission import Submission, read_submission
from anymdp_bench.leaderboard.verification.findings import Findings, append_findings
from anymdp_bench.leaderboard.verification.replay import machine_now
from anymdp_bench.leaderboard.verification.signature import sign, signer_of
from anymdp_bench.leaderboard.verification.verdict import LISTED, Verdict
from anymdp_bench.records.record import CellReferences
from tests.support.maintainer import again, allow, everything, new_key, replayed, verify_as_found
from tests.support.synthetic import write_submission
from tests.support.tiny_board import FACTS, TINY, facts_of

BANDITS = "anymdp-1x5-online-v0"
NAN = float("nan")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Entry:
    folder = write_submission(tmp_path_factory.mktemp("model"), FACTS, "model")
    return make_entry(read_submission(folder, facts_of), [2])


def entry(model: Entry, name: str, iqm: float, half: float = 0.01, **agent: Any) -> Entry:
    """An entry of one agent with a given score and interval."""
    scores = dict(model.scores[2]) | {"iqm": iqm, "iqm_low": iqm - half, "iqm_high": iqm + half}
    declared = model.metadata.agent.model_copy(update=agent)
    metadata = model.metadata.model_copy(update={"name": name, "agent": declared})
    return dataclasses.replace(model, metadata=metadata, scores={2: scores}, late=np.full(2, iqm))


@pytest.fixture(scope="module")
def submission(tmp_path_factory: pytest.TempPathFactory) -> Submission:
    return read_submission(write_submission(tmp_path_factory.mktemp("one"), FACTS, "model"), facts_of)


def found(one: Entry, submission: Submission, *more: Any, signer: str | None = "somebody") -> Entry:
    """The entry with all that must be found, and more."""
    lines = (*everything(submission), *more)
    return dataclasses.replace(one, findings=Findings(lines, signer))


def ranks(entries: list[Entry]) -> list[tuple[str, int | None, bool]]:
    return [(row.entry.name, row.rank, row.tied) for row in rank(entries, "in-context", 2).rows]


def test_ranks_follow_the_interquartile_mean_and_overlap_is_a_tie(
    model: Entry, submission: Submission
) -> None:
    entries = [
        entry(model, "third", 0.50),
        entry(model, "first", 0.90),
        entry(model, "also-first", 0.885),
        entry(model, "between", 0.87, 0.006),
        entry(model, "wide", 0.49, 0.3),
    ]
    assert ranks([found(one, submission) for one in entries]) == [
        ("first", 1, True),
        ("also-first", 1, True),
        ("between", 2, True),  # below the first, but not below the one next to it
        ("third", 4, True),
        ("wide", 4, True),  # its interval ends at .79
    ]


def older(one: Entry) -> Entry:
    """The entry with a verdict of the older rules."""
    return dataclasses.replace(one, older=Verdict.model_validate(older_verdict("0" * 64)))


def older_verdict(digest: str, outcome: str = "equal") -> dict[str, Any]:
    """Content of a verdict as it was written under the older rules."""
    return {
        "schema": 1,
        "submission": digest,
        "reproduction": {
            "test": "equal to the bit",
            "outcome": outcome,
            "p_value": None,
            "difference": 0.0,
            "cells": 1,
            "shards": [0],
            "seed": 1,
            "differing": [],
        },
        "fresh": None,
        "machine": machine_now().model_dump(),
    }


def test_ranks_are_for_the_verified_and_the_others_stand_below(model: Entry, submission: Submission) -> None:
    entries = [
        entry(model, "unverified", 0.95),
        found(entry(model, "unsigned", 0.94), submission, signer=None),
        older(entry(model, "older", 0.93)),
        older(entry(model, "older-tied", 0.925)),
        found(entry(model, "verified", 0.5), submission),
        found(entry(model, "oracle", 1.0, privileged=True, joint=True), submission),
        found(entry(model, "joint", 0.9, joint=True), submission),
        found(entry(model, "liar", 0.99), submission, replayed(submission, 0, "different")),
        found(entry(model, "knows", 0.98), submission, again(submission, "renamed", 0.5)),
        found(entry(model, "undecided", 0.97), submission, replayed(submission, 0, "undecided")),
    ]
    expected = [
        ("undecided", 1, False, "verified"),  # equal once is equal: the other machine was another
        ("verified", 2, False, "verified"),
        ("older", 3, True, "older rules"),
        ("older-tied", 3, True, "older rules"),
        ("unverified", None, False, "unverified"),
        ("unsigned", None, False, "unverified"),
        ("knows", None, False, "fell"),
        ("joint", None, False, "joint"),
        ("oracle", None, False, "privileged"),
        ("liar", None, False, "refuted"),
    ]
    rows = rank(entries, "in-context", 2).rows
    assert [(row.entry.name, row.rank, row.tied, row.group) for row in rows] == expected


def test_nobody_below_moves_a_rank(model: Entry, submission: Submission) -> None:
    ours = [found(entry(model, name, iqm), submission) for name, iqm in (("a", 0.9), ("b", 0.7))]
    before = rank(ours, "in-context", 2).rows
    crowd = [entry(model, f"copy-{i}", 0.8 + 0.01 * i) for i in range(20)]
    crowd += [older(entry(model, f"older-{i}", 0.8 + 0.01 * i)) for i in range(20)]
    crowd += [found(entry(model, "liar", 1.0), submission, replayed(submission, 0, "different"))]
    assert rank([*crowd, *ours], "in-context", 2).rows[:2] == before
    board = paper_boards()[0]
    totals = overall({board: ours}, "in-context")
    assert overall({board: [*crowd, *ours]}, "in-context")[:2] == totals
    assert [(total.entry.name, total.rank) for total in totals] == [("a", 1), ("b", 2)]


def test_tracks_are_ranked_apart(model: Entry, submission: Submission) -> None:
    a, b = entry(model, "a", 0.5), entry(model, "b", 0.9, learner=True)
    entries = [found(a, submission), found(b, submission)]
    assert ranks(entries) == [("a", 1, False)]
    assert [row.entry.name for row in rank(entries, "learner", 2).rows] == ["b"]


def test_the_interval_of_one_task_is_that_of_its_runs() -> None:
    nothing = {"iqm_low": NAN, "iqm_high": NAN}
    assert interval({"iqm": 0.7, "asymptotic_low": 0.5, "asymptotic_high": 0.6, **nothing}) == (0.5, 0.7)
    assert interval({"iqm": 0.7, "asymptotic_low": NAN, "asymptotic_high": NAN, **nothing}) == (0.7, 0.7)
    assert interval({"iqm": 0.7, "iqm_low": 0.6, "iqm_high": 0.9}) == (0.6, 0.9)


def test_a_prefix_is_ranked_on_the_common_tasks_only(tmp_path: Path) -> None:
    facts = board_facts(BANDITS)
    write_submission(tmp_path, facts, "whole", level=0.6)
    write_submission(tmp_path, facts, "short", level=0.8, n_tasks=16)
    standing = load_standings(tmp_path).boards[BANDITS]
    rows = {(r.track, r.n_tasks): [row.entry.name for row in r.rows] for r in standing.rankings}
    assert rows == {
        ("in-context", 64): ["whole"],
        ("learner", 64): [],
        ("in-context", 16): ["short", "whole"],
    }
    text = tables(load_standings(tmp_path))[f"{BANDITS}.md"]
    assert "## In-context agents, first 16 tasks" in text


def test_overall_is_the_mean_score_of_verified_rows(model: Entry, submission: Submission) -> None:
    first, second, *_ = paper_boards()
    entries = {
        first: [
            found(entry(model, "a", 0.9), submission),
            older(entry(model, "b", 0.5)),
            found(entry(model, "oracle", 1.0, privileged=True), submission),
        ],
        second: [
            entry(model, "a", 0.99),  # not verified: counts as nothing
            found(entry(model, "b", 0.7), submission),
            found(entry(model, "c", -3.0), submission),  # below uniform play is no less than not entering
            entry(model, "d", 0.98),
        ],
    }
    n = len(paper_boards())
    totals = [(t.entry.name, t.group, t.rank, t.n_rows) for t in overall(entries, "in-context")]
    assert totals == [
        ("a", "verified", 1, 1),
        ("c", "verified", 2, 1),
        ("b", "older rules", 3, 2),
        ("d", "unverified", None, 1),
    ]
    means = [t.mean for t in overall(entries, "in-context")]
    assert means == pytest.approx([0.9 / n, 0.0, 1.2 / n, 0.98 / n])


def test_listed_boards_are_those_of_the_paper_and_the_taught_ones() -> None:
    names = listed_boards()
    assert len(paper_boards()) == 17 and set(paper_boards()) < set(names)
    assert len(names) == 17 + 5 * 3 + 1 + 3
    assert "pendulum-g1-online-v0" in paper_boards() and "pendulum-g1-fixed-online-v0" in names
    assert paper_figures(BOARDS["pendulum-g1-online-v0"], "learner") == {}
    assert paper_figures(BOARDS["pendulum-g1-fixed-online-v0"], "learner")["PPO"].performance == 0.993
    assert "anypomdp-64x5-online-v0" in names and "cliffwalking-offline-uniform-v0" in names
    board = BOARDS["anymdp-16x5-online-v0"]
    assert set(paper_figures(board, "learner")) == {"TQL-UCB", "PPO"}
    assert set(paper_figures(board, "in-context")) == {"OmniRL (AnyMDP)", "OmniRL (Garnet)"}
    assert paper_figures(BOARDS["anymdp-16x5-offline-v0"], "learner") == {}


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
    append_findings(folder, [replayed(read_submission(folder), 0)])  # the signature was for less
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
