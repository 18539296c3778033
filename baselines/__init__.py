"""Reference agents, built on the public names of `anymdp_bench` only.

Every line of `AGENTS` names a factory that is called without arguments, or with the bank's name.
"""

AGENTS = {
    "cql": "baselines.cql.agent:make",
    "oim": "baselines.model_based.agents:oim",
    "oim-learner": "baselines.model_based.agents:oim_learner",
    "oracle": "baselines.oracle:Oracle",
    "ppo": "baselines.ppo.agent:make",
    "psrl": "baselines.model_based.agents:psrl",
    "psrl-learner": "baselines.model_based.agents:psrl_learner",
    "q-ucb": "baselines.q_ucb.agent:make",
    "ucbvi": "baselines.model_based.agents:ucbvi",
    "ucbvi-learner": "baselines.model_based.agents:ucbvi_learner",
    "uniform": "baselines.uniform:Uniform",
}
