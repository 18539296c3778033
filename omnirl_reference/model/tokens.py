"""From interaction to tokens.

A step is known by its state and by what happened before it: the previous state, tag, action and reward.
`packed` adds these up in one token, and the code of an action once more, so that the answer, a vector of the
same space, can pass it on; `interleaved` is the paper's stream s, g, a, r, cut before each state (g, a, r of
the previous step, then s), so that the decision is read at the last token of every step.

References:
    arXiv 2502.02869, section on the model (token layout, prior information).
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from omnirl_reference.config.model import ModelConfig
from omnirl_reference.config.stream import DISCOUNTS, N_TAGS, TAG_UNKNOWN

N_REWARD_FEATURES = 3
REWARD_SCALE = 10.0
CODE_SCALE = 0.5
"""Spread of first weights: a vector of length 1 is embedded as large as an id of a table."""


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


def first_steps(states: Tensor, config: ModelConfig, n_actions: int | None = None) -> Steps:
    """Steps ``[B, 1]`` before which nothing happened; `n_actions` where it is not the configuration's."""
    none = (config.n_actions if n_actions is None else n_actions) + 1
    return Steps(
        states,
        torch.full_like(states, config.n_states),
        torch.full_like(states, TAG_UNKNOWN),
        torch.full_like(states, none),
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


class ActionCodes(nn.Module):
    """Embed actions that are known by vectors.

    Args:
        width: Of the vectors and of the embedding.
        further: Ids after the actions, which have embeddings of their own.

    References:
        V. Sinii et al., In-Context Reinforcement Learning for Variable Action Spaces (arXiv 2312.13327).
    """

    def __init__(self, width: int, further: int) -> None:
        """Make the layers."""
        super().__init__()
        self.project = nn.Linear(width, width, bias=False)
        self.further = nn.Embedding(further, width)
        nn.init.eye_(self.project.weight)
        with torch.no_grad():
            self.project.weight *= CODE_SCALE * width**0.5

    def forward(self, actions: Tensor, codes: Tensor) -> Tensor:
        """Embed ids ``[B, T]``, those from A on by embeddings of their own; `codes` ``[B, A, width]``."""
        further = self.further.weight.expand(len(codes), -1, -1)
        table = torch.cat([self.project(codes), further], dim=1)
        return torch.take_along_dim(table, actions[..., None], dim=1)


def embed_actions(how: nn.Module, actions: Tensor, codes: Tensor | None) -> Tensor:
    """Embed ids ``[B, T]`` by a table, or by codes."""
    embedded: Tensor = how(actions) if codes is None else how(actions, codes)
    return embedded


def draw_codes(batch: int, n_actions: int, width: int, seed: int) -> Tensor:
    """Random orthonormal vectors ``[batch, n_actions, width]``, float32; `n_actions` is at most `width`."""
    generator = torch.Generator().manual_seed(seed % 2**63)
    vectors = torch.randn(batch, width, n_actions, generator=generator)
    codes: Tensor = torch.linalg.qr(vectors).Q.mT.contiguous()
    return codes


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
        self.action = (
            ActionCodes(width, 2) if config.action_codes else nn.Embedding(config.n_actions + 2, width)
        )
        self.reward = nn.Linear(N_REWARD_FEATURES, width)
        self.prompt = nn.Embedding(len(DISCOUNTS), width) if config.prompt else None
        if self.interleaved:
            self.kind = nn.Parameter(torch.randn(self.per_step, width))
        else:
            self.join = nn.Sequential(nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width))

    def forward(self, steps: Steps, codes: Tensor | None = None) -> Tensor:
        """Embed; `codes` ``[B, A, width]`` are the actions', where the model knows actions by codes."""
        state = self.state(steps.states)
        tag = self.tag(steps.previous_tags)
        action = embed_actions(self.action, steps.previous_actions, codes)
        reward = self.reward(reward_features(steps.previous_rewards))
        prompt = []
        if self.prompt is not None:
            prompt = [self.prompt(torch.full_like(steps.states, len(DISCOUNTS) - 1))]
        if self.interleaved:
            tokens = torch.stack([tag, action, reward, *prompt, state], dim=2) + self.kind
            return tokens.flatten(1, 2)
        happened = self.previous_state(steps.previous_states) + tag + action + reward
        packed: Tensor = state + self.join(happened)
        if codes is not None:
            packed = packed + action
        return sum(prompt, start=packed)

    def decisions(self, hidden: Tensor) -> Tensor:
        """Outputs at the states, ``[B, T, width]``."""
        return hidden[:, self.per_step - 1 :: self.per_step]
