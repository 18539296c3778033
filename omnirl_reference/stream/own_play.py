"""Sequences that the model plays itself, labelled by the oracle (DAgger).

References:
    S. Ross, G. Gordon, D. Bagnell, A reduction of imitation learning to no-regret online learning (2011).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from anymdp_bench import TabularTask, batch_env, child_seed, plan, sample_tasks
from omnirl_reference.config.stream import DISCOUNTS, TAG_RANDOM, TAG_UNKNOWN, StreamConfig
from omnirl_reference.config.training import OwnPlay
from omnirl_reference.model.model import OmniRL
from omnirl_reference.playing.actor import EagerActor, sample
from omnirl_reference.playing.compiled import CompiledActor, make_actor
from omnirl_reference.stream.simulate import Sequences
from omnirl_reference.stream.stream import empty_sequences
from omnirl_reference.stream.worlds import label_table


class Players(NamedTuple):
    """Who plays each of n sequences, in the ids and actions that the model sees.

    Attributes:
        first, last: float32 ``[n]``, temperatures at the first and the last step.
        taught: int64 ``[n]``, steps that the teacher plays.
        epsilon: float32 ``[n]``, the teacher's share of random actions.
        tag: int64 ``[n]``, index of the teacher's discount.
        advice: int64 ``[n, S]``, the teacher's other actions, by observation.
    """

    first: Tensor
    last: Tensor
    taught: Tensor
    epsilon: Tensor
    tag: Tensor
    advice: Tensor


def play_sequences(model: OmniRL, config: StreamConfig, how: OwnPlay, index: int) -> Sequences:
    """Let the model play ``how.pool`` sequences on fresh tasks; a function of its arguments alone.

    Args:
        model: Who plays.
        config: Family, sizes, length and labels of the sequences.
        how: Number of sequences, temperatures and teachers.
        index: Number of the pool; it determines tasks and draws.
    """
    seed = child_seed(config.seed, "omnirl", "on-policy", index)
    n = how.pool
    tasks = fresh_tasks(config, n, seed, index)
    generator = torch.Generator().manual_seed(seed)
    ids, moves = _relabellings(tasks, config, generator)
    labels = _labels(tasks, config)
    players = _draw_players(tasks, config, how, moves, generator)
    out = empty_sequences(n, config.steps, config.n_actions)
    training = model.training
    model.eval()
    _play(make_actor(model, n), tasks, ids, moves, labels, players, generator, out)
    model.train(training)
    return out


def fresh_tasks(config: StreamConfig, n: int, seed: int, index: int = 0) -> list[TabularTask]:
    """Draw `n` tasks of the stream's family; of several sizes, each pool `index` has the next one."""
    sizes = config.task_states or (config.n_states,)
    settings: dict[str, Any] = {"n_states": sizes[index % len(sizes)], "n_actions": config.n_actions}
    if config.family == "anymdp":
        settings["min_states"] = config.min_states
    return sample_tasks(config.family, n, seed=seed, **settings)


