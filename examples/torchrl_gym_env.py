"""TorchRL: A2C on `GymEnv`, which makes an id, and a rollout of `GymWrapper` around the compiled batch."""

import argparse

import gymnasium as gym
import torch
import torchrl
from tensordict.nn import TensorDictModule
from torch import nn
from torchrl.envs import GymEnv, GymWrapper
from torchrl.modules import OneHotCategorical, ProbabilisticActor, ValueOperator
from torchrl.objectives import A2CLoss

ROLLOUT = 200


def networks(size: int, n_actions: int) -> tuple[ProbabilisticActor, ValueOperator]:
    """Return actor and critic; TorchRL shows Discrete observations as one-hot vectors of int64."""
    body = nn.Sequential(_ToFloat(), nn.Linear(size, 64), nn.Tanh(), nn.Linear(64, n_actions))
    module = TensorDictModule(body, ["observation"], ["logits"])
    actor = ProbabilisticActor(module, ["logits"], distribution_class=OneHotCategorical, return_log_prob=True)
    return actor, ValueOperator(nn.Sequential(_ToFloat(), nn.Linear(size, 64), nn.Tanh(), nn.Linear(64, 1)))


class _ToFloat(nn.Module):
    def forward(self, observation: torch.Tensor) -> torch.Tensor:
        return observation.float()


def main() -> None:
    """Train and print the mean reward a step of the last ten rollouts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="anymdp_bench:AnyMDP-v0")
    parser.add_argument("--steps", type=int, default=6_000)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    env = GymEnv(arguments.env_id)
    env.set_seed(0)
    actor, critic = networks(env.observation_spec["observation"].shape[-1], env.action_spec.shape[-1])
    loss = A2CLoss(actor, critic)
    optimizer = torch.optim.Adam(loss.parameters(), lr=3e-3)
    rewards = []
    for _ in range(max(arguments.steps // ROLLOUT, 1)):
        rollout = env.rollout(ROLLOUT, actor, break_when_any_done=False)
        loss.value_estimator(rollout)
        found = loss(rollout)
        optimizer.zero_grad()
        sum(value for name, value in found.items() if name.startswith("loss")).backward()
        optimizer.step()
        rewards.append(rollout["next", "reward"].mean())
    mode = {"vectorization_mode": "vector_entry_point", "autoreset_mode": "Disabled"}
    batch = GymWrapper(gym.make_vec(arguments.env_id, num_envs=4, **mode)).rollout(
        20, break_when_any_done=False
    )
    mean = torch.stack(rewards[-10:]).mean()
    print(f"torchrl {torchrl.__version__}: mean reward a step {mean:.3f}; batch {tuple(batch.shape)}")


if __name__ == "__main__":
    main()
