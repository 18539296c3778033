"""Recorded contexts: who recorded them, that they repeat, and what they tell an agent."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anymdp_bench import (
    TEACHERS,
    AgentInfo,
    Context,
    SingleTask,
    evaluate,
    load_bank,
    policy_return,
    record_context,
    record_episodes,
    record_run,
)
from anymdp_bench.contexts import TAGS, get_teacher, join_rows
from anymdp_bench.contexts.guides import guide
from anymdp_bench.contexts.listener import Listener
from anymdp_bench.evaluation.boards import BOARDS
from anymdp_bench.foundation.errors import InvalidConfig, InvalidContext, UnknownName
from anymdp_bench.planning import references
from anymdp_bench.planning.model import expand_actions
from anymdp_bench.samplers import sample_task
from anymdp_bench.tasks.task import TabularTask
from anymdp_bench.worlds import darkroom, frozenlake, random_lake_map, switch2
from anymdp_bench.worlds.pendulum.references import normaliser_policy
from anymdp_bench.worlds.pendulum.task import PendulumTask
from tests.support.scripted import Scripted, ScriptedLearner, corridor
from tests.support.tasks import random_task

LAKES = [frozenlake(True, layout=random_lake_map(seed)) for seed in range(4)]
OWN_TAG = {"uniform": 6, "myopic-0": 0, "myopic-0.5": 1, "myopic-0.93": 2, "half-trained-q": 5, "oracle": 3}


def small() -> Context:
    """Two rows of two episodes: lengths 2, 1, 1 and 2."""
    return Context(
        n_rows=2,
        n_observations=3,
        n_actions=2,
        observations=[0, 1, 0, 2, 0, 1],
        actions=[0, 1, 0, 1, 0, 1],
        rewards=[0.5, 1.0, 2.0, 3.0, 4.0, 5.0],
        next_observations=[1, 2, 0, 0, 1, 1],
        terminated=[False, True, False, True, False, False],
        truncated=[False, False, True, False, False, True],
        tags=[3, 6, 3, 3, 7, 7],
        episode_start=[0, 2, 3, 4, 6],
        teachers=("oracle", "oracle", "oracle", "somebody"),
    )


def parts(context: Context) -> dict[str, Any]:
    return {field.name: getattr(context, field.name) for field in dataclasses.fields(context)}


def test_what_a_context_answers() -> None:
    context = small()
    assert (context.n_steps, context.n_episodes, context.row_start.tolist()) == (6, 2, [0, 3, 6])
    assert context.lengths.tolist() == [[2, 1], [1, 2]]
    assert context.returns.tolist() == [[1.5, 2.0], [3.0, 9.0]]
    assert len(TAGS) == 8 and TAGS[6] == "random"
    second = context.rows([1])
    assert second.teachers == ("oracle", "somebody") and second.observations.tolist() == [2, 0, 1]
    assert join_rows([context.rows([0]), second]).fingerprint() == context.fingerprint()
    assert context.rows([1, 0]).fingerprint() != context.fingerprint()


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda c: pickle.loads(pickle.dumps(c))])
def test_a_context_cannot_change(copied: Any) -> None:
    context = copied(small())
    assert context.fingerprint() == small().fingerprint()
    with pytest.raises(ValueError, match="read-only"):
        context.rewards[0] = 1.0
    with pytest.raises(dataclasses.FrozenInstanceError):
        context.n_rows = 1


def test_a_fingerprint_covers_every_part() -> None:
    changes: dict[str, Any] = {
        "n_observations": 4,
        "n_actions": 3,
        "actions": [1, 1, 0, 1, 0, 1],
        "rewards": [0.5, 1.0, 2.0, 3.0, 4.0, 5.0 + 1e-12],
        "tags": [3, 6, 3, 3, 7, 6],
        "teachers": ("oracle", "oracle", "oracle", "nobody"),
    }
    prints = {Context(**parts(small()) | {name: value}).fingerprint() for name, value in changes.items()}
    assert len(prints | {small().fingerprint()}) == len(changes) + 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rewards": [0.5, 1.0, 2.0, 3.0, 4.0, float("nan")]}, r"rewards\[5\] is nan; give finite"),
        ({"rewards": ["a"] * 6}, r"rewards has dtype"),
        ({"rewards": [1.0] * 5}, r"terminated has shape \(6,\); give one entry for each step, \[5\]"),
        ({"observations": [0, 1, 0, 3, 0, 1]}, r"observations holds 0..3; legal is 0..2"),
        ({"actions": [0, 1, 0, 1, 0, 2]}, r"actions holds 0..2; legal is 0..1"),
        ({"actions": [0.5] * 6}, r"actions has dtype float64; give int64"),
        ({"next_observations": np.zeros((6, 2), int)}, r"next_observations has shape \(6, 2\).*give equal"),
        ({"tags": [8] * 6}, r"tags 8..8: give integers in 0..7"),
        ({"tags": [256] * 6}, r"tags 256..256"),
        ({"episode_start": [0, 2, 2, 4, 6]}, r"episode_start must ascend from 0 to the number of steps, 6"),
        ({"episode_start": [0, 2, 3, 4, 5]}, r"episode_start must ascend"),
        ({"teachers": ("oracle",)}, r"4 episodes, 1 teachers, 2 rows"),
        ({"n_rows": 3}, r"4 episodes, 4 teachers, 3 rows"),
        ({"n_rows": 0}, r"n_rows=0 is not legal: give an integer of at least 1"),
        ({"teachers": ("oracle", "", "oracle", "x")}, r"name every teacher"),
        ({"terminated": [True] * 6}, r"step 0: terminated=True, truncated=False; one of them"),
        ({"truncated": [False, True, True, False, False, True]}, r"step 1: terminated=True, truncated=True"),
        ({"next_observations": [0, 2, 0, 0, 1, 1]}, r"step 0: the next step shows another observation"),
    ],
)
def test_contradictions_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidContext, match=message):
        Context(**parts(small()) | change)


def test_rows_that_do_not_exist_are_refused() -> None:
    with pytest.raises(InvalidContext, match=r"rows=\[2\]: give at least one of the rows 0..1"):
        small().rows([2])
    with pytest.raises(InvalidContext, match="of 2 kinds"):
        join_rows([small(), record_episodes(LAKES[:1], "uniform", [0], 2)])


def test_unknown_teachers_and_sizes_are_refused() -> None:
    with pytest.raises(UnknownName, match=r"Did you mean .*'noisy-oracle-0.5'"):
        get_teacher("noisy-oracle-0.4")
    with pytest.raises(InvalidConfig, match="n_episodes=0"):
        record_episodes(LAKES, "uniform", range(4), 0)
    with pytest.raises(InvalidConfig, match="4 tasks and 2 seeds"):
        record_episodes(LAKES, "uniform", [1, 2])
    with pytest.raises(InvalidConfig, match="split='exam' is not legal"):
        record_context("frozenlake-v0", "uniform", split="exam")
    with pytest.raises(InvalidConfig, match=r"'myopic-0' needs a task with tables.*'uniform'"):
        record_context("pendulum-g5-v0", "myopic-0")


@pytest.mark.parametrize("teacher", TEACHERS)
def test_tags_say_who_chose(teacher: str) -> None:
    context = record_episodes(LAKES, teacher, range(4), 20)
    epsilon = TEACHERS[teacher].epsilon
    own = OWN_TAG.get(teacher, 3)
    assert set(context.teachers) == {teacher} and context.n_episodes == 20
    assert set(np.unique(context.tags)) <= {own, 6}
    share = np.mean(context.tags == 6) if teacher != "uniform" else 1.0
    assert abs(share - epsilon) <= 4 * np.sqrt(epsilon * (1 - epsilon) / context.n_steps)
    for row, task in enumerate(LAKES):
        steps = slice(*context.row_start[row : row + 2])
        acted = context.tags[steps] == own
        if teacher != "uniform" and not TEACHERS[teacher].learns:
            expected = guide(task, get_teacher(teacher), 0).actions[context.observations[steps]]
            assert (context.actions[steps] == expected)[acted].all()


@pytest.mark.parametrize("teacher", ["uniform", "noisy-oracle-0.5", "myopic-0.5", "half-trained-q", "oracle"])
def test_returns_match_the_exact_ones(teacher: str) -> None:
    """The mean received return of many episodes lies within four standard errors of the planner's."""
    for task in (sample_task("anymdp", seed=3, n_states=16, n_actions=5), random_task(1)):
        context = record_episodes([task], teacher, [7], 400)
        policy = guide(task, get_teacher(teacher), _learner_seed(7)).policy(task.n_actions)
        exact = policy_return(task, policy).mean
        error = context.returns.std() / context.n_episodes**0.5
        assert abs(context.returns.mean() - exact) <= 4 * error + 1e-9


