"""What several tests of the leaderboards need."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from anymdp_bench.leaderboard.submissions.acting import Submission
from anymdp_bench.leaderboard.submissions.claims import claim
from anymdp_bench.leaderboard.submissions.submission import read_submission
from tests.support.claimed import written
from tests.support.maintainer import allow, new_key, verify_as_found
from tests.support.submitted import BANDITS, submitted


@pytest.fixture(scope="module")
def bandits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Submission, Path]:
    return submitted(BANDITS, tmp_path_factory.mktemp("bandits"))


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return new_key(tmp_path / "keys", "mine")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return new_key(tmp_path / "keys", "other")


@pytest.fixture
def root(tmp_path: Path, key: Path) -> Path:
    """A board with an entry that is verified and claimed."""
    root = tmp_path / "boards"
    folder = written(root)
    allow(root, new_key(tmp_path / "keys", "maintainer"))
    verify_as_found(folder, read_submission(folder), tmp_path / "keys" / "maintainer")
    claim(root, "mine", key)
    return root


@pytest.fixture
def before(root: Path, tmp_path: Path) -> Path:
    """The board as it is, before a change."""
    return shutil.copytree(root, tmp_path / "before")
