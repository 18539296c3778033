"""Agents that misbehave: one error of ours each, which names the agent, and task and step where there are."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from anymdp_bench import SingleTask, check_agent, evaluate, record_run
from anymdp_bench.agents.protocol import AgentInfo, Episodes
from anymdp_bench.foundation.errors import AgentError
from tests.support.scripted import BOARD, Scripted, TabledLearner, corridor, play


class Answering(Scripted):
    def __init__(self, answer: Callable[[], Any]) -> None:
        super().__init__()
        self.answer = answer

    def act(self, observations: Any, active: Any) -> Any:
        return self.answer()


def tensor_with_gradient() -> Any:
    torch = pytest.importorskip("torch")
    return torch.ones(1, requires_grad=True)


def refuse() -> Any:
    class Opaque:
        def __array__(self, *args: Any, **kwargs: Any) -> Any:
            raise RuntimeError("no")

    return Opaque()


ANSWERS = [tensor_with_gradient, lambda: [[1], [1, 2]], refuse]


@pytest.mark.parametrize("answer", ANSWERS)
def test_answers_that_are_no_arrays(answer: Callable[[], Any]) -> None:
    told = r"Agent 'scripted', task 0, run 0, step 0, in act: answered a \w+ that is no array"
    with pytest.raises(AgentError, match=told):
        play(Answering(answer), corridor())


@pytest.mark.parametrize("answer", ANSWERS)
def test_answers_of_agents_for_one_task(answer: Callable[[], Any]) -> None:
    class One:
        def begin(self, *args: Any, **kwargs: Any) -> None: ...

        def observe(self, *transition: Any) -> None: ...

        def act(self, observation: Any) -> Any:
            return answer()

    with pytest.raises(AgentError, match=r"Agent 'One', task 0, run 0, step 0, in act: answered a \w+ that"):
        play(SingleTask(One), corridor())


@pytest.mark.parametrize("answer", ANSWERS)
def test_tables_that_are_no_arrays(answer: Callable[[], Any]) -> None:
    class Odd(TabledLearner):
        def policy_table(self) -> Any:
            return answer()

    with pytest.raises(AgentError, match=r"Agent 'learner', task 0, .* in policy_table: answered"):
        play(Odd(), corridor())


ONES = np.ones((1, 10))
FIVES = np.full((1, 10), 5)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (3, r"answered a int; give Episodes"),
        ((ONES, ONES), r"answered a tuple; give Episodes"),
        (Episodes(np.nan * ONES, ONES, FIVES), r"scores hold NaN"),
        (Episodes(ONES, np.inf * ONES, FIVES), r"rewards hold NaN or infinite"),
        (Episodes(ONES, ONES.astype(object), FIVES), r"rewards have dtype object"),
        (Episodes(ONES, ONES, -FIVES), r"lengths hold -5\.\.-5; an episode of this task has 1\.\.5 steps"),
        (Episodes(ONES, ONES, 0 * FIVES), r"lengths hold 0\.\.0"),
        (Episodes(ONES, ONES, FIVES + 1), r"lengths hold 6\.\.6"),
        (Episodes(ONES, ONES, 5 * ONES), r"lengths have dtype float64"),
    ],
)
def test_episodes_that_cannot_be(answer: Any, message: str) -> None:
    class Lying(TabledLearner):
        def learn_episodes(self, env: Any, n_episodes: int) -> Any:
            return answer

    with pytest.raises(
        AgentError, match=rf"Agent 'learner', task 0, run 0, step 0, in learn_episodes: {message}"
    ):
        play(Lying(), corridor())


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"shard_size": -1}, r"shard_size=-1 is not legal: give an integer of at least 1"),
        ({"shard_size": 2.5}, r"shard_size=2.5 is not legal"),
        ({"config": {"lr": float("nan")}}, r"config\['lr'\]=nan is not legal: give a text, a finite number"),
        ({"config": {"lr": object()}}, r"config\['lr'\]=<object"),
        ({"config": {3: 1}}, r"config\[3\]=1 is not legal"),
        ({"config": None}, r"config=None is not legal: give an object"),
        ({"learner": "yes"}, r"learner='yes' is not legal: give True or False"),
    ],
)
def test_declarations_that_cannot_be(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(AgentError, match=rf"Agent 'mine': {message}"):
        AgentInfo(name="mine", **fields)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "/tmp/outside",
        "../../outside",
        "a/b",
        "a\\b",
        "a\nb",
        "a\x00b",
        "a\x1b[31m",
        "a\ud800",
        " a",
        "a ",
        "a" * 101,
        3,
        None,
    ],
)
def test_names_that_are_no_folder_of_their_own(name: Any) -> None:
    with pytest.raises(
        AgentError, match=r"is not legal: give a text of 1\.\.100 printable characters"
    ) as caught:
        AgentInfo(name=name)
    assert f"name={name!r}" in str(caught.value)


@pytest.mark.parametrize(
    "name", ["a", "a" * 100, "q-ucb", "{'size': 5}", "3 for x", "...", ".a", "größe", "<lambda>"]
)
def test_names_that_may_be(name: str) -> None:
    assert AgentInfo(name=name).name == name


def test_numbers_of_declarations_become_pythons_own() -> None:
    info = AgentInfo(name="mine", config={"n": np.int64(3), "lr": np.float32(0.5)}, shard_size=np.uint8(2))
    assert [type(value) for value in (*info.config.values(), info.shard_size)] == [int, float, int]


def test_what_is_no_declaration() -> None:
    agent = Scripted()
    agent.info = None  # type: ignore[assignment]
    with pytest.raises(AgentError, match=r"Scripted.info is a NoneType: give an AgentInfo"):
        evaluate(agent, BOARD, tasks=[corridor()])


def test_a_class_is_no_agent() -> None:
    with pytest.raises(AgentError, match=r"Scripted is a class: give an agent made of it, Scripted\(\)"):
        evaluate(Scripted, BOARD, tasks=[corridor()])


class Locked(Scripted):
    """Holds what can neither be copied nor pickled."""

    def __init__(self) -> None:
        super().__init__()
        self.lock = threading.Lock()


class Unsendable(Scripted):
    def __reduce__(self) -> Any:
        raise TypeError("not me")

    def __deepcopy__(self, memo: Any) -> Any:
        return self


def raise_here() -> None:
    raise TypeError("not here")


class Unreadable(Unsendable):
    def __reduce__(self) -> Any:
        return raise_here, ()


def test_an_agent_that_cannot_be_copied() -> None:
    told = r"Agent 'scripted' cannot be copied \(TypeError: .*lock.*open files, locks and the like in begin"
    for call in (
        lambda: evaluate(Locked(), BOARD, tasks=[corridor()]),
        lambda: record_run(Locked(), BOARD, tasks=[corridor()]),
        lambda: check_agent(Locked()),
    ):
        with pytest.raises(AgentError, match=told):
            call()


@pytest.mark.parametrize("make", [Locked, Unsendable, Unreadable])
def test_an_agent_that_cannot_be_sent(make: type[Scripted]) -> None:
    told = r"Agent 'scripted' cannot be sent to a worker process \(.*(TypeError|cannot read).*with jobs=1"
    with pytest.raises(AgentError, match=told):
        evaluate(make(), BOARD, tasks=[corridor()] * 4, jobs=2)
