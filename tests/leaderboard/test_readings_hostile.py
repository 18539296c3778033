"""Hostile submissions of sequence models: refused with the package's own error, or read as they are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anymdp_bench.foundation.errors import SubmissionRefused
from anymdp_bench.leaderboard.submissions.kinds import AnySubmission
from anymdp_bench.leaderboard.submissions.reading import SequenceSubmission
from anymdp_bench.leaderboard.submissions.submission import read_entry
from tests.support import hostile

FUZZ_CASES = 2_000


def attempt(spoil: Callable[..., None], seed: int) -> AnySubmission | SubmissionRefused:
    return hostile.attempt(hostile.legal_reading(seed % 5), spoil, seed, read_entry)


def check(spoil: Callable[..., None], seed: int) -> None:
    found = attempt(spoil, seed)
    if not isinstance(found, SubmissionRefused):
        assert spoil in hostile.HARMLESS, f"{spoil.__name__} with seed {seed} was accepted"
        assert isinstance(found, SequenceSubmission) and (found.losses["policy"] >= 0).all()


def leave(parts: hostile.Parts, rng: np.random.Generator) -> None:
    """Spoil nothing."""


def test_what_is_not_spoilt_is_accepted() -> None:
    assert isinstance(attempt(leave, 0), SequenceSubmission)


@pytest.mark.parametrize("spoil", hostile.READING_REFUSED, ids=lambda spoil: spoil.__name__)
def test_every_class_is_refused(spoil: Callable[..., None]) -> None:
    for seed in range(3):
        check(spoil, seed)


@pytest.mark.slow
@pytest.mark.fuzz
@settings(max_examples=FUZZ_CASES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(
    st.sampled_from((*hostile.READING_REFUSED, hostile.HARMLESS[0], hostile.HARMLESS[2])),
    st.integers(0, 2**32 - 1),
)
def test_very_many_hostile_submissions_of_models(spoil: Callable[..., None], seed: int) -> None:
    check(spoil, seed)
