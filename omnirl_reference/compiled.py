"""Act with a packed gated-delta model on the CPU without torch's overhead; see `step_kernels`."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from omnirl_reference import step_kernels as kernels
from omnirl_reference.config import TAG_UNKNOWN, ModelConfig
from omnirl_reference.model import OmniRL

Ints = NDArray[np.int64]


def can_compile(model: OmniRL) -> bool:
    """Whether there are kernels for the model, where it is."""
    here = model.policy.weight.device.type == "cpu"
    return here and model.config.layout == "packed" and model.config.mixer == "gated-delta"


def _array(x: Tensor) -> NDArray[np.float32]:
    return np.ascontiguousarray(x.detach().float().numpy())


def weights_of(model: OmniRL) -> kernels.Weights:
    """Copy a model's weights into the form that the kernels take."""
    t = model.tokens
    state = t.state.weight if t.prompt is None else t.state.weight + t.prompt.weight[-1]
    into, _, out = t.join
    blocks = list(model.blocks)
    mixers = [block.mixer for block in blocks]

    def stack(parts: list[Tensor]) -> NDArray[np.float32]:
        return _array(torch.stack([x.detach() for x in parts]))

    return kernels.Weights(
        state=_array(state),
        previous_state=_array(t.previous_state.weight),
        tag=_array(t.tag.weight),
        action=_array(t.action.weight),
        reward=_array(torch.cat([t.reward.weight.T, t.reward.bias[None]])),
        join_in=_array(into.weight.T),
        join_in_bias=_array(into.bias),
        join_out=_array(out.weight.T),
        join_out_bias=_array(out.bias),
        mixer_norm=stack([block.mixer_norm.weight for block in blocks]),
        project=stack([mixer.project.weight.T for mixer in mixers]),
        decay=stack([torch.stack([mixer.decay_rate, mixer.decay_offset]) for mixer in mixers]),
        head_norm=stack([mixer.norm.weight for mixer in mixers]),
        mixed=stack([mixer.out.weight.T for mixer in mixers]),
        forward_norm=stack([block.forward_norm.weight for block in blocks]),
        into=stack([block.into.weight.T for block in blocks]),
        out=stack([block.out.weight.T for block in blocks]),
        norm=_array(model.norm.weight),
        policy=_array(model.policy.weight.T),
        policy_bias=_array(model.policy.bias),
    )


class CompiledActor:
    """Recurrent memory of n interactions; answers as `EagerActor` does.

    Args:
        weights: Of `weights_of`.
        config: Shape of their model.
        n: Number of interactions.
    """

    def __init__(self, weights: kernels.Weights, config: ModelConfig, n: int) -> None:
        """Begin with an empty memory."""
        self._weights = weights
        heads, size = config.width // config.head_width, config.head_width
        nothing = np.array([config.n_states, TAG_UNKNOWN, config.n_actions + 1])
        self.memory = kernels.Memory(
            states=np.zeros((n, config.layers, heads, size, size), np.float32),
            before=np.tile(nothing, (n, 1)),
            reward=np.zeros(n, np.float32),
        )

    def logits(self, states: Ints, rows: Ints) -> NDArray[np.float32]:
        """Policy logits float32 ``[len(rows), A]`` of `rows`, whose states ``[n]`` enter the memory."""
        logits = np.empty((len(rows), len(self._weights.policy_bias)), np.float32)
        kernels.decide(self._weights, self.memory, states, rows, logits)
        return logits

    def remember(
        self, states: Ints, tags: Ints, actions: Ints, rewards: NDArray[np.float32], rows: Ints
    ) -> None:
        """Note the step ``[n]`` that `rows` just took."""
        kernels.remember(self.memory, states, tags, actions, rewards, rows)

    def read(
        self, start: Ints, states: Ints, tags: Ints, actions: Ints, rewards: NDArray[np.float32]
    ) -> None:
        """Take in recorded sequences ``[T]``; row i owns positions start[i]..start[i + 1] - 1."""
        kernels.read(self._weights, self.memory, start, states, tags, actions, rewards)
