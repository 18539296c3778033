"""What recurrent PPO of sb3-contrib trains: a policy that reads whole sequences, on scaled rewards."""

from __future__ import annotations

from typing import Any

import torch
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from stable_baselines3.common.vec_env import VecEnvWrapper
from stable_baselines3.common.vec_env.base_vec_env import VecEnvObs, VecEnvStepReturn
from torch import Tensor, nn

from omnirl_reference.trials.network import HIDDEN, S5Core, Shape, States, TrialNetwork, make_core


class Scaled(VecEnvWrapper):
    """Rewards times a constant; what is observed of them, and the returns in the infos, stay as they are.

    Args:
        env: A batch.
        scale: The constant.
    """

    def __init__(self, env: Any, scale: float) -> None:
        """See the class."""
        super().__init__(env)
        self.scale = scale

    def reset(self) -> VecEnvObs:
        """Begin an episode everywhere."""
        return self.venv.reset()

    def step_wait(self) -> VecEnvStepReturn:
        """Take the step."""
        observations, rewards, dones, infos = self.venv.step_wait()
        return observations, rewards * self.scale, dones, infos


class TrialPolicy(RecurrentActorCriticPolicy):
    """Actor and critic over one memory, which reads a sequence in one call unless it is reset within.

    Args:
        *args: As for `RecurrentActorCriticPolicy`.
        shape: What acts.
        **kwargs: As for `RecurrentActorCriticPolicy`.
    """

    def __init__(self, *args: Any, shape: Shape, **kwargs: Any) -> None:
        """Make the memory."""
        shared = {"shared_lstm": True, "enable_critic_lstm": False}
        sizes = {"lstm_hidden_size": shape.width, "net_arch": [HIDDEN]}
        super().__init__(*args, **{**kwargs, **shared, **sizes})
        self.shape = shape
        if shape.core == "s5":
            core: Any = make_core(shape)
            self.lstm_actor = core
            self.lstm_hidden_state_shape = (core.num_layers, 1, core.hidden_size)
            rate = self.optimizer.param_groups[0]["lr"]
            make: Any = self.optimizer_class
            self.optimizer = make(self.parameters(), lr=rate, **self.optimizer_kwargs)

    def network(self) -> TrialNetwork:
        """A copy of what acts."""
        network = TrialNetwork(self.shape)
        network.memory.load_state_dict(self.lstm_actor.state_dict())
        network.hidden.load_state_dict(self.mlp_extractor.policy_net[0].state_dict())
        network.logits.load_state_dict(self.action_net.state_dict())
        return network.eval()

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
        elif torch.any(starts[1:] > 0):
            return RecurrentActorCriticPolicy._process_sequence(features, lstm_states, episode_starts, lstm)
        else:
            kept = (1.0 - starts[0]).view(1, n, 1)
            found, lstm_states = lstm(sequence, (kept * lstm_states[0], kept * lstm_states[1]))
        return found.transpose(0, 1).flatten(0, 1), lstm_states
