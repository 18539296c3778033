"""Rankings, ties, common prefixes, and the overall board."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anymdp_bench.evaluation.boards import BOARDS
from anymdp_bench.leaderboard.standings.entry import Entry, make_entry
from anymdp_bench.leaderboard.standings.listed import listed_boards, paper_boards, paper_figures
from anymdp_bench.leaderboard.standings.load import load_standings
from anymdp_bench.leaderboard.standings.overall import overall
from anymdp_bench.leaderboard.standings.ranking import interval, rank
from anymdp_bench.leaderboard.standings.tables import tables
from anymdp_bench.leaderboard.submissions.acting import Submission
from anymdp_bench.leaderboard.submissions.facts import board_facts
from anymdp_bench.leaderboard.submissions.submission import read_submission
from anymdp_bench.leaderboard.verification.findings import Findings
from anymdp_bench.leaderboard.verification.verdict import Verdict
from tests.support.maintainer import (
    again,
    everything,
    older_verdict,
    replayed,
)
from tests.support.synthetic import write_submission
from tests.support.tiny_board import FACTS, facts_of

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
    return dataclasses.replace(one, older=Verdict.model_validate(older_verdict("1" * 64)))


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
