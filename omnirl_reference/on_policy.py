"""Sequences that the model plays itself, labelled by the oracle (DAgger).

References:
    S. Ross, G. Gordon, D. Bagnell, A reduction of imitation learning to no-regret online learning (2011).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from anymdp_bench import TabularTask, batch_env, child_seed, plan, sample_tasks
from omnirl_reference.actor import Actor, sample
from omnirl_reference.config import DISCOUNTS, TAG_UNKNOWN, StreamConfig
from omnirl_reference.model import OmniRL
from omnirl_reference.simulate import Sequences, label_table
from omnirl_reference.stream import empty_sequences


def play_sequences(
    model: OmniRL, config: StreamConfig, n: int, temperatures: tuple[float, float], index: int
) -> Sequences:
    """Let the model play `n` sequences on fresh tasks; a function of its arguments alone.

    Args:
        model: Who plays.
        config: Family, sizes, length and labels of the sequences.
        n: Number of sequences.
        temperatures: Each sequence is played at one temperature, uniform in this range.
        index: Number of the pool; it determines tasks and draws.
    """
    seed = child_seed(config.seed, "omnirl", "on-policy", index)
    tasks = fresh_tasks(config, n, seed)
    generator = torch.Generator().manual_seed(seed)
    low, high = temperatures
    temperature = low + (high - low) * torch.rand(n, generator=generator)
    ids, moves = _relabellings(tasks, config, generator)
    labels = _labels(tasks, config)
    out = empty_sequences(n, config.steps, config.n_actions)
    training = model.training
    model.eval()
    _play(Actor(model, n), tasks, ids, moves, labels, temperature, generator, out)
    model.train(training)
    return out


def fresh_tasks(config: StreamConfig, n: int, seed: int) -> list[TabularTask]:
    """Draw `n` tasks of the stream's family."""
    settings: dict[str, int | None] = {"n_states": config.n_states, "n_actions": config.n_actions}
    if config.family == "anymdp":
        settings["min_states"] = config.min_states
    return sample_tasks(config.family, n, seed=seed, **settings)


def _relabellings(
    tasks: Sequence[TabularTask], config: StreamConfig, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Random id of each observation ``[n, O]`` and of each action ``[n, A]``."""
    ids = torch.stack([torch.randperm(config.n_states, generator=generator) for _ in tasks])
    moves = torch.stack([torch.randperm(config.n_actions, generator=generator) for _ in tasks])
    return ids, moves


def _labels(tasks: Sequence[TabularTask], config: StreamConfig) -> torch.Tensor:
    """Label distributions by observation id, float32 ``[n, O, A]``."""
    temperature = config.label_temperature if config.label == "soft" else 0.0
    labels = np.zeros((len(tasks), config.n_states, config.n_actions), np.float32)
    for i, task in enumerate(tasks):
        table = label_table(plan(task, DISCOUNTS[-1]), task.terminal, temperature)
        labels[i, task.state_ids] = table
    return torch.from_numpy(labels)


def _play(
    actor: Actor,
    tasks: Sequence[TabularTask],
    ids: torch.Tensor,
    moves: torch.Tensor,
    labels: torch.Tensor,
    temperature: torch.Tensor,
    generator: torch.Generator,
    out: Sequences,
) -> None:
    n = len(tasks)
    rows = torch.arange(n)
    end = moves.shape[1]
    inverse = moves.argsort(dim=1)
    env = batch_env(tasks)
    observations = torch.from_numpy(env.reset(seed=child_seed(int(generator.initial_seed()), "env") >> 1)[0])
    ended = torch.zeros(n, dtype=torch.bool)
    for t in range(out.actions.shape[1]):
        states = ids[rows, observations]
        chosen = sample(actor.logits(states, rows).cpu(), temperature, generator)
        chosen = torch.where(ended, torch.full_like(chosen, end), chosen)
        actions = inverse[rows, chosen.clamp(max=end - 1)]
        step = env.advance(actions.numpy(), ~ended.numpy())
        rewards = torch.from_numpy(step.rewards).float()
        _write(out, t, states, chosen, rewards, labels[rows, observations], moves, ended)
        actor.remember(states, chosen, rewards, rows)
        following = torch.from_numpy(np.asarray(step.observations))
        begun = torch.from_numpy(np.asarray(env.restart(ended.numpy())))
        observations = torch.where(ended, begun, following)
        ended = torch.from_numpy(step.terminated | step.truncated) & ~ended
    out.states[:, -1] = ids[rows, observations]


def _write(
    out: Sequences,
    t: int,
    states: torch.Tensor,
    chosen: torch.Tensor,
    rewards: torch.Tensor,
    labels: torch.Tensor,
    moves: torch.Tensor,
    ended: torch.Tensor,
) -> None:
    out.states[:, t] = states
    out.actions[:, t] = chosen
    out.rewards[:, t] = torch.where(ended, 0.0, rewards)
    out.tags[:, t] = out.behaviour[:, t] = TAG_UNKNOWN
    relabelled = torch.zeros_like(labels).scatter_(1, moves, labels)
    out.targets[:, t] = torch.where(ended[:, None], 0.0, relabelled)
