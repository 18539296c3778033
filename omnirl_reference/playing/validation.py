"""How good a model is at play on validation tasks: what a checkpoint is chosen by.

All tasks are played at once, so it takes seconds; boards score test tasks instead, once, through
`anymdp_bench.evaluate`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anymdp_bench import (
    Agent,
    Context,
    InvalidConfig,
    Result,
    batch_env,
    child_seed,
    load_bank,
    record_context,
)

WINDOWS = ((0, 500), (500, 1000), (1000, 1500), (1500, 2000), (2000, 5000), (5000, 8000))
"""Steps of a task between which an episode must lie to count."""
OWN_EPISODES = 20
"""Episodes that count after a recorded context."""
LEAST, MOST = -1.0, 1.2
"""What a task's mean score is clipped to in the clipped mean, so that no single task decides."""
TEACHERS = {"online": None, "imitation": "oracle", "offline": "noisy-oracle-0.5"}
"""Who recorded the episodes that a protocol gives: the same as on the boards."""
NO_LIMIT = 2**62
Watch: TypeAlias = Callable[[float], None]
"""Told which share of a plan has been played, in [0, 1], after every step."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is played.

    Attributes:
        bank: Name of the bank.
        split: ``"validation"``, unless a figure for the records is wanted.
        tasks: The first so many tasks.
        fill: A bank of fewer tasks is played again from its first one, until there are so many lives.
        protocol: ``"online"``, ``"imitation"`` or ``"offline"``.
        teacher_episodes: Episodes of the teacher, where there is one.
        steps: Steps of every task, online; 8,000 fill all windows.
        episodes: Own episodes of every task; None: as many as the steps allow online, else 20.
        seed: Root of all random numbers.
    """

    bank: str = "anymdp-16x5-v0"
    split: str = "validation"
    tasks: int = 64
    fill: bool = False
    protocol: str = "online"
    teacher_episodes: int = 100
    steps: int = 2000
    episodes: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        """Check what the bank does not."""
        if self.protocol not in TEACHERS:
            raise InvalidConfig(
                f"protocol={self.protocol!r} is not legal: give one of {', '.join(TEACHERS)}."
            )
        for field in ("tasks", "teacher_episodes", "steps", "episodes"):
            value = getattr(self, field)
            if value is not None and value < 1:
                raise InvalidConfig(f"{field}={value!r} is not legal: give at least 1.")

    @property
    def limits(self) -> tuple[int, int]:
        """Most steps and most episodes of a task."""
        if self.episodes is not None:
            return NO_LIMIT, self.episodes
        return (self.steps, NO_LIMIT) if TEACHERS[self.protocol] is None else (NO_LIMIT, OWN_EPISODES)


class Lived(NamedTuple):
    """Finished episodes of n tasks, in no particular order; N entries each.

    Attributes:
        task: int64, whose episode.
        number: int64, how many episodes of the task came before it.
        begin: int64, steps of the task before it.
        end: int64, steps of the task up to its end.
        score: float64, normalised: 0 uniform play, 1 the oracle.
    """

    task: NDArray[np.int64]
    number: NDArray[np.int64]
    begin: NDArray[np.int64]
    end: NDArray[np.int64]
    score: NDArray[np.float64]


class Score(NamedTuple):
    """Scores of the episodes of one window, over tasks.

    Attributes:
        window: What it is called: ``"2000-5000"``, or ``"episodes 1-20"``.
        clipped: Mean over tasks of the task's mean score, clipped to [-1, 1.2].
        mean: The same, not clipped.
        median: Median over tasks, not clipped.
        tasks: Tasks with an episode in the window.
    """

    window: str
    clipped: float
    mean: float
    median: float
    tasks: int


def unwatched(share: float) -> None:
    """Show nothing."""


def validate(agent: Agent, plan: Plan, watch: Watch = unwatched) -> list[Score]:
    """Play `plan` and score it, window by window; windows without any episode are left out.

    Raises:
        UnknownName: no such bank.
        InvalidConfig: no such split.
        AgentError: the tasks are larger than the model.
    """
    return _scores(play(agent, plan, watch), plan.protocol)


