"""PPO of stable-baselines3: agent, trainer, policy, rewards, candidate settings."""
