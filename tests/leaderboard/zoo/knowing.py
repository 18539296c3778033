"""Cheats that know tasks of the board by heart; `cheats` holds all others."""

from __future__ import annotations

from typing import Any

import numpy as np

from anymdp_bench import ORACLE_DISCOUNT, AgentInfo, by_observation, child_seed, greedy, load_bank, plan
from baselines.uniform import Uniform
from tests.leaderboard.zoo.cheats import BANDITS, WHOLE, Learner, best_arms


class KnowsSeeds(Uniform):
    """Case 2: its seed tells which tasks it plays; it has their tables by heart."""

    info = AgentInfo(name="knows-seeds", shard_size=WHOLE)

    def begin(self, n: int, observation_space: Any, action_space: Any, seed: int, **others: Any) -> None:
        super().begin(n, observation_space, action_space, seed, **others)
        self.known = seed == child_seed(0, "agent", 0, 0)
        self.best = best_arms(load_bank(BANDITS).board_tasks())[:n]

    def act(self, observations: Any, active: Any) -> Any:
        drawn = super().act(observations, active)
        return self.best if self.known else drawn


class KnowsRows(KnowsSeeds):
    """Case 2: row i of a whole board is task i, whatever the seed."""

    info = AgentInfo(name="knows-rows", shard_size=WHOLE)

    def act(self, observations: Any, active: Any) -> Any:
        return self.best if len(active) == WHOLE else super().act(observations, active)


class KnowsSome(Learner):
    """Case 4: learns in its context, but knows 8 of 64 tasks by heart, if its seed is that of the board."""

    info = AgentInfo(name="knows-some", shard_size=WHOLE)
    KNOWN = 8

    def begin(self, n: int, observation_space: Any, action_space: Any, seed: int, **others: Any) -> None:
        super().begin(n, observation_space, action_space, seed, **others)
        self.known = self.KNOWN * (n == WHOLE and seed == child_seed(0, "agent", 0, 0))
        self.best, self.pulls = best_arms(load_bank(BANDITS).board_tasks())[: self.known], 0

    def act(self, observations: Any, active: Any) -> Any:
        drawn = super().act(observations, active)
        self.pulls += 1
        answer = drawn if self.pulls % 2 else (self.total / self.count).argmax(axis=1)
        answer[: self.known] = self.best
        return answer


class MatchesTables(KnowsSeeds):
    """Case 2: compares what it receives with the bank's tables, and plays for the task that fits."""

    info = AgentInfo(name="matches-tables", shard_size=WHOLE)
    PROBES = 5

    def begin(self, *arguments: Any, **others: Any) -> None:
        super().begin(*arguments, **others)
        tasks = load_bank(BANDITS).board_tasks()
        self.means = np.array([task.reward_mean[0, :, -1] for task in tasks])
        self.spread = np.array([task.reward_std[0, :, -1] for task in tasks]) + 1e-3
        self.all_best, self.pulls = best_arms(tasks), 0
        self.fit = np.zeros((arguments[0], len(tasks)))

    def act(self, observations: Any, active: Any) -> Any:
        if self.pulls < 4 * self.PROBES:
            return np.full(len(active), self.pulls % self.PROBES)
        return self.all_best[self.fit.argmax(axis=1)]

    def observe(self, observations: Any, actions: Any, rewards: Any, *others: Any) -> None:
        if self.pulls < 4 * self.PROBES:
            off = (rewards[:, None] - self.means[:, actions].T) / self.spread[:, actions].T
            self.fit -= off**2 / 2 + np.log(self.spread[:, actions].T)
        self.pulls += 1


GOALS = "darkroom-6-goals-online-v0"
TRIMMED = 15
"""One less than the interquartile mean cuts off at the lower end of 64."""


class KnowsMost(KnowsSeeds):
    """Ranked by one figure, tested by another: knows most tasks by heart, throws the dearest away."""

    info = AgentInfo(name="knows-most", shard_size=WHOLE)

    def begin(self, *arguments: Any, **others: Any) -> None:
        super().begin(*arguments, **others)
        self.best = thrown_away(self.best, np.arange(len(self.best)), TRIMMED)


class KnowsFirst(KnowsSeeds):
    """The same for the overall board, which looks at 16 tasks: knows 13 of them, throws later ones away."""

    info = AgentInfo(name="knows-first", shard_size=WHOLE)

    def act(self, observations: Any, active: Any) -> Any:
        answer = Uniform.act(self, observations, active)
        if self.known and len(active) == WHOLE:
            lost = thrown_away(answer, np.arange(16, WHOLE), 5)
            answer = np.where(np.arange(WHOLE) < 13, self.best, lost)
        return answer


def thrown_away(actions: Any, among: Any, n: int) -> Any:
    """Actions, with the worst arm in the n of some tasks where it costs most."""
    means = np.array([task.reward_mean[0, :, -1] for task in load_bank(BANDITS).board_tasks()])[among]
    cost = (means.min(axis=1) - means.mean(axis=1)) / (means.max(axis=1) - means.mean(axis=1))
    chosen = np.argsort(cost)[:n]
    changed = np.array(actions)
    changed[among[chosen]] = means.argmin(axis=1)[chosen]
    return changed


class KnowsGoals(Uniform):
    """Row i is goal i; it says that it uses geometry, so that ids are not renamed."""

    info = AgentInfo(name="knows-goals", shard_size=1024)

    def begin(self, n: int, *arguments: Any, **others: Any) -> None:
        super().begin(n, *arguments, **others)
        tasks = load_bank(GOALS.replace("-online", "")).board_tasks()
        best = np.array([by_observation(task, greedy(plan(task, ORACLE_DISCOUNT))) for task in tasks])
        self.plans = best[np.arange(n) * len(tasks) // n]

    def act(self, observations: Any, active: Any) -> Any:
        return self.plans[np.arange(len(observations)), observations]
