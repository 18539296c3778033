"""Gymnasium's vector wrappers around the compiled batch: statistics, one-hot ids, scaled rewards."""

import argparse

import gymnasium as gym
from gymnasium.wrappers import vector as wrappers

import anymdp_bench as bench


def wrapped(env_id: str, num_envs: int) -> gym.vector.VectorEnv:
    """Return a batch whose observations are float32 `[num_envs, ids]`."""
    envs = gym.make_vec(env_id, num_envs=num_envs, vectorization_mode="vector_entry_point")
    envs = wrappers.RecordEpisodeStatistics(envs)
    envs = wrappers.NormalizeReward(wrappers.ClipReward(envs, -10, 10))
    return wrappers.FlattenObservation(bench.OneHotVector(envs))


def main() -> None:
    """Play at random and print the mean return of the episodes that ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="anymdp_bench:AnyMDP-v0")
    parser.add_argument("--steps", type=int, default=20_000)
    arguments = parser.parse_args()

    envs = wrapped(arguments.env_id, num_envs=32)
    envs.action_space.seed(0)
    envs.reset(seed=0)
    returns: list[float] = []
    for _ in range(arguments.steps // envs.num_envs):
        observations, _, _, _, infos = envs.step(envs.action_space.sample())
        assert observations in envs.observation_space
        if "episode" in infos:
            returns.extend(infos["episode"]["r"][infos["_episode"]])
    mean = sum(returns) / max(len(returns), 1)
    print(f"gymnasium {gym.__version__}: {len(returns)} episodes of a batch, mean return {mean:.2f}")


if __name__ == "__main__":
    main()
