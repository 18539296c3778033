"""Verification: what is equal, what is consistent, what is not, and what is seen on fresh tasks."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anymdp_bench import evaluate
from anymdp_bench.agents.protocol import AgentInfo
from anymdp_bench.banks import BANKS, load_bank
from anymdp_bench.foundation.errors import InvalidConfig, SubmissionRefused
from anymdp_bench.leaderboard.submissions.submission import Submission, read_submission
from anymdp_bench.leaderboard.submissions.submit import Entry, submit
from anymdp_bench.leaderboard.verification import verify as verify_module
from anymdp_bench.leaderboard.verification.fresh import difference_interval, fresh_tasks, play_fresh
from anymdp_bench.leaderboard.verification.permutation import (
    MIN_RUNS,
    MIN_TASKS,
    PERMUTATIONS,
    paired_p_value,
    unpaired_p_value,
)
from anymdp_bench.leaderboard.verification.verdict import read_verdict, verdict_path
from anymdp_bench.leaderboard.verification.verify import ALPHA, reproduce, submitted_agent, verify_submission
from baselines.uniform import Uniform

BANDITS = "anymdp-1x5-v0"
GOALS = "darkroom-6-goals-v0"
CORNER = "darkroom-6-v0"


class Drifting(Uniform):
    """Uniform play with other draws."""

    def begin(self, n: int, observation_space: Any, action_space: Any, seed: int, **others: Any) -> None:
        super().begin(n, observation_space, action_space, seed + 1, **others)


class Memorised(Uniform):
    """Knows the best arm of every board task, and so not of any other."""

    info = AgentInfo(name="memorised", shard_size=64)

    def begin(self, n: int, *spaces: Any, **others: Any) -> None:
        tasks = load_bank(BANDITS).board_tasks()
        self.best = np.array([task.score_reward[0, :, -1].argmax() for task in tasks])[:n]

    def act(self, observations: Any, active: Any) -> Any:
        return self.best


def submitted(board: str, tmp_path: Path, **entry: Any) -> tuple[Submission, Path]:
    evaluate(Uniform(), board, out=tmp_path / "run")
    return submit(tmp_path / "run", Entry(name="uniform", **entry), tmp_path / "boards")


@pytest.fixture(scope="module")
def bandits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Submission, Path]:
    return submitted(BANDITS, tmp_path_factory.mktemp("bandits"))


def test_an_honest_run_is_equal_to_the_bit(bandits: tuple[Submission, Path]) -> None:
    submission, _ = bandits
    found = reproduce(submission, submitted_agent(submission), seed=1)
    assert (found.test, found.outcome, found.p_value) == ("equal to the bit", "equal", None)
    assert found.difference == 0 and found.cells == 64 and found.differing == []


def test_bits_come_first_whatever_hashes_and_versions_say(bandits: tuple[Submission, Path]) -> None:
    submission, _ = bandits
    metadata = submission.metadata
    code = metadata.code.model_copy(update={"agent": "0" * 64, "anymdp_bench": "1" * 64})
    machine = metadata.machine.model_copy(update={"processor": "another", "python": "2.7"})
    moved = metadata.model_copy(update={"code": code, "machine": machine})
    found = reproduce(dataclasses.replace(submission, metadata=moved), Uniform(), seed=1)
    assert (found.test, found.outcome, found.p_value) == ("equal to the bit", "equal", None)
    assert found.differing == ["python", "processor", "code of the package", "code of the agent"]


def test_one_bit_is_a_difference(bandits: tuple[Submission, Path]) -> None:
    submission, _ = bandits
    means = submission.points["return"].copy()
    means[5] = np.nextafter(means[5], 2)
    spoilt = dataclasses.replace(submission, points=submission.points | {"return": means})
    found = reproduce(spoilt, Uniform(), fraction=1, seed=1)
    assert (found.test, found.outcome) == ("equal to the bit", "different")


def test_other_draws_on_the_same_machine_are_different(bandits: tuple[Submission, Path]) -> None:
    submission, _ = bandits
    metadata = submission.metadata
    code = metadata.code.model_copy(update={"agent": verify_module.agent_hash(Drifting())})
    here = dataclasses.replace(submission, metadata=metadata.model_copy(update={"code": code}))
    found = reproduce(here, Drifting(), seed=1)
    assert (found.test, found.outcome) == ("equal to the bit", "different")


@pytest.mark.parametrize(("agent", "outcome"), [(Drifting(), "consistent"), (Memorised(), "different")])
def test_elsewhere_a_paired_test_decides(
    agent: Any, outcome: str, bandits: tuple[Submission, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    submission, _ = bandits
    monkeypatch.setattr(verify_module, "differences", lambda *_: ["numpy"])
    found = reproduce(submission, agent, seed=1)
    assert found.test == "paired permutation test over tasks" and found.outcome == outcome
    assert found.p_value is not None and (found.p_value < ALPHA) == (outcome == "different")


@pytest.mark.parametrize(
    ("board", "test"), [(CORNER, "permutation test over runs"), (GOALS, "none: too few")]
)
def test_few_tasks_are_compared_over_runs_or_not_at_all(
    board: str, test: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission, _ = submitted(board, tmp_path)
    monkeypatch.setattr(verify_module, "differences", lambda *_: ["numpy"])
    found = reproduce(submission, Drifting(), seed=1)
    assert found.test.startswith(test)
    assert found.outcome == ("consistent" if board == CORNER else "undecided")


def test_the_verdict_lies_beside_and_dies_with_the_submission(tmp_path: Path) -> None:
    submission, folder = submitted(BANDITS, tmp_path)
    agent = submitted_agent(submission)
    path, verdict = verify_submission(submission, folder, agent, fraction=0.5, fresh=False, seed=3)
    assert path == verdict_path(folder) == folder.with_name("uniform.verdict.json")
    assert verdict.verified and read_verdict(folder, submission.digest) == verdict
    text = (folder / "submission.json").read_text().replace('"title": "uniform"', '"title": "changed"')
    (folder / "submission.json").write_text(text)
    changed = read_submission(folder)
    assert changed.digest != submission.digest
    assert read_verdict(folder, changed.digest) is None
    values = json.loads(path.read_text())
    path.write_text(json.dumps(values | {"schema": 9}))
    with pytest.raises(SubmissionRefused, match=r"uniform\.verdict\.json is damaged"):
        read_verdict(folder, submission.digest)


@pytest.mark.parametrize("fraction", [0, -1, 1.5, float("nan")])
def test_illegal_fractions_are_refused(fraction: float, bandits: tuple[Submission, Path]) -> None:
    submission, folder = bandits
    with pytest.raises(InvalidConfig, match="give a number above 0 and at most 1"):
        verify_submission(submission, folder, Uniform(), fraction=fraction, fresh=False, seed=1)


def test_an_agent_that_is_not_named_or_declares_otherwise_is_not_run(
    bandits: tuple[Submission, Path],
) -> None:
    submission, _ = bandits
    metadata = submission.metadata
    for change, message in (
        ({"entry_point": None}, "names no entry point"),
        ({"entry_point": "oracle"}, "the agent declares name='oracle'; submitted was 'uniform'"),
    ):
        other = dataclasses.replace(submission, metadata=metadata.model_copy(update=change))
        with pytest.raises(SubmissionRefused, match=message):
            submitted_agent(other)


def test_only_part_is_run_again(tmp_path: Path) -> None:
    agent = Uniform()
    agent.info = dataclasses.replace(Uniform.info, shard_size=2)
    evaluate(agent, BANDITS, out=tmp_path / "run")
    submission, _ = submit(tmp_path / "run", Entry(name="uniform"), tmp_path / "boards")
    found = [reproduce(submission, agent, fraction=0.06, seed=seed) for seed in range(3)]
    assert all(part.outcome == "equal" and len(part.shards) == 2 and part.cells == 4 for part in found)
    assert len({tuple(part.shards) for part in found}) == 3


def test_fresh_tasks_are_in_no_split() -> None:
    source = BANKS["anymdp-16x5-v0"]
    tasks = fresh_tasks(source, 7, 3)
    bank = load_bank("anymdp-16x5-v0")
    known = {task.fingerprint() for split in (bank.test, bank.validation) for task in split[:20]}
    assert not known & {task.fingerprint() for task in tasks}
    assert [task.fingerprint() for task in fresh_tasks(source, 7, 3)] == [t.fingerprint() for t in tasks]
    assert fresh_tasks(source, 8, 1)[0].fingerprint() != tasks[0].fingerprint()


def test_memorised_tasks_show_up_as_a_drop_on_fresh_ones(tmp_path: Path) -> None:
    evaluate(Memorised(), BANDITS, out=tmp_path / "run")
    submission, _ = submit(tmp_path / "run", Entry(name="memorised"), tmp_path / "boards")
    found = play_fresh(submission, Memorised(), seed=5)
    assert found.submitted > 0.9 and found.fresh < 0.5
    assert found.fell and found.low > 0


def test_an_honest_agent_does_not_fall(bandits: tuple[Submission, Path]) -> None:
    submission, _ = bandits
    found = play_fresh(submission, Uniform(), seed=5)
    assert not found.fell and found.low < 0 < found.high and found.tasks == 64


def test_fresh_tasks_are_for_in_context_agents_on_sampled_boards(tmp_path: Path) -> None:
    submission, _ = submitted(GOALS, tmp_path)
    with pytest.raises(SubmissionRefused, match="fresh: is for in-context agents on boards of sampled tasks"):
        play_fresh(submission, Uniform(), seed=1)


def test_paired_p_values_hold_their_level() -> None:
    rng = np.random.default_rng(0)
    p_values = np.array([paired_p_value(rng.normal(size=16)) for _ in range(300)])
    assert 0.02 < (p_values < 0.05).mean() < 0.09
    assert paired_p_value(np.ones(16)) < ALPHA
    assert paired_p_value(np.zeros(16)) == 1


def test_unpaired_p_values_by_hand() -> None:
    low, high = np.zeros((1, MIN_RUNS)), np.ones((1, MIN_RUNS))
    assert unpaired_p_value(low, high) == pytest.approx(2 / 3432, abs=4 / PERMUTATIONS**0.5 * 0.03)
    assert unpaired_p_value(low, low) == 1


def test_the_smallest_samples_can_reach_the_level() -> None:
    assert 2 / 2**MIN_TASKS < ALPHA < 2 / 2 ** (MIN_TASKS - 2)
    assert 2 / 3432 < ALPHA < 2 / 924


def test_welch_interval_by_hand() -> None:
    first, second = np.array([1.0, 2.0, 3.0]), np.array([0.0, 2.0, 4.0])
    low, high = difference_interval(first, second)
    # variances 1 and 4: standard error sqrt(5 / 3), 50 / 17 degrees of freedom, t(.9995) = 13.3693
    assert (low + high) / 2 == pytest.approx(0.0)
    assert (high - low) / 2 == pytest.approx(13.3693 * (5 / 3) ** 0.5, rel=1e-3)
    assert difference_interval(np.ones(3), np.zeros(3)) == (1.0, 1.0)
