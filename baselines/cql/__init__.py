"""Tabular conservative Q-learning: agent, kernels, the search for its settings."""
