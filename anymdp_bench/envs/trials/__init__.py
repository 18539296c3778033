"""Trials: several episodes of one fresh task as one episode, for agents that learn to learn (RL²).

- `pool`: the tasks that trials are played on.
- `views`: what an agent sees: where it is, and what its last action led to.
- `single`, `batch`: one trial at a time, and many.
- `kernels`: how trials begin and go on.

References:
    Y. Duan et al., RL²: Fast Reinforcement Learning via Slow Reinforcement Learning (arXiv 1611.02779).
"""

from anymdp_bench.envs.trials.batch import TrialVectorEnv, make_trial_vec
from anymdp_bench.envs.trials.single import TrialEnv, make_trial, trial

__all__ = ["TrialEnv", "TrialVectorEnv", "make_trial", "make_trial_vec", "trial"]
