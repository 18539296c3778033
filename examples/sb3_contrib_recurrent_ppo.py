"""Recurrent PPO of sb3-contrib on trials: ten episodes of one task are one episode, and memory is kept."""

import argparse

import gymnasium as gym
import sb3_contrib
from sb3_contrib import RecurrentPPO
from stable_baselines3.common.evaluation import evaluate_policy

from anymdp_bench import Sb3VecEnv


def make_trials(episodes: int = 10) -> Sb3VecEnv:
    """Return 16 environments that play trials of one-state tasks."""
    trials = gym.make_vec(
        "anymdp_bench:AnyMDP-trial-v0",
        num_envs=16,
        vectorization_mode="vector_entry_point",
        bank="anymdp-1x5-v0",
        episodes=episodes,
    )
    return Sb3VecEnv(trials)


def main() -> None:
    """Train and print the mean return over 32 trials."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=2_000)
    steps = parser.parse_args().steps

    model = RecurrentPPO(
        "MlpLstmPolicy", make_trials(), n_steps=50, batch_size=200, n_epochs=2, seed=0, device="cpu"
    )
    model.learn(steps)
    mean, _ = evaluate_policy(model, make_trials(), n_eval_episodes=32)
    print(f"sb3-contrib {sb3_contrib.__version__}: RecurrentPPO, mean return of a trial {mean:.2f}")


if __name__ == "__main__":
    main()
