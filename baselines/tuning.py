"""Search for the settings of a learner, one configuration for each family of tasks.

    python -m baselines.tuning q-ucb --family anymdp

Every candidate is trained on validation tasks (siblings, where a bank has one test task) of the family's
banks, and judged there. Of all candidates whose performance is within 0.002 of the best, the one that needs
the fewest steps to 99 % of its performance is chosen. The result is written to ``baselines/tuned``,
with every candidate's figures. Finished candidates are kept under ``runs/tuning``, so that the same command
goes on where it was stopped. After a change of the learner's code, delete them.
"""

from __future__ import annotations

import hashlib
import importlib
import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray

from anymdp_bench import Agent, InvalidConfig, TabularTask, Task, evaluate, load_bank
from baselines.families import FAMILIES, family_of_bank

TUNED = Path(__file__).parent / "tuned"
SPLIT = "validation"
TOLERANCE = 0.002
NEARLY = 0.99
LINE_DEPTH = 4
UNTUNED_BANKS = (
    "anymdp-1x20-v0",
    "anymdp-1x50-v0",
    "anymdp-16x20-v0",
    "anypomdp-64x5-v0",
    "darkroom-6-goals-v0",
    "darkroom-8-goals-v0",
    "darkroom-10-goals-v0",
    "darkroom-10-renamed-v0",
    "darkroom-10-repeated-v0",
    "pendulum-g5-v0",
    "pendulum-g9.8-v0",
    "pendulum-g1-fixed-v0",
    "pendulum-g5-fixed-v0",
    "pendulum-g9.8-fixed-v0",
)
"""Tuned on by no search; all pendulums have siblings of the same gravities."""
FloatArray = NDArray[np.float64]


class Search(NamedTuple):
    """What is searched, and how much it may cost.

    Attributes:
        make: ``"module:function"`` from settings (a dictionary) to an agent.
        grids: ``"module:table"`` from a family to its candidate settings.
        file: Where the result goes, in ``baselines/tuned``.
        n_tasks: Validation tasks of each bank, at most.
        n_tasks_of: The same for single banks: where episodes are short, many tasks cost little.
        n_cells: Runs and tasks of each bank together, at least.
        train_episodes: Training episodes of each run.
        left_out: Banks that play with what their family's other banks chose.
    """

    make: str
    grids: str
    file: str
    n_tasks: int = 8
    n_cells: int = 8
    train_episodes: int = 3000
    left_out: tuple[str, ...] = UNTUNED_BANKS
    n_tasks_of: Mapping[str, int] = MappingProxyType({})

    def tasks(self, bank: str) -> list[Task]:
        """Validation tasks of a bank on which candidates are judged."""
        return validation_tasks(bank, self.n_tasks_of.get(bank, self.n_tasks))


SEARCHES = {
    "q-ucb": Search(
        "baselines.q_ucb.agent:with_settings",
        "baselines.q_ucb.grids:GRIDS",
        "q_ucb.json",
        n_tasks_of=MappingProxyType(
            {"anymdp-1x5-v0": 64, "anymdp-16x5-v0": 64, "anymdp-32x5-v0": 32, "anymdp-64x5-v0": 16}
        ),
    ),
    "ppo": Search(
        "baselines.ppo.agent:with_settings",
        "baselines.ppo.grids:GRIDS",
        "ppo.json",
        n_tasks=6,
        n_cells=6,
        train_episodes=2500,
        left_out=(*UNTUNED_BANKS, "anymdp-64x5-v0", "anymdp-128x5-v0", "garnet-64x5b2-v0"),
    ),
}


class Curves(NamedTuple):
    """What one candidate did on one bank, for C cells and P test points.

    Attributes:
        task: int64 ``[C]``.
        returns: float64 ``[C, P]``, scored returns.
        steps: int64 ``[C, P]``, learning steps so far.
        random, oracle: float64 ``[C]``, what scores 0 and 1; NaN where a task has no exact references.
    """

    task: NDArray[np.int64]
    returns: FloatArray
    steps: NDArray[np.int64]
    random: FloatArray
    oracle: FloatArray