def scores_of_run(result: Result) -> list[Score]:
    """Scores of a run on a board, in the same windows; every run on a task counts as a task.

    Raises:
        InvalidConfig: not all episodes that the agent lived were scored.
    """
    if result.manifest.track != "in-context":
        raise InvalidConfig(
            f"{result.manifest.agent.name} was scored on test episodes; windows are for in-context agents."
        )
    record = result.record
    lengths = record.lived.lengths
    ends = np.cumsum(lengths, axis=1)
    task, number = np.indices(lengths.shape)
    low, high = record.references.random[:, None], record.references.oracle[:, None]
    score = (record.lived.scores - low) / (high - low)
    lived = Lived(task.ravel(), number.ravel(), (ends - lengths).ravel(), ends.ravel(), score.ravel())
    return _scores(lived, result.manifest.board.protocol)


def _scores(lived: Lived, protocol: str) -> list[Score]:
    if protocol != "online":
        return [_score(f"episodes 1-{OWN_EPISODES}", lived, lived.number < OWN_EPISODES)]
    scores = []
    for low, high in WINDOWS:
        inside = (lived.begin >= low) & (lived.end <= high)
        if inside.any():
            scores.append(_score(f"{low}-{high}", lived, inside))
    return scores


def play(agent: Agent, plan: Plan, watch: Watch = unwatched) -> Lived:
    """Play the tasks of a plan; a function of agent and plan alone."""
    bank = load_bank(plan.bank)
    tasks = bank.split(plan.split)[: plan.tasks]
    references = bank.references(plan.split, len(tasks))
    if plan.fill:
        places = [place % len(tasks) for place in range(plan.tasks)]
        tasks, references = [tasks[place] for place in places], [references[place] for place in places]
    seed = child_seed(plan.seed, "omnirl", "validation")
    env = batch_env(tasks, autoreset_mode="Disabled")
    context = _context(plan, len(tasks), seed)
    agent.begin(len(tasks), env.single_observation_space, env.single_action_space, seed, context=context)
    env.reset(seed=[child_seed(seed, "environment", i) for i in range(len(tasks))])
    lived = _live(agent, env, *plan.limits, watch)
    random = np.array([reference.random for reference in references])
    oracle = np.array([reference.oracle for reference in references])
    return lived._replace(score=(lived.score - random[lived.task]) / (oracle - random)[lived.task])


def _context(plan: Plan, n: int, seed: int) -> Context | None:
    teacher = TEACHERS[plan.protocol]
    if teacher is None:
        return None
    return record_context(
        plan.bank, teacher, split=plan.split, tasks=range(n), seed=seed, n_episodes=plan.teacher_episodes
    )


def _live(agent: Agent, env: Any, most_steps: int, most_episodes: int, watch: Watch) -> Lived:
    """Play until every task has had so many steps or episodes; `score` holds returns."""
    n = env.num_envs
    steps, episodes, begin = np.zeros((3, n), dtype=np.int64)
    total = np.zeros(n)
    ended: list[tuple[NDArray[Any], ...]] = []
    active = np.ones(n, dtype=np.bool_)
    observations = env.restart(active)
    while active.any():
        actions = agent.act(observations, active)
        step = env.advance(actions, active)
        over = active & (step.terminated | step.truncated)
        agent.observe(
            observations, actions, step.rewards, step.observations, step.terminated, step.truncated, active
        )
        observations = step.observations
        steps += active
        total += np.where(active, step.scores, 0.0)
        if over.any():
            rows = np.flatnonzero(over)
            ended.append((rows, episodes[rows], begin[rows], steps[rows], total[rows]))
            episodes[rows] += 1
            begin[rows], total[rows] = steps[rows], 0.0
            observations = env.restart(over)
        active = (steps < most_steps) & (episodes < most_episodes)
        watch(max(steps.min() / most_steps, episodes.min() / most_episodes))
    if not ended:
        empty = np.zeros(0, dtype=np.int64)
        return Lived(empty, empty, empty, empty, np.zeros(0))
    return Lived(*(np.concatenate(column) for column in zip(*ended, strict=True)))


def _score(window: str, lived: Lived, inside: NDArray[np.bool_]) -> Score:
    tasks, places = np.unique(lived.task[inside], return_inverse=True)
    means = np.bincount(places, lived.score[inside]) / np.bincount(places)
    return Score(
        window=window,
        clipped=float(means.clip(LEAST, MOST).mean()),
        mean=float(means.mean()),
        median=float(np.median(means)),
        tasks=len(tasks),
    )
