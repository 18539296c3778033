"""Submissions of agents that do not exist, legal in every check, for tests of the leaderboards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from anymdp_bench.evaluation.protocols.shards import cells_of
from anymdp_bench.leaderboard.submissions.checks import n_blocks, n_points
from anymdp_bench.leaderboard.submissions.curves import BLOCK
from anymdp_bench.leaderboard.submissions.facts import BoardFacts
from anymdp_bench.leaderboard.submissions.files import SUBMISSIONS
from anymdp_bench.leaderboard.submissions.metadata import Metadata, parse_metadata
from anymdp_bench.leaderboard.submissions.parquet import Columns, write_columns


def metadata_values(
    facts: BoardFacts, name: str, *, learner: bool, n_tasks: int, **changes: Any
) -> dict[str, Any]:
    """Content of ``submission.json``."""
    references = {
        key: [None if np.isnan(value) else float(value) for value in values[:n_tasks]]
        for key, values in facts.references._asdict().items()
    }
    values: dict[str, Any] = {
        "schema": 1,
        "name": name,
        "title": f"Agent {name}",
        "authors": "A. Nonymous",
        "description": None,
        "url": "https://example.org/code",
        "paper": None,
        "date": "2026-01-31",
        "entry_point": None,
        "gradient_free": not learner,
        "agent": {
            "name": name,
            "privileged": False,
            "learner": learner,
            "joint": False,
            "config": {"alpha": 0.5},
            "shard_size": None,
        },
        "board": facts.board.as_dict() | {"n_tasks": max(n_tasks, 1)},
        "code": {"anymdp_bench": "1" * 64, "agent": "unknown"},
        "fingerprints": list(facts.fingerprints[:n_tasks]),
        "references": references,
        "machine": {
            "python": "3.11.7",
            "packages": {"numpy": "2.4.0"},
            "machine": "x86_64",
            "system": "Linux",
            "processor": "",
            "git_commit": None,
        },
    }
    return values | changes


def tables(facts: BoardFacts, *, learner: bool, n_tasks: int, level: float, seed: int) -> dict[str, Columns]:
    """Curves that rise to about `level`, the same share of each task's gap, with some noise."""
    rng = np.random.default_rng(seed)
    cells = np.array(cells_of(facts.board, n_tasks))
    metadata = parse_metadata(metadata_values(facts, "x", learner=learner, n_tasks=n_tasks), Metadata)
    board = facts.board
    every = board.test_every if learner else board.block
    count = facts.counts(learner, n_tasks)[0]

    def columns(each: int, episodes_each: int, spread: float) -> Columns:
        task = cells[:, 0].repeat(each)
        shape = (len(cells), each)
        low, high = (np.where(np.isnan(v), w, v) for v, w in _ends(facts))
        share = level * (1 - np.exp(-3 * np.arange(1, each + 1) / each))
        mean = low[cells[:, :1]] + share * (high - low)[cells[:, :1]]
        mean = mean + spread * rng.normal(size=shape) * (high - low)[cells[:, :1]]
        mean = np.clip(mean, facts.low[cells[:, :1]], facts.ceiling[cells[:, :1]])
        lengths = np.minimum(facts.horizons[cells[:, :1]], 7) * episodes_each
        return {
            "task": task.astype(np.int32),
            "run": cells[:, 1].repeat(each).astype(np.int32),
            "episodes": np.tile(np.arange(1, each + 1) * episodes_each, len(cells)).astype(np.int32),
            "steps": np.cumsum(np.broadcast_to(lengths, shape), axis=1).ravel().astype(np.int64),
            "return": mean.ravel(),
        }

    points = columns(n_points(metadata, facts), every, 0.01)
    points = {
        **{name: points[name] for name in ("task", "run", "episodes", "steps")},
        "count": np.full(len(points["task"]), count, np.int32),
        **dict.fromkeys(("return", "return_even", "return_odd"), points["return"]),
    }
    return {"points": points} | ({"lived": columns(n_blocks(facts), BLOCK, 0.01)} if learner else {})


def _ends(facts: BoardFacts) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(facts.references.random, facts.low), (facts.references.oracle, facts.ceiling)]


def write_folder(folder: Path, values: dict[str, Any], content: dict[str, Columns]) -> Path:
    """Write the files of a submission."""
    folder.mkdir(parents=True)
    (folder / "submission.json").write_text(json.dumps(values))
    for name, columns in content.items():
        (folder / f"{name}.parquet").write_bytes(write_columns(columns))
    return folder


def write_submission(
    root: Path,
    facts: BoardFacts,
    name: str,
    *,
    learner: bool = False,
    n_tasks: int | None = None,
    level: float = 0.8,
    seed: int = 0,
    **changes: Any,
) -> Path:
    """Write a legal submission below ``<root>/submissions``; return its folder."""
    n = facts.n_tasks if n_tasks is None else n_tasks
    values = metadata_values(facts, name, learner=learner, n_tasks=n, **changes)
    content = tables(facts, learner=learner, n_tasks=n, level=level, seed=seed)
    return write_folder(root / SUBMISSIONS / facts.board.name / name, values, content)