class Figures(NamedTuple):
    """How a candidate did on one bank: best mean score over test points, and steps to 99 % of it."""

    performance: float
    steps_to_99: float


def validation_tasks(bank: str, n_tasks: int) -> list[Task]:
    """First validation tasks of a bank that are on no board of the bank's family.

    A sibling of one board's task may be the task of another: Darkroom's corners are also among all goals.
    """
    family = family_of_bank(bank)
    boards = {task.fingerprint() for name in FAMILIES[family] for task in load_bank(name).board_tasks()}
    siblings = (task for task in load_bank(bank).validation if task.fingerprint() not in boards)
    return list(itertools.islice(siblings, n_tasks))


def run_candidate(search: Search, settings: dict[str, Any], bank: str, jobs: int, runs: Path) -> Curves:
    """Train a candidate on a bank's validation tasks, or read what it did before."""
    tasks = search.tasks(bank)
    played = [search.make, search.n_cells, search.train_episodes]
    identity = [played, settings, bank, [task.fingerprint() for task in tasks]]
    key = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    file = runs / f"{key[:16]}.npz"
    if file.exists():
        with np.load(file) as kept:
            return Curves(**kept)
    curves = _train(load(search.make)(settings), bank, tasks, search, jobs)
    runs.mkdir(parents=True, exist_ok=True)
    # Never called .npz while it is written: a killed search leaves no half file behind.
    with (unfinished := file.with_suffix(".part")).open("wb") as stream:
        np.savez(stream, **curves._asdict())
    unfinished.replace(file)
    return curves


