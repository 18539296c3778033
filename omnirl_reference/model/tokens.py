"""From interaction to tokens.

A step is known by its state and by what happened before it: the previous state, tag, action and reward.
`packed` adds these up in one token; `interleaved` is the paper's stream s, g, a, r, cut before each state
(g, a, r of the previous step, then s), so that the decision is read at the last token of every step.

References:
    arXiv 2502.02869, section on the model (token layout, prior information).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from omnirl_reference.config.fields import DISCOUNTS, N_TAGS, TAG_UNKNOWN, ModelConfig

N_REWARD_FEATURES = 3
REWARD_SCALE = 10.0


class Steps(NamedTuple):
    """What a model sees of T steps of B interactions.

    Attributes:
        states: int64 ``[B, T]``.
        previous_states: int64 ``[B, T]``; `n_states` where there is none.
        previous_tags: int64 ``[B, T]``.
        previous_actions: int64 ``[B, T]``; `n_actions` after an end of episode, `n_actions` + 1: none.
        previous_rewards: float32 ``[B, T]``.
    """

    states: Tensor
    previous_states: Tensor
    previous_tags: Tensor
    previous_actions: Tensor
    previous_rewards: Tensor


def first_steps(states: Tensor, config: ModelConfig) -> Steps:
    """Steps ``[B, 1]`` before which nothing happened."""
    return Steps(
        states,
        torch.full_like(states, config.n_states),
        torch.full_like(states, TAG_UNKNOWN),
        torch.full_like(states, config.n_actions + 1),
        torch.zeros(states.shape, device=states.device),
    )


def shift(states: Tensor, tags: Tensor, actions: Tensor, rewards: Tensor, before: Steps) -> Steps:
    """Steps of a segment ``[B, T]`` that follows the one-step `before`: its own state is not repeated.

    Args:
        states: int64 ``[B, T]`` of the segment.
        tags: int64 ``[B, T]``.
        actions: int64 ``[B, T]``.
        rewards: float32 ``[B, T]``.
        before: Steps ``[B, 1]`` whose previous_* fields are those of the segment's first step.
    """
    return Steps(
        states,
        torch.cat([before.previous_states, states[:, :-1]], dim=1),
        torch.cat([before.previous_tags, tags[:, :-1]], dim=1),
        torch.cat([before.previous_actions, actions[:, :-1]], dim=1),
        torch.cat([before.previous_rewards, rewards[:, :-1]], dim=1),
    )


def reward_features(rewards: Tensor) -> Tensor:
    """Bounded and logarithmic views of rewards of any scale, ``[..., 3]``."""
    symlog = rewards.sign() * rewards.abs().log1p()
    return torch.stack([symlog, rewards.tanh(), (rewards / REWARD_SCALE).tanh()], dim=-1)


class Tokens(nn.Module):
    """Embed steps ``[B, T]`` as ``[B, T * tokens, width]``.

    Attributes:
        per_step: Tokens of one step.
    """

    def __init__(self, config: ModelConfig) -> None:
        """Make the embeddings."""
        super().__init__()
        self.interleaved = config.layout == "interleaved"
        self.per_step = 4 + config.prompt if self.interleaved else 1
        width = config.width
        self.state = nn.Embedding(config.n_states, width)
        self.previous_state = nn.Embedding(config.n_states + 1, width)
        self.tag = nn.Embedding(N_TAGS, width)
        self.action = nn.Embedding(config.n_actions + 2, width)
        self.reward = nn.Linear(N_REWARD_FEATURES, width)
        self.prompt = nn.Embedding(len(DISCOUNTS), width) if config.prompt else None
        if self.interleaved:
            self.kind = nn.Parameter(torch.randn(self.per_step, width))
        else:
            self.join = nn.Sequential(nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width))

    def forward(self, steps: Steps) -> Tensor:
        """Embed."""
        state = self.state(steps.states)
        tag = self.tag(steps.previous_tags)
        action = self.action(steps.previous_actions)
        reward = self.reward(reward_features(steps.previous_rewards))
        prompt = []
        if self.prompt is not None:
            prompt = [self.prompt(torch.full_like(steps.states, len(DISCOUNTS) - 1))]
        if self.interleaved:
            tokens = torch.stack([tag, action, reward, *prompt, state], dim=2) + self.kind
            return tokens.flatten(1, 2)
        happened = self.previous_state(steps.previous_states) + tag + action + reward
        packed: Tensor = state + self.join(happened)
        return sum(prompt, start=packed)

    def decisions(self, hidden: Tensor) -> Tensor:
        """Outputs at the states, ``[B, T, width]``."""
        return hidden[:, self.per_step - 1 :: self.per_step]
