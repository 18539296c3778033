"""PPO in one file, in the style of CleanRL; of the environment it knows no more than its id."""

import argparse

import gymnasium as gym
import torch
from torch import distributions, nn

from anymdp_bench import OneHot

N_ENVS, ROLLOUT, EPOCHS, GAMMA, LAMBDA, CLIP = 8, 64, 4, 0.97, 0.95, 0.2


def main() -> None:
    """Train and print the mean return of the last 20 episodes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--env-id", default="AnyMDP-v0")
    parser.add_argument("--steps", type=int, default=8_192)
    arguments = parser.parse_args()
    torch.manual_seed(0)
    wrappers = gym.wrappers.RecordEpisodeStatistics, OneHot
    envs = gym.make_vec(arguments.env_id, N_ENVS, "sync", {"autoreset_mode": "SameStep"}, wrappers)
    size, n_actions = envs.single_observation_space.shape[0], int(envs.single_action_space.n)
    actor = nn.Sequential(nn.Linear(size, 64), nn.Tanh(), nn.Linear(64, n_actions))
    critic = nn.Sequential(nn.Linear(size, 64), nn.Tanh(), nn.Linear(64, 1), nn.Flatten(0))
    optimizer = torch.optim.Adam([*actor.parameters(), *critic.parameters()], lr=3e-3)
    returns, seen = [], torch.as_tensor(envs.reset(seed=0)[0])
    for _ in range(arguments.steps // (N_ENVS * ROLLOUT)):
        rows = []
        for _ in range(ROLLOUT):
            with torch.no_grad():
                choice, value = distributions.Categorical(logits=actor(seen)), critic(seen)
            action = choice.sample()
            following, reward, ended, cut, infos = envs.step(action.numpy())
            row = seen, action, choice.log_prob(action), value, reward, ended | cut
            rows.append(map(torch.as_tensor, row))
            if "episode" in infos.get("final_info", {}):
                returns.extend(infos["final_info"]["episode"]["r"][infos["_final_info"]])
            seen = torch.as_tensor(following)
        inputs, actions, logs, values, rewards, dones = map(torch.stack, zip(*rows, strict=True))
        gains, running, later = torch.zeros_like(values), 0.0, critic(seen).detach()
        for t in reversed(range(ROLLOUT)):
            kept = GAMMA * ~dones[t]
            gains[t] = running = rewards[t] + kept * (later + LAMBDA * running) - values[t]
            later = values[t]
        flat = [x.flatten(0, 1) for x in (inputs, actions, logs, gains, gains + values)]
        for batch in (part for _ in range(EPOCHS) for part in torch.randperm(N_ENVS * ROLLOUT).split(128)):
            x, action, log, gain, wanted = (column[batch] for column in flat)
            choice = distributions.Categorical(logits=actor(x))
            ratio, gain = (choice.log_prob(action) - log).exp(), (gain - gain.mean()) / (gain.std() + 1e-8)
            policy_loss = -torch.min(ratio * gain, ratio.clamp(1 - CLIP, 1 + CLIP) * gain).mean()
            optimizer.zero_grad()
            (policy_loss + (critic(x) - wanted).pow(2).mean() - 0.01 * choice.entropy().mean()).backward()
            optimizer.step()
    mean = sum(returns[-20:]) / max(len(returns[-20:]), 1)
    print(f"torch {torch.__version__}: PPO, {len(returns)} episodes, mean return of the last 20 {mean:.2f}")


if __name__ == "__main__":
    main()
