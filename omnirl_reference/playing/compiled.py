"""Act with a packed gated-delta model on the CPU without torch's overhead; see `step_kernels`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from omnirl_reference.config.model import ModelConfig
from omnirl_reference.config.stream import TAG_UNKNOWN
from omnirl_reference.model.model import OmniRL
from omnirl_reference.playing import step_kernels as kernels
from omnirl_reference.playing.actor import EagerActor

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]


def can_compile(model: OmniRL) -> bool:
    """Whether there are kernels for the model, where it is."""
    here = model.policy.weight.device.type == "cpu"
    config = model.config
    return here and config.layout == "packed" and config.mixer == "gated-delta" and not config.action_codes


def weights_of(model: OmniRL) -> kernels.Weights:
    """Copy a model's weights into the form that the kernels take."""
    state = {name: value.detach().float().numpy() for name, value in model.state_dict().items()}

    def stack(name: str) -> Floats:
        return np.stack([state[f"blocks.{layer}.{name}"] for layer in range(model.config.layers)])

    prompt = state["tokens.prompt.weight"][-1] if model.config.prompt else np.float32(0.0)
    found = kernels.Weights(
        state=state["tokens.state.weight"] + prompt,
        previous_state=state["tokens.previous_state.weight"],
        tag=state["tokens.tag.weight"],
        action=state["tokens.action.weight"],
        reward=np.concatenate([state["tokens.reward.weight"].T, state["tokens.reward.bias"][None]]),
        join_in=state["tokens.join.0.weight"].T,
        join_in_bias=state["tokens.join.0.bias"],
        join_out=state["tokens.join.2.weight"].T,
        join_out_bias=state["tokens.join.2.bias"],
        mixer_norm=stack("mixer_norm.weight"),
        project=stack("mixer.project.weight").swapaxes(1, 2),
        decay=np.stack([stack("mixer.decay_rate"), stack("mixer.decay_offset")], axis=1),
        head_norm=stack("mixer.norm.weight"),
        mixed=stack("mixer.out.weight").swapaxes(1, 2),
        forward_norm=stack("forward_norm.weight"),
        into=stack("into.weight").swapaxes(1, 2),
        out=stack("out.weight").swapaxes(1, 2),
        norm=state["norm.weight"],
        policy=state["policy.weight"].T,
        policy_bias=state["policy.bias"],
    )
    return kernels.Weights(*(np.array(x, order="C") for x in found))


def make_actor(
    model: OmniRL, n: int, n_actions: int | None = None, seed: int = 0
) -> CompiledActor | EagerActor:
    """Make the fastest actor that there is for a model, where it is; arguments as for `EagerActor`."""
    if can_compile(model):
        return CompiledActor(weights_of(model), model.config, n)
    return EagerActor(model, n, n_actions, seed)


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

    def logits(self, states: Ints, rows: Ints) -> Floats:
        """Policy logits float32 ``[len(rows), A]`` of `rows`, whose states ``[n]`` enter the memory."""
        logits = np.empty((len(rows), len(self._weights.policy_bias)), np.float32)
        kernels.decide(self._weights, self.memory, states, rows, logits)
        return logits

    def remember(self, states: Ints, tags: Ints, actions: Ints, rewards: Floats, rows: Ints) -> None:
        """Note the step ``[n]`` that `rows` just took."""
        kernels.remember(self.memory, states, tags, actions, rewards, rows)

    def read(self, start: Ints, states: Ints, tags: Ints, actions: Ints, rewards: Floats) -> None:
        """Take in recorded sequences ``[T]``; row i owns positions start[i]..start[i + 1] - 1."""
        kernels.read(self._weights, self.memory, start, states, tags, actions, rewards)
