"""Memory and policy of recurrent PPO: an LSTM or S5 layers, and one hidden layer.

References:
    C. Lu et al., Structured State Space Models for In-Context Reinforcement Learning (arXiv 2303.03982).
"""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor, nn

from anymdp_bench.foundation.checks import Limit, OneOf, Whole, check_fields
from omnirl_reference.model.mixers.s5 import S5

HEAD_WIDTH, HIDDEN = 16, 64
CORES = ("lstm", "s5")
REWARD_AND_END = 2
States = tuple[Tensor, Tensor]
LIMITS: dict[str, Limit] = {
    "ids": Whole(1, 4096),
    "actions": Whole(1, 256),
    "core": OneOf(CORES),
    "width": Whole(1, 1024),
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """Sizes of a `TrialNetwork`.

    Attributes:
        ids: Ids of a task's observations.
        actions: Of a task.
        core: The memory, ``"lstm"`` or ``"s5"``.
        width: Channels of the memory.

    Raises:
        InvalidConfig: a size is not legal.
    """

    ids: int
    actions: int
    core: str = "lstm"
    width: int = 64

    def __post_init__(self) -> None:
        """Check every field."""
        check_fields(self, LIMITS)

    @property
    def input_size(self) -> int:
        """Length of an observation: id, last action or none, its reward, and whether it ended an episode."""
        return self.ids + self.actions + 1 + REWARD_AND_END


class S5Core(nn.Module):
    """An S5 layer with a residual connection, called as an `nn.LSTM` is.

    Args:
        input_size: Channels that come in.
        width: Channels that come out, a multiple of `HEAD_WIDTH`.

    Attributes:
        num_layers: 1.
        hidden_size: Complex numbers in the state; an LSTM's h and c are their real and imaginary parts.
    """

    num_layers = 1

    def __init__(self, input_size: int, width: int) -> None:
        """Make the layer."""
        super().__init__()
        self.input_size, self.hidden_size = input_size, width // 2
        self.encode = nn.Linear(input_size, width)
        self.norm = nn.LayerNorm(width)
        self.mixer = S5(width, min(HEAD_WIDTH, width))

    def forward(
        self, sequence: Tensor, states: States, starts: Tensor | None = None
    ) -> tuple[Tensor, States]:
        """Read sequences.

        Args:
            sequence: ``[T, N, input_size]``.
            states: Real and imaginary parts ``[1, N, hidden_size]``.
            starts: 1 where everything before a position is forgotten, ``[T, N]``; None: nothing is.

        Returns:
            Outputs ``[T, N, width]``, and the states after the last position.
        """
        reset = None if starts is None else starts.transpose(0, 1) > 0
        x = self.encode(sequence.transpose(0, 1))
        mixed, (end,) = self.mixer(self.norm(x), (torch.stack(states, dim=-1)[0],), reset)
        real, imaginary = end[None].unbind(-1)
        return (x + mixed).transpose(0, 1), (real.contiguous(), imaginary.contiguous())


def make_core(shape: Shape) -> nn.LSTM | S5Core:
    """A fresh memory."""
    if shape.core == "s5":
        return S5Core(shape.input_size, shape.width)
    return nn.LSTM(shape.input_size, shape.width)


class TrialNetwork(nn.Module):
    """What acts: the memory, and the policy on what it says.

    Args:
        shape: Sizes.
    """

    def __init__(self, shape: Shape) -> None:
        """Draw fresh weights."""
        super().__init__()
        self.shape = shape
        self.memory = make_core(shape)
        self.hidden = nn.Linear(shape.width, HIDDEN)
        self.logits = nn.Linear(HIDDEN, shape.actions)

    def initial(self, n: int) -> States:
        """States of n rows that remember nothing."""
        zeros = torch.zeros(1, n, self.memory.hidden_size)
        return zeros, zeros

    def forward(self, seen: Tensor, states: States) -> tuple[Tensor, States]:
        """Logits ``[n, A]`` after one more observation ``[n, input_size]`` of every row, and new states."""
        found, states = self.memory(seen[None], states)
        return self.logits(torch.tanh(self.hidden(found[0]))), states
