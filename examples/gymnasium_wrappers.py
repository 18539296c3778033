"""Gymnasium's wrappers around a single environment: statistics, time, scaled rewards, stacked steps."""

import argparse

import gymnasium as gym
from gymnasium import wrappers

import anymdp_bench as bench


def wrapped(env_id: str) -> gym.Env:
    """Return an environment whose observations are float32 `[4, ids + 1]`: the last four, with the time."""
    env = wrappers.RecordEpisodeStatistics(gym.make(env_id))
    env = wrappers.NormalizeReward(wrappers.ClipReward(env, -10, 10))
    env = wrappers.TimeAwareObservation(bench.OneHot(env))
    return wrappers.FrameStackObservation(env, 4)


def main() -> None:
    """Play at random and print the mean return of the episodes that ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="AnyMDP-v0")
    parser.add_argument("--steps", type=int, default=2_000)
    arguments = parser.parse_args()

    env = wrapped(arguments.env_id)
    env.action_space.seed(0)
    observation, _ = env.reset(seed=0)
    returns = []
    for _ in range(arguments.steps):
        observation, _, terminated, truncated, info = env.step(env.action_space.sample())
        assert observation in env.observation_space
        if terminated or truncated:
            returns.append(info["episode"]["r"])
            observation, _ = env.reset()
    mean = sum(returns) / max(len(returns), 1)
    print(f"gymnasium {gym.__version__}: {len(returns)} episodes, mean return {mean:.2f}")


if __name__ == "__main__":
    main()
