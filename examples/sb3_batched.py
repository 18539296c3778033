"""Stable-baselines3 on the compiled batch through `Sb3VecEnv`: PPO, A2C and DQN."""

import argparse

import gymnasium as gym
import stable_baselines3
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.evaluation import evaluate_policy

from anymdp_bench import Sb3VecEnv

SETTINGS = {
    PPO: {"n_steps": 64, "batch_size": 512},
    A2C: {"n_steps": 16},
    DQN: {"learning_starts": 500, "train_freq": 4},
}


def make_envs(env_id: str) -> Sb3VecEnv:
    """Return 16 environments that all play one task."""
    return Sb3VecEnv(
        gym.make_vec(env_id, num_envs=16, vectorization_mode="vector_entry_point", tasks="shared")
    )


def main() -> None:
    """Train each of them and print its mean return over 48 episodes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="anymdp_bench:AnyMDP-v0")
    parser.add_argument("--steps", type=int, default=10_000)
    arguments = parser.parse_args()

    told = []
    for algorithm, settings in SETTINGS.items():
        model = algorithm("MlpPolicy", make_envs(arguments.env_id), seed=0, device="cpu", **settings)
        model.learn(arguments.steps)
        mean, _ = evaluate_policy(model, make_envs(arguments.env_id), n_eval_episodes=48)
        told.append(f"{algorithm.__name__} {mean:.2f}")
    print(f"stable-baselines3 {stable_baselines3.__version__}, batched: mean return {', '.join(told)}")


if __name__ == "__main__":
    main()