def _train(agent: Agent, bank: str, tasks: Sequence[Task], search: Search, jobs: int) -> Curves:
    """Train an agent on some tasks; tasks of different shapes are played apart."""
    runs = -(-search.n_cells // len(tasks))
    parts = []
    for shape in sorted({(task.n_observations, task.n_actions) for task in tasks}):
        numbers = [i for i, t in enumerate(tasks) if (t.n_observations, t.n_actions) == shape]
        result = evaluate(
            agent,
            bank,
            tasks=[tasks[i] for i in numbers],
            jobs=jobs,
            runs=runs,
            train_episodes=search.train_episodes,
        )
        record = result.record
        task = np.array(numbers)[record.task_index]
        references = record.references
        parts.append(
            Curves(task, record.points.mean, record.points.steps, references.random, references.oracle)
        )
    return Curves(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def judge(candidates: Sequence[Curves], uniform: FloatArray | None = None) -> list[Figures]:
    """Figures of all candidates on one bank.

    Args:
        candidates: What they did, cells in equal order.
        uniform: float64 ``[C]``, mean return of uniform play, where tasks have no exact references: it scores
            0, and the best mean return of a task at any candidate's test point scores 1.
    """
    first = candidates[0]
    low, high = first.random, first.oracle
    if uniform is not None:
        low, high = uniform, _best_of_tasks(candidates)
    figures = []
    for curves in candidates:
        score = ((curves.returns - low[:, None]) / (high - low)[:, None]).mean(axis=0)
        best = float(score.max())
        reached = int((score >= NEARLY * best).argmax()) if best > 0 else len(score) - 1
        figures.append(Figures(best, float(curves.steps[:, reached].mean())))
    return figures


def _best_of_tasks(candidates: Sequence[Curves]) -> FloatArray:
    best = np.empty(len(candidates[0].task))
    for task in set(candidates[0].task.tolist()):
        cells = candidates[0].task == task
        best[cells] = max(float(curves.returns[cells].mean(axis=0).max()) for curves in candidates)
    return best


def choose(figures: Sequence[Sequence[Figures]]) -> int:
    """Return the number of the best candidate, given each one's figures on every bank."""
    performance = np.array([[bank.performance for bank in one] for one in figures]).mean(axis=1)
    steps = np.array([[np.log(bank.steps_to_99) for bank in one] for one in figures]).mean(axis=1)
    good = performance >= performance.max() - TOLERANCE
    return int(np.where(good, steps, np.inf).argmin())


def uniform_returns(bank: str, search: Search) -> FloatArray | None:
    """Mean return of uniform play for each cell, float64 ``[C]``; None where references are exact."""
    tasks = search.tasks(bank)
    if all(isinstance(task, TabularTask) for task in tasks):
        return None
    result = evaluate("uniform", bank, tasks=tasks, runs=1)
    returns: FloatArray = result.record.points.mean.mean(axis=1).repeat(-(-search.n_cells // len(tasks)))
    return returns


def search_family(search: Search, family: str, jobs: int, runs: Path) -> dict[str, Any]:
    """Try every candidate of a family; return the choice and every candidate's figures."""
    candidates = load(search.grids)[family]
    banks = [bank for bank in FAMILIES[family] if bank not in search.left_out]
    columns = []
    with typer.progressbar(length=len(banks) * len(candidates), label=family) as bar:
        for bank in banks:
            curves = []
            for settings in candidates:
                curves.append(run_candidate(search, settings, bank, jobs, runs))
                bar.update(1)
            columns.append(judge(curves, uniform_returns(bank, search)))
    figures = list(zip(*columns, strict=True))
    tried = [
        {"settings": settings, **_by_bank(banks, one)}
        for settings, one in zip(candidates, figures, strict=True)
    ]
    return {
        **tried[choose(figures)],
        "split": SPLIT,
        "tasks": {bank: [task.fingerprint() for task in search.tasks(bank)] for bank in banks},
        "train_episodes": search.train_episodes,
        "tried": tried,
    }


def _by_bank(banks: Sequence[str], figures: Sequence[Figures]) -> dict[str, Any]:
    return {
        "performance": {b: round(f.performance, 4) for b, f in zip(banks, figures, strict=True)},
        "steps_to_99": {b: round(f.steps_to_99) for b, f in zip(banks, figures, strict=True)},
    }


def load(path: str) -> Any:
    """Import ``"module:name"``."""
    module, name = path.split(":")
    return getattr(importlib.import_module(module), name)


def write(file: Path, family: str, found: dict[str, Any]) -> None:
    """Replace a family's entry in a file of tuned settings."""
    old = json.loads(file.read_text(encoding="utf-8"))["families"] if file.exists() else {}
    families = {name: found if name == family else old.get(name) for name in FAMILIES}
    text = to_text({"families": {name: entry for name, entry in families.items() if entry}})
    file.parent.mkdir(exist_ok=True)
    file.write_text(text + "\n", encoding="utf-8")


def to_text(value: Any, depth: int = 0) -> str:
    """JSON with one line for each candidate, and for each bank's tasks."""
    if depth == LINE_DEPTH or not value or not isinstance(value, dict | list):
        return json.dumps(value)
    if isinstance(value, dict):
        items = [f"{json.dumps(key)}: {to_text(item, depth + 1)}" for key, item in value.items()]
    else:
        items = [to_text(item, depth + 1) for item in value]
    first, last = "{}" if isinstance(value, dict) else "[]"
    between = ",\n" + " " * (depth + 1)
    return f"{first}{between[1:]}{between.join(items)}{between[1:-1]}{last}"


def main(
    agent: Annotated[str, typer.Argument(help="Learner: " + ", ".join(SEARCHES))],
    family: Annotated[str, typer.Option(help="Family of tasks: " + ", ".join(FAMILIES))],
    jobs: Annotated[int, typer.Option(help="Worker processes.")] = 2,
    runs: Annotated[Path, typer.Option(help="Folder that keeps finished candidates.")] = Path("runs/tuning"),
) -> None:
    """Search a family's settings and write them to baselines/tuned."""
    for kind, name, known in (("agent", agent, SEARCHES), ("family", family, FAMILIES)):
        if name not in known:
            raise InvalidConfig(f"{kind} {name!r}: give one of {', '.join(known)}.")
    search = SEARCHES[agent]
    if family not in load(search.grids):
        raise InvalidConfig(f"{agent} has no candidates for family {family!r}: {search.grids} names them.")
    command = f"python -m baselines.tuning {agent} --family {family}"
    found = {"command": command, **search_family(search, family, jobs, runs)}
    write(TUNED / search.file, family, found)
    typer.echo(json.dumps({name: found[name] for name in ("settings", "performance", "steps_to_99")}))


if __name__ == "__main__":
    typer.run(main)
