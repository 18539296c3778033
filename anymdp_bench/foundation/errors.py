"""Every error that the package raises on purpose.

A message says what was given, what is legal, and what to do about it.
Each leaf also inherits the closest builtin, so `except ValueError` keeps working.
"""

from __future__ import annotations

from collections.abc import Sequence


class BenchError(Exception):
    """Base of every error that the package raises on purpose."""

    def __str__(self) -> str:
        """Return the message itself (a KeyError would show its repr)."""
        return str(self.args[0]) if self.args else ""


class InvalidTask(BenchError, ValueError):
    """A task's arrays or numbers do not describe a Markov decision process."""


class InvalidConfig(BenchError, ValueError):
    """A sampler, environment or protocol setting is outside its legal range."""


class UnsupportedSetting(InvalidConfig, TypeError):
    """A keyword or a render mode that is not known; a TypeError too, which libraries that probe expect."""


class InvalidSeed(BenchError, ValueError):
    """A seed is not an integer in [0, 2**64)."""


class InvalidAction(BenchError, ValueError):
    """An action lies outside the action space, or has the wrong type or shape."""


class EpisodeOver(BenchError, RuntimeError):
    """`step` was called on an episode that has ended or was never begun."""


class NotTabular(BenchError, TypeError):
    """Tables were asked of a task whose inner state is continuous."""


class TaskFileError(BenchError, ValueError):
    """A task file is missing parts, too large, truncated or not a task file."""


class SamplingFailed(BenchError, RuntimeError):
    """A sampler rejected every candidate within its bounded number of tries."""


class UnknownName(BenchError, KeyError):
    """No entry of that name is registered."""


class FingerprintMismatch(BenchError, RuntimeError):
    """A regenerated task differs from the frozen one."""


class InvalidPolicy(BenchError, ValueError):
    """A policy table does not fit the task that it is evaluated on."""


class InvalidContext(BenchError, ValueError):
    """Recorded episodes contradict themselves, or cannot be read or written."""


class MissingExtra(BenchError, ImportError):
    """An optional package is needed and not installed; the message names the extra."""


class AgentError(BenchError, RuntimeError):
    """An agent raised, or answered with something that the protocol refuses.

    `row` is the batch row at fault and `call` the call that failed, where the raiser knows them.
    """

    def __init__(self, message: str, row: int | None = None, call: str | None = None) -> None:
        """Keep the message, the row at fault and the call."""
        super().__init__(message)
        self.row = row
        self.call = call


class WorkerLost(BenchError, RuntimeError):
    """A worker process has died; what it was doing is lost, what was finished is kept."""


class UndefinedScore(BenchError, ValueError):
    """A score cannot be computed: NaN in the records, or references too close together."""


class RecordsError(BenchError, ValueError):
    """A records folder is incomplete, of an unknown schema, or belongs to another run."""


class RecordsWarning(UserWarning):
    """A file of a run is damaged, and what it held is played again."""


class SubmissionRefused(BenchError, ValueError):
    """A submission fails checks.

    `problems` names all of them, safe to print.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        """Keep the problems; the message is one line each."""
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
