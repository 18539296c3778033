"""Find out what is true of a submission, a part at a time; what is found is kept as soon as it is known.

The submitted agent or model runs in a process of its own, except reference agents of this package that are
given the tasks or train by themselves. Equality to the bit comes first, whatever made it; code, versions and
processor only say what a difference means.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from anymdp_bench.evaluation.isolation.process import Limits
from anymdp_bench.foundation.errors import InvalidConfig
from anymdp_bench.leaderboard.submissions.kinds import AnySubmission
from anymdp_bench.leaderboard.submissions.problems import problem, refuse
from anymdp_bench.leaderboard.submissions.reading import SequenceSubmission
from anymdp_bench.leaderboard.verification import acting, reading
from anymdp_bench.leaderboard.verification.findings import (
    SEED_BITS,
    AnyFinding,
    Findings,
    Needs,
)
from anymdp_bench.leaderboard.verification.findings_file import FindingsFile


def _way(submission: AnySubmission) -> ModuleType:
    """What knows how a kind of entry is verified: `needs_of`, `make_player` and `find`."""
    return reading if isinstance(submission, SequenceSubmission) else acting


def needs_of(submission: AnySubmission) -> Needs:
    """What must be found before a submission is verified."""
    needs: Needs = _way(submission).needs_of(submission)
    return needs


def submitted_agent(submission: AnySubmission, limits: Limits | None = None) -> Any:
    """Make the submitted agent or model from its entry point, behind a wall.

    Raises:
        SubmissionRefused: it names no entry point, or the agent declares something else now.
        UnknownName, AgentError: it cannot be made, or it is privileged and no reference agent.
    """
    if submission.metadata.entry_point is None:
        refuse([problem("verify", "names no entry point, so its agent cannot be run again")])
    return _way(submission).make_player(submission, limits)


def verify_submission(
    submission: AnySubmission,
    file: FindingsFile,
    agent: Any,
    *,
    fraction: float,
    jobs: int = 1,
) -> Iterator[AnyFinding]:
    """Find what is missing: rules, then shards, and when all are equal what needs new seeds.

    Every finding is appended to `file` before it is handed on.

    Args:
        submission: Read and checked.
        file: Findings about it.
        agent: From `submitted_agent`.
        fraction: Share of all shards that this call replays at most, in (0, 1]; at least one.
        jobs: Worker processes.

    Raises:
        InvalidConfig: `fraction` is not legal.
        AgentError: the agent fails, or breaks a rule; what was found before is kept.
        RecordsError: somebody else writes into the file.
    """
    check_fraction(fraction)
    before, needs = file.about(submission.digest), needs_of(submission)
    waiting = np.array(before.unequal_shards(needs), dtype=np.int64)
    generator = np.random.Generator(np.random.PCG64(secrets.randbits(SEED_BITS)))
    chosen = generator.choice(waiting, shards_left(before, needs, fraction), replace=False)
    for finding in _way(submission).find(submission, agent, before, sorted(chosen.tolist()), jobs):
        file.append(finding)
        yield finding
    file.check()


def shards_left(before: Findings, needs: Needs, fraction: float) -> int:
    """How many shards the next call plays again."""
    return min(len(before.unequal_shards(needs)), math.ceil(fraction * needs.shards))


def check_fraction(fraction: float) -> None:
    """Raise InvalidConfig unless `fraction` is above 0 and at most 1."""
    if not 0 < fraction <= 1:
        raise InvalidConfig(f"fraction={fraction!r}: give a number above 0 and at most 1.")
