"""Actor and critic of Discrete observations for stable-baselines3, without one-hot products."""

from __future__ import annotations

from itertools import pairwise
from typing import Any, TypeAlias

import torch
from stable_baselines3.common.distributions import CategoricalDistribution
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.type_aliases import PyTorchObs
from torch import Tensor, nn

HIDDEN_GAIN, ACTOR_GAIN, CRITIC_GAIN = 2**0.5, 0.01, 1.0
"""Gains of the orthogonal first weights, as SB3 has them."""
Evaluated: TypeAlias = tuple[Tensor, Tensor, Tensor]


def _network(n_observations: int, hidden: list[int], n_outputs: int, gain: float) -> nn.Sequential:
    """Tanh layers over an embedding, which is what a layer over one-hot observations is; a table if none."""
    first, *rest = [*hidden, n_outputs]
    layers: list[nn.Module] = [nn.Embedding(n_observations, first)]
    for n_in, n_out in pairwise([first, *rest]):
        layers += [nn.Tanh(), nn.Linear(n_in, n_out)]
    weighted = [layer for layer in layers if not isinstance(layer, nn.Tanh)]
    for layer in weighted:
        nn.init.orthogonal_(layer.weight, gain if layer is weighted[-1] else HIDDEN_GAIN)  # type: ignore[arg-type]
        if isinstance(layer, nn.Linear):
            nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)


class DiscretePolicy(ActorCriticPolicy):
    """SB3's policy for Discrete observations and actions, at less than half its price for each call.

    Args:
        net_arch: Units of the tanh layers of the actor and, apart, of the critic; none: both are tables.
    """

    net_arch: list[int]

    def _build(self, lr_schedule: Any) -> None:
        n = int(self.observation_space.n)  # type: ignore[attr-defined]
        self.actor = _network(n, self.net_arch, int(self.action_space.n), ACTOR_GAIN)  # type: ignore[attr-defined]
        self.critic = _network(n, self.net_arch, 1, CRITIC_GAIN)
        self.optimizer = torch.optim.Adam(self.parameters(), lr=lr_schedule(1), eps=1e-5, fused=True)

    def forward(self, obs: Tensor, deterministic: bool = False) -> Evaluated:
        """Return actions int64 ``[n]``, values ``[n, 1]`` and log-probabilities ``[n]``."""
        logs = self.actor(obs).log_softmax(-1)
        # The largest p / Exp(1) is drawn with probability p.
        chances = logs if deterministic else logs - torch.empty_like(logs).exponential_().log_()
        actions = chances.argmax(-1)
        return actions, self.critic(obs), logs.gather(-1, actions[:, None]).squeeze(-1)

    def evaluate_actions(self, obs: PyTorchObs, actions: Tensor) -> Evaluated:
        """Return values ``[n, 1]``, log-probabilities ``[n]`` and entropies ``[n]``."""
        rows = _rows(obs)
        logs = self.actor(rows).log_softmax(-1)
        chosen = logs.gather(-1, actions[:, None]).squeeze(-1)
        return self.critic(rows), chosen, -(logs.exp() * logs).sum(-1)

    def predict_values(self, obs: PyTorchObs) -> Tensor:
        """Return values ``[n, 1]``."""
        values: Tensor = self.critic(_rows(obs))
        return values

    def get_distribution(self, obs: PyTorchObs) -> CategoricalDistribution:
        """Return the distribution of actions, which `predict` draws from."""
        distribution = self.action_dist
        assert isinstance(distribution, CategoricalDistribution)  # what SB3 makes for Discrete actions
        return distribution.proba_distribution(action_logits=self.actor(_rows(obs)))


def _rows(obs: PyTorchObs) -> Tensor:
    """PyTorchObs int64 ``[n]``; observations of a Discrete space come as one tensor, never by key."""
    assert isinstance(obs, Tensor)
    return obs.long().flatten()
