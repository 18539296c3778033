"""RL²: recurrent PPO on trials, which learns to learn by reward alone; scores by episode of a trial.

References:
    Y. Duan et al., arXiv 1611.02779. Needs sb3-contrib (extra ``[rl2]``).
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anymdp_bench import InvalidConfig, Sb3VecEnv, load_bank
from anymdp_bench.foundation.checks import check_choice
from anymdp_bench.foundation.extras import require_extra
from anymdp_bench.foundation.files import replacing, write_text
from omnirl_reference.config.file import read_json
from omnirl_reference.playing.validation import Plan, play
from omnirl_reference.studies.domains import agent_of
from omnirl_reference.studies.running import Tell, quiet

NAME = "rl2"
AGENT = "agent.zip"
PROGRESS = "progress.csv"
MOST_STEPS = 200
"""Steps of each trial between two updates, at most; shorter trials are played whole."""
SETTING = "setting.json"
MINIBATCHES = 8
SAVED_AFTER = 120.0
"""Seconds of training that an interruption costs at most."""


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
    setting: Setting, out: Path, *, minutes: float = math.inf, steps: int = 10**9, tell: Tell = quiet
) -> int:
    """Train; the same call goes on where it was stopped.

    Args:
        setting: What is trained.
        out: Folder of the agent.
        minutes: Stop after so many minutes.
        steps: Stop when so many steps of all trials are done.
        tell: Told how many steps of how many are done.

    Returns:
        Steps that are done.

    Raises:
        MissingExtra: sb3-contrib is not installed.
        InvalidConfig: the folder's agent is trained by another setting.
    """
    agent = _agent_of(setting, out)
    begun = saved = time.monotonic()
    rows: list[tuple[int, float]] = []
    while agent.num_timesteps < steps and time.monotonic() - begun < 60 * minutes:
        agent.learn(setting.n_steps * setting.num_envs, reset_num_timesteps=False)
        if agent.ep_info_buffer:
            rows.append((agent.num_timesteps, float(np.mean([one["r"] for one in agent.ep_info_buffer]))))
        tell(NAME, agent.num_timesteps, steps)
        if time.monotonic() - saved > SAVED_AFTER:
            _save(agent, rows, out)
            saved, rows = time.monotonic(), []
    _save(agent, rows, out)
    return int(agent.num_timesteps)


def _agent_of(setting: Setting, out: Path) -> Any:
    """The agent in a folder, or a new one."""
    require_extra("rl2", "sb3_contrib", what="RL²")
    from sb3_contrib import RecurrentPPO

    from omnirl_reference.studies.rl2_policy import CORES, TrialPolicy

    check_choice("core", setting.core, CORES)
    values = setting._asdict()
    known = read_json(out / SETTING) if (out / SETTING).is_file() else values
    if known != values:
        raise InvalidConfig(
            f"{out} holds an agent that is trained by {known}, not by {values}: give another folder."
        )
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / SETTING, json.dumps(values, indent=1) + "\n")
    env = Sb3VecEnv(_trials(setting))
    if (out / AGENT).is_file():
        return RecurrentPPO.load(out / AGENT, env=env)
    return RecurrentPPO(
        TrialPolicy,
        env,
        n_steps=setting.n_steps,
        batch_size=setting.n_steps * setting.num_envs // MINIBATCHES,
        n_epochs=4,
        learning_rate=setting.learning_rate,
        gamma=setting.discount,
        gae_lambda=0.9,
        ent_coef=setting.entropy,
        stats_window_size=setting.num_envs,
        policy_kwargs={"core": setting.core, "lstm_hidden_size": setting.width, "net_arch": [64]},
        seed=setting.seed,
    )


def _save(agent: Any, rows: list[tuple[int, float]], out: Path) -> None:
    """Write the agent, and add mean returns of the latest trials to the table."""
    with replacing(out / AGENT) as file:
        agent.save(file)
    new = pd.DataFrame(rows, columns=["steps", "return"])
    known = [pd.read_csv(out / PROGRESS)] if (out / PROGRESS).is_file() else []
    with replacing(out / PROGRESS) as file:
        pd.concat([*known, new]).to_csv(file, index=False)


def _trials(setting: Setting) -> Any:
    return gym.make_vec(
        "AnyMDP-trial-v0",
        num_envs=setting.num_envs,
        vectorization_mode="vector_entry_point",
        bank=setting.bank,
        episodes=setting.episodes,
        n_tasks=setting.n_tasks,
    )


def curve(setting: Setting, out: Path, *, trials: int = 1024, split: str = "test") -> NDArray[np.float64]:
    """Score of each episode of a trial on a split's tasks ``[episodes]``: 0 uniform play, 1 the oracle.

    Rewards are averaged over all trials first, and then put between the two references' means.
    """
    from sb3_contrib import RecurrentPPO

    agent = RecurrentPPO.load(out / AGENT)
    bank = load_bank(setting.bank)
    tasks = bank.split(split)[: setting.n_tasks]
    references = bank.references(split, len(tasks))
    env = _trials(setting._replace(num_envs=trials))
    observations, _ = env.reset(seed=1, options={"tasks": tasks})
    place = {task.fingerprint(): i for i, task in enumerate(tasks)}
    which = [place[task.fingerprint()] for task in env.unwrapped.tasks]
    returns, number = np.zeros((trials, setting.episodes)), np.zeros(trials, np.int64)
    memory, first, over = None, np.ones(trials, np.bool_), np.zeros(trials, np.bool_)
    rows = np.arange(trials)
    while not over.all():
        actions, memory = agent.predict(observations, memory, first, deterministic=False)
        observations, rewards, ended, _, _ = env.step(actions)
        returns[rows, number] += np.where(over, 0.0, rewards)
        first = np.zeros(trials, np.bool_)
        over |= ended
        number = np.where(over, number, np.minimum(number + (observations[:, -1] > 0), setting.episodes - 1))
    low, high = (np.mean([getattr(references[i], kind) for i in which]) for kind in ("random", "oracle"))
    found: NDArray[np.float64] = (returns.mean(axis=0) - low) / (high - low)
    return found


def curves_beside(
    setting: Setting, names: Sequence[str], out: Path, *, tasks: int, tell: Tell
) -> dict[str, NDArray[np.float64]]:
    """Scores as of `curve`, of agents by name, on the first so many test tasks.

    Args:
        setting: What the trials are.
        names: Of checkpoints that ship and of registered agents.
        out: Folder that holds no runs of these names.
        tasks: The first so many test tasks, or all.
        tell: Told which agent has played.
    """
    found = {}
    for name in names:
        plan = Plan(bank=setting.bank, split="test", tasks=tasks, episodes=setting.episodes)
        lived = play(agent_of(name, out, setting.bank), plan)
        references = load_bank(setting.bank).references("test", int(lived.task.max()) + 1)
        gap = np.array([each.oracle - each.random for each in references])
        gained = np.bincount(lived.number, (lived.score * gap[lived.task]))
        found[name] = gained / len(gap) / gap.mean()
        tell(name, len(found), len(names))
    return found
