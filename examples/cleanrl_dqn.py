"""CleanRL's published DQN, every line as it is: of the environment it is told nothing but the id."""

import argparse
import os
import runpy
import sys
import tempfile
from importlib import metadata
from pathlib import Path

import cleanrl
import gymnasium as gym
import torch

EPISODES = 20


def train(env_id: str, steps: int) -> torch.nn.Module:
    """Run CleanRL's file as a program; return the network that it leaves."""
    sys.argv = ["dqn.py", "--env-id", env_id, "--total-timesteps", str(steps), "--learning-starts", "200"]
    home = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:  # it writes its curves where it runs
        os.chdir(folder)
        left = runpy.run_module(f"{cleanrl.__name__}.dqn", run_name="__main__")
        os.chdir(home)
    network: torch.nn.Module = left["q_network"]
    return network


def main() -> None:
    """Train, play greedily, print the mean return."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="anymdp_bench:AnyMDP-onehot-v0")
    parser.add_argument("--steps", type=int, default=20_000)
    arguments = parser.parse_args()
    network = train(arguments.env_id, arguments.steps)
    env, total = gym.make(arguments.env_id), 0.0
    for episode in range(EPISODES):
        seen, ended = env.reset(seed=episode)[0], False
        while not ended:
            action = int(network(torch.as_tensor(seen)).argmax())
            seen, reward, terminated, truncated, _ = env.step(action)
            total, ended = total + float(reward), terminated or truncated
    print(f"cleanrl {metadata.version('cleanrl')}: DQN, mean return over {EPISODES} {total / EPISODES:.2f}")


if __name__ == "__main__":
    main()
