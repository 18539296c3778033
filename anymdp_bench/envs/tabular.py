"""One tabular task, one episode at a time, in plain Python."""

from __future__ import annotations

import operator
from bisect import bisect_right
from typing import Any

import numpy as np

from anymdp_bench.envs import options as given
from anymdp_bench.envs.draws import DrawBlocks, NextDraw
from anymdp_bench.envs.partial import Emitter, action_law
from anymdp_bench.envs.single import SingleEnv
from anymdp_bench.foundation.types import IntArray
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.task import TabularTask, require_tabular

INT64 = np.int64


class TabularEnv(SingleEnv):
    """A tabular task as a Gymnasium environment.

    Description:
        The agent sees the id of the state that it is in, or observation tokens drawn for that state, and
        chooses an action, or several action tokens that are executed one after the other. Dynamics and
        reward are the task's tables.

    Observation Space:
        ``Discrete(O)``, or ``MultiDiscrete([O] * T)`` for T observation tokens.

    Action Space:
        ``Discrete(A)``, or ``MultiDiscrete([A] * k)`` for k action tokens.

    Starting State:
        Drawn from `TabularTask.initial`.

    Rewards:
        Normal, with the mean and standard deviation of the transition taken; the sum over action tokens.

    Episode End:
        Terminated on arrival in a terminal state, else truncated after `Task.horizon` steps.

    Information:
        ``info_level="none"``: empty. ``"score"``: ``score_reward``. ``"full"``: also ``reward_mean`` (mean
        received reward of the transition taken), ``inner_state`` (after the step, and after a reset) and
        ``transition_row`` (float64 ``[S]``, law of the next inner state given the last one and the action).

    Version History:
        v0: first version.

    Examples:
        >>> from anymdp_bench.envs.tabular import TabularEnv
        >>> env = TabularEnv(sample_task("garnet", seed=7), info_level="score")
        >>> observation, info = env.reset(seed=0)
        >>> observation, reward, terminated, truncated, info = env.step(0)
        >>> list(info)
        ['score_reward']
    """

    _task: TabularTask

    def _load(self, task: Task) -> None:
        tabular = require_tabular(task)
        self._n_actions = tabular.n_actions
        self._tokens = tabular.action_tokens
        self._horizon = tabular.horizon
        self._states, self._scores = _state_lists(tabular)
        self._start_cumulative = np.cumsum(tabular.initial_weight).tolist()
        self._ids = tabular.state_ids.tolist()
        emission = tabular.emission_weight
        self._emitter = None if emission is None else Emitter(emission)
        self._plain = self._emitter is None and self._tokens == 1 and self._info_level == "none"
        self._plain = self._plain and self._camera is None
        self._draws = DrawBlocks()
        self._here, self._left = self._states[0], 0
        self._next_draw: NextDraw = self._refuse

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what follows from the task and from the number of steps taken."""
        derived = ("_states", "_scores", "_draws", "_emitter", "_here", "_next_draw")
        return {k: v for k, v in vars(self).items() if k not in derived} | {"inner_state": self.inner_state}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Load the task again and go to where the episode was."""
        inner_state = state.pop("inner_state")
        vars(self).update(state)
        left, over = self._left, self._over
        self._load(self._task)
        self._here, self._left = self._states[inner_state], left
        if not over:
            elapsed = self._horizon - left
            self._next_draw = self._draws.resume(self._stream, self._episode, 1 + elapsed * self._tokens)
            if self._emitter is not None:
                self._emitter.resume(self._emission_stream, self._episode, elapsed + 1)

    @property
    def inner_state(self) -> int:
        """Current inner state; the last one after an episode's end."""
        state: int = self._here[-1]
        return state

    def _inner(self) -> int:
        return self.inner_state

    def _begin(self) -> tuple[Any, dict[str, Any]]:
        self._next_draw = next_draw = self._draws.begin(self._stream, self._episode)
        state = bisect_right(self._start_cumulative, next_draw()[0])
        self._here, self._left = self._states[state], self._horizon
        if self._plain:
            return self._ids[state], {}
        observation: Any = self._ids[state]
        if self._emitter is not None:
            self._emitter.begin(self._emission_stream, self._episode)
            observation = self._emitter.emit(state)
        return observation, {"inner_state": state} if self._info_level == "full" else {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take one action.

        Args:
            action: int in 0..A-1, or ints ``[k]`` for k action tokens.

        Raises:
            InvalidAction: before anything has changed, an action of wrong type, shape or range.
            EpisodeOver: the episode has ended or was never begun.
        """
        if not self._plain:
            return self._step_any(action)
        kind = action.__class__
        if kind is not int:
            action = int(action) if kind is INT64 else self._as_integer(action)
        if not 0 <= action < self._n_actions:
            raise given.illegal_action(action, self.action_space)
        try:
            bits, noise = self._next_draw()
        except StopIteration:
            bits, noise = self._draw_more()
        cumulative, arrivals = self._here[action]
        self._here, observation, mean, deviation, terminated = arrivals[bisect_right(cumulative, bits)]
        self._left = left = self._left - 1
        if left and not terminated:
            return observation, mean + deviation * noise, False, False, {}
        self._end()
        return observation, mean + deviation * noise, terminated, not terminated, {}

    def _draw_more(self) -> tuple[int, float]:
        self._next_draw = self._draws.more()
        return self._next_draw()

    def _end(self) -> None:
        self._over = True
        self._next_draw = self._refuse

    def _refuse(self) -> tuple[int, float]:
        raise self._episode_over()

    def _as_integer(self, action: Any) -> int:
        try:
            if not isinstance(action, bool):
                return operator.index(action)
        except TypeError:
            pass
        raise given.illegal_action(action, self.action_space)

    def _as_tokens(self, action: Any) -> list[int]:
        """Return the checked action tokens."""
        if self._tokens == 1:
            tokens = [self._as_integer(action)]
        else:
            tokens = given.check_actions(action, (self._tokens,)).tolist()
        if not all(0 <= token < self._n_actions for token in tokens):
            raise given.illegal_action(action, self.action_space)
        return tokens

    def _step_any(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take a step with observation tokens, several action tokens, or infos."""
        tokens = self._as_tokens(action)
        if self._over:
            raise self._episode_over()
        before = self.inner_state
        reward = mean = score = 0.0
        for token in tokens:
            cumulative, arrivals = self._here[token]
            try:
                bits, noise = self._next_draw()
            except StopIteration:
                bits, noise = self._draw_more()
            outcome = bisect_right(cumulative, bits)
            scores = None if self._scores is None else self._scores[self.inner_state][token]
            self._here, observation, part, deviation, terminated = arrivals[outcome]
            reward += part + deviation * noise
            mean += part
            score += part if scores is None else scores[outcome]
            if terminated:
                break
        self._left -= 1
        truncated = not (self._left or terminated)
        if terminated or truncated:
            self._end()
        if self._emitter is not None:
            observation = self._emitter.emit(self.inner_state)
        info: dict[str, Any] = {} if self._info_level == "none" else {"score_reward": score}
        if self._info_level == "full":
            info |= {"reward_mean": mean, "inner_state": self.inner_state}
            info["transition_row"] = action_law(self._task, before, tokens)
        if self._camera is not None:
            self._camera.step(0, before, tokens, reward, self.inner_state, observation)
        return observation, reward, terminated, truncated, info


def _state_lists(task: TabularTask) -> tuple[list[list[Any]], list[list[list[float]]] | None]:
    """Lay a task out in lists that lead from state to state.

    Returns:
        For each state a list of the actions' (cumulative weights, arrivals), and the state's number at its
        end; an arrival is (list of the next state, its id, mean and deviation of the reward, end). And the
        outcomes' scored rewards by state and action, or None where they are the mean rewards.
    """
    n, a = task.n_states, task.n_actions
    states: list[list[Any]] = [[] for _ in range(n)]
    arrivals = list(
        zip(
            [states[s] for s in task.successor.tolist()],
            task.state_ids[task.successor].tolist(),
            task.outcome_reward.tolist(),
            task.outcome_noise.tolist(),
            task.terminal[task.successor].tolist(),
            strict=True,
        )
    )
    cumulative, start = _cumulative(task).tolist(), task.row_start.tolist()
    rows = [slice(start[r], start[r + 1]) for r in range(n * a)]
    for s, actions in enumerate(states):
        actions += [(cumulative[row], arrivals[row]) for row in rows[s * a : (s + 1) * a]]
        actions.append(s)
    if task.score_outcome is None:
        return states, None
    scores = task.score_outcome.tolist()
    return states, [[scores[row] for row in rows[s * a : (s + 1) * a]] for s in range(n)]


def _cumulative(task: TabularTask) -> IntArray:
    """Cumulative weights within each row, int64 ``[K]``."""
    total = np.cumsum(task.weight)
    before = np.concatenate([[0], total])[task.row_start[:-1]]
    cumulative: IntArray = total - np.repeat(before, np.diff(task.row_start))
    return cumulative
