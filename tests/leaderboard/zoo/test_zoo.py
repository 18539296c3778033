"""Every cheat of the zoo is refused or exposed by `verify`; the table in docs/leaderboards.md says how."""

from __future__ import annotations

import copy
import dataclasses
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anymdp_bench import evaluate
from anymdp_bench.agents.registry import make_agent
from anymdp_bench.evaluation.isolation.process import Limits
from anymdp_bench.foundation.errors import AgentError, RecordsError
from anymdp_bench.leaderboard.standings.entry import make_entry
from anymdp_bench.leaderboard.submissions.acting import Submission
from anymdp_bench.leaderboard.submissions.submit import Entry, submit
from anymdp_bench.leaderboard.verification.findings import Findings, findings_path, read_findings
from anymdp_bench.leaderboard.verification.findings_file import FindingsFile
from anymdp_bench.leaderboard.verification.replay import replay
from anymdp_bench.leaderboard.verification.verify import needs_of, submitted_agent, verify_submission
from baselines.uniform import Uniform
from tests.leaderboard.zoo import cheats, knowing

ZOO = "tests.leaderboard.zoo.cheats"
KNOWING = "tests.leaderboard.zoo.knowing"
LAKE = "frozenlake-v0"
DOCS = Path(__file__).parents[3] / "docs" / "leaderboards.md"


def submitted(
    name: str, board: str, tmp_path: Path, *, uses_geometry: bool = False, **changes: Any
) -> tuple[Submission, Path]:
    """The cheat's own run, in its own process, with everything that it can do there."""
    agent = f"{KNOWING if hasattr(knowing, name) and not hasattr(cheats, name) else ZOO}:{name}"
    evaluate(agent, board, out=tmp_path / "run", **changes)
    entry = Entry(name="cheat", entry_point=agent, uses_geometry=uses_geometry)
    return submit(tmp_path / "run", entry, tmp_path / "boards")


def verified(submission: Submission, folder: Path, **limits: Any) -> Findings:
    agent = submitted_agent(submission, Limits(**limits))
    for _ in verify_submission(submission, FindingsFile(folder), agent, fraction=1):
        pass
    found = read_findings(folder, submission.digest)
    assert not found.holds(needs_of(submission))
    return found


def score(submission: Submission) -> float:
    record = submission.record
    random, oracle, _ = record.references
    return float(((record.points.mean[:, -10:].mean(axis=1) - random) / (oracle - random)).mean())


def test_the_fair_ones_are_verified(tmp_path: Path) -> None:
    for name, board in (("Learner", cheats.BANDITS), ("Paths", LAKE)):
        submission, folder = submitted(name, board, tmp_path / name)
        agent = submitted_agent(submission)
        list(verify_submission(submission, FindingsFile(folder), agent, fraction=1))
        assert read_findings(folder, submission.digest).holds(needs_of(submission)), name


def test_writing_into_arrays_gains_nothing(tmp_path: Path) -> None:
    plain = copy.copy(Uniform())
    plain.info = cheats.EndsEpisodes.info
    one, other = (
        evaluate(agent, cheats.BANDITS).record for agent in (plain, make_agent(f"{ZOO}:EndsEpisodes"))
    )
    assert one.lived.scores.tobytes() == other.lived.scores.tobytes()
    assert one.points.steps.tobytes() == other.points.steps.tobytes()


