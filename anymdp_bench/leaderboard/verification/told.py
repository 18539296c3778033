"""Findings in plain words, for who waits for them."""

from __future__ import annotations

from anymdp_bench.leaderboard.verification.findings import (
    LEAST_CHANCE,
    MOST_AHEAD,
    Again,
    AnyFinding,
    Remembered,
    Replay,
    Steps,
)


def told(finding: AnyFinding) -> str:
    """What was found, in a sentence; what speaks against the entry says so."""
    if isinstance(finding, Replay):
        return _replay(finding)
    if isinstance(finding, Steps):
        against = "" if finding.agrees else f"; above {MOST_AHEAD:g}: it has looked ahead"
        most = f"losses differ by {finding.difference:.2g} at most{against}"
        return f"{len(finding.blocks)} blocks read step by step: {most}"
    if isinstance(finding, Again):
        against = "; it fell" if finding.fell else ""
        drop = f"worse by {finding.drop:.3f} [{finding.low:.3f}, {finding.high:.3f}], 99.9 % interval"
        both = f"submitted {finding.submitted:.3f}, found {finding.found:.3f}"
        return f"{finding.tasks} {finding.kind} tasks: {both}, {drop}{against}"
    if isinstance(finding, Remembered):
        against = f"; not above {LEAST_CHANCE:g}: it fell" if finding.fell else ""
        return f"known by heart? chance of an honest play to stand out so: {finding.chance:.2g}{against}"
    return "the agent keeps the rules"


def _replay(finding: Replay) -> str:
    shard = f"shard {finding.shard}: "
    if finding.outcome == "equal":
        return f"{shard}equal to the bit"
    where = f" (not as in the record: {', '.join(finding.differing)})" if finding.differing else ""
    return f"{shard}{finding.outcome}, by {finding.difference:.3g}{where}"