def _learner_seed(seed: int) -> int:
    from anymdp_bench import child_seed

    return child_seed(seed, "learner")


def test_the_learner_is_half_trained() -> None:
    for bank in ("anymdp-16x5-v0", "garnet-16x5b2-v0"):
        for task in load_bank(bank).validation[:4]:
            assert isinstance(task, TabularTask)
            found = guide(task, get_teacher("half-trained-q"), 0)
            known = references(task)
            value = policy_return(task, found.policy(task.n_actions)).mean
            assert 0.5 <= (value - known.random) / (known.oracle - known.random) < 1


@settings(max_examples=15, deadline=None)
@given(st.permutations(range(4)), st.sampled_from(["uniform", "noisy-oracle-0.3", "half-trained-q"]))
def test_a_row_does_not_depend_on_its_neighbours(order: list[int], teacher: str) -> None:
    together = record_episodes(LAKES, teacher, [10, 11, 12, 13], 3)
    shuffled = record_episodes([LAKES[i] for i in order], teacher, [10 + i for i in order], 3)
    assert together.rows(order).fingerprint() == shuffled.fingerprint()


def test_many_rows_are_recorded_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = record_episodes(LAKES, "noisy-oracle-0.5", range(4), 5)
    monkeypatch.setattr("anymdp_bench.contexts.recorder.MOST_AT_ONCE", 7)
    assert record_episodes(LAKES, "noisy-oracle-0.5", range(4), 5).fingerprint() == whole.fingerprint()


