"""Actions known by random vectors: any number of them, no name of any of them is learnt."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from anymdp_bench import AgentError, InvalidConfig, batch_env, load_bank  # noqa: E402
from omnirl_reference.config.fields import ModelConfig  # noqa: E402
from omnirl_reference.config.file import load_config, train_config  # noqa: E402
from omnirl_reference.model.checkpoint import load_model  # noqa: E402
from omnirl_reference.model.model import OmniRL  # noqa: E402
from omnirl_reference.model.tokens import draw_codes, first_steps, shift  # noqa: E402
from omnirl_reference.playing.agent import OmniRLAgent  # noqa: E402
from omnirl_reference.training.trainer import Trainer  # noqa: E402

CONFIG = ModelConfig(n_states=16, n_actions=5, width=32, layers=2, head_width=16, action_codes=True)
VALUES = {
    "name": "tiny",
    "model": {"width": 32, "layers": 1, "head_width": 16, "action_codes": True},
    "stream": {"steps": 48, "label_behaviour": True, "behaviours": {"q-learner": 1.0}},
    "stages": [{"updates": 4}],
    "batch": 3,
    "segment": 32,
    "warm_up": 1,
    "evaluate_every": 2,
}


def model() -> OmniRL:
    torch.manual_seed(0)
    return OmniRL(CONFIG).eval()


def test_codes_are_orthonormal_and_drawn_anew() -> None:
    codes = draw_codes(3, 20, 32, seed=1)
    torch.testing.assert_close(codes @ codes.mT, torch.eye(20).expand(3, -1, -1), rtol=0, atol=1e-5)
    assert not torch.allclose(codes[0], codes[1])
    torch.testing.assert_close(codes, draw_codes(3, 20, 32, seed=1))
    assert not torch.allclose(codes, draw_codes(3, 20, 32, seed=2))


@torch.no_grad()
def test_renaming_the_actions_renames_the_answer() -> None:
    net, n_actions = model(), 7
    order = torch.randperm(n_actions, generator=torch.Generator().manual_seed(3))
    states = torch.arange(24).view(2, 12) % 16
    actions = torch.arange(24).view(2, 12) % (n_actions + 1)
    tags, rewards = torch.full_like(states, 7), torch.linspace(-1, 1, 24).view(2, 12)
    names = torch.cat([order.argsort(), torch.tensor([n_actions])])
    answers = []
    for renamed in (False, True):
        state = net.initial_state(2, n_actions, seed=5)
        done = names[actions] if renamed else actions
        if renamed:
            state[-1] = (state[-1][0][:, order],)
        before = first_steps(states[:, :1], CONFIG, n_actions)
        answers.append(net(shift(states, tags, done, rewards, before), done, state)[0])
    plain, renamed = answers
    assert plain.policy.shape == (2, 12, n_actions)
    torch.testing.assert_close(plain.policy[..., order], renamed.policy, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(plain.next_state, renamed.next_state, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_the_best_logit_is_the_nearest_action() -> None:
    net = model()
    state = net.initial_state(4, 9, seed=2)
    steps = first_steps(torch.arange(4)[:, None], CONFIG, 9)
    hidden, _ = net.encode(steps, state)
    logits, _ = net.decide(steps, state)
    distance = (net.policy(hidden)[:, :, None] - state[-1][0][:, None]).norm(dim=-1)
    assert torch.equal(logits.argmax(-1), distance.argmin(-1))


def test_a_stopped_run_goes_on_and_ends_alike(tmp_path: Path) -> None:
    config = train_config(VALUES)
    Trainer(config, tmp_path / "whole").run()
    for until in (1, 3, 4):
        Trainer(config, tmp_path / "parts").run(until=until)
    whole, parts = (load_model(tmp_path / name)[0].state_dict() for name in ("whole", "parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


@pytest.mark.parametrize("bank", ["anymdp-1x20-v0", "anymdp-16x20-v0", "anymdp-1x5-v0"])
def test_it_plays_tasks_with_more_actions_than_it_was_trained_with(bank: str) -> None:
    tasks = load_bank(bank).validation[:3]
    env = batch_env(tasks, autoreset_mode="Disabled")
    played = []
    for _ in range(2):
        agent = OmniRLAgent(model())
        agent.begin(3, env.single_observation_space, env.single_action_space, 4)
        seen, _ = env.reset(seed=[1, 2, 3])
        active, chosen = np.ones(3, np.bool_), []
        for _ in range(12):
            actions = agent.act(seen, active)
            step = env.advance(actions, active)
            over = step.terminated | step.truncated
            agent.observe(
                seen, actions, step.rewards, step.observations, step.terminated, step.truncated, active
            )
            seen = np.where(over, env.restart(over), step.observations)
            chosen.append(actions)
        played.append(np.stack(chosen))
    np.testing.assert_array_equal(*played)
    assert played[0].max() < tasks[0].n_actions
    if tasks[0].n_actions == 20:
        assert played[0].max() >= 5


def test_more_actions_than_channels_are_refused() -> None:
    with pytest.raises(InvalidConfig, match="n_actions=40 is not legal"):
        dataclasses.replace(CONFIG, n_actions=40)
    env = batch_env(load_bank("anymdp-1x50-v0").validation[:1])
    with pytest.raises(AgentError, match="32 actions"):
        OmniRLAgent(model()).begin(1, env.single_observation_space, env.single_action_space, 0)


def test_the_configuration_differs_from_ad_in_its_actions_alone() -> None:
    headless, ad = load_config("headless-ad"), load_config("ad")
    assert headless.model.action_codes and headless.model.width >= 50
    plain = dataclasses.replace(headless.model, action_codes=False)
    assert dataclasses.replace(headless, name="ad", model=plain) == ad
