"""Tabular Q-learning with an upper-confidence bonus (TQL-UCB): agent, kernels, candidate settings."""
