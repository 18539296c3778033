"""Policies of recurrent PPO whose memory reads whole sequences at once: an LSTM, or S5 layers.

References:
    C. Lu et al., Structured State Space Models for In-Context Reinforcement Learning (arXiv 2303.03982).
"""

from __future__ import annotations

from typing import Any

import torch
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from torch import Tensor, nn

from omnirl_reference.model.mixers.s5 import S5

HEAD_WIDTH = 16
States = tuple[Tensor, Tensor]
CORES = ("lstm", "s5")


class S5Core(nn.Module):
    """S5 layers with residual connections, called as an `nn.LSTM` is.

    Args:
        input_size: Channels that come in.
        width: Channels that come out, a multiple of `HEAD_WIDTH`.
        num_layers: S5 layers.

    Attributes:
        hidden_size: Complex numbers in a layer's state; an LSTM's h and c are their real and imaginary parts.
    """

    def __init__(self, input_size: int, width: int, num_layers: int) -> None:
        """Make the layers."""
        super().__init__()
        self.input_size, self.num_layers, self.hidden_size = input_size, num_layers, width // 2
        self.encode = nn.Linear(input_size, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(num_layers))
        self.mixers = nn.ModuleList(S5(width, HEAD_WIDTH) for _ in range(num_layers))

    def forward(
        self, sequence: Tensor, states: States, starts: Tensor | None = None
    ) -> tuple[Tensor, States]:
        """Read sequences.

        Args:
            sequence: ``[T, N, input_size]``.
            states: Real and imaginary parts ``[num_layers, N, hidden_size]``.
            starts: 1 where everything before a position is forgotten, ``[T, N]``; None: nothing is.

        Returns:
            Outputs ``[T, N, width]``, and the states after the last position.
        """
        reset = None if starts is None else starts.transpose(0, 1) > 0
        x, ends = self.encode(sequence.transpose(0, 1)), []
        for layer, (norm, mixer) in enumerate(zip(self.norms, self.mixers, strict=True)):
            before = torch.stack([part[layer] for part in states], dim=-1)
            mixed, (end,) = mixer(norm(x), (before,), reset)
            x = x + mixed
            ends.append(end)
        after = torch.stack(ends)
        return x.transpose(0, 1), (after[..., 0].contiguous(), after[..., 1].contiguous())


class TrialPolicy(RecurrentActorCriticPolicy):
    """Actor and critic over one memory, which reads a sequence in one call unless it is reset within.

    Args:
        *args: As for `RecurrentActorCriticPolicy`.
        core: ``"lstm"`` or ``"s5"``.
        **kwargs: As for `RecurrentActorCriticPolicy`.
    """

    def __init__(self, *args: Any, core: str = "lstm", **kwargs: Any) -> None:
        """Make the memory."""
        super().__init__(*args, **{**kwargs, "shared_lstm": True, "enable_critic_lstm": False})
        if core == "s5":
            layers, _, width = self.lstm_hidden_state_shape
            self.lstm_actor = S5Core(self.features_dim, width, layers)  # type: ignore[assignment]
            self.lstm_hidden_state_shape = (layers, 1, self.lstm_actor.hidden_size)
            rate = self.optimizer.param_groups[0]["lr"]
            make: Any = self.optimizer_class
            self.optimizer = make(self.parameters(), lr=rate, **self.optimizer_kwargs)

    @staticmethod
    def _process_sequence(
        features: Tensor, lstm_states: States, episode_starts: Tensor, lstm: nn.LSTM | S5Core
    ) -> Any:
        """Outputs ``[N T, width]`` and states after sequences of features ``[N T, input_size]``."""
        n = lstm_states[0].shape[1]
        sequence = features.reshape(n, -1, lstm.input_size).swapaxes(0, 1)
        starts = episode_starts.reshape(n, -1).swapaxes(0, 1)
        if isinstance(lstm, S5Core):
            found, lstm_states = lstm(sequence, lstm_states, starts)
        elif starts[1:].any():
            return RecurrentActorCriticPolicy._process_sequence(features, lstm_states, episode_starts, lstm)
        else:
            kept = (1.0 - starts[0]).view(1, n, 1)
            found, lstm_states = lstm(sequence, (kept * lstm_states[0], kept * lstm_states[1]))
        return found.transpose(0, 1).flatten(0, 1), lstm_states
