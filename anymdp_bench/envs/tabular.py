"""One tabular task, one episode at a time, in plain Python."""

from __future__ import annotations

import operator
from bisect import bisect_right
from collections.abc import Callable
from typing import Any

import numpy as np

from anymdp_bench.envs import options as given
from anymdp_bench.envs.draws import DrawBlocks
from anymdp_bench.envs.partial import Emitter, action_law
from anymdp_bench.envs.single import SingleEnv
from anymdp_bench.task import IntArray, TabularTask, Task, require_tabular


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
    """

    def __init__(
        self,
        task: Task,
        *,
        info_level: str = "none",
        resample: Callable[[int], Task] | None = None,
        render_mode: str | None = None,
    ) -> None:
        """See `SingleEnv` for the arguments."""
        self._draws = DrawBlocks(noise=True)
        super().__init__(task, info_level=info_level, resample=resample, render_mode=render_mode)

    def _load(self, task: Task) -> None:
        tabular = require_tabular(task)
        self._tables = tabular
        self._n_actions = tabular.n_actions
        self._horizon = tabular.horizon
        self._tokens = tabular.action_tokens
        emission = tabular.emission_weight
        self._emitter = None if emission is None else Emitter(emission)
        self._plain = self._emitter is None and self._tokens == 1 and self._info_level == "none"
        self._ids = tabular.state_ids.tolist()
        self._first = tabular.row_start.tolist()
        self._last = (tabular.row_start[1:] - 1).tolist()
        self._cumulative = _cumulative(tabular).tolist()
        self._start_cumulative = np.cumsum(tabular.initial_weight).tolist()
        score = tabular.score_outcome
        # Row of the next state's first action, id, mean and deviation of the reward, end.
        self._arrivals = list(
            zip(
                (tabular.successor.astype(np.int64) * tabular.n_actions).tolist(),
                tabular.state_ids[tabular.successor].tolist(),
                tabular.outcome_reward.tolist(),
                tabular.outcome_noise.tolist(),
                tabular.terminal[tabular.successor].tolist(),
                strict=True,
            )
        )
        self._scores = None if score is None else score.tolist()

    def _begin(self) -> tuple[Any, dict[str, Any]]:
        draws = self._draws
        draws.begin(self._stream, self._episode, self._horizon * self._tokens + 1)
        state = bisect_right(self._start_cumulative, draws.outcomes[0])
        self._row = state * self._n_actions
        self._elapsed = 0
        self._position = 1
        observation: Any = self._ids[state]
        if self._emitter is not None:
            self._emitter.begin(self._emission_stream, self._episode, self._horizon)
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
        if action.__class__ is not int:
            action = self._as_integer(action)
        if not 0 <= action < self._n_actions:
            raise given.illegal_action(action, self.action_space)
        if self._over:
            raise self._episode_over()
        draws, position = self._draws, self._position
        if position == len(draws.outcomes):
            draws.refill()
            position = 0
        row = self._row + action
        outcome = bisect_right(self._cumulative, draws.outcomes[position], self._first[row], self._last[row])
        self._row, observation, mean, deviation, terminated = self._arrivals[outcome]
        reward = mean + deviation * draws.noise[position]
        self._position = position + 1
        self._elapsed = elapsed = self._elapsed + 1
        truncated = elapsed >= self._horizon and not terminated
        self._over = terminated or truncated
        return observation, reward, terminated, truncated, {}

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
        before = self._row // self._n_actions
        reward = mean = score = 0.0
        for token in tokens:
            outcome, noise = self._draw_outcome(self._row + token)
            self._row, observation, part, deviation, terminated = self._arrivals[outcome]
            reward += part + deviation * noise
            mean += part
            score += part if self._scores is None else self._scores[outcome]
            if terminated:
                break
        self._elapsed += 1
        truncated = self._elapsed >= self._horizon and not terminated
        self._over = terminated or truncated
        if self._emitter is not None:
            observation = self._emitter.emit(self._row // self._n_actions)
        info: dict[str, Any] = {} if self._info_level == "none" else {"score_reward": score}
        if self._info_level == "full":
            info |= {"reward_mean": mean, "inner_state": self._row // self._n_actions}
            info["transition_row"] = action_law(self._tables, before, tokens)
        return observation, reward, terminated, truncated, info

    def _draw_outcome(self, row: int) -> tuple[int, float]:
        """Draw a transition of a row: index of the outcome, and the reward's standard normal."""
        draws = self._draws
        if self._position == len(draws.outcomes):
            draws.refill()
            self._position = 0
        bits, noise = draws.outcomes[self._position], draws.noise[self._position]
        self._position += 1
        return bisect_right(self._cumulative, bits, self._first[row], self._last[row]), noise


def _cumulative(task: TabularTask) -> IntArray:
    """Cumulative weights within each row, int64 ``[K]``."""
    total = np.cumsum(task.weight)
    before = np.concatenate([[0], total])[task.row_start[:-1]]
    cumulative: IntArray = total - np.repeat(before, np.diff(task.row_start))
    return cumulative
