"""Rankings, ties, common prefixes, the overall board, and tables that are the same bytes everywhere."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anymdp_bench.evaluation.boards import BOARDS
from anymdp_bench.foundation.digests import sealed
from anymdp_bench.foundation.errors import SubmissionRefused
from anymdp_bench.leaderboard.standings.entry import Entry, make_entry
from anymdp_bench.leaderboard.standings.files import stale_tables, write_tables
from anymdp_bench.leaderboard.standings.listed import listed_boards, paper_boards, paper_figures
from anymdp_bench.leaderboard.standings.load import load_standings
from anymdp_bench.leaderboard.standings.overall import overall
from anymdp_bench.leaderboard.standings.ranking import interval, rank
from anymdp_bench.leaderboard.standings.tables import escape, percent, tables
from anymdp_bench.leaderboard.submissions.facts import board_facts
from anymdp_bench.leaderboard.submissions.submission import read_submission
from anymdp_bench.leaderboard.verification.verdict import BITS, Fresh, Reproduction, Verdict, write_verdict
from anymdp_bench.leaderboard.verification.verify import machine_now
from anymdp_bench.records.record import CellReferences
from tests.support.synthetic import write_submission
from tests.support.tiny_board import FACTS, TINY, facts_of

BANDITS = "anymdp-1x5-online-v0"
NAN = float("nan")


def verdict(digest: str, outcome: str = "equal", fell: bool = False) -> Verdict:
    fresh = Fresh(seed=1, tasks=64, submitted=0.9, fresh=0.2, drop=0.7, low=0.6, high=0.8)
    return Verdict(
        schema_version=1,
        submission=digest,
        reproduction=Reproduction(
            test=BITS,
            outcome=outcome,  # type: ignore[arg-type]
            p_value=None,
            difference=0.0,
            cells=1,
            shards=[0],
            seed=1,
            differing=[],
        ),
        fresh=fresh if fell else None,
        machine=machine_now(),
    )


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Entry:
    folder = write_submission(tmp_path_factory.mktemp("model"), FACTS, "model")
    return make_entry(read_submission(folder, facts_of), [2], None)


def entry(model: Entry, name: str, iqm: float, half: float = 0.01, **agent: Any) -> Entry:
    """An entry of one agent with a given score and interval."""
    scores = dict(model.scores[2]) | {"iqm": iqm, "iqm_low": iqm - half, "iqm_high": iqm + half}
    declared = model.metadata.agent.model_copy(update=agent)
    metadata = model.metadata.model_copy(update={"name": name, "agent": declared})
    return dataclasses.replace(model, metadata=metadata, scores={2: scores}, late=np.full(2, iqm))


def verified(one: Entry, **found: Any) -> Entry:
    return dataclasses.replace(one, verdict=verdict("0" * 64, **found))


def ranks(entries: list[Entry]) -> list[tuple[str, int | None, bool]]:
    return [(row.entry.name, row.rank, row.tied) for row in rank(entries, "in-context", 2).rows]


def test_ranks_follow_the_interquartile_mean_and_overlap_is_a_tie(model: Entry) -> None:
    entries = [
        entry(model, "third", 0.50),
        entry(model, "first", 0.90),
        entry(model, "also-first", 0.885),
        entry(model, "between", 0.87, 0.006),
        entry(model, "wide", 0.49, 0.3),
    ]
    assert ranks(entries) == [
        ("first", 1, True),
        ("also-first", 1, True),
        ("between", 2, True),  # below the first, but not below the one next to it
        ("third", 4, True),
        ("wide", 4, True),  # its interval ends at .79
    ]


def test_verified_entries_stand_first_and_outsiders_have_no_rank(model: Entry) -> None:
    entries = [
        entry(model, "unverified", 0.95),
        verified(entry(model, "verified", 0.5)),
        verified(entry(model, "oracle", 1.0, privileged=True, joint=True)),
        verified(entry(model, "joint", 0.9, joint=True)),
        verified(entry(model, "liar", 0.99), outcome="different"),
        verified(entry(model, "undecided", 0.2), outcome="undecided"),
    ]
    assert ranks(entries) == [
        ("verified", 1, False),
        ("unverified", 2, False),
        ("undecided", 3, False),
        ("joint", None, False),
        ("oracle", None, False),
        ("liar", None, False),
    ]
    groups = [row.group for row in rank(entries, "in-context", 2).rows]
    assert groups == ["verified", "unverified", "unverified", "joint", "privileged", "refuted"]


def test_tracks_are_ranked_apart(model: Entry) -> None:
    entries = [entry(model, "a", 0.5), entry(model, "b", 0.9, learner=True)]
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


def test_overall_is_mean_rank_then_mean_score(model: Entry) -> None:
    first, second, *_ = paper_boards()
    entries = {
        first: [entry(model, "a", 0.9), entry(model, "b", 0.5), entry(model, "oracle", 1.0, privileged=True)],
        second: [entry(model, "b", 0.7), entry(model, "c", 0.7)],
    }
    totals = overall(entries, "in-context")
    n = len(paper_boards())
    by_name = {total.entry.name: total for total in totals}
    assert [total.entry.name for total in totals] == ["b", "a", "c"]
    empty = n - 2  # rows that nobody has entered count as rank 1 and score 0
    assert by_name["a"].mean_rank == pytest.approx((1 + 3 + empty) / n)
    assert by_name["b"].mean_rank == pytest.approx((2 + 1.5 + empty) / n)
    assert by_name["c"].mean_rank == pytest.approx((3 + 1.5 + empty) / n)
    assert by_name["b"].mean_iqm == pytest.approx((0.5 + 0.7) / n)
    assert by_name["b"].n_rows == 2 and not by_name["b"].verified


def test_listed_boards_are_those_of_the_paper_and_the_taught_ones() -> None:
    names = listed_boards()
    assert len(paper_boards()) == 17 and set(paper_boards()) < set(names)
    assert len(names) == 17 + 5 * 3 + 1
    assert "anypomdp-64x5-online-v0" in names and "cliffwalking-offline-uniform-v0" in names
    board = BOARDS["anymdp-16x5-online-v0"]
    assert set(paper_figures(board, "learner")) == {"TQL-UCB", "PPO"}
    assert set(paper_figures(board, "in-context")) == {"OmniRL (AnyMDP)", "OmniRL (Garnet)"}
    assert paper_figures(BOARDS["anymdp-16x5-offline-v0"], "learner") == {}


@pytest.fixture(scope="module")
def leaderboards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("boards")
    facts = board_facts(BANDITS)
    folder = write_submission(root, facts, "good", level=0.9, title="Good *agent* | [x](y)")
    write_verdict(folder, verdict(read_submission(folder).digest))
    write_submission(root, facts, "bad", level=0.3, seed=2, url=None)
    folder = write_submission(root, facts, "falls", level=0.5, seed=3)
    write_verdict(folder, verdict(read_submission(folder).digest, fell=True))
    write_submission(root, facts, "slow", level=0.6, learner=True)
    return root


def test_tables_show_what_was_found(leaderboards: Path) -> None:
    text = tables(load_standings(leaderboards))[f"{BANDITS}.md"]
    body = text.split("## In-context agents")[1].split("##")[0]
    assert body.index("Good") < body.index("falls") < body.index("**unverified**") < body.index("bad")
    assert "verified, falls on fresh tasks" in body
    assert r"*OmniRL \(AnyMDP\)*" in body and "*published*" in body
    assert "TQL" in text.split("## Learners")[1]


def test_hostile_titles_are_text_in_markdown(leaderboards: Path) -> None:
    text = tables(load_standings(leaderboards))[f"{BANDITS}.md"]
    assert r"[Good \*agent\* \| \[x\]\(y\)](https://example.org/code)" in text
    assert escape("<b>`|*_[a](b)") == r"\<b\>\`\|\*\_\[a\]\(b\)"


def test_csv_has_every_column(leaderboards: Path) -> None:
    text = tables(load_standings(leaderboards))[f"{BANDITS}.csv"]
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["track"], row["rank"], row["agent"], row["group"]) for row in rows] == [
        ("in-context", "1", "good", "verified"),
        ("in-context", "2", "falls", "verified"),
        ("in-context", "3", "bad", "unverified"),
        ("learner", "1", "slow", "unverified"),
    ]
    assert float(rows[0]["iqm"]) == pytest.approx(0.9 * 0.95, abs=0.05)
    assert all(len(row["iqm"]) <= 12 for row in rows)


def test_tables_are_the_same_bytes_and_staleness_is_noticed(leaderboards: Path, tmp_path: Path) -> None:
    first, second = (tables(load_standings(leaderboards)) for _ in range(2))
    assert first == second and set(first) == {
        *(f"{name}.{kind}" for name in (BANDITS, "overall-v0") for kind in ("md", "csv")),
    }
    assert stale_tables(tmp_path, first) == sorted(first)
    write_tables(tmp_path, first)
    assert stale_tables(tmp_path, first) == []
    (tmp_path / "tables" / "overall-v0.md").write_text("old")
    (tmp_path / "tables" / "gone-v0.md").write_text("old")
    assert stale_tables(tmp_path, first) == ["gone-v0.md", "overall-v0.md"]
    write_tables(tmp_path, first)
    assert stale_tables(tmp_path, first) == []


def test_a_board_without_references_lists_its_entries_unranked(tmp_path: Path) -> None:
    nothing = CellReferences(*[np.full(2, NAN)] * 3)
    unknown = dataclasses.replace(FACTS, references=nothing)
    folder = write_submission(tmp_path, unknown, "mine")
    found = make_entry(read_submission(folder, lambda name: unknown), [2], None)
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


def test_a_verdict_on_other_files_does_not_count(tmp_path: Path) -> None:
    folder = write_submission(tmp_path, board_facts("darkroom-6-online-v0"), "mine")
    path = write_verdict(folder, verdict("1" * 64))
    (only,) = load_standings(tmp_path).boards["darkroom-6-online-v0"].entries
    assert not only.verified
    changed = json.loads(path.read_text()) | {"submission": read_submission(folder).digest}
    path.write_text(json.dumps(changed))
    with pytest.raises(SubmissionRefused, match=r"verdict: mine.verdict.json is damaged: .*SHA-256"):
        load_standings(tmp_path)
    path.write_text(json.dumps(sealed(changed)))
    (only,) = load_standings(tmp_path).boards["darkroom-6-online-v0"].entries
    assert only.verified


def test_curves_keep_the_ends_and_the_quartiles(tmp_path: Path) -> None:
    folder = write_submission(tmp_path, board_facts(BANDITS), "mine", learner=True)
    submission = read_submission(folder)
    curve = make_entry(submission, [64], None).curve
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
