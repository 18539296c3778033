"""PPO of RLlib on environments with one-hot observations, in this process."""

import argparse
import logging

import gymnasium as gym
import ray
from ray.rllib.algorithms.ppo import PPOConfig
from ray.tune import register_env

from anymdp_bench import OneHot


def main() -> None:
    """Train and print the mean return of the last iteration's episodes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="anymdp_bench:AnyMDP-v0")
    parser.add_argument("--steps", type=int, default=4_000)
    arguments = parser.parse_args()

    ray.init(num_cpus=1, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)
    register_env("one-hot", lambda config: OneHot(gym.make(arguments.env_id, **config)))
    config = (
        PPOConfig()
        .environment("one-hot")
        .env_runners(num_env_runners=0, num_envs_per_env_runner=4)
        .learners(num_learners=0)
        .training(train_batch_size_per_learner=1_000, minibatch_size=250, num_epochs=4, lr=1e-3)
        .debugging(seed=0, log_level="ERROR")
    )
    algorithm = config.build_algo()
    for _ in range(max(arguments.steps // 1_000, 1)):
        found = algorithm.train()
    mean = found["env_runners"]["episode_return_mean"]
    algorithm.stop()
    ray.shutdown()
    print(f"ray {ray.__version__}: PPO of RLlib, mean return {mean:.2f}")


if __name__ == "__main__":
    main()
