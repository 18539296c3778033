"""PPO: what counts as lived, what its policy has learnt from, independence of rows, what it reaches."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

pytest.importorskip("stable_baselines3")

import torch
from gymnasium.spaces import Discrete, MultiDiscrete

from anymdp_bench import AgentError, CopyLearner, MarkovLearner, Sb3VecEnv, check_agent, evaluate, load_bank
from anymdp_bench.envs import batch_env
from anymdp_bench.worlds.pendulum.task import PendulumTask
from baselines.families import FAMILIES
from baselines.ppo.agent import TUNED, Ppo, make, with_settings
from baselines.ppo.policy import DiscretePolicy
from baselines.ppo.rewards import NoveltyBonus, ScaledRewards
from baselines.ppo.trainer import PpoSettings, Trainer
from tests.support.scripted import corridor

SMALL: dict[str, Any] = {
    "hidden": 0,
    "n_envs": 4,
    "n_steps": 8,
    "batch_size": 32,
    "n_epochs": 2,
    "learning_rate": 0.05,
}
TRIAL = {"runs": 1, "train_episodes": 200, "test_every": 50}


def small(**changes: Any) -> Ppo:
    return with_settings(SMALL | changes)


class Copies:
    """Makes copies of corridors, and keeps what it made."""

    def __init__(self, **settings: Any) -> None:
        self.task = corridor(**settings)
        self.made: list[Any] = []

    def __call__(self, row: int, n: int) -> Any:
        self.made.append(batch_env([self.task] * n, autoreset_mode="Disabled"))
        return self.made[-1]


def begun(agent: Ppo, n: int = 1, seed: int = 0) -> Ppo:
    agent.begin(n, Discrete(3), Discrete(2), seed)
    return agent


def test_it_offers_what_the_evaluation_asks_for() -> None:
    agent = small()
    assert isinstance(agent, CopyLearner) and isinstance(agent, MarkovLearner)
    assert agent.info.config["n_envs"] == 4 and agent.info.shard_size == 1


@pytest.mark.parametrize("hidden", [0, 8])
def test_a_corridor_is_learnt(hidden: int) -> None:
    agent = small(hidden=hidden)
    scores = evaluate(agent, "darkroom-6-v0", tasks=[corridor(), corridor(gain=40.0)], **TRIAL).scores()
    assert scores["performance"].item() == pytest.approx(1.0)


def test_every_episode_of_the_copies_counts_once_in_order_of_its_end() -> None:
    agent, copies = begun(small()), Copies()
    played = []

    def spied(row: int, n: int) -> Any:
        env = copies(row, n)
        advance = env.advance

        def record(actions: Any, active: Any = None) -> Any:
            step = advance(actions, active)
            played.append((step.scores, step.terminated | step.truncated))
            return step

        env.advance = record
        return env

    parts = [agent.learn_on_copies(spied, n) for n in (3, 20, 1, 50)]
    ends, sums, lengths = [], np.zeros(4), np.zeros(4, int)
    for scores, dones in played:
        sums, lengths = sums + scores, lengths + 1
        ends += [(sums[i], lengths[i]) for i in np.flatnonzero(dones)]
        sums, lengths = np.where(dones, 0, sums), np.where(dones, 0, lengths)
    lived = list(
        zip(
            np.concatenate([part.scores[0] for part in parts]),
            np.concatenate([part.lengths[0] for part in parts]),
            strict=True,
        )
    )
    assert lived == ends[: len(lived)] and len(copies.made) == 1
    assert len(played) % SMALL["n_steps"] == 0


def test_the_policy_that_is_tested_has_learnt_from_counted_rollouts_only() -> None:
    agent, copies = begun(small(learning_rate=1.0)), Copies(horizon=2)
    uniform_table = begun(small()).policy_table()
    agent.learn_on_copies(copies, 1)
    first = agent.policy_table()
    rollout = SMALL["n_envs"] * SMALL["n_steps"] // 2
    agent.learn_on_copies(copies, rollout - 1)
    np.testing.assert_array_equal(agent.policy_table(), first)
    agent.learn_on_copies(copies, 10 * rollout)
    assert agent.policy_table()[0, :2].tolist() == [[0, 1], [0, 1]]
    assert (uniform_table == 0.5).all()


def test_rows_do_not_meet_and_global_generators_stay_as_they_were() -> None:
    np.random.seed(5)  # noqa: NPY002
    torch.manual_seed(5)
    before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002
    alone, both = begun(small(), 1), begun(small(), 2)
    one, two = alone.learn_on_copies(Copies(), 60), both.learn_on_copies(Copies(), 60)
    np.testing.assert_array_equal(one.scores[0], two.scores[0])
    np.testing.assert_array_equal(one.lengths[0], two.lengths[0])
    assert not np.array_equal(two.lengths[0], two.lengths[1])
    np.testing.assert_array_equal(np.random.get_state()[1], before[0])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[1])


def played(env: Any, n_steps: int) -> tuple[list[Any], list[Any]]:
    """Rewards and ends of steps by alternating actions in a batch of two."""
    env.seed(0)
    env.reset()
    steps = [env.step(np.array([t % 2, (t + 1) % 2])) for t in range(n_steps)]
    return [step[1] for step in steps], [step[2] for step in steps]


@pytest.mark.parametrize("gain", [1.0, 500.0])
def test_rewards_are_divided_by_the_deviation_of_the_discounted_return(gain: float) -> None:
    def batch() -> Sb3VecEnv:
        return Sb3VecEnv(batch_env([corridor(gain=gain)] * 2))

    raw, ends = played(batch(), 9)
    scaled, _ = played(ScaledRewards(batch(), 0.9), 9)
    returns, seen = np.zeros(2), []
    for rewards, dones, found in zip(raw, ends, scaled, strict=True):
        returns = returns * 0.9 + rewards
        seen.append(returns)
        deviation = np.sqrt(np.var(seen) + 1e-8)
        np.testing.assert_allclose(found, rewards / deviation, rtol=1e-5)
        returns = np.where(dones, 0, returns)
    assert any(dones.any() for dones in ends) and scaled[-1].dtype == np.float32


def test_the_bonus_falls_with_the_square_root_of_the_visits() -> None:
    task = corridor(horizon=1)
    raw, _ = played(Sb3VecEnv(batch_env([task] * 2)), 4)
    found, _ = played(NoveltyBonus(Sb3VecEnv(batch_env([task] * 2)), 0.5), 4)
    bonus = np.array(found) - np.array(raw)
    np.testing.assert_allclose(bonus, 0.5 / np.sqrt(np.arange(1, 5))[:, None].repeat(2, axis=1), rtol=1e-6)
    same = NoveltyBonus(Sb3VecEnv(batch_env([task] * 2)), 0.5)
    same.seed(0)
    same.reset()
    assert same.step(np.array([0, 0]))[1].tolist() == [np.float32(0.5 / np.sqrt(2))] * 2


@pytest.mark.parametrize("net_arch", [[], [8, 8]])
def test_the_policy_draws_and_judges_actions_by_one_distribution(net_arch: list[int]) -> None:
    torch.manual_seed(0)
    policy = DiscretePolicy(Discrete(3), Discrete(2), lambda _: 0.1, net_arch=net_arch)
    with torch.no_grad():
        policy.actor[0].weight.normal_()
        rows = torch.arange(3).repeat(20_000)
        actions, values, logs = policy(rows)
        again = policy.evaluate_actions(rows[:, None].float(), actions)
        law = policy.get_distribution(torch.arange(3)).distribution
        for found, expected in zip((values, logs), again, strict=False):
            torch.testing.assert_close(found, expected)
        torch.testing.assert_close(policy.predict_values(rows), values)
        torch.testing.assert_close(again[2][:3], law.entropy())
        shares = torch.stack([actions[rows == o].float().mean() for o in range(3)])
        torch.testing.assert_close(shares, law.probs[:, 1], atol=0.015, rtol=0)
        best, _, _ = policy(torch.arange(3), deterministic=True)
    assert best.tolist() == law.probs.argmax(1).tolist()


def test_entropy_and_bonus_fall_to_their_rest() -> None:
    fall = {"ent_coef": 0.2, "ent_rest": 0.25, "bonus": 2.0, "bonus_rest": 0.5, "ent_episodes": 40}
    trainer = Trainer(Copies(horizon=2)(0, 4), PpoSettings(**SMALL | fall), seed=0)
    weights = []
    for n_episodes in (1, 30, 40):
        trainer.learn(n_episodes)
        weights.append((trainer._model.ent_coef, trainer._novelty.weight))
    assert weights[0] == (0.2, 2.0) and weights[2] == pytest.approx((0.05, 1.0))
    assert 0.05 < weights[1][0] < 0.2 and 1.0 < weights[1][1] < 2.0


def test_it_keeps_the_rules_of_agents() -> None:
    check_agent(small())


def test_a_frozen_policy_is_played_greedily() -> None:
    agent = begun(small(), 2)
    agent.learn_on_copies(Copies(), 400)
    agent.freeze()
    assert agent.act(np.array([0, 1]), np.ones(2, bool)).tolist() == [1, 1]
    agent.observe(*[np.zeros(2)] * 6, np.ones(2, bool))


def test_a_pendulum_is_tested_by_episodes() -> None:
    task = PendulumTask(g=1.0, reward="shaped")
    result = evaluate(small(), "pendulum-g1-v0", tasks=[task], runs=2, train_episodes=4, test_every=4)
    assert (result.record.points.mean < 0).all()
    assert result.record.points.steps.tolist() == [[800], [800]]


def test_what_it_cannot_play_is_refused() -> None:
    with pytest.raises(AgentError, match="learns from its own play alone"):
        small().begin(1, Discrete(3), Discrete(2), 0, context=object())
    with pytest.raises(
        AgentError, match=r"ppo plays Discrete spaces of single ids; it got MultiDiscrete\(\[4 4\]\)"
    ):
        small().begin(1, MultiDiscrete([4, 4]), Discrete(2), 0)
    with pytest.raises(AgentError, match=r"'ppo', .*a team's task has none for each player"):
        evaluate(small(), "switch2-v0", runs=1, train_episodes=2, test_every=2)


@pytest.mark.parametrize("family", [name for name in FAMILIES if name != "switch2"])
def test_every_family_has_settings_that_no_board_task_chose(family: str) -> None:
    entry = json.loads((files("baselines") / TUNED).read_text(encoding="utf-8"))["families"][family]
    assert make(FAMILIES[family][0]).info.config.items() >= entry["settings"].items()
    for bank, fingerprints in entry["tasks"].items():
        board = {task.fingerprint()[:16] for task in load_bank(bank).board_tasks()}
        assert bank in FAMILIES[family] and fingerprints and not board & set(fingerprints)
