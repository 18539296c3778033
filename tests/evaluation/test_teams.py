"""Switch2: teams of independent copies, and controllers of the whole team."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from anymdp_bench import evaluate
from anymdp_bench.agents.protocol import AgentInfo
from anymdp_bench.evaluation.protocols.team import Team
from anymdp_bench.planning import policy_return, references
from anymdp_bench.worlds import switch2
from baselines.oracle import Oracle
from baselines.uniform import Uniform
from tests.support.scripted import BOARD, Scripted, TabledLearner, play

# --- anchors ---


@pytest.mark.parametrize("agent", [Uniform(), Oracle()], ids=lambda agent: agent.info.name)
@pytest.mark.parametrize("reward", ["raw", "shaped"])
def test_anchors_score_0_and_1_on_switch2(agent: Any, reward: str) -> None:
    task = switch2(reward=reward)
    exact = references(task)
    record = evaluate(agent, BOARD, tasks=[task], runs=10).record
    mean, std = (
        (exact.random, exact.random_std) if agent.info.name == "uniform" else (exact.oracle, exact.oracle_std)
    )
    assert abs(record.lived.scores.mean() - mean) <= 4 * std / record.lived.scores.size**0.5 + 1e-9


# --- teams ---


class Player(TabledLearner):
    """Each player's copy keeps what it is told; its table depends on its row."""

    def begin(self, *args: Any, **kwargs: Any) -> None:
        super().begin(*args, **kwargs)
        self.told: list[tuple[Any, ...]] = []
        self.generator = np.random.default_rng(self.seed)

    def act(self, observations: Any, active: Any) -> Any:
        self.told.append(("act", observations.copy(), active.copy()))
        return self.generator.integers(5, size=self.n)

    def observe(self, *transition: Any) -> None:
        self.told.append(("observe", *transition))

    def policy_table(self) -> np.ndarray:
        return np.random.default_rng(0).dirichlet(np.ones(5), size=(self.n, 105))


def test_players_of_a_team_are_told_apart() -> None:
    class Kept(Player):
        def __deepcopy__(self, memo: dict[int, Any]) -> Kept:
            return self

    agent = Kept(name="kept")
    play(agent, switch2(), switch2())
    assert agent.n == 4 and [space.n for space in agent.spaces] == [105, 5]
    arrivals = 0
    for (_, seen, active), (_, before, actions, rewards, after, terminated, _, told) in zip(
        agent.told[::2], agent.told[1::2], strict=True
    ):
        np.testing.assert_array_equal(seen, before)
        np.testing.assert_array_equal(active, told)
        np.testing.assert_array_equal(rewards[::2], rewards[1::2])  # the team's sum
        assert ((actions >= 0) & (actions < 5)).all()
        own, goals = after % 15, np.array([3, 0, 3, 0])
        np.testing.assert_array_equal((own == goals)[active], terminated[active])
        assert not active[(before % 15) == goals].any()  # one that has arrived is told nothing
        arrivals += int((active & terminated).sum())
    assert arrivals > 0


def test_score_of_a_team_is_that_of_the_product_policy() -> None:
    task = switch2()
    agent = Player(name="team")
    team = Team(agent, [task])
    shard = play(agent, task)
    team.begin(1, *(None, None), seed=0)
    joint = team.policy_table()
    assert joint.shape == (1, task.n_states, 25)
    np.testing.assert_allclose(joint.sum(axis=2), 1)
    np.testing.assert_allclose(shard.points.mean, policy_return(task, joint[0]).mean)


def test_joint_controllers_face_the_whole_team() -> None:
    class Kept(Scripted):
        def __deepcopy__(self, memo: dict[int, Any]) -> Kept:
            return self

    agent = Kept(info=AgentInfo(name="joint", joint=True))
    play(agent, switch2())
    assert agent.n == 1 and agent.spaces[1].n == 25
