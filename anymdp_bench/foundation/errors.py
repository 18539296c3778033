"""Every error that the package raises on purpose.

A message says what was given, what is legal, and what to do about it.
Each leaf also inherits the closest builtin, so `except ValueError` keeps working.
"""

from __future__ import annotations

from collections.abc import Sequence


class BenchError(Exception):
    """Base of every error that the package raises on purpose.

    Examples:
        >>> try:
        ...     get_board("anymdp-16x6-v0")
        ... except BenchError as error:
        ...     print(type(error).__name__)
        UnknownName
    """

    def __str__(self) -> str:
        """Return the message itself (a KeyError would show its repr)."""
        return str(self.args[0]) if self.args else ""


class InvalidTask(BenchError, ValueError):
    """A task's arrays or numbers do not describe a Markov decision process.

    Examples:
        >>> build_task(np.full((2, 1, 2), 0.4), initial=[1, 0], horizon=5, reward_next=[0.0, 1.0])
        Traceback (most recent call last):
            ...
        anymdp_bench.foundation.errors.InvalidTask: transition[0, 0] sums to 0.8; rows must sum to 1 ...
    """


class InvalidConfig(BenchError, ValueError):
    """A sampler, environment or protocol setting is outside its legal range.

    Examples:
        >>> sample_task("anymdp", seed=0, n_states=0)
        Traceback (most recent call last):
            ...
        anymdp_bench.foundation.errors.InvalidConfig: n_states=0 is not legal: give an integer in 1..1024.
    """


class UnsupportedSetting(InvalidConfig, TypeError):
    """A keyword or a render mode that is not known; a TypeError too, which libraries that probe expect.

    Examples:
        >>> sample_task("anymdp", seed=0, colour="red")
        Traceback (most recent call last):
            ...
        anymdp_bench.foundation.errors.UnsupportedSetting: family 'anymdp' got an unexpected keyword ...
    """


class InvalidSeed(BenchError, ValueError):
    """A seed is not an integer in [0, 2**64).

    Examples:
        >>> sample_task("anymdp", seed=-1)
        Traceback (most recent call last):
            ...
        anymdp_bench.foundation.errors.InvalidSeed: seed=-1 (int) is not legal: give an integer in [0, ...
    """


class InvalidAction(BenchError, ValueError):
    """An action lies outside the action space, or has the wrong type or shape.

    Examples:
        >>> env = gymnasium.make("AnyMDP-v0").unwrapped
        >>> _ = env.reset(seed=0)
        >>> env.step(9)
        Traceback (most recent call last):
            ...
        anymdp_bench.foundation.errors.InvalidAction: Action 9 (int) is not in Discrete(5): give ...
    """


class EpisodeOver(BenchError, RuntimeError):
    """`step` was called on an episode that has ended or was never begun.

    Examples:
        >>> gymnasium.make("AnyMDP-v0").unwrapped.step(0)
        Traceback (most recent call last):
            ...
        anymdp_bench.foundation.errors.EpisodeOver: The episode has ended, or was never begun: call ...
    """


class NotTabular(BenchError, TypeError):
    """Tables were asked of a task whose inner state is continuous.

    Examples:
        >>> plan(load_bank("pendulum-g1-v0").test[0])
        Traceback (most recent call last):
            ...
        anymdp_bench.foundation.errors.NotTabular: PendulumTask (family 'pendulum') has no tables: its ...
    """


class TaskFileError(BenchError, ValueError):
    """A task file is missing parts, too large, truncated or not a task file.

    Examples:
        >>> from pathlib import Path
        >>> _ = Path("task.npz").write_bytes(b"nothing")
        >>> load_task("task.npz")
        Traceback (most recent call last):
            ...
        anymdp_bench.foundation.errors.TaskFileError: task.npz: cannot be read as a task (BadZipFile: ...
    """


class SamplingFailed(BenchError, RuntimeError):
    """A sampler rejected every candidate within its bounded number of tries; the message names the gates.

    Examples:
        >>> try:
        ...     task = sample_task("anymdp", seed=0, n_states=8)
        ... except SamplingFailed:
        ...     task = None  # of no seed: other settings are needed, with more states or actions
    """


class UnknownName(BenchError, KeyError):
    """No entry of that name is registered.

    Examples:
        >>> load_bank("anymdp-16x6-v0")
        Traceback (most recent call last):
            ...
        anymdp_bench.foundation.errors.UnknownName: Unknown bank 'anymdp-16x6-v0'. Did you mean ...
    """


