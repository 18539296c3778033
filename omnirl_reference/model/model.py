"""The OmniRL model: tokens, blocks of mixer and gated feed-forward, heads for policy and world.

References:
    arXiv 2502.02869. The paper trains the policy head alone; its public code weights policy, next state and
    reward .2 / .4 / .4.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor, nn
from torch.nn import functional as F

from omnirl_reference.config.model import ModelConfig
from omnirl_reference.model.mixers import State, make_mixer
from omnirl_reference.model.tokens import ActionCodes, Steps, Tokens, draw_codes, embed_actions


class Predictions(NamedTuple):
    """What the model says of T steps of B interactions.

    Attributes:
        policy: Logits of the action to take, ``[B, T, A]``.
        next_state: Logits of the next state given the action that was taken, ``[B, T, S]``.
        reward: Expected symlog of its reward, ``[B, T]``.
    """

    policy: Tensor
    next_state: Tensor
    reward: Tensor


class Block(nn.Module):
    """Pre-norm mixer and pre-norm gated feed-forward part, both residual."""

    def __init__(self, config: ModelConfig) -> None:
        """Make the parts."""
        super().__init__()
        hidden = round(config.width * config.feed_forward)
        self.mixer_norm = nn.RMSNorm(config.width)
        self.mixer = make_mixer(config.mixer, config.width, config.head_width)
        self.forward_norm = nn.RMSNorm(config.width)
        self.into = nn.Linear(config.width, 2 * hidden, bias=False)
        self.out = nn.Linear(hidden, config.width, bias=False)

    def forward(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """Process ``[B, N, d]``."""
        mixed, state = self.mixer(self.mixer_norm(x), state)
        x = x + mixed
        gate, value = self.into(self.forward_norm(x)).chunk(2, dim=-1)
        return x + self.out(F.silu(gate) * value), state


class OmniRL(nn.Module):
    """In-context learner of tabular tasks.

    Args:
        config: Its shape.
    """

    def __init__(self, config: ModelConfig) -> None:
        """Make the layers."""
        super().__init__()
        self.config = config
        self.tokens = Tokens(config)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = nn.RMSNorm(config.width)
        self.policy = nn.Linear(config.width, config.width if config.action_codes else config.n_actions)
        self.taken = (
            ActionCodes(config.width, 1)
            if config.action_codes
            else nn.Embedding(config.n_actions + 1, config.width)
        )
        self.world = nn.Sequential(nn.Linear(config.width, config.width), nn.SiLU())
        self.next_state = nn.Linear(config.width, config.n_states)
        self.reward = nn.Linear(config.width, 1)
        self.apply(_initialise)
        if config.action_codes:
            nn.init.eye_(self.policy.weight)

    def initial_state(self, batch: int, n_actions: int | None = None, seed: int = 0) -> list[State]:
        """State of every block before the first step; then the actions' codes, if they are known by codes.

        Args:
            batch: Number of sequences.
            n_actions: Number of actions A, where it is not the configuration's.
            seed: Of the codes.
        """
        device = self.policy.weight.device
        state: list[State] = [block.mixer.initial_state(batch, device) for block in self.blocks]  # type: ignore[union-attr, operator]
        if self.config.action_codes:
            count = self.config.n_actions if n_actions is None else n_actions
            state.append((draw_codes(batch, count, self.config.width, seed).to(device),))
        return state

    def _codes(self, state: list[State]) -> Tensor | None:
        return state[-1][0] if self.config.action_codes else None

    def _choose(self, hidden: Tensor, codes: Tensor | None) -> Tensor:
        """Policy logits: of the head, or how near its vector is to each action's."""
        answer: Tensor = self.policy(hidden)
        return answer if codes is None else answer @ codes.mT.to(answer.dtype)

    def encode(self, steps: Steps, state: list[State]) -> tuple[Tensor, list[State]]:
        """Outputs at the states, ``[B, T, d]``, and the state after the segment."""
        x = self.tokens(steps, self._codes(state))
        after, n = [], len(self.blocks)
        for block, memory in zip(self.blocks, state[:n], strict=True):
            x, memory = block(x, memory)
            after.append(memory)
        after += state[n:]
        return self.norm(self.tokens.decisions(x)), after

    def decide(self, steps: Steps, state: list[State]) -> tuple[Tensor, list[State]]:
        """Policy logits ``[B, T, A]`` and the state after the segment."""
        hidden, state = self.encode(steps, state)
        return self._choose(hidden, self._codes(state)), state

    def forward(self, steps: Steps, actions: Tensor, state: list[State]) -> tuple[Predictions, list[State]]:
        """Predict; `actions` int64 ``[B, T]`` are those taken (`n_actions` at an end of episode)."""
        hidden, state = self.encode(steps, state)
        codes = self._codes(state)
        world = self.world(hidden + embed_actions(self.taken, actions, codes))
        return Predictions(
            self._choose(hidden, codes), self.next_state(world), self.reward(world)[..., 0]
        ), state


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Embedding):
        nn.init.normal_(module.weight, std=0.5)


def detach(state: list[State]) -> list[State]:
    """Cut the graph at a segment's edge."""
    return [tuple(tensor.detach() for tensor in memory) for memory in state]


def count_parameters(model: nn.Module) -> int:
    """Number of trained numbers."""
    return sum(parameter.numel() for parameter in model.parameters())
