from __future__ import annotations
import dataclasses
from typing import Any
import numpy as np
from anymdp_bench import AgentInfo, Episodes, compiled_rows, discrete_sizes
from anymdp_bench.kernels import UNTAGGED
from baselines.model_based import play, plans
from baselines.model_based.memory import make_memory, with_more_room, learn

DEFAULT = dict(kind=0, discount=.994, aliased_discount=.9, growth=.02, kappa=.03, reach=10., bonus=.01, unknown=.1, sharpness=3., reward_prior=1., every=1, optimistic=False)

class ModelBased:
    def __init__(self, name="oim", **settings):
        d = {**DEFAULT, **settings}
        self.rates = plans.Rates(**{k: type(DEFAULT[k])(d[k]) for k in DEFAULT})
        self.info = AgentInfo(name=name, config=d, shard_size=64)
    def begin(self, n, observation_space, action_space, seed, context=None, tasks=None):
        self._memory = make_memory(n, *discrete_sizes(self.info.name, observation_space, action_space), seed)
    def act(self, observations, active):
        actions = np.zeros(len(active), np.int64)
        play.act_rows(self._memory, self.rates, observations, active, actions)
        return actions
    def observe(self, observations, actions, rewards, next_observations, terminated, truncated, active):
        while not play.have_room(self._memory):
            self._memory = with_more_room(self._memory)
        play.learn_rows(self._memory, observations, actions, rewards, next_observations, terminated, truncated, active)
    def learn_episodes(self, env, n_episodes):
        rows = compiled_rows(env)
        if rows is None: return None
        shape = (env.num_envs, n_episodes)
        tally = play.Tally(np.zeros(shape), np.zeros(shape), np.zeros(shape, np.int64))
        at = np.array([0, 0, -1])
        while not play.train(self._memory, self.rates, rows, tally, at):
            self._memory = with_more_room(self._memory)
        return Episodes(*tally)
