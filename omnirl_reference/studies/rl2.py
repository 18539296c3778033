"""RL²: recurrent PPO on trials, which learns to learn by reward alone; scores by episode of a trial.

References:
    Y. Duan et al., arXiv 1611.02779. Needs sb3-contrib (extra ``[rl2]``).
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from anymdp_bench import Sb3VecEnv, load_bank
from anymdp_bench.foundation.extras import require_extra
from omnirl_reference.playing.validation import Plan, play
from omnirl_reference.studies.domains import agent_of
from omnirl_reference.studies.running import Tell

NAME = "rl2"
AGENT = "agent.zip"
PROGRESS = "progress.csv"
MOST_STEPS = 200
"""Steps of each trial between two updates, at most; shorter trials are played whole."""


class Setting(NamedTuple):
    """What is trained.

    Attributes:
        bank: Whose training tasks trials are played on.
        episodes: Episodes of a trial.
        num_envs: Trials at once.
        n_steps: Steps of each between two updates.
        n_tasks: The first so many training tasks.
        width: Of the LSTM.
        seed: Root of all random numbers.
    """

    bank: str = "anymdp-1x5-v0"
    episodes: int = 100
    num_envs: int = 64
    n_steps: int = 100
    n_tasks: int = 256
    width: int = 64
    seed: int = 0


def setting_of(bank: str, episodes: int) -> Setting:
    """What is trained on trials of so many episodes of a bank's tasks."""
    horizon = load_bank(bank).train[0].horizon
    return Setting(bank=bank, episodes=episodes, n_steps=min(MOST_STEPS, episodes * horizon))


def train_rl2(setting: Setting, out: Path, *, minutes: float = math.inf, steps: int = 10**9) -> int:
    """Train; the same call goes on where it was stopped.

    Args:
        setting: What is trained.
        out: Folder of the agent.
        minutes: Stop after so many minutes.
        steps: Stop when so many steps of all trials are done.

    Returns:
        Steps that are done.
    """
    require_extra("rl2", "sb3_contrib", what="RL²")
    from sb3_contrib import RecurrentPPO

    env = Sb3VecEnv(_trials(setting))
    if (out / AGENT).is_file():
        agent = RecurrentPPO.load(out / AGENT, env=env)
    else:
        agent = RecurrentPPO(
            "MlpLstmPolicy",
            env,
            n_steps=setting.n_steps,
            batch_size=setting.n_steps * setting.num_envs // 4,
            n_epochs=4,
            learning_rate=1e-3,
            gamma=0.97,
            gae_lambda=0.95,
            ent_coef=0.005,
            policy_kwargs={"lstm_hidden_size": setting.width, "net_arch": [64]},
            seed=setting.seed,
        )
    begun = time.monotonic()
    rows: list[tuple[int, float]] = []

    def on_step(local: dict[str, Any], _: dict[str, Any]) -> bool:
        for info in local["infos"]:
            if "episode" in info:
                rows.append((agent.num_timesteps, info["episode"]["r"]))
        return time.monotonic() - begun < 60 * minutes

    left = steps - agent.num_timesteps
    if left > 0:
        agent.learn(left, callback=on_step, reset_num_timesteps=False)
    out.mkdir(parents=True, exist_ok=True)
    agent.save(out / AGENT)
    _note(rows, out / PROGRESS)
    return int(agent.num_timesteps)


def _trials(setting: Setting) -> Any:
    return gym.make_vec(
        "AnyMDP-trial-v0",
        num_envs=setting.num_envs,
        vectorization_mode="vector_entry_point",
        bank=setting.bank,
        episodes=setting.episodes,
        n_tasks=setting.n_tasks,
    )


def _note(rows: list[tuple[int, float]], path: Path) -> None:
    """Add mean returns of trials, by hundredths of a million steps."""
    known = pd.read_csv(path) if path.is_file() else pd.DataFrame(columns=["steps", "return"])
    new = pd.DataFrame(rows, columns=["steps", "return"])
    new = new.assign(steps=new["steps"] // 10_000 * 10_000).groupby("steps", as_index=False).mean()
    parts = [part for part in (known, new) if len(part)]
    if parts:
        pd.concat(parts).to_csv(path, index=False)


def curve(setting: Setting, out: Path, *, trials: int = 1024) -> NDArray[np.float64]:
    """Score of each episode of a trial on test tasks ``[episodes]``: 0 uniform play, 1 the oracle.

    Rewards are averaged over all trials first, and then put between the two references' means.
    """
    from sb3_contrib import RecurrentPPO

    agent = RecurrentPPO.load(out / AGENT)
    bank = load_bank(setting.bank)
    tasks = bank.test
    references = bank.references("test", len(tasks))
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
