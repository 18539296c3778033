"""Find out what is true of a submission, a part at a time; what is found is kept as soon as it is known.

The submitted agent runs in a process of its own, except reference agents of this package that are given the
tasks or train by themselves. Equality to the bit comes first, whatever made it; code, versions and processor
only say what a difference means.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from anymdp_bench.agents.protocol import Agent
from anymdp_bench.banks import load_bank
from anymdp_bench.evaluation.agent_check import check_agent
from anymdp_bench.evaluation.isolation.process import Limits
from anymdp_bench.evaluation.isolation.settings import AgentSource
from anymdp_bench.evaluation.isolation.trust import walled_agent
from anymdp_bench.foundation.errors import InvalidConfig, RecordsError
from anymdp_bench.leaderboard.submissions.metadata import declared
from anymdp_bench.leaderboard.submissions.problems import problem, refuse, shown
from anymdp_bench.leaderboard.submissions.submission import Submission
from anymdp_bench.leaderboard.verification.again import (
    found_renamed,
    play_fresh,
    renamed_record,
    sampled_source,
)
from anymdp_bench.leaderboard.verification.findings import (
    AnyFinding,
    Findings,
    Needs,
    Rules,
    append_findings,
    findings_content,
    findings_path,
    read_findings,
)
from anymdp_bench.leaderboard.verification.remembered import play_remembered
from anymdp_bench.leaderboard.verification.replay import (
    heading_of,
    replay,
    submitted_shards,
)

SEED_BITS = 63
CHECKED_TASKS = 3


def submitted_agent(submission: Submission, limits: Limits | None = None) -> Agent:
    """Make the submitted agent from its entry point, behind a wall.

    Raises:
        SubmissionRefused: it names no entry point, or the agent declares something else now.
        UnknownName, AgentError: it cannot be made, or it is privileged and no reference agent.
    """
    metadata = submission.metadata
    if metadata.entry_point is None:
        refuse([problem("verify", "names no entry point, so its agent cannot be run again")])
    source = AgentSource(name=str(metadata.entry_point), bank=submission.facts.board.bank)
    agent = walled_agent(source, limits)
    now = declared(agent.info)
    refuse(
        problem("verify", f"the agent declares {name}={shown(now[name])}; submitted was {shown(was)}")
        for name, was in metadata.agent.model_dump().items()
        if now[name] != was
    )
    return agent


def needs_of(submission: Submission) -> Needs:
    """What must be found before a submission is verified; privileged agents know their tasks anyway."""
    agent = submission.metadata.agent
    known = agent.privileged
    shards = len(submitted_shards(submission))
    return Needs(shards, renamed=not known, fresh=not known and sampled_source(submission) is not None)


def check_rules(submission: Submission, agent: Agent) -> Rules:
    """Let the agent keep every rule of `check_agent` on tasks of its board.

    Raises:
        AgentError: naming the rule that is broken.
    """
    tasks = list(load_bank(submission.facts.board.bank).board_tasks(CHECKED_TASKS))
    check_agent(agent, [tasks[i % len(tasks)] for i in range(CHECKED_TASKS)])
    return Rules(**heading_of(submission), kind="rules")


def verify_submission(
    submission: Submission,
    folder: Path,
    agent: Agent,
    *,
    fraction: float,
    jobs: int = 1,
) -> Iterator[AnyFinding]:
    """Find what is missing: rules, then shards, and when all are equal play with new seeds.

    Every finding is appended to the file beside `folder` before it is handed on.

    Args:
        submission: Read and checked.
        folder: Its folder.
        agent: From `submitted_agent`.
        fraction: Share of all shards that this call replays at most, in (0, 1]; at least one.
        jobs: Worker processes.

    Raises:
        InvalidConfig: `fraction` is not legal.
        AgentError: the agent fails, or breaks a rule; what was found before is kept.
        RecordsError: somebody else writes into the file.
    """
    check_fraction(fraction)
    before, needs = read_findings(folder, submission.digest), needs_of(submission)
    content = findings_content(folder)
    for finding in _find(submission, agent, before, needs, fraction, jobs):
        if findings_content(folder) != content:
            name = findings_path(folder).name
            raise RecordsError(f"{name} was changed while the agent ran. Delete it, and see who did.")
        append_findings(folder, [finding])
        content = findings_content(folder)
        yield finding


def _find(
    submission: Submission, agent: Agent, before: Findings, needs: Needs, fraction: float, jobs: int
) -> Iterator[AnyFinding]:
    if not any(isinstance(line, Rules) for line in before.lines):
        yield check_rules(submission, agent)
    waiting = np.array(before.unequal_shards(needs), dtype=np.int64)
    n_chosen = shards_left(before, needs, fraction)
    generator = np.random.Generator(np.random.PCG64(secrets.randbits(SEED_BITS)))
    chosen = sorted(generator.choice(waiting, n_chosen, replace=False).tolist())
    equal = 0
    for found in replay(submission, agent, chosen, jobs):
        equal += found.outcome == "equal"
        yield found
    if equal < len(waiting):
        return
    if needs.renamed and not before.again("renamed"):
        seed = secrets.randbits(SEED_BITS)
        record = renamed_record(submission, agent, seed=seed, jobs=jobs)
        more = play_remembered(submission, agent, record, seed=secrets.randbits(SEED_BITS - 1), jobs=jobs)
        yield from [more] if more else []
        yield found_renamed(submission, agent, record, seed)
    if needs.fresh and not before.again("fresh"):
        yield play_fresh(submission, agent, seed=secrets.randbits(SEED_BITS), jobs=jobs)


def shards_left(before: Findings, needs: Needs, fraction: float) -> int:
    """How many shards the next call plays again."""
    return min(len(before.unequal_shards(needs)), math.ceil(fraction * needs.shards))


def check_fraction(fraction: float) -> None:
    """Raise InvalidConfig unless `fraction` is above 0 and at most 1."""
    if not 0 < fraction <= 1:
        raise InvalidConfig(f"fraction={fraction!r}: give a number above 0 and at most 1.")
