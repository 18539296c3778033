"""RL²: scores by episode of a trial, beside agents that count.

References:
    Y. Duan et al., arXiv 1611.02779.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from anymdp_bench import load_bank
from omnirl_reference.playing.validation import Plan, play
from omnirl_reference.studies.domains import agent_of
from omnirl_reference.studies.running import Tell
from omnirl_reference.trials.checkpoint import load_trials
from omnirl_reference.trials.training import Setting, trials_of

NAME = "rl2"


def curve(setting: Setting, out: Path, *, trials: int = 1024, split: str = "test") -> NDArray[np.float64]:
    """Score of each episode of a trial on a split's tasks ``[episodes]``: 0 uniform play, 1 the oracle.

    Rewards are averaged over all trials first, and then put between the two references' means.
    """
    network, _ = load_trials(out)
    bank = load_bank(setting.bank)
    tasks = bank.split(split)[: setting.n_tasks]
    references = bank.references(split, len(tasks))
    env = trials_of(setting._replace(num_envs=trials))
    observations, _ = env.reset(seed=1, options={"tasks": tasks})
    place = {task.fingerprint(): i for i, task in enumerate(tasks)}
    which = [place[task.fingerprint()] for task in env.unwrapped.tasks]
    returns, number = np.zeros((trials, setting.episodes)), np.zeros(trials, np.int64)
    states, over, rows = network.initial(trials), np.zeros(trials, np.bool_), np.arange(trials)
    draws = torch.Generator().manual_seed(setting.seed)
    while not over.all():
        with torch.inference_mode():
            logits, states = network(torch.from_numpy(observations), states)
            actions = torch.multinomial(logits.softmax(-1), 1, generator=draws)[:, 0].numpy()
        observations, rewards, ended, _, _ = env.step(actions)
        returns[rows, number] += np.where(over, 0.0, rewards)
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