def _relabellings(
    tasks: Sequence[TabularTask], config: StreamConfig, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Random id of each observation ``[n, O]`` and of each action ``[n, A]``."""
    ids = torch.stack([torch.randperm(config.n_states, generator=generator) for _ in tasks])
    moves = torch.stack([torch.randperm(config.n_actions, generator=generator) for _ in tasks])
    return ids, moves


def _labels(tasks: Sequence[TabularTask], config: StreamConfig) -> Tensor:
    """Label distributions by observation, float32 ``[n, O, A]``."""
    temperature = config.label_temperature if config.label == "soft" else 0.0
    labels = np.zeros((len(tasks), config.n_states, config.n_actions), np.float32)
    for i, task in enumerate(tasks):
        table = label_table(plan(task, DISCOUNTS[-1]), task.terminal, temperature)
        labels[i, task.state_ids] = table
    return torch.from_numpy(labels)


def _draw_players(
    tasks: Sequence[TabularTask],
    config: StreamConfig,
    how: OwnPlay,
    moves: Tensor,
    generator: torch.Generator,
) -> Players:
    n = len(tasks)
    constant, falls, taught, length, epsilon = torch.rand(5, n, generator=generator)
    low, high = how.temperatures
    first = last = low + (high - low) * constant
    falling = falls < how.falling_share
    tag = torch.randint(len(DISCOUNTS), (n,), generator=generator)
    advice = np.zeros((n, config.n_states), np.int64)
    for i, task in enumerate(tasks):
        advice[i, task.state_ids] = plan(task, DISCOUNTS[int(tag[i])]).argmax(axis=1)
    return Players(
        first=torch.where(falling, how.falling[0], first),
        last=torch.where(falling, how.falling[1], last),
        taught=(length * how.taught_steps * config.steps * (taught < how.taught_share)).long(),
        epsilon=epsilon,
        tag=tag,
        advice=moves.gather(1, torch.from_numpy(advice)),
    )


def _play(
    actor: CompiledActor | EagerActor,
    tasks: Sequence[TabularTask],
    ids: Tensor,
    moves: Tensor,
    labels: Tensor,
    players: Players,
    generator: torch.Generator,
    out: Sequences,
) -> None:
    n, steps = out.actions.shape
    rows = torch.arange(n)
    end = moves.shape[1]
    inverse = moves.argsort(dim=1)
    env = batch_env(tasks)
    observations = torch.from_numpy(env.reset(seed=child_seed(int(generator.initial_seed()), "env") >> 1)[0])
    ended = torch.zeros(n, dtype=torch.bool)
    for t in range(steps):
        states = ids[rows, observations]
        temperature = players.first * (players.last / players.first) ** (t / steps)
        logits = torch.from_numpy(actor.logits(states.numpy(), rows.numpy()))
        own = sample(logits, temperature, generator)
        chosen, tags = _teach(players, observations, own, t, end, generator)
        chosen = torch.where(ended, torch.full_like(chosen, end), chosen)
        tags = torch.where(ended, TAG_UNKNOWN, tags)
        actions = inverse[rows, chosen.clamp(max=end - 1)]
        step = env.advance(actions.numpy(), ~ended.numpy())
        rewards = torch.where(ended, 0.0, torch.from_numpy(step.rewards).float())
        relabelled = torch.zeros_like(labels[:, 0]).scatter_(1, moves, labels[rows, observations])
        _write(out, t, states, chosen, tags, rewards, torch.where(ended[:, None], 0.0, relabelled))
        actor.remember(*(x.numpy() for x in (states, tags, chosen, rewards, rows)))
        following = torch.from_numpy(np.asarray(step.observations))
        begun = torch.from_numpy(np.asarray(env.restart(ended.numpy())))
        observations = torch.where(ended, begun, following)
        ended = torch.from_numpy(step.terminated | step.truncated) & ~ended
    out.states[:, -1] = ids[rows, observations]


def _teach(
    players: Players, observations: Tensor, own: Tensor, t: int, n_actions: int, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Actions of step `t`, and their tags: the teacher's while it plays, then the model's own."""
    n = len(own)
    chance, move = torch.rand(2, n, generator=generator)
    random = chance < players.epsilon
    advised = players.advice[torch.arange(n), observations]
    shown = torch.where(random, (move * n_actions).long(), advised)
    taught = t < players.taught
    tags = torch.where(random, TAG_RANDOM, players.tag)
    return torch.where(taught, shown, own), torch.where(taught, tags, TAG_UNKNOWN)


def _write(
    out: Sequences,
    t: int,
    states: Tensor,
    chosen: Tensor,
    tags: Tensor,
    rewards: Tensor,
    targets: Tensor,
) -> None:
    out.states[:, t] = states
    out.actions[:, t] = chosen
    out.tags[:, t] = out.behaviour[:, t] = tags
    out.rewards[:, t] = rewards
    out.targets[:, t] = targets
