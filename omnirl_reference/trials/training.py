"""Training by recurrent PPO of sb3-contrib on trials of a bank's training tasks.

References:
    Y. Duan et al., arXiv 1611.02779. Needs sb3-contrib (extra ``[rl2]``).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
import pandas as pd

from anymdp_bench import InvalidConfig, Sb3VecEnv, load_bank
from anymdp_bench.foundation.checks import check_choice
from anymdp_bench.foundation.extras import require_extra
from anymdp_bench.foundation.files import replacing
from omnirl_reference.config.file import read_json
from omnirl_reference.model.shipped import NOTES
from omnirl_reference.playing.export import run_facts
from omnirl_reference.trials.checkpoint import save_trials
from omnirl_reference.trials.network import CORES, Shape

AGENT, PROGRESS = "agent.zip", "progress.csv"
MOST_STEPS = 200
"""Steps of each trial between two updates, at most; shorter trials are played whole."""
MINIBATCHES, EPOCHS = 8, 4
SAVED_AFTER = 120.0
"""Seconds of training that an interruption costs at most."""
TOLD_EVERY = 20
"""Updates between two lines about progress."""


class Setting(NamedTuple):
    """What is trained.

    Attributes:
        bank: Whose training tasks trials are played on.
        episodes: Episodes of a trial.
        core: The memory, ``"lstm"`` or ``"s5"``.
        num_envs: Trials at once.
        n_steps: Steps of each between two updates.
        n_tasks: The first so many training tasks.
        width: Of the memory.
        discount: Of rewards, across the episodes of a trial.
        scale: What rewards are multiplied by in training, so that their sums are of the size of 1.
        learning_rate: Of Adam.
        entropy: Weight of the policy's entropy.
        seed: Root of all random numbers.
    """

    bank: str = "anymdp-1x5-v0"
    episodes: int = 100
    core: str = "lstm"
    num_envs: int = 512
    n_steps: int = 100
    n_tasks: int = 256
    width: int = 64
    discount: float = 0.9
    scale: float = 1.0
    learning_rate: float = 2e-3
    entropy: float = 0.003
    seed: int = 0


def setting_of(bank: str, episodes: int, **changes: Any) -> Setting:
    """What is trained on trials of so many episodes of a bank's tasks.

    Args:
        bank: Name of the bank.
        episodes: Episodes of a trial.
        **changes: Further fields.
    """
    horizon = load_bank(bank).train[0].horizon
    return Setting(bank=bank, episodes=episodes, n_steps=min(MOST_STEPS, episodes * horizon), **changes)


def train_rl2(
    setting: Setting,
    out: Path,
    *,
    minutes: float = math.inf,
    steps: int = 10**9,
    tell: Callable[[int], None] = lambda steps: None,
) -> int:
    """Train; the same call goes on where it was stopped.

    Args:
        setting: What is trained.
        out: Folder of the run; what is in it plays as a checkpoint does.
        minutes: Stop after so many minutes.
        steps: Stop when so many steps of all trials are done.
        tell: Told how many steps are done.

    Returns:
        Steps that are done.

    Raises:
        MissingExtra: sb3-contrib is not installed.
        InvalidConfig: the folder's agent is trained by another setting.
    """
    agent, seconds = _agent_of(setting, out)
    begun = saved = time.monotonic()
    rows: list[tuple[int, float]] = []

    def save() -> None:
        _save(agent, setting, rows, seconds + time.monotonic() - begun, out)

    while agent.num_timesteps < steps and time.monotonic() - begun < 60 * minutes:
        agent.learn(setting.n_steps * setting.num_envs, reset_num_timesteps=False)
        if agent.ep_info_buffer:
            rows.append((agent.num_timesteps, float(np.mean([one["r"] for one in agent.ep_info_buffer]))))
        if agent.num_timesteps // (setting.n_steps * setting.num_envs) % TOLD_EVERY == 0:
            tell(agent.num_timesteps)
        if time.monotonic() - saved > SAVED_AFTER:
            save()
            saved, rows = time.monotonic(), []
    save()
    return int(agent.num_timesteps)


def _agent_of(setting: Setting, out: Path) -> tuple[Any, float]:
    """The agent in a folder, or a new one, and seconds that it was trained."""
    require_extra("rl2", "sb3_contrib", what="RL²")
    from sb3_contrib import RecurrentPPO

    from omnirl_reference.trials.policy import Scaled, TrialPolicy

    check_choice("core", setting.core, CORES)
    env = Scaled(Sb3VecEnv(trials_of(setting)), setting.scale)
    if (out / AGENT).is_file():
        notes = read_json(out / NOTES)
        if notes["setting"] != setting._asdict():
            raise InvalidConfig(
                f"{out} holds an agent that is trained by {notes['setting']}, not by {setting._asdict()}: "
                "give another folder."
            )
        return RecurrentPPO.load(out / AGENT, env=env), float(notes["seconds"])
    task = load_bank(setting.bank).train[0]
    shape = Shape(ids=task.n_observations, actions=task.n_actions, core=setting.core, width=setting.width)
    agent = RecurrentPPO(
        TrialPolicy,
        env,
        n_steps=setting.n_steps,
        batch_size=setting.n_steps * setting.num_envs // MINIBATCHES,
        n_epochs=EPOCHS,
        learning_rate=setting.learning_rate,
        gamma=setting.discount,
        gae_lambda=0.9,
        ent_coef=setting.entropy,
        stats_window_size=setting.num_envs,
        policy_kwargs={"shape": shape},
        seed=setting.seed,
    )
    return agent, 0.0


def _save(agent: Any, setting: Setting, rows: list[tuple[int, float]], seconds: float, out: Path) -> None:
    """Write weights, what training goes on from, and mean returns of the latest trials."""
    notes = {"setting": setting._asdict(), "steps": int(agent.num_timesteps), "seconds": seconds}
    save_trials(agent.policy.network(), out, {**notes, **run_facts(agent.device)})
    with replacing(out / AGENT) as file:
        agent.save(file)
    new = pd.DataFrame(rows, columns=["steps", "return"])
    known = [pd.read_csv(out / PROGRESS)] if (out / PROGRESS).is_file() else []
    with replacing(out / PROGRESS) as file:
        pd.concat([*known, new]).to_csv(file, index=False)


def trials_of(setting: Setting) -> Any:
    """The batch of trials that is trained on."""
    return gym.make_vec(
        "AnyMDP-trial-v0",
        num_envs=setting.num_envs,
        vectorization_mode="vector_entry_point",
        bank=setting.bank,
        episodes=setting.episodes,
        n_tasks=setting.n_tasks,
    )
