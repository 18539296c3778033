"""Agents: the adapter for one task, names, and the rules that every agent keeps."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import pytest
from gymnasium.spaces import Discrete

import baselines
from anymdp_bench.agents import registry as agents
from anymdp_bench.agents.protocol import Agent, AgentInfo, Learner, MarkovLearner
from anymdp_bench.agents.registry import agent_table, check_is_agent, make_agent
from anymdp_bench.agents.single import SingleTask
from anymdp_bench.evaluation.agent_check import check_agent
from anymdp_bench.foundation.errors import AgentError, InvalidConfig, UnknownName
from anymdp_bench.foundation.seeding import child_seed


class Counter:
    """Plays 0, 1, 2, ... modulo the number of actions, and keeps what it was told."""

    def begin(self, observation_space: Any, action_space: Any, seed: int) -> None:
        self.seed, self.n_actions, self.count, self.told = seed, action_space.n, 0, []

    def act(self, observation: int) -> int:
        self.count += 1
        return (self.count - 1) % self.n_actions

    def observe(self, *transition: Any) -> None:
        self.told.append(transition)


class Table(Counter):
    def freeze(self) -> None:
        self.frozen = True

    def unfreeze(self) -> None:
        self.frozen = False

    def policy_table(self) -> np.ndarray:
        return np.eye(4)[[self.seed % 4] * 16]


def begun(maker: Any, n: int = 3) -> SingleTask:
    agent = SingleTask(maker)
    agent.begin(n, Discrete(16), Discrete(4), seed=5)
    return agent


def test_copies_are_independent_and_seeded_by_row() -> None:
    agent = begun(Counter)
    active = np.array([True, False, True])
    assert agent.act(np.zeros(3, int), active).tolist() == [0, 0, 0]
    assert agent.act(np.zeros(3, int), np.ones(3, bool)).tolist() == [1, 0, 1]
    assert [copy.seed for copy in agent._agents] == [child_seed(5, i) for i in range(3)]


def test_only_active_rows_are_told() -> None:
    agent = begun(Counter)
    flags = np.array([False, True, False]), np.zeros(3, bool)
    active = np.array([True, True, False])
    agent.observe(np.arange(3), np.arange(3), np.array([0.5, 1.5, 2.5]), np.arange(3) + 4, *flags, active)
    assert agent._agents[0].told == [(0, 0, 0.5, 4, False, False)]
    assert agent._agents[1].told == [(1, 1, 1.5, 5, True, False)]
    assert agent._agents[2].told == []


def test_adapter_offers_a_policy_table_only_where_the_agent_does() -> None:
    assert isinstance(begun(Counter), Agent)
    assert not isinstance(begun(Counter), MarkovLearner)
    agent = begun(Table)
    assert isinstance(agent, MarkovLearner) and isinstance(agent, Learner)
    assert agent.policy_table().shape == (3, 16, 4)


def test_adapter_names_itself_after_the_maker() -> None:
    assert SingleTask(Counter).info == AgentInfo(name="Counter")
    assert SingleTask(Counter, AgentInfo(name="mine")).info.name == "mine"


@pytest.mark.parametrize("answer", [1.0, [0], None, "0", True])
def test_adapter_refuses_what_is_no_action(answer: Any) -> None:
    class Odd(Counter):
        def act(self, observation: int) -> Any:
            return answer

    with pytest.raises(AgentError, match=r"an action is an integer"):
        begun(Odd).act(np.zeros(3, int), np.ones(3, bool))


def test_adapter_names_the_row_of_an_exception() -> None:
    class Broken(Counter):
        def act(self, observation: int) -> int:
            return [3, 1][observation]

    with pytest.raises(AgentError, match="IndexError") as caught:
        begun(Broken).act(np.array([1, 1, 2]), np.ones(3, bool))
    assert caught.value.row == 2


def test_table_of_the_baselines_is_registered() -> None:
    assert baselines.AGENTS.items() <= agent_table().items()


@pytest.mark.parametrize("name", sorted(baselines.AGENTS))
def test_every_baseline_keeps_the_rules(name: str) -> None:
    agent = make_agent(name)
    assert agent.info.name == name
    check_agent(agent)


@pytest.mark.parametrize("name", sorted(baselines.AGENTS))
def test_every_baseline_survives_pickling_by_workers(name: str) -> None:
    import pickle

    assert pickle.loads(pickle.dumps(make_agent(name))).info == make_agent(name).info


def test_agents_by_path_and_their_errors() -> None:
    assert make_agent("baselines.uniform:Uniform").info.name == "uniform"
    with pytest.raises(UnknownName, match=r"Unknown agent 'unifrom'.*Did you mean 'uniform'"):
        make_agent("unifrom")
    with pytest.raises(UnknownName, match="cannot import 'no_such_package'"):
        make_agent("no_such_package:Agent")
    with pytest.raises(UnknownName, match="names a dict; give a class or a function"):
        make_agent("baselines:AGENTS")
    with pytest.raises(AgentError, match="cannot be made: TypeError"):
        make_agent("anymdp_bench:SingleTask")
    with pytest.raises(AgentError, match=r"Discrete has no begin, act, observe, info"):
        check_is_agent(Discrete(2))


def test_factory_may_ask_for_the_bank(monkeypatch: pytest.MonkeyPatch) -> None:
    def factory(bank: str) -> SingleTask:
        return SingleTask(Counter, AgentInfo(name=f"for {bank}"))

    monkeypatch.setattr(agents, "load_object", lambda path: factory)
    assert make_agent("a:b", bank="anymdp-16x5-v0").info.name == "for anymdp-16x5-v0"


def test_factories_take_options(monkeypatch: pytest.MonkeyPatch) -> None:
    def factory(bank: str | None = None, *, size: int = 3) -> SingleTask:
        return SingleTask(Counter, AgentInfo(name=f"{size} for {bank}"))

    monkeypatch.setattr(agents, "load_object", lambda path: factory)
    assert make_agent("a:b", bank="x", options={"size": 5}).info.name == "5 for x"
    with pytest.raises(InvalidConfig, match=r"'a:b' has no option bank; legal are size\."):
        make_agent("a:b", options={"bank": "y"})
    monkeypatch.setattr(agents, "load_object", lambda path: lambda: SingleTask(Counter))
    with pytest.raises(InvalidConfig, match=r"has no option size; it has none\."):
        make_agent("a:b", options={"size": 5})
    loose = lambda **options: SingleTask(Counter, AgentInfo(name=str(options)))  # noqa: E731
    monkeypatch.setattr(agents, "load_object", lambda path: loose)
    assert make_agent("a:b", options={"size": 5}).info.name == "{'size': 5}"


def test_one_name_for_two_agents_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Point:
        def __init__(self, path: str) -> None:
            self.value = path

        def load(self) -> dict[str, str]:
            return {"mine": self.value}

    monkeypatch.setattr(agents, "entry_points", lambda group: [Point("a:b"), Point("c:d")])
    with pytest.raises(AgentError, match="'mine' is offered as 'a:b' and as 'c:d'"):
        agent_table()


class Rotating(SingleTask):
    """A fair agent, to be spoilt below."""

    def __init__(self) -> None:
        super().__init__(Counter)


class RemembersOnTheClass(Rotating):
    seen: ClassVar[list[int]] = []

    def act(self, observations: Any, active: Any) -> Any:
        self.seen.append(1)
        return (super().act(observations, active) + len(self.seen) // 50) % 4


class RemembersAcrossBegin(Rotating):
    total = 0

    def act(self, observations: Any, active: Any) -> Any:
        self.total += 1
        return (super().act(observations, active) + self.total // 50) % 4


class MixesRows(Rotating):
    def act(self, observations: Any, active: Any) -> Any:
        return (super().act(observations, active) + observations[::-1]) % 4


def test_a_fair_agent_passes() -> None:
    check_agent(Rotating())


@pytest.mark.parametrize(
    ("cheat", "message"),
    [
        (RemembersOnTheClass, "equal seeds must give equal play"),
        (RemembersAcrossBegin, "begin must forget everything"),
        (MixesRows, "in one task must change nothing in another"),
    ],
)
def test_an_agent_that_cheats_by_remembering_is_caught(cheat: type[Rotating], message: str) -> None:
    with pytest.raises(AgentError, match=message):
        check_agent(cheat())


class OfOneTask:
    """Has the calls of an agent, for one task."""

    info = AgentInfo(name="of-one-task")

    def begin(self, observation_space: object, action_space: object, seed: int) -> None: ...

    def act(self, observation: int) -> int:
        return 0

    def observe(self, *transition: object) -> None: ...


def test_an_agent_of_one_task_is_told_how_it_plays() -> None:
    with pytest.raises(AgentError, match=r"make = lambda: SingleTask\(OfOneTask\)"):
        check_is_agent(OfOneTask())


def test_an_unknown_agent_is_told_how_others_are_named() -> None:
    with pytest.raises(UnknownName, match="An agent of your own is named module:Class"):
        make_agent("my_agent")
