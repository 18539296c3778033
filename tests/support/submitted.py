"""A run of an agent, submitted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from anymdp_bench import evaluate
from anymdp_bench.leaderboard.submissions.acting import Submission
from anymdp_bench.leaderboard.submissions.submit import Entry, submit

BANDITS = "anymdp-1x5-v0"
CORNER = "darkroom-6-v0"


def submitted(
    board: str, tmp_path: Path, agent: str = "uniform", n_tasks: int = 64, **entry: Any
) -> tuple[Submission, Path]:
    evaluate(agent, board, n_tasks=n_tasks, out=tmp_path / "run")
    name = entry.pop("name", "mine")
    return submit(tmp_path / "run", Entry(name=name, entry_point=agent, **entry), tmp_path / "boards")
