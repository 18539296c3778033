"""What several tests of the leaderboards need."""

from __future__ import annotations

from pathlib import Path

import pytest

from anymdp_bench.leaderboard.submissions.acting import Submission
from tests.support.submitted import BANDITS, submitted


@pytest.fixture(scope="module")
def bandits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Submission, Path]:
    return submitted(BANDITS, tmp_path_factory.mktemp("bandits"))