class FingerprintMismatch(BenchError, RuntimeError):
    """A regenerated task or sequence differs from the frozen one.

    Examples:
        >>> class Uniform:
        ...     def begin(self, n, n_observations, n_actions): return n_actions
        ...     def answer(self, segment, n_actions):
        ...         return Answers(policy=np.zeros((*segment.actions.shape, n_actions))), n_actions
        >>> taken = SequenceBoard(name="anymdp-16x5-sequence-v0", bank="anymdp-16x5-v0", seed=1)
        >>> evaluate_sequence(Uniform(), taken, n_tasks=1, steps=4096)
        Traceback (most recent call last):
            ...
        anymdp_bench.foundation.errors.FingerprintMismatch: anymdp-16x5-sequence-v0, task 0: other steps ...
    """


class InvalidPolicy(BenchError, ValueError):
    """A policy table does not fit the task that it is evaluated on.

    Examples:
        >>> policy_return(sample_task("anymdp", seed=0), np.ones((2, 2)))
        Traceback (most recent call last):
            ...
        anymdp_bench.foundation.errors.InvalidPolicy: policy of shape (2, 2) and dtype float64: give ...
    """


class InvalidContext(BenchError, ValueError):
    """Recorded episodes contradict themselves, or cannot be read or written.

    Examples:
        >>> record_context("darkroom-6-v0", "noisy-oracle-0.5", n_episodes=1).rows([])
        Traceback (most recent call last):
            ...
        anymdp_bench.foundation.errors.InvalidContext: rows=[]: give at least one of the rows 0..0.
    """


class MissingExtra(BenchError, ImportError):
    """An optional package is needed and not installed; the message names the extra.

    Examples:
        >>> from anymdp_bench.foundation.extras import require_extra
        >>> require_extra("plot", "no_such_module", what="my figure")
        Traceback (most recent call last):
            ...
        anymdp_bench.foundation.errors.MissingExtra: my figure: no_such_module is not installed. Run: ...
    """


class AgentError(BenchError, RuntimeError):
    """An agent raised, or answered with something that the protocol refuses.

    `row` is the batch row at fault and `call` the call that failed, where the raiser knows them.

    Examples:
        >>> check_agent(object())
        Traceback (most recent call last):
            ...
        anymdp_bench.foundation.errors.AgentError: object has no begin, act, observe, info: an agent ...
    """

    def __init__(self, message: str, row: int | None = None, call: str | None = None) -> None:
        """Keep the message, the row at fault and the call."""
        super().__init__(message)
        self.row = row
        self.call = call


class WorkerLost(BenchError, RuntimeError):
    """A worker process has died; what it was doing is lost, what was finished is kept.

    Examples:
        >>> try:
        ...     result = evaluate("uniform", "darkroom-6-v0", runs=2, jobs=1, out="runs")
        ... except WorkerLost:
        ...     print("repeat the call with fewer jobs: it goes on from what lies in runs")
    """


class UndefinedScore(BenchError, ValueError):
    """A score cannot be computed: NaN in the records, or references too close together.

    Examples:
        >>> evaluate("uniform", "darkroom-6-v0", runs=1, context_episodes=10).scores()
        Traceback (most recent call last):
            ...
        anymdp_bench.foundation.errors.UndefinedScore: 1 points of 10 episodes in 1 runs: a sampled ...
    """


class RecordsError(BenchError, ValueError):
    """A records folder is incomplete, of an unknown schema, or belongs to another run.

    Examples:
        >>> load_result("nowhere")
        Traceback (most recent call last):
            ...
        anymdp_bench.foundation.errors.RecordsError: nowhere is not a records folder: it has no ...
    """


class RecordsWarning(UserWarning):
    """A file of a run is damaged, and what it held is played again.

    Examples:
        >>> import pathlib, warnings
        >>> result = evaluate("uniform", "darkroom-6-v0", runs=1, context_episodes=10, out="runs")
        >>> shard = next(pathlib.Path("runs").rglob("*points*.parquet"))
        >>> _ = shard.write_bytes(b"damaged")
        >>> with warnings.catch_warnings(record=True) as told:
        ...     warnings.simplefilter("always", RecordsWarning)
        ...     again = evaluate("uniform", "darkroom-6-v0", runs=1, context_episodes=10, out="runs")
        >>> [warning.category.__name__ for warning in told], again.curve().equals(result.curve())
        (['RecordsWarning'], True)
    """


class SubmissionRefused(BenchError, ValueError):
    """A submission fails checks.

    `problems` names all of them, safe to print.
    """

    def __init__(self, problems: Sequence[str]) -> None:
        """Keep the problems; the message is one line each."""
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)
