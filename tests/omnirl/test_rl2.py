"""RL²: recurrent PPO on trials goes on where it stopped, and is scored episode by episode."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sb3_contrib")

import torch
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from torch import Tensor

from anymdp_bench import InvalidConfig, MissingExtra, Sb3VecEnv
from omnirl_reference.studies import rl2
from omnirl_reference.studies.report import rl2_text
from omnirl_reference.trials import training
from omnirl_reference.trials.network import S5Core, States
from omnirl_reference.trials.policy import Scaled, TrialPolicy

SETTING = training.Setting(episodes=6, num_envs=4, n_steps=6, n_tasks=4, width=4)


def test_without_sb3_contrib_the_command_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"anymdp-bench\[rl2\]"):
        training.train_rl2(SETTING, tmp_path)


@pytest.mark.parametrize("core", ["lstm", "s5"])
def test_training_goes_on_and_every_episode_is_scored(core: str, tmp_path: Path) -> None:
    setting = SETTING._replace(core=core, width=16)
    assert training.train_rl2(setting, tmp_path, steps=24) == 24
    assert training.train_rl2(setting, tmp_path, steps=72) == 72
    scores = rl2.curve(setting, tmp_path, trials=64)
    assert scores.shape == (6,) and np.isfinite(scores).all()
    assert (tmp_path / training.PROGRESS).read_text("utf-8").count("\n") == 4


def test_rewards_are_scaled_and_what_is_seen_of_them_is_not() -> None:
    one, other = (Scaled(Sb3VecEnv(training.trials_of(SETTING)), scale) for scale in (1.0, 0.5))
    for env in (one, other):
        env.seed(0)
    np.testing.assert_array_equal(one.reset(), other.reset())
    for _ in range(12):
        steps = [env.step(np.zeros(4, np.int64)) for env in (one, other)]
        np.testing.assert_array_equal(steps[0][0], steps[1][0])
        np.testing.assert_allclose(steps[1][1], 0.5 * steps[0][1])
    assert steps[0][3][0]["episode"]["r"] == steps[1][3][0]["episode"]["r"]


def test_another_setting_does_not_go_on(tmp_path: Path) -> None:
    training.train_rl2(SETTING, tmp_path, steps=24)
    with pytest.raises(InvalidConfig, match="give another folder"):
        training.train_rl2(SETTING._replace(seed=1), tmp_path, steps=48)


def test_an_unknown_memory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="core='gru' is not legal"):
        training.train_rl2(SETTING._replace(core="gru"), tmp_path)
    assert not list(tmp_path.iterdir())


def step_by_step(core: S5Core, sequence: Tensor, states: States, starts: Tensor) -> tuple[Tensor, States]:
    found = []
    for x, start in zip(sequence, starts, strict=True):
        out, states = core(x[None], states, start[None])
        found.append(out)
    return torch.cat(found), states


def test_s5_reads_a_sequence_as_it_reads_steps() -> None:
    torch.manual_seed(0)
    core = S5Core(3, 16)
    sequence, states = torch.randn(70, 4, 3), (torch.randn(1, 4, 8), torch.randn(1, 4, 8))
    starts = (torch.rand(70, 4) < 0.05).float()
    whole, ends = core(sequence, states, starts)
    steps, last = step_by_step(core, sequence, states, starts)
    torch.testing.assert_close(whole, steps, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(ends, last, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("within", [False, True])
def test_an_lstm_read_at_once_is_that_of_sb3_contrib(within: bool) -> None:
    torch.manual_seed(0)
    lstm = torch.nn.LSTM(3, 8)
    states = (torch.randn(1, 4, 8), torch.randn(1, 4, 8))
    starts = torch.zeros(4, 10)
    starts[[0, 2], 0] = 1
    starts[1, 5] = float(within)
    ours = TrialPolicy._process_sequence(torch.ones(40, 3), states, starts.flatten(), lstm)
    theirs = RecurrentActorCriticPolicy._process_sequence(torch.ones(40, 3), states, starts.flatten(), lstm)
    torch.testing.assert_close(ours, theirs)


def test_the_table_has_blocks_of_episodes() -> None:
    text = rl2_text({"rl2": np.linspace(0, 1, 30), "uniform": np.zeros(30)}, 1000)
    assert "| 21 to 30 |" in text and "1,000 steps" in text and "| `uniform` |" in text


def test_trials_are_played_whole_between_updates_or_in_parts() -> None:
    assert training.setting_of("anymdp-1x5-v0", 50).n_steps == 50
    assert training.setting_of("darkroom-6-goals-v0", 10).n_steps == 200


def test_others_are_scored_on_the_same_episodes(tmp_path: Path) -> None:
    setting = training.Setting(episodes=40)
    told: list[str] = []
    found = rl2.curves_beside(
        setting, ["uniform", "oim"], tmp_path, tasks=16, tell=lambda name, done, of: told.append(name)
    )
    assert told == ["uniform", "oim"] and found["oim"].shape == (40,)
    assert abs(found["uniform"].mean()) < 0.2 < found["oim"][20:].mean()
