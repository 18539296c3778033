"""RL²: recurrent PPO on trials goes on where it stopped, and is scored episode by episode."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from anymdp_bench import MissingExtra
from omnirl_reference.studies import rl2
from omnirl_reference.studies.report import rl2_text

SETTING = rl2.Setting(episodes=6, num_envs=4, n_steps=6, n_tasks=4, width=4)


def test_without_sb3_contrib_the_command_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"anymdp-bench\[rl2\]"):
        rl2.train_rl2(SETTING, tmp_path)


def test_training_goes_on_and_every_episode_is_scored(tmp_path: Path) -> None:
    pytest.importorskip("sb3_contrib")
    assert rl2.train_rl2(SETTING, tmp_path, steps=24) == 24
    assert rl2.train_rl2(SETTING, tmp_path, steps=72) == 72
    scores = rl2.curve(SETTING, tmp_path, trials=64)
    assert scores.shape == (6,) and np.isfinite(scores).all()
    assert (tmp_path / rl2.PROGRESS).is_file()


def test_the_table_has_blocks_of_episodes() -> None:
    text = rl2_text({"rl2": np.linspace(0, 1, 30), "uniform": np.zeros(30)}, 1000)
    assert "| 21 to 30 |" in text and "1,000 steps" in text and "| `uniform` |" in text


def test_trials_are_played_whole_between_updates_or_in_parts() -> None:
    assert rl2.setting_of("anymdp-1x5-v0", 50).n_steps == 50
    assert rl2.setting_of("darkroom-6-goals-v0", 10).n_steps == 200


def test_others_are_scored_on_the_same_episodes(tmp_path: Path) -> None:
    setting = rl2.Setting(episodes=40)
    told: list[str] = []
    found = rl2.curves_beside(
        setting, ["uniform", "oim"], tmp_path, tasks=16, tell=lambda name, done, of: told.append(name)
    )
    assert told == ["uniform", "oim"] and found["oim"].shape == (40,)
    assert abs(found["uniform"].mean()) < 0.2 < found["oim"][20:].mean()