def test_bank_contexts_repeat_and_differ() -> None:
    def record(**changes: Any) -> str:
        given = {"bank": "anymdp-16x5-v0", "teacher": "uniform", "tasks": [2], "n_episodes": 5}
        return record_context(**(given | changes)).fingerprint()

    assert record() == record()
    others: list[dict[str, Any]] = [{"seed": 1}, {"run": 1}, {"split": "validation"}, {"tasks": [3]}]
    others += [{"teacher": "oracle"}, {"n_episodes": 6}]
    assert len({record(), *(record(**change) for change in others)}) == len(others) + 1


def test_golden_context() -> None:
    context = record_context("anymdp-16x5-v0", "noisy-oracle-0.5", tasks=range(4), n_episodes=10)
    assert context.fingerprint() == GOLDEN


GOLDEN = "51047146907f06cea9da4acf687a2f97f24f37683b61d1a4031c171cfa01e250"


def test_teachers_see_the_inner_state() -> None:
    """Where observations say almost nothing, the oracle still earns what it should."""
    task = sample_task("anypomdp", seed=0, n_states=16, n_actions=5, n_observations=8)
    assert isinstance(task, TabularTask)
    context = record_episodes([task], "oracle", [0], 300)
    error = context.returns.std() / context.n_episodes**0.5
    assert abs(context.returns.mean() - references(task).oracle) <= 4 * error
    assert context.n_observations == 8 and set(context.tags) == {3}


