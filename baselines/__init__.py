"""Reference agents, built on the public names of `anymdp_bench` only.

Every line of `AGENTS` names a factory that is called without arguments, or with the bank's name.
"""

AGENTS = {
    "cql": "baselines.cql.agent:make",
    "oracle": "baselines.oracle:Oracle",
    "ppo": "baselines.ppo.agent:make",
    "q-ucb": "baselines.q_ucb.agent:make",
    "uniform": "baselines.uniform:Uniform",
}
