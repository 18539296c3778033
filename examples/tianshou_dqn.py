"""DQN of Tianshou on four environments that it steps in turn."""

import argparse
from importlib import metadata

import gymnasium as gym
import torch
from tianshou.algorithm.modelfree.dqn import DQN, DiscreteQLearningPolicy
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Collector, CollectStats, VectorReplayBuffer
from tianshou.env import DummyVectorEnv
from tianshou.trainer import OffPolicyTrainerParams
from tianshou.utils.net.common import Net

from anymdp_bench import OneHot

N_ENVS = 4


def make_envs(env_id: str) -> DummyVectorEnv:
    """Return environments with float32 observations."""
    return DummyVectorEnv([lambda: OneHot(gym.make(env_id)) for _ in range(N_ENVS)])


def main() -> None:
    """Train and print the mean return over 20 episodes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="anymdp_bench:AnyMDP-v0")
    parser.add_argument("--steps", type=int, default=4_000)
    arguments = parser.parse_args()
    torch.manual_seed(0)

    single = OneHot(gym.make(arguments.env_id))  # the batch tells the spaces of what it wraps
    shape, n_actions = single.observation_space.shape, int(single.action_space.n)
    net = Net(state_shape=shape, action_shape=n_actions, hidden_sizes=[64])
    policy = DiscreteQLearningPolicy(model=net, action_space=single.action_space, eps_training=0.1)
    algorithm = DQN(policy=policy, optim=AdamOptimizerFactory(lr=1e-3), gamma=0.97, target_update_freq=100)
    collect = Collector[CollectStats](
        algorithm, make_envs(arguments.env_id), VectorReplayBuffer(20_000, N_ENVS), exploration_noise=True
    )
    how = OffPolicyTrainerParams(
        training_collector=collect,
        max_epochs=1,
        epoch_num_steps=arguments.steps,
        collection_step_num_env_steps=40,
        update_step_num_gradient_steps_per_sample=0.1,
        verbose=False,
        show_progress=False,
    )
    algorithm.run_training(how)
    test = Collector[CollectStats](algorithm, make_envs(arguments.env_id))
    found = test.collect(n_episode=20, reset_before_collect=True)
    version = metadata.version("tianshou")
    print(f"tianshou {version}: DQN, mean return {found.returns.mean():.2f}")


if __name__ == "__main__":
    main()