def test_a_long_trained_policy_stands_for_the_oracle_of_a_pendulum() -> None:
    task = load_bank("pendulum-g5-v0").test[0]
    assert isinstance(task, PendulumTask)
    context = record_episodes([task], "noisy-oracle-0.3", [0], 5)
    own = context.tags == 3
    assert (context.actions == normaliser_policy(task)[context.observations])[own].all()
    assert abs(own.mean() - 0.7) <= 4 * np.sqrt(0.21 / context.n_steps) and context.truncated.sum() == 5


def test_several_tokens_and_moves() -> None:
    task = sample_task("multi-token-anypomdp", seed=0, n_states=16, n_actions=3, n_observations=8)
    assert isinstance(task, TabularTask)
    context = record_episodes([task], "oracle", [0], 50)
    assert context.observations.shape == (context.n_steps, 4) and context.actions.shape[1] == 2
    joint = guide(task, get_teacher("oracle"), 0).actions
    assert joint.max() < expand_actions(task).n_actions == 9
    error = context.returns.std() / context.n_episodes**0.5
    assert abs(context.returns.mean() - references(task).oracle) <= 4 * error


class Reader(Scripted):
    """Keeps a copy of all that `begin` was given, through the copies that evaluations make."""

    given: list[dict[str, Any]] = []  # noqa: RUF012 - shared by the copies on purpose

    def begin(self, n: int, *spaces_and_seed: Any, **given: Any) -> None:
        super().begin(n, *spaces_and_seed, **given)
        type(self).given.append({"n": n, "spaces": spaces_and_seed[:2]} | given)


@pytest.fixture
def given_to_agents() -> list[dict[str, Any]]:
    Reader.given = []
    return Reader.given


@pytest.mark.parametrize(
    ("kind", "teacher"),
    [("offline", "noisy-oracle-0.5"), ("offline-uniform", "uniform"), ("imitation", "oracle")],
)
def test_boards_hand_over_their_teacher(
    kind: str, teacher: str, given_to_agents: list[dict[str, Any]]
) -> None:
    board = dataclasses.replace(BOARDS[f"anymdp-16x5-{kind}-v0"], n_tasks=3, shard_size=2)
    evaluate(Reader(), board, context_episodes=10)
    assert [given["n"] for given in given_to_agents] == [2, 1]
    assert all(given["tasks"] is None for given in given_to_agents)
    handed = join_rows([given["context"] for given in given_to_agents])
    expected = record_context("anymdp-16x5-v0", teacher, tasks=range(3))
    assert handed.fingerprint() == expected.fingerprint()


def test_a_context_says_nothing_of_the_task() -> None:
    """Ids, rewards and ends of episodes are all there is: no index, bank, seed, horizon or table."""
    names = {field.name for field in dataclasses.fields(Context)}
    told = {"observations", "actions", "rewards", "next_observations", "terminated", "truncated", "tags"}
    assert names - told == {"n_rows", "n_observations", "n_actions", "episode_start", "teachers"}


def test_runs_of_a_task_get_contexts_of_their_own(given_to_agents: list[dict[str, Any]]) -> None:
    evaluate(Reader(), "frozenlake-slippery-offline-v0", runs=3, shard_size=1, context_episodes=40)
    prints = {given["context"].fingerprint() for given in given_to_agents}
    assert len(prints) == 3
    assert record_context("frozenlake-slippery-v0", "noisy-oracle-0.5", run=2).fingerprint() in prints


def test_learners_live_200_episodes_after_the_teacher(given_to_agents: list[dict[str, Any]]) -> None:
    class Both(Reader, ScriptedLearner):
        pass

    learner = Both()
    result = evaluate(learner, "anymdp-1x5-offline-v0", n_tasks=2)
    assert Both.given[0]["context"].n_episodes == 100
    assert result.record.lived.scores.shape == (2, 200)
    assert result.record.points.episodes.tolist() == list(range(20, 201, 20))


