import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from anymdp_bench import AgentError, InvalidConfig, UnknownName, load_bank  # noqa: E402
from omnirl_reference.config.model import ModelConfig  # noqa: E402
from omnirl_reference.model.model import OmniRL  # noqa: E402
from omnirl_reference.playing.agent import OmniRLAgent, Temperature  # noqa: E402
from omnirl_reference.playing.validation import Lived, Plan, play, validate  # noqa: E402

SMALL = ModelConfig(width=32, layers=1, head_width=16)
SHORT = Plan(tasks=3, steps=700)


@pytest.fixture(scope="module")
def agent() -> OmniRLAgent:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return OmniRLAgent(OmniRL(SMALL).eval())


def rows(lived: Lived, task: int) -> list[tuple[float, ...]]:
    """Episodes of one task, in order."""
    mine = lived.task == task
    return sorted(zip(*(column[mine].tolist() for column in lived[1:]), strict=True))


def test_episodes_follow_each_other_without_gaps(agent: OmniRLAgent) -> None:
    lived = play(agent, SHORT)
    horizons = [task.horizon for task in load_bank(SHORT.bank).split("validation")[:3]]
    for task in range(3):
        episodes = rows(lived, task)
        assert [number for number, *_ in episodes] == list(range(len(episodes)))
        assert [begin for _, begin, _, _ in episodes] == [0, *(end for _, _, end, _ in episodes)][:-1]
        assert all(end - begin <= horizons[task] for _, begin, end, _ in episodes)
        assert SHORT.steps - horizons[task] < episodes[-1][2] <= SHORT.steps


def test_play_depends_on_plan_and_task_alone(agent: OmniRLAgent) -> None:
    three, again = play(agent, SHORT), play(agent, SHORT)
    assert all(np.array_equal(a, b) for a, b in zip(three, again, strict=True))
    two = play(agent, dataclasses.replace(SHORT, tasks=2))
    assert rows(two, 0) == rows(three, 0)
    assert rows(two, 1) == rows(three, 1)
    assert rows(play(agent, dataclasses.replace(SHORT, seed=1)), 0) != rows(three, 0)


def test_a_bank_of_few_tasks_is_filled_with_further_lives() -> None:
    torch.manual_seed(0)
    agent = OmniRLAgent(OmniRL(dataclasses.replace(SMALL, n_states=36)).eval())
    plan = Plan(bank="darkroom-6-goals-v0", tasks=9, steps=150)
    once, filled = play(agent, plan), play(agent, dataclasses.replace(plan, fill=True))
    goals = len(load_bank(plan.bank).validation)
    assert set(once.task.tolist()) == set(range(goals)) and goals < 9
    assert set(filled.task.tolist()) == set(range(9))
    assert rows(filled, 0) == rows(once, 0) != rows(filled, goals)


def test_uniform_play_scores_nothing() -> None:
    torch.manual_seed(0)
    agent = OmniRLAgent(OmniRL(SMALL).eval(), temperature=Temperature(first=1e6, last=1e6))
    lived = play(agent, Plan(tasks=16, steps=2000))
    by_task = np.array([lived.score[lived.task == task].mean() for task in range(16)])
    assert abs(by_task.mean()) < 4 * by_task.std() / 4 + 0.02


def test_windows_hold_the_episodes_inside_them(agent: OmniRLAgent) -> None:
    plan = dataclasses.replace(SHORT, steps=1100)
    lived, scores = play(agent, plan), validate(agent, plan)
    assert [score.window for score in scores][:2] == ["0-500", "500-1000"]
    inside = (lived.begin >= 500) & (lived.end <= 1000)
    means = [lived.score[inside & (lived.task == task)].mean() for task in range(3)]
    assert scores[1].mean == pytest.approx(np.mean(means))
    assert scores[1].median == pytest.approx(np.median(means))
    assert scores[1].clipped == pytest.approx(np.clip(means, -1, 1.2).mean())
    assert scores[1].tasks == 3


@pytest.mark.parametrize("protocol", ["imitation", "offline"])
def test_own_episodes_after_a_teacher_count(agent: OmniRLAgent, protocol: str) -> None:
    plan = Plan(tasks=2, protocol=protocol, teacher_episodes=2)
    assert sorted(play(agent, plan).number.tolist()) == sorted([*range(20), *range(20)])
    (score,) = validate(agent, plan)
    assert score.window == "episodes 1-20"
    assert score.tasks == 2


def test_temperatures() -> None:
    temperature = Temperature(first=2.0, last=0.5, steps=100, with_context=0.3)
    np.testing.assert_allclose(temperature.at(np.array([0, 50, 100, 5000])), [2.0, 1.0, 0.5, 0.5])
    np.testing.assert_allclose(temperature.at(np.array([0, 5000]), taught=True), [0.3, 0.3])
    for wrong in ({"first": 0.0}, {"last": -1.0}, {"with_context": float("nan")}, {"steps": True}):
        with pytest.raises(InvalidConfig, match="give a finite number above 0"):
            Temperature(**wrong)


def test_illegal_plans_are_refused(agent: OmniRLAgent) -> None:
    with pytest.raises(InvalidConfig, match="give one of online, imitation, offline"):
        Plan(protocol="copying")
    with pytest.raises(InvalidConfig, match="tasks=0"):
        Plan(tasks=0)
    with pytest.raises(UnknownName, match="anymdp-16x5-v0"):
        play(agent, Plan(bank="anymdp-16x5"))
    with pytest.raises(InvalidConfig, match="split='dev'"):
        play(agent, Plan(split="dev"))
    with pytest.raises(AgentError, match="Choose a larger checkpoint"):
        play(agent, Plan(bank="anymdp-32x5-v0"))
