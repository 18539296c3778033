"""Verification: what is equal, what is not, and what is kept of it."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from typer.testing import CliRunner

from anymdp_bench.agents.protocol import AgentInfo
from anymdp_bench.agents.registry import make_agent
from anymdp_bench.cli.app import app
from anymdp_bench.evaluation.isolation.host import IsolatedAgent
from anymdp_bench.foundation.errors import AgentError, InvalidConfig, SubmissionRefused
from anymdp_bench.leaderboard.submissions.acting import Submission
from anymdp_bench.leaderboard.verification import replay as replay_module
from anymdp_bench.leaderboard.verification.findings import Findings, Needs, findings_path, read_findings
from anymdp_bench.leaderboard.verification.findings_file import FindingsFile
from anymdp_bench.leaderboard.verification.replay import replay
from anymdp_bench.leaderboard.verification.told import told
from anymdp_bench.leaderboard.verification.verify import needs_of, submitted_agent, verify_submission
from tests.support.isolated import HERE
from tests.support.maintainer import again, everything, replayed
from tests.support.submitted import BANDITS, CORNER, submitted


def as_if(submission: Submission, **code: str) -> Submission:
    """The same submission from a record with other hashes."""
    metadata = submission.metadata
    return dataclasses.replace(
        submission, metadata=metadata.model_copy(update={"code": metadata.code.model_copy(update=code)})
    )


# --- replay ---


def test_an_honest_run_is_equal_to_the_bit(bandits: tuple[Submission, Path]) -> None:
    submission, _ = bandits
    agent = submitted_agent(submission)
    assert isinstance(agent, IsolatedAgent)
    (found,) = replay(submission, agent, [0])
    assert (found.shard, found.outcome, found.difference, found.cells) == (0, "equal", 0, 64)
    assert found.differing == []


def test_bits_come_first_whatever_hashes_and_versions_say(bandits: tuple[Submission, Path]) -> None:
    submission, _ = bandits
    metadata = submission.metadata
    code = metadata.code.model_copy(update={"agent": "0" * 64, "anymdp_bench": "1" * 64})
    machine = metadata.machine.model_copy(update={"processor": "another", "python": "2.7"})
    moved = metadata.model_copy(update={"code": code, "machine": machine})
    other = dataclasses.replace(submission, metadata=moved)
    (found,) = replay(other, submitted_agent(submission), [0])
    assert found.outcome == "equal"
    assert found.differing == ["python", "processor", "code of the package", "code of the agent"]


def test_one_bit_is_a_difference(bandits: tuple[Submission, Path]) -> None:
    submission, _ = bandits
    means = submission.points["return"].copy()
    means[5] = np.nextafter(means[5], 2)
    spoilt = dataclasses.replace(submission, points=submission.points | {"return": means})
    agent = submitted_agent(submission)
    (found,) = replay(spoilt, agent, [0])
    assert found.outcome == "different"
    (found,) = replay(as_if(spoilt, agent="0" * 64), agent, [0])
    assert (found.outcome, found.differing) == ("undecided", ["code of the agent"])


def test_learners_are_compared_by_what_they_lived_as_well(tmp_path: Path) -> None:
    submission, _ = submitted("darkroom-6-v0", tmp_path, "q-ucb")
    agent = submitted_agent(submission)
    assert not isinstance(agent, IsolatedAgent)
    assert [line.outcome for line in replay(submission, agent, [0, 1])] == ["equal", "equal"]
    assert submission.lived is not None
    steps = submission.lived["steps"].copy()
    steps[-1] += 1
    spoilt = dataclasses.replace(submission, lived=submission.lived | {"steps": steps})
    assert [line.outcome for line in replay(spoilt, agent, [0, 1])] == ["equal", "different"]


def test_agents_that_are_not_named_or_declare_otherwise_are_not_run(
    bandits: tuple[Submission, Path],
) -> None:
    submission, _ = bandits
    for change, message in (
        ({"entry_point": None}, "names no entry point"),
        ({"entry_point": "oracle"}, "the agent declares name='oracle'; submitted was 'uniform'"),
    ):
        other = dataclasses.replace(submission, metadata=submission.metadata.model_copy(update=change))
        with pytest.raises(SubmissionRefused, match=message):
            submitted_agent(other)


# --- the whole way, a part at a time ---


def test_findings_add_up_over_calls(tmp_path: Path) -> None:
    submission, folder = submitted(BANDITS, tmp_path, f"{HERE}:Mixed", n_tasks=16)
    agent, needs = submitted_agent(submission), needs_of(submission)
    assert needs == Needs(2, True, True)
    first = list(verify_submission(submission, FindingsFile(folder), agent, fraction=0.1))
    assert [line.kind for line in first] == ["rules", "replay"]
    kept = findings_path(folder).read_bytes()
    missing = read_findings(folder, submission.digest).missing(needs)
    assert missing == [
        "1 of 2 shards equal to the bit",
        "play on renamed tasks",
        "play on fresh tasks",
    ]
    second = list(verify_submission(submission, FindingsFile(folder), agent, fraction=0.1))
    assert [line.kind for line in second] == ["replay", "renamed", "fresh"]
    assert findings_path(folder).read_bytes().startswith(kept)
    found = read_findings(folder, submission.digest)
    assert found.lines == (*first, *second) and found.holds(needs)
    assert found.equal_shards == {0, 1} and found.again("renamed")[0].renamed
    assert list(verify_submission(submission, FindingsFile(folder), agent, fraction=1)) == []
    assert read_findings(folder, "0" * 64).lines == ()


def test_what_speaks_against_an_entry_is_never_taken_back(bandits: tuple[Submission, Path]) -> None:
    submission, _ = bandits
    needs, good = needs_of(submission), everything(submission)
    assert needs == Needs(1, True, True)
    assert Findings(tuple(good)).holds(needs)
    for bad in (
        replayed(submission, 0, "different"),
        again(submission, "renamed", 0.5),
        again(submission, "fresh", 0.5),
    ):
        for lines in ([bad, *good], [*good, bad]):
            assert not Findings(tuple(lines)).holds(needs)
    for line in good:
        assert not Findings(tuple(other for other in good if other is not line)).holds(needs)
    undecided = replayed(submission, 0, "undecided")
    assert Findings((undecided, *good)).holds(needs)


def test_findings_are_told_in_words(bandits: tuple[Submission, Path]) -> None:
    submission, _ = bandits
    assert told(replayed(submission, 0)) == "shard 0: equal to the bit"
    assert told(replayed(submission, 1, "different")).startswith("shard 1: different, by ")
    assert "it fell" not in told(again(submission, "fresh", 0.0))
    assert told(again(submission, "renamed", 0.5)).endswith("; it fell")


@pytest.mark.parametrize(
    "change",
    [{"difference": 0.5}, {"schema": 1}, {"schema": True}, {"outcome": "fine"}, {"kind": "x"}, {"more": 1}],
)
def test_damaged_findings_are_refused(
    change: dict[str, Any], bandits: tuple[Submission, Path], tmp_path: Path
) -> None:
    submission, _ = bandits
    values = json.loads(replayed(submission, 0).model_dump_json(by_alias=True)) | change
    folder = tmp_path / "mine"
    findings_path(folder).write_text(json.dumps(values) + "\n")
    with pytest.raises(SubmissionRefused, match=r"mine\.findings\.jsonl is damaged"):
        read_findings(folder, submission.digest)


def test_equal_means_equal(bandits: tuple[Submission, Path]) -> None:
    line = replayed(bandits[0], 0)
    with pytest.raises(ValidationError, match="is equal and differs by"):
        type(line).model_validate(line.model_dump() | {"difference": 1e-9})


@pytest.mark.parametrize("fraction", [0, -1, 1.5, float("nan")])
def test_illegal_fractions_are_refused(fraction: float, bandits: tuple[Submission, Path]) -> None:
    submission, folder = bandits
    with pytest.raises(InvalidConfig, match="give a number above 0 and at most 1"):
        list(verify_submission(submission, FindingsFile(folder), make_agent("uniform"), fraction=fraction))


def test_the_command_says_what_is_missing_and_fails_until_nothing_is(tmp_path: Path) -> None:
    _, folder = submitted("darkroom-6-v0", tmp_path, "q-ucb")
    runner = CliRunner()
    command = ["verify", str(folder), "--fraction", "0.5"]
    first = runner.invoke(app, command)
    assert first.exit_code == 1 and "missing: play on renamed tasks" in first.output
    assert (
        "To be found: the agent check, 2 of 2 shards equal to the bit, play on renamed tasks" in first.output
    )
    assert "the agent keeps the rules\n" in first.stdout and ": equal to the bit\n" in first.stdout
    assert first.stdout.endswith("NOT verified\n")
    second = runner.invoke(app, [*command, "--expect", told_digest(first.stdout)])
    assert second.exit_code == 0 and "verified, to be signed" in second.output
    third = runner.invoke(app, [*command, "--json"])
    assert third.exit_code == 0
    found = {"verified": True, "missing": [], "against": [], "found": []}
    assert json.loads(third.stdout) == found | {"findings_sha256": told_digest(second.stdout)}


def told_digest(text: str) -> str:
    """What a call of `verify` says of the findings that it leaves."""
    (digest,) = re.findall(r"^findings: SHA-256 (\w{64}), for --expect$", text, re.MULTILINE)
    return str(digest)


def test_the_agent_that_fails_leaves_what_was_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submission, folder = submitted(CORNER, tmp_path)
    agent = submitted_agent(submission)

    def fail(*_: Any) -> Any:
        raise AgentError("on purpose")

    next(verify_submission(submission, FindingsFile(folder), agent, fraction=1))
    monkeypatch.setattr(replay_module, "play_shard", fail)
    with pytest.raises(AgentError, match="on purpose"):
        list(verify_submission(submission, FindingsFile(folder), agent, fraction=1))
    assert [line.kind for line in read_findings(folder, submission.digest).lines] == ["rules"]


def test_a_strangers_privileged_agent_is_refused(tmp_path: Path) -> None:
    submission, _ = submitted(CORNER, tmp_path, "oracle")
    name = "baselines.oracle:Oracle"
    other = submission.metadata.model_copy(update={"entry_point": name, "agent": submission.metadata.agent})
    with pytest.raises(AgentError, match="'oracle' is privileged"):
        submitted_agent(dataclasses.replace(submission, metadata=other))
    assert needs_of(submission) == Needs(1, False, False)
    assert AgentInfo(name="oracle", privileged=True).privileged
