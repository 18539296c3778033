"""Learners that train on copies of their tasks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from anymdp_bench import AgentError, CopyLearner, Episodes, evaluate
from tests.support.scripted import TabledLearner, corridor


class Copyist(TabledLearner):
    """Lives its episodes on two copies of each row's task, always moving on."""

    short = 0

    def learn_on_copies(self, make_copies: Any, n_episodes: int) -> Episodes:
        lived = np.zeros((3, self.n, n_episodes - self.short))
        for row in range(self.n):
            copies = make_copies(row, 2)
            copies.reset(seed=self.seed + 2 * row)
            for k in range(lived.shape[2]):
                copies.restart(np.array([True, True]))
                ended = False
                while not ended:
                    step = copies.advance(np.array([1, 0]))
                    lived[:, row, k] += step.scores[0], step.rewards[0], 1
                    ended = bool(step.terminated[0] or step.truncated[0])
            self.seen[row] += int(lived[2, row].sum())
        scores, rewards, lengths = lived
        return Episodes(scores, rewards, lengths.astype(np.int64))


def test_training_on_copies_is_recorded_as_any_other() -> None:
    agent = Copyist(slow=10)
    assert isinstance(agent, CopyLearner)
    tasks = [corridor(), corridor(gain=3.0)]
    result = evaluate(agent, "darkroom-6-v0", tasks=tasks, runs=1, train_episodes=8, test_every=4)
    record = result.record
    assert record.lived.scores.tolist() == [[2.0] * 8, [6.0] * 8]
    assert record.points.steps.tolist() == [[8, 16]] * 2
    assert record.points.mean.tolist() == [[0.0, 2.0], [0.0, 6.0]]


def test_a_wrong_number_of_episodes_is_refused() -> None:
    agent = Copyist()
    agent.short = 1
    with pytest.raises(
        AgentError, match=r"in learn_on_copies: answered arrays \[\(1, 3\)\]; each is \[1, 4\]"
    ):
        evaluate(agent, "darkroom-6-v0", tasks=[corridor()], runs=1, train_episodes=8, test_every=4)
