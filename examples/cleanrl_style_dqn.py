"""DQN in one file, in the style of CleanRL; of the environment it knows no more than its id."""

import argparse
import copy

import gymnasium as gym
import numpy as np
import torch
from torch import nn

from anymdp_bench import OneHot

GAMMA, BATCH, LEARNING_STARTS, TRAIN_EVERY, COPY_EVERY = 0.97, 64, 500, 4, 250


def main() -> None:
    """Train and print the mean return of the last 20 episodes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="AnyMDP-v0")
    parser.add_argument("--steps", type=int, default=6_000)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    env = OneHot(gym.wrappers.RecordEpisodeStatistics(gym.make(arguments.env_id)))
    shape = env.observation_space.shape[0], int(env.action_space.n)
    q = nn.Sequential(nn.Linear(shape[0], 64), nn.ReLU(), nn.Linear(64, shape[1]))
    target = copy.deepcopy(q)
    optimizer = torch.optim.Adam(q.parameters(), lr=1e-3)
    memory, returns, (seen, _) = [], [], env.reset(seed=0)
    for step in range(arguments.steps):
        if rng.random() < max(0.05, 1 - 2 * step / arguments.steps):
            action = int(rng.integers(shape[1]))
        else:
            action = int(q(torch.as_tensor(seen)).argmax())
        following, reward, terminated, truncated, info = env.step(action)
        memory.append((seen, action, np.float32(reward), following, np.float32(terminated)))
        seen = following
        if terminated or truncated:
            returns.append(info["episode"]["r"])
            seen, _ = env.reset()
        if step >= LEARNING_STARTS and step % TRAIN_EVERY == 0:
            rows = [memory[i] for i in rng.integers(len(memory), size=BATCH)]
            x, taken, rewards, x_next, ends = (torch.as_tensor(np.array(c)) for c in zip(*rows, strict=True))
            with torch.no_grad():
                wanted = rewards + GAMMA * (1 - ends) * target(x_next).max(1).values
            loss = nn.functional.mse_loss(q(x).gather(1, taken[:, None])[:, 0], wanted)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if step % COPY_EVERY == 0:
            target.load_state_dict(q.state_dict())
    mean = sum(returns[-20:]) / max(len(returns[-20:]), 1)
    print(f"torch {torch.__version__}: DQN, {len(returns)} episodes, mean return of the last 20 {mean:.2f}")


if __name__ == "__main__":
    main()