@pytest.mark.parametrize(
    ("name", "board", "least"),
    [
        ("FindsTasks", cheats.BANDITS, 0.99),
        ("PatchesTheHouse", cheats.BANDITS, 0.99),
        ("ReportsLess", cheats.BANDITS, 0.9),
        ("CopiesInSecret", cheats.BANDITS, 0.9),
        ("RemembersShards", LAKE, 0.5),
    ],
)
def test_a_replay_from_an_own_process_is_different(
    name: str, board: str, least: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from anymdp_bench.envs.vector import TabularVectorEnv
    from anymdp_bench.leaderboard.verification import replay as house

    with monkeypatch.context() as patches:
        patches.setattr(TabularVectorEnv, "_advance", TabularVectorEnv._advance)
        patches.setattr(house, "_same_bits", house._same_bits)
        submission, folder = submitted(name, board, tmp_path)
    assert score(submission) > least
    found = verified(submission, folder)
    assert found.refuted


@pytest.mark.parametrize(
    ("name", "board"),
    [
        ("LearnsInTests", cheats.BANDITS),
        ("SharesRows", LAKE),
        ("KnowsSeeds", cheats.BANDITS),
        ("KnowsRows", cheats.BANDITS),
        ("MatchesTables", cheats.BANDITS),
    ],
)
def test_other_names_and_seeds_expose(name: str, board: str, tmp_path: Path) -> None:
    submission, folder = submitted(name, board, tmp_path)
    assert score(submission) > 0.5
    found = verified(submission, folder)
    assert not found.refuted and "renamed" in found.fell


def test_eight_tasks_of_64_that_are_known_by_heart_stand_out(tmp_path: Path) -> None:
    submission, folder = submitted("KnowsSome", cheats.BANDITS, tmp_path)
    found = verified(submission, folder)
    assert not found.refuted and "remembered" in found.fell


@pytest.mark.parametrize(
    ("name", "n_ranked", "kinds"), [("KnowsMost", 64, {"renamed", "fresh"}), ("KnowsFirst", 16, {"fresh"})]
)
def test_what_ranks_is_what_is_tested(name: str, n_ranked: int, kinds: set[str], tmp_path: Path) -> None:
    """Thirteen known tasks, exchanged with as many plays, stand out in one of 2^13 exchanges: just enough."""
    submission, folder = submitted(name, cheats.BANDITS, tmp_path)
    assert make_entry(submission, [64]).late_mean(n_ranked) > 0.99
    found = verified(submission, folder)
    assert kinds <= set(found.fell)
    assert all(line.low < 0 for kind in found.fell for line in found.again(kind)), "the means tell nothing"


def test_rows_are_not_known_by_their_number_though_ids_keep_their_names(tmp_path: Path) -> None:
    submission, folder = submitted("KnowsGoals", knowing.GOALS, tmp_path, uses_geometry=True)
    assert score(submission) > 0.99
    found = verified(submission, folder)
    assert found.fell == ("renamed",) and not found.again("renamed")[0].renamed


@pytest.mark.parametrize(
    ("name", "message"),
    [("Exits", r"process has ended \(exit status 0\)"), ("Hangs", "has been silent for 2 s")],
)
def test_an_exit_or_a_hang_is_an_error_and_no_verdict(name: str, message: str, tmp_path: Path) -> None:
    submission, folder = submitted(name, cheats.BANDITS, tmp_path)
    with pytest.raises(AgentError, match=message):
        verified(submission, folder, call_seconds=2)
    assert read_findings(folder, submission.digest) == Findings()


def test_a_verdict_that_the_agent_writes_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    submission, folder = submitted("WritesItsVerdict", cheats.BANDITS, tmp_path)
    monkeypatch.setenv("ZOO_FINDINGS", str(findings_path(folder)))
    with pytest.raises(RecordsError, match="was changed while the agent ran"):
        verified(submission, folder)


def test_one_invented_shard_of_four_is_found(tmp_path: Path) -> None:
    """A tenth would miss it three times out of four; every shard is asked for."""
    submission, _ = submitted("Paths", LAKE, tmp_path, n_tasks=1)
    spoilt = submission.points["return"].copy()
    spoilt.reshape(10, -1)[-1] = 1.0
    other = dataclasses.replace(submission, points=submission.points | {"return": spoilt})
    outcomes = {line.shard: line.outcome for line in replay(other, submitted_agent(submission), [0, 1])}
    assert outcomes == {0: "equal", 1: "different"}


def test_curves_of_another_processor_are_never_verified(tmp_path: Path) -> None:
    """Curves lifted to the oracle, a record from elsewhere: undecided, whatever share is lifted."""
    submission, _ = submitted("EndsEpisodes", cheats.BANDITS, tmp_path)
    lifted = submission.points["return"].copy()
    lifted.reshape(64, -1)[:, -10:] = np.array(submission.facts.references.oracle)[:, None]
    metadata = submission.metadata
    machine = metadata.machine.model_copy(update={"processor": "another"})
    other = dataclasses.replace(
        submission,
        points=submission.points | {"return": lifted},
        metadata=metadata.model_copy(update={"machine": machine}),
    )
    (line,) = replay(other, submitted_agent(submission), [0])
    assert (line.outcome, line.differing) == ("undecided", ["processor"])
    assert Findings((line,)).missing(needs_of(other))[1] == "1 of 1 shards equal to the bit"


def test_the_table_names_every_cheat() -> None:
    table = DOCS.read_text(encoding="utf-8")
    things = (vars(cheats) | vars(knowing)).items()
    names = {name for name, thing in things if getattr(thing, "__module__", None) in (ZOO, KNOWING)}
    names = {name for name in names if isinstance(getattr(knowing, name, getattr(cheats, name, 0)), type)}
    named = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert names - {"Learner", "Paths"} == named
