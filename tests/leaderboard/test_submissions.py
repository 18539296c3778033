"""Submissions: what a run becomes, what is read back, and every check with its message."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from anymdp_bench import evaluate, scoring
from anymdp_bench.foundation.errors import RecordsError, SubmissionRefused
from anymdp_bench.leaderboard.submissions import curves
from anymdp_bench.leaderboard.submissions.acting import Submission
from anymdp_bench.leaderboard.submissions.facts import BoardFacts, board_facts
from anymdp_bench.leaderboard.submissions.parquet import read_columns, write_columns
from anymdp_bench.leaderboard.submissions.submission import read_submission
from anymdp_bench.leaderboard.submissions.submit import Entry, submit
from anymdp_bench.worlds.pendulum.task import PendulumTask
from baselines.uniform import Uniform
from tests.support.scripted import TabledLearner, corridor
from tests.support.synthetic import metadata_values, tables, write_folder, write_submission
from tests.support.tiny_board import FACTS, TINY, facts_of

FIXTURE = Path(__file__).parents[1] / "fixtures" / "submission-schema-1" / "tiny-online-v0"
Edit = Callable[[dict[str, Any], dict[str, Any]], None]
"""Changes the metadata and the tables of a legal submission."""


def edited(path: Path, edit: Edit, *, learner: bool = False) -> Path:
    """A legal submission, changed."""
    values = metadata_values(FACTS, "mine", learner=learner, n_tasks=2)
    content = tables(FACTS, learner=learner, n_tasks=2, level=0.8, seed=1)
    content = {name: {k: v.copy() for k, v in columns.items()} for name, columns in content.items()}
    edit(values, content)
    return write_folder(path / "submissions" / TINY.name / "mine", values, content)


def nothing(values: dict[str, Any], content: dict[str, Any]) -> None:
    """Leave the submission as it is."""


def put(table: str, column: str, row: int, value: float) -> Edit:
    def edit(values: dict[str, Any], content: dict[str, Any]) -> None:
        content[table][column][row] = value

    return edit


def setting(path: str, value: Any) -> Edit:
    def edit(values: dict[str, Any], content: dict[str, Any]) -> None:
        *parents, last = path.split(".")
        for parent in parents:
            values = values[parent]
        values[int(last) if isinstance(values, list) else last] = value

    return edit


def lift(share: float) -> Edit:
    """Set every return to this share of the way from the optimum to the largest single return."""

    def edit(values: dict[str, Any], content: dict[str, Any]) -> None:
        points = content["points"]
        task = points["task"]
        value = FACTS.ceiling[task] + share * (FACTS.high - FACTS.ceiling)[task]
        points |= dict.fromkeys(("return", "return_even", "return_odd"), value)

    return edit


def test_the_tiny_board_can_be_attacked() -> None:
    assert (FACTS.low < FACTS.references.random).all()
    assert (FACTS.references.oracle - FACTS.references.random > 0.5).all()
    assert (FACTS.ceiling < FACTS.high).all()


@pytest.mark.parametrize("learner", [False, True])
def test_a_legal_submission_passes(learner: bool, tmp_path: Path) -> None:
    submission = read_submission(edited(tmp_path, nothing, learner=learner), facts_of)
    assert submission.n_tasks == 2 and submission.metadata.track == ("learner" if learner else "in-context")
    assert submission.record.points.mean.shape == (2, 10)
    assert scoring.score(submission.record)["asymptotic"] == pytest.approx(0.8 * 0.95, abs=0.05)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (setting("schema", 2), "schema: Input should be 1"),
        (setting("schema", True), "schema: True is no integer"),
        (setting("name", "Mine"), "'Mine' is no name: use lower-case"),
        (setting("title", "<b>me</b>"), "title: holds '<': markup is not shown"),
        (setting("title", "me\u202eem"), r"title: holds an invisible formatting character \(U\+202E\)"),
        (setting("title", "zero\u200bwidth"), r"U\+200B"),
        (setting("title", "\u05d0gent"), r"title: holds a right-to-left character \(U\+05D0\)"),
        (setting("title", "agent\u0301"), r"title: holds a combining mark"),
        (setting("title", "\uff41gent"), "look-alike characters: write 'agent'"),
        (setting("title", "two\nlines"), r"a control character \(U\+000A\)"),
        (setting("title", "x" * 61), "has 61 characters: give 1 to 60"),
        (setting("description", ""), "has 0 characters"),
        (setting("agent.config", {"note": "<script>"}), "config.note: holds '<'"),
        (setting("agent.config", {"note": [1]}), "config.note: holds a list"),
        (setting("agent.config", {"\u200b": 1}), r"config.*U\+200B"),
        (setting("agent.learner", 1), "agent.learner: Input should be a valid boolean"),
        (setting("url", "javascript:alert(1)"), "url: 'javascript:alert.*give https://host/path"),
        (setting("url", "https://user:pw@example.org"), "without user, port or quotes"),
        (setting("url", "https://example.org/'x"), "without user, port or quotes"),
        (setting("paper", "http://example.org"), "paper: .*give https"),
        (setting("date", "2026-13-01"), "date: month must be in 1..12"),
        (setting("entry_point", "os.system('x')"), "entry_point.*no name"),
        (setting("claimed_score", 1.0), "claimed_score: Extra inputs are not permitted"),
        (setting("fingerprints.0", "x"), "fingerprints.0: String should match"),
        (setting("gradient_free", False), "takes gradient steps while it is evaluated is a learner"),
        (setting("board.name", "other-v0"), "folder: is .*; the metadata say"),
        (setting("board.seed", 1), "board: seed is 1; the board's is 0"),
        (setting("board.context_episodes", 1000), "board: context_episodes is 1000; the board's is 100"),
        (setting("board.extra", 1), "board: extra is 1; a board has no such field"),
        (setting("fingerprints.1", "1" * 64), "tasks: task 1 has fingerprint 1{16}, the board's is"),
        (setting("references.oracle.1", 99.0), "references: oracle of task 1 is 99.0; the planner has"),
        (setting("references.random.0", None), "references: random of task 0 is nan; the planner has"),
        (setting("references.optimal", [1.0]), "references: optimal has 1 values for 2 tasks"),
        (put("points", "task", 3, 1), r"rows: points: row 3 holds \(task, run, episodes\) \[1, 0, 40\]"),
        (put("points", "run", 3, 1), r"expected are \[0, 0, 40\]"),
        (put("points", "episodes", 3, 30), r"rows: points: row 3 holds .* \[0, 0, 30\]"),
        (put("points", "return", 3, math.nan), "finite: points: return is nan in row 3"),
        (put("points", "return_odd", 3, math.inf), "finite: points: return_odd is inf in row 3"),
        (put("points", "count", 3, 1000), r"counts: points rest on \[10, 1000\] episodes; all rest on 10"),
        (put("points", "return_even", 3, 0.125), "halves: return is not the mean of return_even"),
        (put("points", "steps", 3, 0), "steps: points: steps do not rise by 1 to horizon steps"),
        (put("points", "steps", 12, 10**12), "task 1, run 0, row 2"),
        (put("points", "steps", 12, -(2**63)), "steps do not rise"),
        (put("points", "return", 3, 1e300), "limits: points: return is 1e\\+300 in task 0, run 0, row 3"),
        (lift(2.0), "limits: points: return is"),
        (lift(0.95), r"optimum: points: task \d returns .* on average over 100 episodes; its optimum is"),
    ],
)
def test_what_cannot_be_true_is_refused(edit: Edit, message: str, tmp_path: Path) -> None:
    with pytest.raises(SubmissionRefused, match=message):
        read_submission(edited(tmp_path, edit), facts_of)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (put("points", "count", 0, 10), r"counts: points rest on \[0, 10\] episodes"),
        (put("lived", "return", 7, math.nan), "finite: lived: return is nan in row 7"),
        (put("lived", "return", 7, -1e9), "limits: lived: return is -1000000000.0"),
        (put("lived", "episodes", 7, 1), "rows: lived: row 7"),
        (put("lived", "steps", 1, 100), "steps: points and lived disagree: task 0, run 0, row 0"),
        (put("points", "return_odd", 4, 0.5), "halves"),
    ],
)
def test_what_cannot_be_true_of_a_learner_is_refused(edit: Edit, message: str, tmp_path: Path) -> None:
    with pytest.raises(SubmissionRefused, match=message):
        read_submission(edited(tmp_path, edit, learner=True), facts_of)


def test_an_exact_mean_above_the_optimum_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SubmissionRefused, match=r"optimum: points: task 0 returns .* over all episodes"):
        read_submission(edited(tmp_path, lift(0.001), learner=True), facts_of)
    read_submission(edited(tmp_path / "legal", lift(0.0), learner=True), facts_of)


def test_lucky_means_are_not_refused(tmp_path: Path) -> None:
    read_submission(edited(tmp_path, lift(0.05)), facts_of)


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    def edit(values: dict[str, Any], content: dict[str, Any]) -> None:
        values["board"]["seed"] = 7
        values["references"]["oracle"][0] = 0.0
        content["points"]["return"][3] = math.nan
        content["points"]["steps"][12] = 0

    with pytest.raises(SubmissionRefused) as caught:
        read_submission(edited(tmp_path, edit), facts_of)
    found = {text.split(":")[0] for text in caught.value.problems}
    assert found >= {"board", "references", "finite", "steps"}


@pytest.mark.parametrize("change", ["drop", "double", "add"])
def test_rows_are_neither_missing_nor_doubled_nor_added(change: str, tmp_path: Path) -> None:
    def edit(values: dict[str, Any], content: dict[str, Any]) -> None:
        rows = {"drop": [*range(19)], "double": [*range(20), 19], "add": [*range(20), *range(10, 20)]}[change]
        content["points"] = {name: values[rows] for name, values in content["points"].items()}

    with pytest.raises(SubmissionRefused, match=r"points.parquet: 'number of rows is \d+, not 20'"):
        read_submission(edited(tmp_path, edit), facts_of)


def test_too_many_tasks_and_odd_prefixes_are_refused(tmp_path: Path) -> None:
    folder = edited(tmp_path, setting("fingerprints", [FACTS.fingerprints[0]]))
    with pytest.raises(SubmissionRefused, match="tasks: 1 tasks; this board is played on 2"):
        read_submission(folder, facts_of)


def test_a_board_is_played_whole_or_on_a_legal_prefix(tmp_path: Path) -> None:
    facts = board_facts("anymdp-1x5-online-v0")
    assert facts.legal_lengths == (16, 32, 64)
    submission = read_submission(write_submission(tmp_path, facts, "short", n_tasks=16))
    assert submission.n_tasks == 16
    with pytest.raises(SubmissionRefused, match="8 tasks; this board is played on 16 or 32 or 64"):
        read_submission(write_submission(tmp_path, facts, "shorter", n_tasks=8))
    assert board_facts("darkroom-6-goals-online-v0").legal_lengths == (7,)


def test_a_run_becomes_a_submission_with_the_same_scores(tmp_path: Path) -> None:
    result = evaluate(Uniform(), "darkroom-6-goals-v0", out=tmp_path / "run")
    submission, folder = submit(
        tmp_path / "run",
        Entry(name="uniform", title="Uniform play", url="https://example.org", date="2026-01-31"),
        tmp_path / "boards",
    )
    assert folder == tmp_path / "boards" / "submissions" / "darkroom-6-goals-online-v0" / "uniform"
    assert sorted(path.name for path in folder.iterdir()) == ["points.parquet", "submission.json"]
    assert sorted(path.name for path in (tmp_path / "boards").iterdir()) == ["submissions"]
    assert submission.metadata.entry_point == "uniform"
    mine = scoring.score(submission.record)
    for name, value in scoring.score(result.record).items():
        np.testing.assert_allclose(mine[name], value, rtol=1e-12, atol=1e-12, err_msg=name)
    with pytest.raises(RecordsError, match=r"exists\. Choose another --name"):
        submit(tmp_path / "run", Entry(name="uniform"), tmp_path / "boards")
    points = folder / curves.POINTS
    digest = hashlib.sha256(points.read_bytes()).hexdigest()
    assert json.loads((folder / "submission.json").read_text())["files"] == {curves.POINTS: digest}
    points.write_bytes(write_columns(submission.points | {"steps": submission.points["steps"] + 1}))
    with pytest.raises(SubmissionRefused, match=r"points.parquet is not the file that submission.json names"):
        read_submission(folder)


def test_a_learners_scores_survive_in_blocks_of_ten(tmp_path: Path) -> None:
    tasks = [corridor(horizon=5), corridor(horizon=8)]
    result = evaluate(TabledLearner(slow=300), TINY, tasks=tasks, out=tmp_path / "run")
    record = result.record
    points, lived = curves.points_columns(record), curves.lived_columns(record)
    again = curves.record_of(record.cells, record.references, points, lived)
    assert len(lived["task"]) == 2 * 20
    mine = scoring.score(again)
    for name, value in scoring.score(record).items():
        np.testing.assert_allclose(mine[name], value, rtol=1e-12, atol=1e-12, err_msg=name)
    np.testing.assert_array_equal(again.lived.lengths.sum(axis=1), record.lived.lengths.sum(axis=1))


def test_nothing_is_written_if_a_check_fails(tmp_path: Path) -> None:
    evaluate(Uniform(), "darkroom-6-goals-v0", out=tmp_path / "run", n_tasks=3)
    with pytest.raises(SubmissionRefused, match="3 tasks; this board is played on 7"):
        submit(tmp_path / "run", Entry(name="uniform"), tmp_path / "boards")
    assert not (tmp_path / "boards").exists()


def test_a_name_belongs_to_one_agent_on_all_boards(tmp_path: Path) -> None:
    facts = board_facts("darkroom-6-online-v0")
    write_submission(tmp_path / "boards", facts, "uniform", title="Somebody else")
    evaluate(Uniform(), "darkroom-6-goals-v0", out=tmp_path / "run")
    with pytest.raises(SubmissionRefused, match="owner: uniform stands on darkroom-6-online-v0 with title"):
        submit(tmp_path / "run", Entry(name="uniform"), tmp_path / "boards")


def test_a_continuous_task_has_limits_too() -> None:
    facts = BoardFacts.of(TINY, [PendulumTask(g=5.0), PendulumTask(g=1.0)])
    assert not facts.exact
    assert (facts.high == 0).all() and (facts.low < -3000).all()


def test_released_submissions_stay_readable() -> None:
    for name in ("in-context", "learner"):
        submission = read_submission(FIXTURE / name, facts_of)
        assert isinstance(submission, Submission)
        expected = json.loads((FIXTURE.parent / f"{name}.json").read_text())
        found = scoring.score(submission.record)
        for column, value in expected.items():
            assert found[column] == pytest.approx(value, abs=1e-9), column


@pytest.mark.parametrize("n_rows", [0, 1, 7, 40_000])
def test_columns_read_back_and_other_readers_agree(n_rows: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    columns = {
        "task": rng.integers(0, 64, n_rows).astype(np.int32),
        "steps": rng.integers(-(2**60), 2**60, n_rows),
        "return": rng.normal(size=n_rows),
    }
    content = write_columns(columns)
    assert content == write_columns(columns)
    kinds = {name: values.dtype.type for name, values in columns.items()}
    path = tmp_path / "x.parquet"
    path.write_bytes(content)
    general = pq.read_table(path)
    for name, values in read_columns(content, kinds, n_rows, "x").items():
        np.testing.assert_array_equal(values, columns[name])
        assert values.dtype == columns[name].dtype
        np.testing.assert_array_equal(general[name].to_numpy(), columns[name])
