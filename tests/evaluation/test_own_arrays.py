"""Whatever an agent writes into what it is given, the protocol goes by its own arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from anymdp_bench import Episodes
from tests.support.scripted import BOARD, Scripted, TabledLearner, corridor, play


class Scribbler(Scripted):
    """Writes into everything that it is given, and into what it answered before."""

    def begin(self, n: int, observation_space: Any, action_space: Any, seed: int, **others: Any) -> None:
        super().begin(n, observation_space, action_space, seed, **others)
        observation_space.n = action_space.n = np.int64(99)
        self.answer = np.ones(n, np.int64)

    def act(self, observations: Any, active: Any) -> Any:
        observations[:] = 0
        active[:] = False
        self.answer[:] = 1
        return self.answer

    def observe(self, *transition: Any) -> None:
        self.answer[:] = 0
        for array in transition:
            array[:] = True  # every episode is over, every reward is 1


def test_an_agent_cannot_end_episodes_or_pay_itself() -> None:
    tasks = corridor(gain=2.0, noise=1.0), corridor(horizon=2)
    honest, scribbled = play(Scripted(), *tasks), play(Scribbler(), *tasks)
    for one, other in zip(honest.lived, scribbled.lived, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(honest.points.mean, scribbled.points.mean)
    np.testing.assert_array_equal(honest.points.steps, scribbled.points.steps)


def test_answers_are_kept_as_they_were() -> None:
    class Regretful(TabledLearner):
        """Raises what it reported, and its table, afterwards."""

        def learn_episodes(self, env: Any, n_episodes: int) -> Episodes:
            ones = np.ones((env.num_envs, n_episodes))
            self.reported = Episodes(ones, ones.copy(), np.full(ones.shape, 3))
            return self.reported

        def policy_table(self) -> np.ndarray:
            self.table = super().policy_table()
            return self.table

        def unfreeze(self) -> None:
            super().unfreeze()
            self.table[:] = 0.5
            for values in self.reported:
                values[:] = 100

    shard = play(Regretful(), corridor(), board=BOARD)
    np.testing.assert_array_equal(shard.lived.scores, 1.0)
    np.testing.assert_array_equal(shard.points.steps, [[30, 60, 90, 120]])
