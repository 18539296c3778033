"""`evaluate`: what it refuses, how it names agents that break the rules, what it returns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from anymdp_bench import Board, evaluate, sample_tasks
from anymdp_bench.agents.protocol import AgentInfo
from anymdp_bench.banks import load_bank
from anymdp_bench.evaluation.report import score_table
from anymdp_bench.foundation.errors import AgentError, InvalidConfig, UnknownName
from tests.support.scripted import BOARD, Scripted, TabledLearner, corridor, play

# --- agents that break the rules ---


class Bad(Scripted):
    def __init__(self, answer: Any) -> None:
        super().__init__()
        self.answer, self.calls = answer, 0

    def act(self, observations: Any, active: Any) -> Any:
        self.calls += 1
        return self.answer if self.calls == 8 else super().act(observations, active)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (np.array([1, 2]), r"'scripted', task 1, run 0, step 7, in act: illegal actions"),
        (np.array([-1, 0]), r"'scripted', task 0, run 0, step 7, in act"),
        (np.array([0.0, 1.0]), r"'scripted', tasks 0..1, step 7, in act.*float64"),
        (np.array([1]), r"'scripted', tasks 0..1, step 7, in act.*\(1,\)"),
        (np.array([[1], [1]]), r"'scripted', tasks 0..1, step 7, in act"),
        (np.array([True, False]), r"'scripted', tasks 0..1, step 7, in act.*bool"),
        (None, r"'scripted', tasks 0..1, step 7, in act"),
    ],
)
def test_illegal_actions_name_agent_task_and_step(answer: Any, message: str) -> None:
    with pytest.raises(AgentError, match=message):
        play(Bad(answer), corridor(), corridor())


@pytest.mark.parametrize("call", ["begin", "act", "observe"])
def test_exceptions_name_agent_task_step_and_call(call: str) -> None:
    agent = type("Broken", (Scripted,), {call: lambda self, *args, **kwargs: 1 // 0})()
    with pytest.raises(AgentError, match=rf"'scripted', task 0, run 0, step 0, in {call}: ZeroDivisionError"):
        play(agent, corridor())


def test_an_exception_in_one_shard_loses_nothing_else(tmp_path: Any) -> None:
    class Hater(Scripted):
        def act(self, observations: Any, active: Any) -> Any:
            if self.n == 1:
                raise ValueError("I play in pairs only")
            return super().act(observations, active)

    with pytest.raises(AgentError, match="task 2, run 0, step 0, in act: ValueError: I play in pairs only"):
        evaluate(Hater(), BOARD, tasks=[corridor()] * 3, out=tmp_path)
    assert (tmp_path / "shards" / "points-0000.parquet").exists()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (np.ones((1, 3)), r"in policy_table: answered float64 \(1, 3\)"),
        (np.ones((1, 3, 2)), r"task 0, run 0, step \d+, in policy_table: observation 0: \[1\. 1\.\]"),
        (np.full((1, 3, 2), np.nan), "is not a distribution"),
        (np.array([[[1.5, -0.5]] * 3]), "is not a distribution"),
    ],
)
def test_illegal_policy_tables_are_refused(table: Any, message: str) -> None:
    class Odd(TabledLearner):
        def policy_table(self) -> Any:
            return table

    with pytest.raises(AgentError, match=message):
        play(Odd(), corridor())


def test_a_learner_needs_freeze() -> None:
    with pytest.raises(AgentError, match=r"declares learner=True but has no freeze\(\)"):
        play(Scripted(info=AgentInfo(name="x", learner=True)), corridor())


# --- evaluate ---


@pytest.mark.parametrize("jobs", [0, -1, 1.5, True])
def test_illegal_jobs_are_refused(jobs: Any) -> None:
    with pytest.raises(InvalidConfig, match="jobs="):
        evaluate(Scripted(), BOARD, tasks=[corridor()], jobs=jobs)


def test_a_board_of_ones_own_needs_tasks() -> None:
    with pytest.raises(UnknownName, match=r"A board of your own is played with tasks="):
        evaluate("uniform", Board(name="mine", bank="mine"))


def test_a_table_says_what_of_a_board_was_played() -> None:
    first = evaluate("uniform", "darkroom-6-goals-v0", n_tasks=2, context_episodes=20)
    assert "darkroom-6-goals-online-v0, changed: 2 tasks" in str(score_table([first]).title)
    own = evaluate(
        "uniform",
        Board(name="mine", bank="mine", context_episodes=20),
        tasks=sample_tasks("garnet", 10, seed=0),
    )
    assert str(score_table([own]).title) == "mine: 10 tasks"
    ranked = f"uniform {100 * own.scores()['iqm'].iloc[0]:.1f}."
    assert str(score_table([own]).caption).endswith(
        f"the interquartile mean of the last tenth, in %: {ranked}"
    )


def test_sequence_boards_are_not_played() -> None:
    with pytest.raises(UnknownName, match="read it with evaluate_sequence"):
        evaluate("uniform", "anymdp-16x5-sequence-v0")


def test_no_task_is_refused() -> None:
    with pytest.raises(InvalidConfig, match="tasks is empty"):
        evaluate(Scripted(), BOARD, tasks=[])


@pytest.mark.parametrize("tasks", [6, corridor()])
def test_what_is_no_sequence_of_tasks_is_refused(tasks: Any) -> None:
    with pytest.raises(InvalidConfig, match=r"is no sequence of tasks.*n_tasks"):
        evaluate(Scripted(), BOARD, tasks=tasks)


def test_unknown_board_fields_are_refused() -> None:
    with pytest.raises(InvalidConfig, match=r"'n_task'.*legal are"):
        evaluate(Scripted(), BOARD, tasks=[corridor()], n_task=3)


def test_result_and_progress() -> None:
    calls: list[tuple[int, int]] = []
    result = evaluate(
        Scripted(),
        BOARD,
        tasks=[corridor()] * 3,
        context_episodes=40,
        on_progress=lambda *call: calls.append(call),
    )
    assert sum(n for n, _ in calls) == 120 and {total for _, total in calls} == {120}
    scores = result.scores()
    assert len(scores) == 1
    assert scores.loc[0, ["agent", "track", "tasks", "runs"]].tolist() == ["scripted", "in-context", 3, 1]
    assert scores.loc[0, "performance"] == pytest.approx(1.0)
    curve = result.curve()
    assert len(curve) == 3 * 4 and set(curve["return"]) == {2.0}


def test_single_episodes_are_what_was_lived() -> None:
    result = evaluate(Scripted([0, 1]), BOARD, tasks=[corridor(), corridor(horizon=2)])
    single = result.curve(block=1)
    assert single["episodes"].tolist() == [*range(1, 21)] * 2
    assert single["steps"].tolist() == [*range(3, 61, 3), *range(2, 41, 2)]
    assert single["return"].tolist() == [2.0] * 20 + [1.0] * 20
    points = result.curve(block=10)
    pd.testing.assert_frame_equal(points, result.curve(), check_dtype=False)
    assert result.curve(block=7)["episodes"].tolist() == [7, 14] * 2
    for block in (0, 21, 1.5):
        with pytest.raises(InvalidConfig, match=r"block=.* is not legal: give an integer in 1..20"):
            result.curve(block=block)


def test_single_episodes_of_a_learner_are_those_that_it_trained_on() -> None:
    result = evaluate(TabledLearner(slow=20), BOARD, tasks=[corridor()])
    single = result.curve(block=1)
    assert single["return"].tolist() == [0.0] * 4 + [2.0] * 36
    assert single["steps"].tolist() == np.cumsum([5] * 4 + [2] * 36).tolist()


# --- validation tasks ---


@pytest.mark.parametrize("board", ["cliffwalking-v0", "cliffwalking-offline-v0", "garnet-16x5b2-v0"])
def test_validation_tasks_are_played_whatever_their_sizes(board: str) -> None:
    changes = {"n_tasks": 6, "runs": 2, "context_episodes": 10, "teacher_episodes": 2}
    result = evaluate("uniform", board, tasks="validation", **changes)
    bank = load_bank(result.manifest.board.bank)
    expected = [task.fingerprint() for task in bank.validation[:6]]
    assert result.manifest.fingerprints == expected
    assert result.manifest.board.split == "validation"
    assert result.record.task_index.tolist() == [i for i in range(len(expected)) for _ in range(2)]
    own = evaluate("uniform", board, tasks=bank.validation[:6], **changes)
    if result.manifest.board.teacher is None:
        np.testing.assert_array_equal(result.record.lived.scores, own.record.lived.scores)


def test_the_table_says_that_validation_tasks_were_played() -> None:
    result = evaluate("uniform", "cliffwalking-v0", tasks="validation", split="test")
    title = score_table([result]).title
    assert title == "cliffwalking-online-v0, validation tasks: 4 tasks, 10 runs each"
    short = evaluate("uniform", "cliffwalking-v0", tasks="validation", n_tasks=1, context_episodes=10)
    assert (
        score_table([short]).title
        == "cliffwalking-online-v0, validation tasks, changed: 1 task, 10 runs each"
    )


def test_only_a_known_split_is_played() -> None:
    with pytest.raises(InvalidConfig, match=r"tasks='train' is not legal: give one of 'test', 'validation'"):
        evaluate("uniform", "cliffwalking-v0", tasks="train")
