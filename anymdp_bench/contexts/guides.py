"""What a teacher does on one task."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from anymdp_bench.contexts.learner import QLearner
from anymdp_bench.contexts.teachers import RANDOM, REFERENCE_DISCOUNT, Teacher
from anymdp_bench.foundation.errors import InvalidConfig
from anymdp_bench.foundation.types import FloatArray, IntArray
from anymdp_bench.planning import greedy, plan, policy_return, references
from anymdp_bench.planning.model import expand_actions
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.task import TabularTask
from anymdp_bench.worlds.pendulum.references import normaliser_policy
from anymdp_bench.worlds.pendulum.task import PendulumTask

HALF = 0.5
"""Score at which the learner stops: half way from uniform play to the oracle."""
MOST_EPISODES = 10_000
"""Episodes after which it stops anyway."""
GROWTH = 1.2
"""The learner is tested after 1 episode, and then after 1.2 times as many each time."""


class Guide(NamedTuple):
    """A teacher's behaviour on one task.

    Attributes:
        actions: int64 ``[X]``, what it does when it does not act at random. X counts inner states, or
            observation ids where the inner state is continuous. Actions of several moves are counted
            through, the last move fastest.
        epsilon: Share of uniformly random actions.
        tag: Tag of the actions that are not random.
    """

    actions: IntArray
    epsilon: float
    tag: int

    def policy(self, n_actions: int) -> FloatArray:
        """Action probabilities, float64 ``[X, n_actions]``."""
        chances = np.full((len(self.actions), n_actions), self.epsilon / n_actions)
        chances[np.arange(len(self.actions)), self.actions] += 1 - self.epsilon
        return chances


def guide(task: Task, teacher: Teacher, seed: int) -> Guide:
    """Prepare a teacher for a task.

    Args:
        task: The task.
        teacher: Who teaches.
        seed: Of the learner's training; other teachers draw nothing here.

    Raises:
        InvalidConfig: the teacher needs tables, and the task has none.
        NotTabular: a pendulum whose references have not been measured.
    """
    if teacher.tag == RANDOM:
        n = task.n_states if isinstance(task, TabularTask) else task.n_observations
        return Guide(np.zeros(n, dtype=np.int64), teacher.epsilon, teacher.tag)
    if not isinstance(task, TabularTask):
        return _without_tables(task, teacher)
    if teacher.discount is None:
        return _half_trained(task, teacher, seed)
    return Guide(greedy(plan(task, teacher.discount)), teacher.epsilon, teacher.tag)


def _without_tables(task: Task, teacher: Teacher) -> Guide:
    """The long-trained policy that scores 1 stands for the oracle of a pendulum."""
    if teacher.discount != REFERENCE_DISCOUNT or not isinstance(task, PendulumTask):
        raise InvalidConfig(
            f"teacher {teacher.name!r} needs a task with tables; a task of family {task.family!r} has none. "
            "Use 'uniform', 'oracle' or a noisy oracle."
        )
    return Guide(normaliser_policy(task), teacher.epsilon, teacher.tag)


def _half_trained(task: TabularTask, teacher: Teacher, seed: int) -> Guide:
    """Train until what it would do, random actions included, scores one half."""
    single = expand_actions(task)
    known = references(task)
    target = known.random + HALF * (known.oracle - known.random)
    learner = QLearner(single, teacher.epsilon, seed)
    while True:
        learner.live(min(math.ceil(GROWTH * learner.n_episodes) or 1, MOST_EPISODES) - learner.n_episodes)
        found = Guide(learner.actions(), teacher.epsilon, teacher.tag)
        done = learner.n_episodes == MOST_EPISODES
        if done or policy_return(single, found.policy(single.n_actions)).mean >= target:
            return found
