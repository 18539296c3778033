"""Actions known by random vectors: any number of them, no name of any of them is learnt."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from typer.testing import CliRunner  # noqa: E402

from anymdp_bench import AgentError, InvalidConfig, batch_env, load_bank  # noqa: E402
from omnirl_reference.cli.app import app  # noqa: E402
from omnirl_reference.config.file import CONFIGS, load_config, train_config  # noqa: E402
from omnirl_reference.config.model import ModelConfig  # noqa: E402
from omnirl_reference.config.stream import StreamConfig  # noqa: E402
from omnirl_reference.model.checkpoint import load_model  # noqa: E402
from omnirl_reference.model.model import OmniRL  # noqa: E402
from omnirl_reference.model.tokens import draw_codes, first_steps, shift  # noqa: E402
from omnirl_reference.playing.agent import OmniRLAgent  # noqa: E402
from omnirl_reference.stream.stream import Stream  # noqa: E402
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


def test_the_configuration_imitates_learners_on_several_action_sets() -> None:
    headless = load_config("headless-ad")
    assert headless.model.action_codes and headless.model.width >= 50
    assert headless.stream.label_behaviour and set(headless.stream.families or {}) == {"bandit", "anymdp"}
    assert max(headless.stream.task_actions or ()) == 20


def test_batches_have_the_action_sets_of_their_numbers() -> None:
    config = StreamConfig(n_states=16, steps=40, task_actions=(5, 9), families={"bandit": 1.0, "anymdp": 1.0})
    batches = [Stream(config, 4).make(index) for index in range(8)]
    assert {batch.targets.shape[-1] for batch in batches} == {5, 9}
    for index, batch in enumerate(batches):
        n_actions = batch.targets.shape[-1]
        assert batch.actions.max() == n_actions
        half = Stream(config, 4, rows=slice(2, 4)).make(index)
        assert all(map(np.array_equal, half, (values[2:] for values in batch)))


def test_pulls_of_a_bandit_are_episodes_of_one_id_and_get_better() -> None:
    config = StreamConfig(family="bandit", n_states=16, n_actions=5, steps=400)
    batch = Stream(config, 32).make(0)
    assert (batch.states == batch.states[:, :1]).all() and len(set(batch.states[:, 0].tolist())) > 4
    assert (batch.actions[:, 1::2] == 5).all() and (batch.actions[:, ::2] < 5).all()
    best = batch.targets[:, 0].argmax(-1)[:, None]
    pulls = batch.actions[:, ::2] == best
    assert pulls[:, 100:].mean() > pulls[:, :10].mean() + 0.3


def test_several_action_sets_train_and_go_on(tmp_path: Path) -> None:
    stream = {**VALUES["stream"], "task_actions": [5, 9], "families": {"bandit": 1.0, "anymdp": 1.0}}
    config = train_config({**VALUES, "stream": stream})
    Trainer(config, tmp_path / "whole").run()
    for until in (1, 4):
        Trainer(config, tmp_path / "parts").run(until=until)
    whole, parts = (load_model(tmp_path / name)[0].state_dict() for name in ("whole", "parts"))
    assert all(torch.equal(whole[name], parts[name]) for name in whole)


def test_action_sets_that_no_model_knows_are_refused() -> None:
    stream = {**VALUES["stream"], "task_actions": [5, 40]}
    with pytest.raises(InvalidConfig, match="up to width=32"):
        train_config({**VALUES, "stream": stream})
    plain = {**VALUES["model"], "action_codes": False}
    with pytest.raises(InvalidConfig, match="with action_codes"):
        train_config({**VALUES, "model": plain, "stream": {**stream, "task_actions": [5, 9]}})
    with pytest.raises(InvalidConfig, match="null where there are grids"):
        StreamConfig(family="grid", n_states=16, task_actions=(4, 5))


def test_the_study_trains_plays_and_writes_a_document(tmp_path: Path) -> None:
    pytest.importorskip("pandas")
    (tmp_path / "tiny.json").write_text(json.dumps(VALUES))
    document = tmp_path / "studies.md"
    document.write_text("<!-- begin action-sets (it) -->\n<!-- end action-sets -->\n")
    command = [
        "study",
        "action-sets",
        "--config",
        str(tmp_path / "tiny.json"),
        "--out",
        str(tmp_path / "out"),
    ]
    command += ["--bank", "anymdp-1x20-v0", "--bank", "darkroom-6-goals-v0", "--beside", "uniform"]
    command += ["--tasks", "2", "--steps", "60", "--document", str(document)]
    stopped = CliRunner().invoke(app, [*command, "--minutes", "0"])
    assert stopped.exit_code == 0 and "not all runs are done" in stopped.output
    whole = CliRunner().invoke(app, command)
    assert whole.exit_code == 0, whole.output
    assert "| `anymdp-1x20-v0`" in document.read_text()
    assert "-" in document.read_text().split("`darkroom-6-goals-v0`")[1].split("|")[1]
    assert "](figures/action-sets.svg)" in document.read_text()
    drawing = (tmp_path / "figures" / "action-sets.svg").read_text()
    assert "anymdp-1x20-v0" in drawing and "held out" not in drawing
    refused = CliRunner().invoke(app, [*command, "--shipped"])
    assert refused.exit_code != 0 and "no shipped checkpoint" in str(refused.exception or refused.output)


def test_a_shipped_checkpoint_plays_the_study_without_training(tmp_path: Path) -> None:
    command = ["study", "action-sets", "--shipped", "--out", str(tmp_path), "--bank", "anymdp-1x20-v0"]
    command += ["--tasks", "2", "--steps", "60", "--beside", "uniform"]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "headless-ad" in done.output and not (tmp_path / "headless-ad").exists()
    changed = json.loads((CONFIGS / "headless-ad.json").read_text()) | {"batch": 17}
    (tmp_path / "changed.json").write_text(json.dumps(changed))
    refused = CliRunner().invoke(app, [*command, "--config", str(tmp_path / "changed.json")])
    assert refused.exit_code != 0 and "no shipped checkpoint" in str(refused.exception or refused.output)
