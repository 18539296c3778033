"""What recurrent PPO has trained, as an in-context agent and as a checkpoint."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import gymnasium
import torch
from gymnasium.spaces import Discrete

from anymdp_bench import AgentError, InvalidConfig, check_agent, load_bank, record_context, sample_tasks
from omnirl_reference import factories
from omnirl_reference.model.checkpoint import WEIGHTS
from omnirl_reference.model.shipped import NOTES
from omnirl_reference.trials.agent import TrialAgent
from omnirl_reference.trials.checkpoint import load_trials, save_trials
from omnirl_reference.trials.export import export_trials
from omnirl_reference.trials.network import Shape, TrialNetwork
from tests.omnirl.test_exact_agent import play

SETTING = {"bank": "anymdp-1x5-v0"}


def network(core: str = "lstm", ids: int = 16, actions: int = 5) -> TrialNetwork:
    torch.manual_seed(0)
    return TrialNetwork(Shape(ids=ids, actions=actions, core=core, width=16)).eval()


def test_it_sees_what_trials_show() -> None:
    tasks = load_bank("darkroom-6-goals-v0").train[:3]
    envs = gymnasium.make_vec(
        "AnyMDP-trial-v0",
        num_envs=3,
        vectorization_mode="vector_entry_point",
        bank="darkroom-6-goals-v0",
        episodes=9,
    )
    shown, _ = envs.reset(seed=0, options={"tasks": tasks})
    player, on = TrialAgent(network(ids=36, actions=4)), np.ones(3, np.bool_)
    player.begin(3, Discrete(36), Discrete(4), 0)
    for _ in range(250):
        ids = shown[:, :36].argmax(axis=1)
        np.testing.assert_array_equal(player.seen(ids), shown)
        actions = player.act(ids, on)
        shown, rewards, _, _, _ = envs.step(actions)
        player.observe(ids, actions, rewards, ids, shown[:, -1] > 0, ~on, on)
    assert shown[:, -1].shape == (3,)


@pytest.mark.parametrize("core", ["lstm", "s5"])
def test_it_passes_the_check_of_agents(core: str) -> None:
    check_agent(TrialAgent(network(core, ids=16, actions=4)))


@pytest.mark.parametrize("core", ["lstm", "s5"])
def test_a_row_alone_plays_as_among_others(core: str) -> None:
    tasks = sample_tasks("anymdp", 3, seed=0, n_states=16, n_actions=5)
    together = play(TrialAgent(network(core)), tasks, 200)
    for i in range(3):
        assert play(TrialAgent(network(core)), tasks, 200, active=np.arange(3) == i)[i] == together[i]


def test_a_recorded_context_is_read_as_if_it_was_lived() -> None:
    context = record_context(
        "anymdp-16x5-v0", "uniform", seed=0, n_episodes=3, split="validation", tasks=[0, 1]
    )
    read, lived = TrialAgent(network()), TrialAgent(network())
    read.begin(2, Discrete(16), Discrete(5), 0, context=context)
    for i in range(2):
        lived.begin(2, Discrete(16), Discrete(5), 0)
        on = np.arange(2) == i
        for t in range(context.row_start[i], context.row_start[i + 1]):
            step: list[Any] = [np.full(2, field[t]) for field in context_fields(context)]
            lived.act(step[0], on)
            lived.observe(*step, on)
        torch.testing.assert_close(lived._states[0][:, i], read._states[0][:, i])
        np.testing.assert_array_equal(
            lived.seen(np.zeros(2, np.int64))[i], read.seen(np.zeros(2, np.int64))[i]
        )


def context_fields(context: Any) -> tuple[Any, ...]:
    names = ("observations", "actions", "rewards", "next_observations", "terminated", "truncated")
    return tuple(getattr(context, name) for name in names)


def test_other_sizes_are_refused() -> None:
    with pytest.raises(AgentError, match=r"was trained on 16 states and 5 actions.*has 16 and 4"):
        TrialAgent(network()).begin(1, Discrete(16), Discrete(4), 0)


def test_a_checkpoint_is_the_agent(tmp_path: Path) -> None:
    save_trials(network(), tmp_path, {"setting": SETTING})
    made = factories.make(str(tmp_path), temperature=0.5)
    assert isinstance(made, TrialAgent) and made.info.config["temperature"] == 0.5
    assert made.info.config["weights"] == TrialAgent(network()).info.config["weights"]
    for options in ({"temperature": 0}, {"heat": 1}):
        with pytest.raises(InvalidConfig, match="temperature"):
            factories.make(str(tmp_path), **options)


def damage(folder: Path, what: str) -> None:
    if what == "weights":
        (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-4])
    elif what == "missing":
        (folder / WEIGHTS).unlink()
    else:
        notes = json.loads((folder / NOTES).read_text("utf-8"))
        notes["shape"]["width"] = 32
        (folder / NOTES).write_text(json.dumps(notes), "utf-8")


@pytest.mark.parametrize("what", ["weights", "missing", "notes"])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, what: str) -> None:
    save_trials(network(), tmp_path, {})
    damage(tmp_path, what)
    with pytest.raises(InvalidConfig, match="not a checkpoint of RL²"):
        load_trials(tmp_path)


def test_weights_are_finite(tmp_path: Path) -> None:
    broken = network()
    with torch.no_grad():
        broken.logits.bias[0] = torch.nan
    save_trials(broken, tmp_path, {})
    with pytest.raises(InvalidConfig, match="NaN"):
        load_trials(tmp_path)


def test_a_run_is_exported_with_its_scores(tmp_path: Path) -> None:
    save_trials(network(ids=1), tmp_path / "run", {"setting": SETTING, "seconds": 90.0, "steps": 7})
    target = export_trials(tmp_path / "run", "mine", folder=tmp_path, tasks=2, changes={"commit": "c"})
    _, notes = load_trials(target)
    assert notes["minutes"] == 1.5 and notes["commit"] == "c" and notes["steps"] == 7
    assert notes["validation"][0]["tasks"] == 2 and "500-1000" in notes["validation"][0]["clipped"]
    with pytest.raises(InvalidConfig, match="exists already"):
        export_trials(tmp_path / "run", "mine", folder=tmp_path)