def test_windows_of_lived_episodes() -> None:
    """An agent that earns nothing in its first 100 episodes and everything afterwards."""

    class Late(Scripted):
        def observe(self, *transition: Any) -> None:
            super().observe(*transition)
            ended = transition[4] | transition[5]
            self.seen = getattr(self, "seen", 0) + ended[0]
            self.script = [1] if self.seen >= 100 else [0]

    task = corridor()
    scores = evaluate(Late((0,)), "anymdp-16x5-offline-v0", tasks=[task]).scores().iloc[0]
    known = references(task)
    expected = [(value - known.random) / (known.oracle - known.random) for value in (0, known.oracle)]
    assert scores[["episodes_1_20", "episodes_181_200"]].tolist() == pytest.approx(expected)
    short = evaluate(Late((0,)), "anymdp-16x5-v0", tasks=[task], context_episodes=100).scores().iloc[0]
    assert np.isnan(short["episodes_181_200"]) and not np.isnan(short["episodes_1_20"])


def test_agents_of_one_task_get_their_row() -> None:
    class One:
        info = AgentInfo(name="one")

        def begin(self, observations: Any, actions: Any, seed: int, context: Context | None = None) -> None:
            assert context is not None and context.n_rows == 1
            self.fingerprint = context.fingerprint()

    context = record_episodes(LAKES, "uniform", range(4), 2)
    agent = SingleTask(One)
    from gymnasium.spaces import Discrete

    agent.begin(4, Discrete(16), Discrete(4), 0, context=context)
    assert [copy.fingerprint for copy in agent._agents] == [context.rows([i]).fingerprint() for i in range(4)]


def test_players_of_a_team_get_their_own_view(given_to_agents: list[dict[str, Any]]) -> None:
    evaluate(Reader(), "switch2-imitation-v0", runs=2, context_episodes=50)
    context = given_to_agents[0]["context"]
    joint = record_context("switch2-v0", "oracle", run=1)
    assert (context.n_rows, context.n_observations, context.n_actions) == (4, 105, 5)
    pair = context.rows([2, 3])
    assert pair.lengths.max(axis=0).tolist() == joint.lengths[0].tolist()
    first = joint.actions[: joint.lengths[0, 0]] // 5
    assert pair.actions[: pair.lengths[0, 0]].tolist() == first[: pair.lengths[0, 0]].tolist()
    assert pair.terminated.sum() == pair.lengths.size and not pair.truncated.any()
    assert switch2(reward="shaped").fingerprint() == load_bank("switch2-v0").test[0].fingerprint()


def test_runs_can_be_recorded() -> None:
    task = corridor(noise=1.0)
    context = record_run(Scripted((0, 1)), "anymdp-16x5-v0", tasks=[task] * 3, context_episodes=4, block=2)
    result = evaluate(Scripted((0, 1)), "anymdp-16x5-v0", tasks=[task] * 3, context_episodes=4, block=2)
    assert set(context.teachers) == {"scripted"} and set(context.tags) == {7}
    assert context.lengths.tolist() == result.record.lived.lengths.tolist()
    assert context.returns == pytest.approx(result.record.lived.rewards)
    assert context.actions[:3].tolist() == [0, 1, 1]


def test_tests_of_a_learner_are_not_recorded() -> None:
    task = darkroom(3)
    changes: dict[str, Any] = {"train_episodes": 20, "test_every": 10, "test_episodes": 2}
    context = record_run(ScriptedLearner(slow=30), "darkroom-6-v0", tasks=[task], runs=50, **changes)
    result = evaluate(ScriptedLearner(slow=30), "darkroom-6-v0", tasks=[task], runs=50, **changes)
    assert context.lengths.tolist() == result.record.lived.lengths.tolist()


def test_a_listener_wants_finished_episodes() -> None:
    listener = Listener(2)
    with pytest.raises(InvalidContext, match="nothing has been heard"):
        listener.context("me", 1, 3, 2)
    flags = np.array([True, False])
    zeros = np.zeros(2, int)
    listener.hear(zeros, zeros, np.zeros(2), zeros, flags, np.zeros(2, bool), np.ones(2, bool))
    with pytest.raises(InvalidContext, match="row 1 finished 0 episodes; 1 were asked for"):
        listener.context("me", 1, 3, 2)
