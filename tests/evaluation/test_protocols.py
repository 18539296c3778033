"""The evaluation loop: scripted agents leave exactly the expected records."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from anymdp_bench import evaluate
from anymdp_bench.agents.protocol import AgentInfo, Episodes
from anymdp_bench.evaluation.protocols.frozen import state_policy
from anymdp_bench.evaluation.protocols.shards import full_information, shards_of
from anymdp_bench.foundation.errors import AgentError
from anymdp_bench.planning import policy_return
from anymdp_bench.records.record import Cell
from anymdp_bench.tasks.build import build_task
from anymdp_bench.worlds.pendulum.task import PendulumTask
from baselines.oracle import Oracle
from baselines.uniform import Uniform
from tests.support.scripted import BOARD, Scripted, ScriptedLearner, TabledLearner, corridor, play
from tests.support.tasks import two_state_task


def test_scripted_agent_leaves_exactly_the_expected_record() -> None:
    shard = play(Scripted([0, 1]), corridor(gain=2.0), corridor(horizon=2, gain=1.0))
    np.testing.assert_array_equal(shard.lived.scores, [[4.0] * 20, [1.0] * 20])
    np.testing.assert_array_equal(shard.lived.rewards, [[4.0] * 20, [1.0] * 20])
    np.testing.assert_array_equal(shard.lived.lengths, [[3] * 20, [2] * 20])
    np.testing.assert_array_equal(shard.points.episodes, [10, 20])
    np.testing.assert_array_equal(shard.points.steps, [[30, 60], [20, 40]])
    np.testing.assert_array_equal(shard.points.counts, [10, 10])
    for values in (shard.points.mean, shard.points.even, shard.points.odd):
        np.testing.assert_array_equal(values, [[4.0, 4.0], [1.0, 1.0]])
    assert (np.diff(shard.points.seconds, axis=1) >= 0).all() and (shard.points.seconds >= 0).all()


def test_every_call_of_the_loop() -> None:
    class Shared(Scripted):
        def __deepcopy__(self, memo: dict[int, Any]) -> Shared:
            return self

    agent = Shared([0, 1])
    board = dataclasses.replace(BOARD, context_episodes=2, block=2)
    play(agent, corridor(), corridor(horizon=2), board=board)
    both, first = [True, True], [True, False]
    assert agent.log == [
        ("act", [0, 0], both),
        ("observe", [0.0, 0.0], [0, 0], [False, False]),
        ("act", [0, 0], both),
        ("observe", [1.0, 1.0], [1, 1], [False, True]),  # the second is truncated and begins again
        ("act", [1, 0], both),
        ("observe", [1.0, 0.0], [2, 0], [True, False]),
        ("act", [0, 0], both),
        ("observe", [0.0, 1.0], [0, 1], [False, True]),  # the second has lived its two episodes
        ("act", [0, 1], first),
        ("observe", [1.0, 0.0], [1, 1], [False, False]),
        ("act", [1, 1], first),
        ("observe", [1.0, 0.0], [2, 1], [True, False]),
    ]
    assert agent.tasks is None and agent.context is None


def test_score_is_expected_reward_and_not_what_was_drawn() -> None:
    shard = play(Scripted(), corridor(noise=3.0))
    np.testing.assert_array_equal(shard.lived.scores, 2.0)
    assert shard.lived.rewards.std() > 1


def test_learner_with_a_table_is_scored_exactly() -> None:
    task = corridor()
    shard = play(TabledLearner(slow=20), task)  # five steps an episode while it stays, then two
    np.testing.assert_array_equal(shard.lived.scores, [[0.0] * 4 + [2.0] * 36])
    np.testing.assert_array_equal(shard.lived.lengths, [[5] * 4 + [2] * 36])
    np.testing.assert_array_equal(shard.points.counts, 0)
    np.testing.assert_array_equal(shard.points.episodes, [10, 20, 30, 40])
    np.testing.assert_array_equal(shard.points.steps, [[32, 52, 72, 92]])
    np.testing.assert_array_equal(shard.points.mean, 2.0)
    np.testing.assert_array_equal(play(TabledLearner(slow=55), task).points.mean, [[0.0, 2.0, 2.0, 2.0]])


def test_learner_without_a_table_is_tested_on_episodes_that_do_not_count() -> None:
    exact, sampled = play(TabledLearner(), corridor()), play(ScriptedLearner(), corridor())
    for name in ("mean", "even", "odd", "steps", "episodes"):
        np.testing.assert_array_equal(getattr(sampled.points, name), getattr(exact.points, name))
    np.testing.assert_array_equal(sampled.points.counts, 100)  # one cell: a point holds 100 episodes
    np.testing.assert_array_equal(play(ScriptedLearner(), corridor(), n_cells=33).points.counts, 4)
    np.testing.assert_array_equal(play(ScriptedLearner(), corridor(), n_cells=100).points.counts, 2)
    for one, other in zip(sampled.lived, exact.lived, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_table_is_no_exact_score_where_the_inner_state_is_continuous() -> None:
    board = dataclasses.replace(BOARD, train_episodes=2, test_every=2)
    shard = play(TabledLearner(), PendulumTask(horizon=5), board=board)
    np.testing.assert_array_equal(shard.points.counts, 100)
    np.testing.assert_array_equal(shard.points.steps, [[10]])
    np.testing.assert_allclose(shard.points.mean, (shard.points.even + shard.points.odd) / 2)


def test_a_learner_may_train_by_itself() -> None:
    class Fast(TabledLearner):
        def learn_episodes(self, env: Any, n_episodes: int) -> Episodes:
            self.seen += 7 * n_episodes
            ones = np.ones((env.num_envs, n_episodes))
            return Episodes(ones, 2 * ones, np.full(ones.shape, 7))

    shard = play(Fast(slow=100), corridor(horizon=7))
    np.testing.assert_array_equal(shard.lived.scores, np.ones((1, 40)))
    np.testing.assert_array_equal(shard.lived.rewards, 2 * np.ones((1, 40)))
    np.testing.assert_array_equal(shard.points.steps, [[70, 140, 210, 280]])
    np.testing.assert_array_equal(shard.points.mean, [[0.0, 2.0, 2.0, 2.0]])


def test_what_a_learner_trains_by_itself_is_checked() -> None:
    class Short(TabledLearner):
        def learn_episodes(self, env: Any, n_episodes: int) -> Episodes:
            return Episodes(np.ones((1, 3)), np.ones((1, 3)), np.ones((1, 3), int))

    with pytest.raises(AgentError, match=r"in learn_episodes: answered arrays \[\(1, 3\)\]"):
        play(Short(), corridor())


def test_shards_do_not_change_environment_draws() -> None:
    tasks = [corridor(noise=1.0) for _ in range(3)]
    together = evaluate(Scripted(), dataclasses.replace(BOARD, shard_size=3), tasks=tasks).record
    alone = evaluate(Scripted(), dataclasses.replace(BOARD, shard_size=1), tasks=tasks).record
    np.testing.assert_array_equal(together.lived.rewards, alone.lived.rewards)
    assert len(np.unique(together.lived.rewards)) == together.lived.rewards.size


def test_runs_and_boards_have_streams_of_their_own() -> None:
    board = dataclasses.replace(BOARD, runs=2)
    record = evaluate(Scripted(), board, tasks=[corridor(noise=1.0)]).record
    assert record.cells == (Cell(0, 0), Cell(0, 1))
    assert len(np.unique(record.lived.rewards)) == 40
    other = evaluate(Scripted(), board, tasks=[corridor(noise=1.0)], seed=1).record
    assert not np.isin(record.lived.rewards, other.lived.rewards).any()


def test_shards_are_fixed_groups_of_cells() -> None:
    board = dataclasses.replace(BOARD, runs=2, shard_size=3)
    cells = shards_of(board, AgentInfo(name="a"), [corridor()] * 2)
    assert cells == [(Cell(0, 0), Cell(0, 1), Cell(1, 0)), (Cell(1, 1),)]
    four = AgentInfo(name="a", shard_size=4)
    assert [len(s) for s in shards_of(board, four, [corridor()] * 3)] == [4, 2]


def test_tasks_of_different_shapes_never_share_a_shard() -> None:
    small, large = corridor(), two_state_task()
    shards = shards_of(BOARD, AgentInfo(name="a", shard_size=2), [small, large, small, small, large])
    assert [[cell.task for cell in cells] for cells in shards] == [[0, 2], [3], [1, 4]]
    result = evaluate(Scripted(), BOARD, tasks=[small, large, small])
    for cell, fingerprint in (
        (cell, result.manifest.fingerprints[cell.task]) for cell in result.record.cells
    ):
        assert fingerprint == (large if cell.task == 1 else small).fingerprint()
    alone = evaluate(Scripted(), BOARD, tasks=[small]).record.lived.scores
    np.testing.assert_array_equal(result.record.lived.scores[0], alone[0])


def test_jobs_do_not_change_results() -> None:
    tasks = [corridor(noise=1.0, horizon=h) for h in (3, 4, 5, 6, 7)]
    agent = Uniform()
    agent.info = AgentInfo(name="uniform", shard_size=2)
    one = evaluate(agent, BOARD, tasks=tasks)
    calls: list[tuple[int, int]] = []
    two = evaluate(agent, BOARD, tasks=tasks, jobs=2, on_progress=lambda *call: calls.append(call))
    assert sum(n for n, _ in calls) == 5 * 20 and {total for _, total in calls} == {5 * 20}
    assert len(one.shards) == len(two.shards) == 3
    for name in ("scores", "rewards", "lengths"):
        np.testing.assert_array_equal(getattr(one.record.lived, name), getattr(two.record.lived, name))


# --- who is told what ---


def partly_seen() -> Any:
    """Corridor whose rooms look alike in one of four glances."""
    task = corridor()
    emissions = np.array([[[0.75, 0.25, 0], [0.25, 0.75, 0], [0, 0, 1]]])
    return build_task(
        task.transition, initial=task.initial, horizon=5, reward_sa=task.reward_sa, emissions=emissions
    )


def test_privileged_agents_see_the_inner_state_and_the_tasks() -> None:
    class Watcher(Scripted):
        def __deepcopy__(self, memo: dict[int, Any]) -> Watcher:
            return self

    watcher = Watcher([0, 1], AgentInfo(name="watcher", privileged=True))
    play(watcher, partly_seen())
    assert [task.emission_weight is None for task in watcher.tasks] == [True]
    seen = [entry[1] for entry in watcher.log if entry[0] == "act"]
    assert seen == [[0], [0], [1]] * 20
    record = evaluate(Oracle(), BOARD, tasks=[partly_seen()]).record
    np.testing.assert_array_equal(record.lived.scores, 2.0)


def test_full_information_keeps_equal_tasks_equal() -> None:
    task, other = partly_seen(), partly_seen()
    views = full_information([task, other, task])
    assert views[0] is views[2] and views[0] is not views[1]


def test_memoryless_policy_under_partial_observation_is_scored_exactly() -> None:
    task = partly_seen()
    table = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    by_hand = np.array([[0.75, 0.25], [0.25, 0.75], [1.0, 0.0]])
    np.testing.assert_allclose(state_policy(task, table), by_hand)

    class Fixed(Scripted):
        def act(self, observations: Any, active: Any) -> Any:
            return (observations == 1).astype(np.int64)

    board = dataclasses.replace(BOARD, context_episodes=4000)
    scores = play(Fixed(), task, board=board).lived.scores
    exact = policy_return(task, state_policy(task, table))
    assert abs(scores.mean() - exact.mean) < 4 * (exact.variance / scores.size) ** 0.5
