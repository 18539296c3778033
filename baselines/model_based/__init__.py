"""Agents that keep the exact statistic of what they lived and plan on it; nothing is trained beforehand.

- `history`: a test of whether ids are Markov.
- `memory`: what n rows have lived and planned.
- `settings`: one for all tasks, and the two rules that suit them to a task.
- `optimism`: optimistic initial model (`oim`), exploration bonus (`ucbvi`), and the plan of tests.
- `posterior`: posterior sampling (`psrl`).
- `play`: compiled play and training.
- `agents`: the agents, and their twins of the learner track.
- `grids`, `tuning`: the search that chose the settings.

References:
    I. Szita, A. Lorincz, The many faces of optimism (ICML 2008): `oim`. M. Strens (ICML 2000) and I. Osband
    et al. (NeurIPS 2013): `psrl`. A. Strehl, M. Littman, An analysis of model-based interval estimation
    (2008), and M. Azar, I. Osband, R. Munos, Minimax regret bounds (ICML 2017): `ucbvi`.
"""
