"""SuperSuit's wrappers around Switch2, and both players as one batch for stable-baselines3."""

import argparse
from importlib import metadata

import numpy as np
import supersuit
from gymnasium.spaces import Box, Discrete
from stable_baselines3 import PPO
from stable_baselines3.common.utils import set_random_seed
from stable_baselines3.common.vec_env import VecMonitor

from anymdp_bench.envs.switch2 import parallel_env


def vector(observation: int, space: Discrete) -> np.ndarray:
    """Return an id as a float32 one-hot vector, because few of SuperSuit's wrappers take ids."""
    return np.eye(space.n, dtype=np.float32)[observation]


def main() -> None:
    """Train one policy for both players and print the mean return of the last episodes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=4_000)
    steps = parser.parse_args().steps

    set_random_seed(0)  # SuperSuit's batch takes no seed from PPO
    env = supersuit.clip_reward_v0(parallel_env(reward="shaped"), -1, 1)
    env = supersuit.observation_lambda_v0(env, vector, lambda space: Box(0, 1, (space.n,), np.float32))
    env = supersuit.black_death_v3(env)
    batch = supersuit.pettingzoo_env_to_vec_env_v1(env)
    batch = supersuit.concat_vec_envs_v1(batch, 4, base_class="stable_baselines3")
    model = PPO("MlpPolicy", VecMonitor(batch), n_steps=64, batch_size=128, device="cpu")
    model.learn(steps)
    returns = [episode["r"] for episode in model.ep_info_buffer]
    mean = sum(returns) / max(len(returns), 1)
    print(f"supersuit {metadata.version('supersuit')}: shared PPO, mean return of a player {mean:.2f}")


if __name__ == "__main__":
    main()
