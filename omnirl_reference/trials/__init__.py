"""RL²: recurrent PPO that is rewarded for whole trials, and its memory and policy as an in-context agent.

In come trials of a bank's training tasks, out goes a checkpoint: weights, and notes that name the setting.
"""
