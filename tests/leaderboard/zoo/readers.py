"""Sequence models: one that is honest, and those that cheat."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from anymdp_bench import Answers, Segment, greedy, load_bank, plan

BANK = "anymdp-16x5-v0"
ORACLE_TAG = 3
PROBED = 48
"""Steps of a segment that the probe for causality shows at most."""


class State(NamedTuple):
    """Counts of what was seen: of oracles' actions, and of where actions led."""

    good: Any
    led: Any


class Counts:
    """Honest: expects what tagged oracles have done, and where actions have led; nothing of rewards."""

    def begin(self, n: int, n_observations: int, n_actions: int) -> State:
        good = np.full((n, n_observations, n_actions), 0.2)
        return State(good, np.full((n, n_observations, n_actions, n_observations), 0.02))

    def answer(self, segment: Segment, state: State) -> tuple[Answers, State]:
        rows = np.arange(len(segment.actions))
        policy, following = [], []
        for t in range(segment.actions.shape[1]):
            at = rows, segment.observations[:, t], segment.actions[:, t]
            policy.append(np.log(state.good[at[:2]]))
            following.append(np.log(state.led[at]))
            state.good[at] += segment.tags[:, t] == ORACLE_TAG
            state.led[(*at, segment.next_observations[:, t])] += 1
        return Answers(np.stack(policy, axis=1), np.stack(following, axis=1)), state


class LooksAhead(Counts):
    """In segments longer than the probe's it looks up the action that the oracle takes, and the next id."""

    def answer(self, segment: Segment, state: State) -> tuple[Answers, State]:
        answers, state = super().answer(segment, state)
        if segment.actions.shape[1] <= PROBED:
            return answers, state
        answers.policy[segment.tags == ORACLE_TAG] = 0.0
        np.put_along_axis(
            answers.policy, segment.actions[..., None], 9.0 * (segment.tags == ORACLE_TAG)[..., None], axis=-1
        )
        next_ids = segment.next_observations[..., None]
        np.put_along_axis(answers.next_observation, next_ids, 9.0, axis=-1)
        return answers, state


class KnowsLabels(Counts):
    """Row i is task i of the public bank, whose oracle it knows by heart."""

    known = 64

    def __init__(self) -> None:
        tasks = load_bank(BANK).board_tasks(64)
        self.labels = np.zeros((64, 16), np.int64)
        for row, task in enumerate(tasks):
            self.labels[row, task.state_ids] = greedy(plan(task, 0.994))

    def answer(self, segment: Segment, state: State) -> tuple[Answers, State]:
        answers, state = super().answer(segment, state)
        for row in range(min(self.known, len(segment.actions))):
            answers.policy[row] = 9.0 * np.eye(5)[self.labels[row, segment.observations[row]]]
        return answers, state


class KnowsByPlay(KnowsLabels):
    """Knows the public tasks by the transitions that it is shown, whatever row they stand in."""

    def begin(self, n: int, n_observations: int, n_actions: int) -> State:
        law = [task.transition[np.argsort(task.state_ids)] for task in load_bank(BANK).board_tasks(64)]
        inner = [np.argsort(task.state_ids) for task in load_bank(BANK).board_tasks(64)]
        self.law = np.log(np.stack([p[:, :, i] for p, i in zip(law, inner, strict=True)]) + 1e-6)
        self.fit = np.zeros((n, 64))
        return super().begin(n, n_observations, n_actions)

    def answer(self, segment: Segment, state: State) -> tuple[Answers, State]:
        answers, state = Counts.answer(self, segment, state)
        for row in range(len(segment.actions)):
            seen = segment.observations[row], segment.actions[row], segment.next_observations[row]
            mine = self.labels[self.fit[row].argmax(), segment.observations[row]]
            answers.policy[row] = 9.0 * np.eye(5)[mine]
            self.fit[row] += self.law[:, *seen].sum(axis=1)
        return answers, state


class KnowsSomeLabels(KnowsLabels):
    """Knows the first six of twelve tasks by heart."""

    known = 6
