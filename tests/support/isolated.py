"""Agents that are made by name, for processes of their own: fair ones, and such as fail."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from anymdp_bench import AgentError, AgentInfo, SingleTask, child_seed
from tests.support.scripted import ScriptedLearner, TabledLearner

HERE = "tests.support.isolated"


class Mixed:
    """Plays what is drawn from everything that it has been told so far: any other bit changes its play."""

    info = AgentInfo(name="mixed", config={"size": 3, "share": 0.1, "note": "ü", "none": None})

    def begin(self, n: int, observation_space: Any, action_space: Any, seed: int, **others: Any) -> None:
        self.shape, self.high = (n, *action_space.shape), getattr(action_space, "nvec", action_space)
        self.high = getattr(self.high, "n", self.high)
        self.rngs = [np.random.default_rng(child_seed(seed, i)) for i in range(n)]
        self.sums = np.zeros(n)
        context = others["context"]
        if context is not None:
            self.sums += [context.rows([i]).rewards.sum() for i in range(n)]

    def act(self, observations: Any, active: Any) -> Any:
        drawn = np.array([rng.integers(1 << 20, size=self.shape[1:]) for rng in self.rngs])
        told = (np.abs(self.sums) * 1e6).astype(np.int64).reshape(-1, *[1] * (len(self.shape) - 1))
        return (drawn + told) % self.high

    def observe(self, observations: Any, actions: Any, rewards: Any, after: Any, *flags: Any) -> None:
        terminated, truncated, active = flags
        seen = [a.reshape(len(active), -1).sum(axis=1) for a in (observations, actions, after)]
        self.sums = np.where(
            active,
            0.5 * self.sums + rewards + seen[0] + 3 * seen[1] + 7 * seen[2] + terminated - truncated,
            self.sums,
        )


class MixedLearner(Mixed):
    """The same as a learner that is tested by episodes."""

    info = AgentInfo(name="mixed-learner", learner=True)
    frozen = False

    def observe(self, *step: Any) -> None:
        if not self.frozen:
            super().observe(*step)

    def freeze(self) -> None:
        self.frozen = True

    def unfreeze(self) -> None:
        self.frozen = False


class MixedTable(MixedLearner):
    """The same as a learner that is tested by its table."""

    info = AgentInfo(name="mixed-table", learner=True)

    def begin(self, n: int, observation_space: Any, action_space: Any, seed: int, **others: Any) -> None:
        super().begin(n, observation_space, action_space, seed, **others)
        self.sizes = observation_space.n, action_space.n

    def policy_table(self) -> Any:
        rng = np.random.default_rng(int(np.abs(self.sums).sum() * 1e6) % 2**32)
        return rng.dirichlet(np.ones(self.sizes[1]), size=(len(self.sums), self.sizes[0]))


class Counting:
    """For one task at a time."""

    info = AgentInfo(name="counting")

    def begin(self, observation_space: Any, action_space: Any, seed: int) -> None:
        self.count, self.n_actions = seed, action_space.n

    def act(self, observation: Any) -> Any:
        return self.count % self.n_actions

    def observe(self, *transition: Any) -> None:
        self.count += int(transition[2] * 1e6) + int(transition[3])


def counting() -> SingleTask:
    return SingleTask(Counting)


class Failing(Mixed):
    """Fails in the way that its option names, at its fifth action or transition."""

    def __init__(self, how: str = "raise") -> None:
        self.how, self.count = how, 0
        self.info = AgentInfo(name="failing", learner=how == "no-freeze")

    def act(self, observations: Any, active: Any) -> Any:
        self.count += 1
        answer = super().act(observations, active)
        if self.count == 5:
            answer = self.fail(answer)
        return answer

    def fail(self, answer: Any) -> Any:
        if self.how == "raise":
            raise ValueError("on purpose")
        if self.how == "row":
            raise AgentError("row on purpose", 1)
        if self.how == "exit":
            os._exit(0)
        if self.how == "system-exit":
            raise SystemExit(0)
        if self.how == "segfault":
            os.kill(os.getpid(), 11)
        if self.how == "hang":
            time.sleep(3600)
        if self.how == "memory":
            np.ones(1 << 32)
        if self.how == "print":
            sys.stdout.write("verified\n" * 10_000)
        wrong = {"float": answer * 1.5, "shape": answer[:1], "range": answer + 99, "ragged": [[1], [1, 2]]}
        return wrong.get(self.how, answer)

    def observe(self, *step: Any) -> None:
        super().observe(*step)
        if self.how == "observe" and self.count == 5:
            raise ValueError("heard on purpose")


class Peeking(Mixed):
    """Opens the memory of the evaluation."""

    def begin(self, *spaces: Any, **others: Any) -> None:
        with Path(f"/proc/{os.getppid()}/mem").open("rb"):
            super().begin(*spaces, **others)


class Leaving(Mixed):
    """Leaves two processes behind, in sessions of their own, that write their numbers, and files later."""

    def __init__(self, where: str, seconds: float = 60) -> None:
        self.where, self.seconds = Path(where), seconds

    def begin(self, *spaces: Any, **others: Any) -> None:
        super().begin(*spaces, **others)
        first = os.fork()
        if first:
            os.waitpid(first, 0)
            return
        os.setsid()
        if os.fork():
            os._exit(0)
        if os.fork():
            self.stay("one")
        os.setsid()
        self.stay("two")

    def stay(self, name: str) -> None:
        (self.where / f"{name}.new").write_text(str(os.getpid()))
        (self.where / f"{name}.new").rename(self.where / f"{name}.pid")
        time.sleep(self.seconds)
        (self.where / f"{name}.late").touch()
        os._exit(0)


def scripted_learner() -> ScriptedLearner:
    return ScriptedLearner()


def tabled_learner() -> TabledLearner:
    return TabledLearner()
