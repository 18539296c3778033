"""How entries of agents that act are verified."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence

from anymdp_bench.agents.protocol import Agent
from anymdp_bench.banks import load_bank
from anymdp_bench.evaluation.agent_check import check_agent
from anymdp_bench.evaluation.isolation.process import Limits
from anymdp_bench.evaluation.isolation.settings import AgentSource
from anymdp_bench.evaluation.isolation.trust import walled_agent
from anymdp_bench.leaderboard.submissions.acting import Submission
from anymdp_bench.leaderboard.submissions.metadata import declared
from anymdp_bench.leaderboard.submissions.problems import problem, refuse, shown
from anymdp_bench.leaderboard.verification.again import (
    found_renamed,
    play_fresh,
    renamed_record,
    sampled_source,
)
from anymdp_bench.leaderboard.verification.findings import SEED_BITS, AnyFinding, Findings, Needs, Rules
from anymdp_bench.leaderboard.verification.remembered import play_remembered
from anymdp_bench.leaderboard.verification.replay import heading_of, replay, submitted_shards

CHECKED_TASKS = 3


def make_player(submission: Submission, limits: Limits | None) -> Agent:
    """Make the submitted agent behind a wall.

    Raises:
        SubmissionRefused: it declares something else now.
        UnknownName, AgentError: it cannot be made, or it is privileged and no reference agent.
    """
    metadata = submission.metadata
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


def find(
    submission: Submission, agent: Agent, before: Findings, chosen: Sequence[int], jobs: int
) -> Iterator[AnyFinding]:
    """Find what is missing: rules, then some shards, and when all are equal play with new seeds.

    Raises:
        AgentError: the agent fails, or breaks a rule.
    """
    needs = needs_of(submission)
    if not any(isinstance(line, Rules) for line in before.lines):
        yield check_rules(submission, agent)
    equal = 0
    for found in replay(submission, agent, chosen, jobs):
        equal += found.outcome == "equal"
        yield found
    if equal < len(before.unequal_shards(needs)):
        return
    if needs.renamed and not before.again("renamed"):
        seed = secrets.randbits(SEED_BITS)
        record = renamed_record(submission, agent, seed=seed, jobs=jobs)
        more = play_remembered(submission, agent, record, seed=secrets.randbits(SEED_BITS - 1), jobs=jobs)
        yield from [more] if more else []
        yield found_renamed(submission, agent, record, seed)
    if needs.fresh and not before.again("fresh"):
        yield play_fresh(submission, agent, seed=secrets.randbits(SEED_BITS), jobs=jobs)
