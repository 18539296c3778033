"""Play with new seeds: under other names, on fresh tasks, and when a score has fallen."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anymdp_bench import evaluate
from anymdp_bench.agents.registry import make_agent
from anymdp_bench.banks import BANKS, load_bank
from anymdp_bench.evaluation.isolation.host import IsolatedAgent
from anymdp_bench.evaluation.isolation.settings import AgentSource
from anymdp_bench.foundation.errors import SubmissionRefused
from anymdp_bench.leaderboard.submissions.acting import Submission
from anymdp_bench.leaderboard.verification.again import fresh_tasks, play_fresh, play_renamed
from anymdp_bench.leaderboard.verification.comparison import difference_interval, paired_interval
from anymdp_bench.leaderboard.verification.findings import LEAST_CHANCE
from anymdp_bench.leaderboard.verification.remembered import chance_of_standing_out, play_remembered
from anymdp_bench.leaderboard.verification.renamed import Renamed
from anymdp_bench.leaderboard.verification.verify import submitted_agent
from tests.support.isolated import HERE
from tests.support.scripted import BOARD, Scripted, corridor, play
from tests.support.submitted import CORNER, submitted


def test_renaming_is_an_isomorphism() -> None:
    """What is told under other names is what the task would have told; answers come back right."""

    class Mover(Scripted):
        """Walks by what it sees: knows which of its names moves on, and tells what it was shown."""

    plain = play(Scripted([0, 1]), corridor(gain=2.0), corridor(noise=1.0))
    seen: set[tuple[int, ...]] = set()
    for secret in range(6):
        mover = Renamed(Mover(), secret)
        mover.begin(2, *_spaces(), 7)
        true = mover._true_moves
        assert sorted(true[0].tolist()) == [0, 1]
        seen.add(tuple(true.ravel().tolist()))
        shown = mover._moves[np.arange(2), [0, 1]]
        mover._agent.script = None
        mover._agent.act = lambda observations, active, shown=shown: shown
        np.testing.assert_array_equal(mover.act(np.zeros(2, int), np.ones(2, bool)), [0, 1])
    assert len(seen) > 1 and plain.lived.lengths.shape == (2, 20)


def _spaces() -> tuple[Any, Any]:
    from gymnasium.spaces import Discrete

    return Discrete(3), Discrete(2)


def test_an_agent_without_names_plays_as_well_under_others() -> None:
    """Uniform play does not know any name: its record has the same law, and its steps the same range."""
    board = dataclasses.replace(BOARD, context_episodes=400)
    plain = play(make_agent("uniform"), corridor(), board=board).lived
    named = play(Renamed(make_agent("uniform"), 3), corridor(), board=board).lived
    assert abs(plain.scores.mean() - named.scores.mean()) < 0.2
    assert set(np.unique(named.scores)) == set(np.unique(plain.scores))


def test_tables_are_translated_back() -> None:
    from tests.support.scripted import TabledLearner

    class Known(TabledLearner):
        """Its table says what it was shown: the action that moves on, in every room."""

        def policy_table(self) -> np.ndarray:
            table = np.zeros((self.n, 3, 2))
            rows = np.arange(self.n)
            table[rows, :, renamed._moves[rows, 1]] = 1
            return table

    agent = Known()
    renamed = Renamed(agent, 5)
    renamed.begin(4, *_spaces(), 0)
    renamed.freeze()
    np.testing.assert_array_equal(renamed.policy_table(), np.tile([0.0, 1.0], (4, 3, 1)))


def test_rewards_of_tests_are_not_told() -> None:
    from tests.support.scripted import ScriptedLearner

    agent = ScriptedLearner()
    told: list[np.ndarray] = []
    agent.observe = lambda *step: told.append(step[2])  # type: ignore[method-assign]
    renamed = Renamed(agent, 1)
    renamed.begin(1, *_spaces(), 0)
    zero, no = np.zeros(1, int), np.zeros(1, bool)
    for switch in (None, renamed.freeze, renamed.unfreeze):
        if switch is not None:
            switch()
        renamed.observe(zero, zero, np.ones(1), zero, no, no, ~no)
    assert [float(rewards[0]) for rewards in told] == [1.0, 0.0, 1.0]


@pytest.mark.parametrize("board", ["anymdp-16x5-offline-v0", "switch2-v0", "anypomdp-64x5-v0"])
def test_contexts_teams_and_hidden_states_can_be_renamed(board: str) -> None:
    agent = Renamed(IsolatedAgent(AgentSource(name=f"{HERE}:Mixed")), 3)
    record = evaluate(agent, board, n_tasks=2, runs=1, context_episodes=10).record
    assert np.isfinite(record.points.mean).all()


def test_fresh_tasks_are_in_no_split() -> None:
    source = BANKS["anymdp-16x5-v0"]
    tasks = fresh_tasks(source, 7, 3)
    bank = load_bank("anymdp-16x5-v0")
    known = {task.fingerprint() for split in (bank.test, bank.validation) for task in split[:20]}
    assert not known & {task.fingerprint() for task in tasks}
    assert [task.fingerprint() for task in fresh_tasks(source, 7, 3)] == [t.fingerprint() for t in tasks]
    assert fresh_tasks(source, 8, 1)[0].fingerprint() != tasks[0].fingerprint()


def test_an_honest_agent_falls_nowhere(bandits: tuple[Submission, Path]) -> None:
    submission, _ = bandits
    agent = submitted_agent(submission)
    for found in (play_renamed(submission, agent, seed=5), play_fresh(submission, agent, seed=5)):
        assert not found.fell and found.low < 0 < found.high and found.tasks == 64
        assert found.drop == found.submitted - found.found


def test_who_uses_geometry_keeps_the_ids(tmp_path: Path) -> None:
    submission, _ = submitted(CORNER, tmp_path, uses_geometry=True)
    found = play_renamed(submission, submitted_agent(submission), seed=5)
    assert (found.kind, found.renamed) == ("renamed", False)


def test_fresh_tasks_are_for_sampled_boards(tmp_path: Path) -> None:
    submission, _ = submitted(CORNER, tmp_path)
    with pytest.raises(SubmissionRefused, match="fresh: is for boards of sampled tasks"):
        play_fresh(submission, submitted_agent(submission), seed=1)


def test_welch_interval_by_hand() -> None:
    first, second = np.array([1.0, 2.0, 3.0]), np.array([0.0, 2.0, 4.0])
    low, high = difference_interval(first, second)
    # variances 1 and 4: standard error sqrt(5 / 3), 50 / 17 degrees of freedom, t(.9995) = 13.3693
    assert (low + high) / 2 == pytest.approx(0.0)
    assert (high - low) / 2 == pytest.approx(13.3693 * (5 / 3) ** 0.5, rel=1e-3)
    assert difference_interval(np.ones(3), np.zeros(3)) == (1.0, 1.0)


def test_paired_interval_by_hand() -> None:
    # mean 2, deviation 1: standard error 1 / sqrt(3), t(2, .9995) = 31.5991
    low, high = paired_interval(np.array([1.0, 2.0, 3.0]))
    assert (low + high) / 2 == pytest.approx(2.0)
    assert (high - low) / 2 == pytest.approx(31.5991 / 3**0.5, rel=1e-4)
    assert paired_interval(np.zeros(12)) == (0.0, 0.0)


def test_a_play_that_could_be_any_of_them_stands_out_as_often_as_chance_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Heavy tails and tasks of different noise: the test is exact."""
    monkeypatch.setattr("anymdp_bench.leaderboard.verification.remembered.DRAWS", 1 << 12)
    rng = np.random.default_rng(3)
    found = []
    for seed in range(200):
        noise = rng.standard_t(2, (4, 16, 2)) * rng.exponential(size=(16, 1))
        found.append(chance_of_standing_out(list(rng.normal(size=(16, 2)) + noise), seed))
    values = np.array(found)
    assert all(abs((values <= p).mean() - p) < 4 * (p * (1 - p) / 200) ** 0.5 for p in (0.03, 0.2, 0.5, 0.8))


