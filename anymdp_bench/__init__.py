"""Tabular reinforcement-learning tasks without end, exact references, and an evaluation protocol.

Importing the package registers its environments with Gymnasium. Every public name can be imported from
here; what is seldom needed is loaded when first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from anymdp_bench.agents.protocol import (
    Agent,
    AgentInfo,
    CopyLearner,
    EpisodeLearner,
    Episodes,
    Learner,
    MarkovLearner,
)
from anymdp_bench.agents.single import SingleAgent, SingleTask
from anymdp_bench.contexts import TEACHERS, Context
from anymdp_bench.envs import batch_env, register_all, task_of
from anymdp_bench.evaluation.boards import BOARDS, Board, get_board
from anymdp_bench.foundation.errors import (
    AgentError,
    BenchError,
    EpisodeOver,
    FingerprintMismatch,
    InvalidAction,
    InvalidConfig,
    InvalidContext,
    InvalidPolicy,
    InvalidSeed,
    InvalidTask,
    MissingExtra,
    NotTabular,
    RecordsError,
    RecordsWarning,
    SamplingFailed,
    TaskFileError,
    UndefinedScore,
    UnknownName,
    UnsupportedSetting,
    WorkerLost,
)
from anymdp_bench.foundation.extras import missing_module
from anymdp_bench.foundation.seeding import child_seed
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.task import TabularTask

if TYPE_CHECKING:
    from anymdp_bench.agents.registry import agent_table, make_agent
    from anymdp_bench.agents.spaces import discrete_sizes
    from anymdp_bench.banks import BANKS, Bank, load_bank
    from anymdp_bench.contexts.recorder import record_context, record_episodes
    from anymdp_bench.envs.bank_task import task_spec
    from anymdp_bench.envs.one_hot import OneHot, OneHotVector
    from anymdp_bench.envs.rows import compiled_rows, restart_row, step_row
    from anymdp_bench.envs.sb3 import Sb3VecEnv
    from anymdp_bench.envs.trials import TrialEnv, TrialVectorEnv
    from anymdp_bench.evaluation.agent_check import check_agent
    from anymdp_bench.evaluation.evaluate import evaluate
    from anymdp_bench.evaluation.recording import record_run
    from anymdp_bench.evaluation.result import Result, load_result
    from anymdp_bench.evaluation.sequence.boards import SEQUENCE_BOARDS, SequenceBoard
    from anymdp_bench.evaluation.sequence.evaluate import evaluate_sequence
    from anymdp_bench.evaluation.sequence.model import Answers, Segment, SequenceModel
    from anymdp_bench.evaluation.sequence.result import SequenceResult, load_sequence_result
    from anymdp_bench.planning import (
        ORACLE_DISCOUNT,
        References,
        by_observation,
        finite_horizon_optimum,
        greedy,
        plan,
        policy_return,
        policy_value,
        stationary_distribution,
    )
    from anymdp_bench.samplers import sample_task, sample_tasks
    from anymdp_bench.samplers.settings import LEAST_RANKED_STATES
    from anymdp_bench.tasks.build import build_task
    from anymdp_bench.tasks.file import load_task
    from anymdp_bench.worlds.pendulum.references import references

__version__ = "0.2.0"
"""Version of the package, by semantic versioning; every run's records name it.

Examples:
    >>> __version__.count(".")
    2
"""

register_all()

_LATER = {
    "agents.registry": ("agent_table", "make_agent"),
    "agents.spaces": ("discrete_sizes",),
    "banks": ("BANKS", "Bank", "load_bank"),
    "contexts.recorder": ("record_context", "record_episodes"),
    "envs.bank_task": ("task_spec",),
    "envs.one_hot": ("OneHot", "OneHotVector"),
    "envs.rows": ("compiled_rows", "restart_row", "step_row"),
    "envs.sb3": ("Sb3VecEnv",),
    "envs.trials": ("TrialEnv", "TrialVectorEnv"),
    "evaluation.agent_check": ("check_agent",),
    "evaluation.evaluate": ("evaluate",),
    "evaluation.recording": ("record_run",),
    "evaluation.result": ("Result", "load_result"),
    "evaluation.sequence.boards": ("SEQUENCE_BOARDS", "SequenceBoard"),
    "evaluation.sequence.evaluate": ("evaluate_sequence",),
    "evaluation.sequence.model": ("Answers", "Segment", "SequenceModel"),
    "evaluation.sequence.result": ("SequenceResult", "load_sequence_result"),
    "planning": (
        "ORACLE_DISCOUNT",
        "References",
        "by_observation",
        "finite_horizon_optimum",
        "greedy",
        "plan",
        "policy_return",
        "policy_value",
        "stationary_distribution",
    ),
    "samplers": ("sample_task", "sample_tasks"),
    "samplers.settings": ("LEAST_RANKED_STATES",),
    "tasks.build": ("build_task",),
    "tasks.file": ("load_task",),
    "worlds.pendulum.references": ("references",),
}
"""Module: names that are imported from it on first use."""
_HOME = {name: module for module, names in _LATER.items() for name in names}

__all__ = [
    "BANKS",
    "BOARDS",
    "LEAST_RANKED_STATES",
    "ORACLE_DISCOUNT",
    "SEQUENCE_BOARDS",
    "TEACHERS",
    "Agent",
    "AgentError",
    "AgentInfo",
    "Answers",
    "Bank",
    "BenchError",
    "Board",
    "Context",
    "CopyLearner",
    "EpisodeLearner",
    "EpisodeOver",
    "Episodes",
    "FingerprintMismatch",
    "InvalidAction",
    "InvalidConfig",
    "InvalidContext",
    "InvalidPolicy",
    "InvalidSeed",
    "InvalidTask",
    "Learner",
    "MarkovLearner",
    "MissingExtra",
    "NotTabular",
    "OneHot",
    "OneHotVector",
    "RecordsError",
    "RecordsWarning",
    "References",
    "Result",
    "SamplingFailed",
    "Sb3VecEnv",
    "Segment",
    "SequenceBoard",
    "SequenceModel",
    "SequenceResult",
    "SingleAgent",
    "SingleTask",
    "TabularTask",
    "Task",
    "TaskFileError",
    "TrialEnv",
    "TrialVectorEnv",
    "UndefinedScore",
    "UnknownName",
    "UnsupportedSetting",
    "WorkerLost",
    "__version__",
    "agent_table",
    "batch_env",
    "build_task",
    "by_observation",
    "check_agent",
    "child_seed",
    "compiled_rows",
    "discrete_sizes",
    "evaluate",
    "evaluate_sequence",
    "finite_horizon_optimum",
    "get_board",
    "greedy",
    "load_bank",
    "load_result",
    "load_sequence_result",
    "load_task",
    "make_agent",
    "plan",
    "policy_return",
    "policy_value",
    "record_context",
    "record_episodes",
    "record_run",
    "references",
    "restart_row",
    "sample_task",
    "sample_tasks",
    "stationary_distribution",
    "step_row",
    "task_of",
    "task_spec",
]


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
    except ModuleNotFoundError as error:
        raise missing_module(error, f"{__name__}.{name}") from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """All public names, loaded or not."""
    return sorted({*globals(), *__all__})
