"""Discrete-Pendulum: the one world whose inner state is continuous.

- `task`: its constants and dynamics.
- `references`: what scores 0 and 1, measured once; `normaliser`: the command that measured it.
- `solve`: value iteration on a fine grid of the full state.
"""