def test_a_few_tasks_that_rise_stand_out() -> None:
    rng = np.random.default_rng(4)
    plays = [0.5 + 0.05 * rng.normal(size=(64, 2)) for _ in range(4)]
    assert chance_of_standing_out(plays[:2], 1) > LEAST_CHANCE < chance_of_standing_out(plays, 1)
    for n_known, found in ((8, True), (4, False)):
        known = [plays[0].copy(), *plays[1:]]
        known[0][:n_known] = 1.0
        assert paired_interval((known[0] - plays[1])[:, 1])[0] < 0
        assert (chance_of_standing_out(known, 1) <= LEAST_CHANCE) == found


def test_standing_out_by_hand() -> None:
    """Two tasks, two plays: of four picks one is as high as the first play, that is the first play."""
    plays = [np.array([[1.0], [2.0]]), np.array([[0.0], [0.0]])]
    assert chance_of_standing_out(plays, 0) == pytest.approx(0.25, abs=0.01)
    assert chance_of_standing_out([plays[0], plays[0]], 0) == 1.0


def test_an_entry_above_suspicion_plays_no_more(bandits: tuple[Submission, Path]) -> None:
    submission, _ = bandits

    class Never:
        """Would fail if it were played."""

    assert play_remembered(submission, Never(), submission.record, seed=1) is None  # type: ignore[arg-type]
