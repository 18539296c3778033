"""Stable-baselines3 by id: PPO, A2C and DQN through `make_vec_env`, which copies the single environment."""

import argparse

import stable_baselines3
from stable_baselines3 import A2C, DQN, PPO
from stable_baselines3.common.env_util import make_vec_env
from stable_baselines3.common.evaluation import evaluate_policy

SETTINGS = {
    PPO: {"n_steps": 128, "batch_size": 128},
    A2C: {"n_steps": 16},
    DQN: {"learning_starts": 500, "train_freq": 8},
}


def main() -> None:
    """Train each of them and print its mean return over 20 episodes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="anymdp_bench:AnyMDP-v0")
    parser.add_argument("--steps", type=int, default=3_000)
    arguments = parser.parse_args()

    told = []
    for algorithm, settings in SETTINGS.items():
        env = make_vec_env(arguments.env_id, n_envs=4, seed=0)
        model = algorithm("MlpPolicy", env, seed=0, device="cpu", **settings)
        model.learn(arguments.steps)
        mean, _ = evaluate_policy(model, env, n_eval_episodes=20)
        told.append(f"{algorithm.__name__} {mean:.2f}")
    print(f"stable-baselines3 {stable_baselines3.__version__}, by id: mean return {', '.join(told)}")


if __name__ == "__main__":
    main()
