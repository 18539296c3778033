"""Hostile submissions: refused with the package's own error, or scored from their own records."""

from __future__ import annotations

import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from anymdp_bench import scoring
from anymdp_bench.foundation.errors import SubmissionRefused
from anymdp_bench.leaderboard.submissions.bounded_json import parse_json
from anymdp_bench.leaderboard.submissions.parquet import read_columns, write_columns
from anymdp_bench.leaderboard.submissions.submission import LARGEST_TABLE, Submission, read_submission
from anymdp_bench.leaderboard.submissions.thrift import Malformed, Reader
from tests.support import hostile
from tests.support.tiny_board import FACTS, TINY, facts_of

CASES = 300
FUZZ_CASES = 10_000


def attempt(spoil: Callable[..., None], seed: int, learner: bool) -> Submission | SubmissionRefused:
    parts = hostile.legal(learner, seed % 5)
    return hostile.attempt(parts, spoil, seed, lambda folder: read_submission(folder, facts_of))


def check(spoil: Callable[..., None], seed: int, learner: bool) -> None:
    found = attempt(spoil, seed, learner)
    if not isinstance(found, SubmissionRefused):
        assert spoil in hostile.HARMLESS, f"{spoil.__name__} with seed {seed} was accepted"
        assert_scored_from_its_own_records(found)


def assert_scored_from_its_own_records(found: Submission) -> None:
    """Recompute two columns by hand."""
    score = scoring.score(found.record)
    random, oracle = FACTS.references.random[:, None], FACTS.references.oracle[:, None]
    points = (found.points["return"].reshape(2, -1) - random) / (oracle - random)
    last = points[:, -1] if found.points["count"][0] == 0 else points[:, 5:]  # 5 points hold 100 episodes
    assert score["asymptotic"] == pytest.approx(last.mean(), rel=1e-9, abs=1e-9)
    lived = (
        points if found.lived is None else (found.lived["return"].reshape(2, -1) - random) / (oracle - random)
    )
    assert score["regret"] == pytest.approx(1 - lived.mean(), rel=1e-9, abs=1e-9)


every_class = st.sampled_from(hostile.REFUSED + hostile.HARMLESS)
seeds = st.integers(0, 2**32 - 1)


@settings(max_examples=CASES, deadline=None, suppress_health_check=list(HealthCheck))
@given(every_class, seeds, st.booleans())
def test_hostile_submissions(spoil: Callable[..., None], seed: int, learner: bool) -> None:
    check(spoil, seed, learner)


@pytest.mark.slow
@pytest.mark.fuzz
@settings(max_examples=FUZZ_CASES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(every_class, seeds, st.booleans())
def test_very_many_hostile_submissions(spoil: Callable[..., None], seed: int, learner: bool) -> None:
    check(spoil, seed, learner)


@pytest.mark.parametrize("spoil", hostile.REFUSED, ids=lambda spoil: spoil.__name__)
@pytest.mark.parametrize("learner", [False, True])
def test_every_class_is_refused(spoil: Callable[..., None], learner: bool) -> None:
    for seed in range(4):
        check(spoil, seed, learner)


@pytest.mark.parametrize("spoil", hostile.HARMLESS[1:], ids=lambda spoil: spoil.__name__)
def test_harmless_classes_are_sometimes_accepted(spoil: Callable[..., None]) -> None:
    assert any(isinstance(attempt(spoil, seed, False), Submission) for seed in range(40))


def test_bombs_are_refused_in_little_memory() -> None:
    n_rows = 2_000_000
    bomb = write_columns({"x": np.zeros(n_rows)})
    assert len(bomb) < 10_000
    tracemalloc.start()
    for expected, kinds in ((20, {"x": np.float64}), (n_rows, {"x": np.float64, "y": np.float64})):
        with pytest.raises(SubmissionRefused):
            read_columns(bomb, kinds, expected, "bomb")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_page_that_decompresses_to_more_than_it_says_is_refused() -> None:
    short, long = write_columns({"x": np.zeros(1000)}), write_columns({"x": np.zeros(1001)})
    assert short != long
    header = Reader(long[4:])
    header.struct()
    body = long[4 + header.position :]
    start = Reader(short[4:])
    start.struct()
    forged = short[: 4 + start.position] + body[: len(short) - 4 - start.position]
    with pytest.raises(SubmissionRefused):
        read_columns(forged, {"x": np.float64}, 1000, "x")


def test_files_that_are_too_large_are_not_read(tmp_path: Path) -> None:
    parts = hostile.legal(False, 0)
    folder = parts.write(tmp_path)
    with (folder / "points.parquet").open("r+b") as file:
        file.truncate(10 * LARGEST_TABLE)
    with pytest.raises(SubmissionRefused, match=r"size: points.parquet has 167772160 bytes; at most"):
        read_submission(folder, facts_of)


@given(st.binary(max_size=60))
@example(b"\x1c" * 40)
@example(b"\x19\xfc\xff\xff\xff\xff\x0f")
def test_structures_are_read_or_malformed(data: bytes) -> None:
    try:
        Reader(data).struct()
    except Malformed:
        pass


@given(st.text(max_size=60))
def test_json_is_an_object_or_refused(text: str) -> None:
    try:
        assert isinstance(parse_json(text.encode("utf-8", "surrogatepass"), "x"), dict)
    except SubmissionRefused as error:
        assert str(error).startswith("json: x")


def test_quotes_without_end_take_no_time() -> None:
    with pytest.raises(SubmissionRefused, match="json"):
        parse_json(b'"' + b'\\"' * 130_000, "x")


def test_messages_show_at_most_a_few_problems() -> None:
    parts = hostile.legal(False, 0)
    parts.values |= {f"extra{i}": 1 for i in range(500)}
    with tempfile.TemporaryDirectory() as scratch, pytest.raises(SubmissionRefused, match="and 460 more"):
        read_submission(parts.write(Path(scratch)), facts_of)


def test_the_folder_must_be_the_boards() -> None:
    parts = hostile.legal(False, 0)
    with tempfile.TemporaryDirectory() as scratch:
        folder = parts.write(Path(scratch))
        moved = folder.parent.with_name("elsewhere-v0")
        folder.parent.rename(moved)
        with pytest.raises(SubmissionRefused, match=f"the metadata say '{TINY.name}/mine'"):
            read_submission(moved / "mine", facts_of)
