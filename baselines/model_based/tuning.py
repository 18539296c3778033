"""Choose one setting for all tasks: ``python -m baselines.model_based.tuning oim``.

Each candidate lives the in-context budget of every bank's online board on validation tasks (siblings of the
board's task, where there is only one), which no board holds. Its figures on a bank are the mean score of all
episodes and that of the later half, clipped to at most 1; the largest mean over both and all banks wins.

Candidates play through the compiled training loop of their learner twin, which acts and learns alike;
Switch2, whose rows are teams, through `evaluate`.
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from anymdp_bench import InvalidConfig, Task, batch_env, evaluate, get_board, references
from baselines.families import FAMILIES
from baselines.model_based.agents import ModelBasedLearner, with_settings
from baselines.model_based.grids import GRIDS
from baselines.model_based.settings import KINDS, TUNED
from baselines.tuning import SPLIT, UNTUNED_BANKS, to_text, validation_tasks

N_TASKS = {
    "anymdp-1x5-v0": 64,
    "anymdp-16x5-v0": 64,
    "anymdp-32x5-v0": 48,
    "anymdp-64x5-v0": 32,
    "anymdp-128x5-v0": 16,
    "garnet-16x5b2-v0": 32,
    "garnet-64x5b2-v0": 16,
}
"""Validation tasks of a bank; others have few siblings, all of which are played."""
MOST_TASKS, CELLS, SEED = 8, 9, 0
TEAMS = ("switch2-v0",)
"""A batch of them has one row for a whole team; boards play one copy of the agent for each player."""
BANKS = tuple(bank for banks in FAMILIES.values() for bank in banks if bank not in UNTUNED_BANKS)
Scores = NDArray[np.float64]


def scores_of(agent: str, settings: dict[str, Any], bank: str) -> Scores:
    """Scores of a candidate's episodes on a bank's validation tasks, float64 ``[C, E]``; E may be blocks."""
    tasks = _tasks(bank)
    runs = -(-CELLS // len(tasks))
    parts = []
    for shape in sorted({(task.n_observations, task.n_actions) for task in tasks}):
        alike = [task for task in tasks if (task.n_observations, task.n_actions) == shape]
        if bank in TEAMS:
            record = evaluate(with_settings(agent, settings), bank, tasks=alike, runs=runs).record
            known = record.references
            parts.append((record.points.mean - known.random[:, None]) / _spread(known.random, known.oracle))
            continue
        cells = [task for task in alike for _ in range(runs)]
        returns = _returns(agent, settings, bank, cells)
        found = {task.fingerprint(): references(task) for task in alike}
        random = np.array([found[task.fingerprint()].random for task in cells])
        oracle = np.array([found[task.fingerprint()].oracle for task in cells])
        parts.append((returns - random[:, None]) / _spread(random, oracle))
    return np.concatenate(parts)


def _spread(random: Scores, oracle: Scores) -> Scores:
    spread: Scores = (oracle - random)[:, None]
    return spread


def _returns(agent: str, settings: dict[str, Any], bank: str, cells: list[Task]) -> Scores:
    env = batch_env(cells, autoreset_mode="Disabled")
    env.reset(seed=SEED)
    player = ModelBasedLearner(agent, KINDS[agent](**settings))
    player.begin(env.num_envs, env.single_observation_space, env.single_action_space, SEED)
    episodes = player.learn_episodes(env, get_board(bank).context_episodes)
    assert episodes is not None  # its rows are compiled
    return episodes.scores


def figures(scores: Scores) -> dict[str, float]:
    """Mean score of all episodes, and of the later half."""
    half = scores.shape[1] // 2
    return {"all": round(float(scores.mean()), 4), "late": round(float(scores[:, half:].mean()), 4)}


def value(columns: dict[str, dict[str, float]]) -> float:
    """What a candidate is judged by, given its figures on every bank."""
    return round(float(np.mean([min(x, 1.0) for column in columns.values() for x in column.values()])), 4)


def search(agent: str, runs: Path) -> dict[str, Any]:
    """Try every candidate; return the best and all figures. Finished candidates are kept in `runs`."""
    tried: list[dict[str, Any]] = []
    for candidate in GRIDS[agent]:
        settings = dataclasses.asdict(KINDS[agent](**candidate))
        columns = {bank: _kept(agent, settings, bank, runs) for bank in BANKS}
        tried.append({"value": value(columns), "settings": settings, "figures": columns})
        typer.echo(f"{tried[-1]['value']:.4f}  {candidate}")
    tasks = {bank: [task.fingerprint() for task in _tasks(bank)] for bank in BANKS}
    best = max(tried, key=lambda one: float(one["value"]))
    return {**best, "split": SPLIT, "tasks": tasks, "tried": tried}


def _tasks(bank: str) -> list[Task]:
    return validation_tasks(bank, N_TASKS.get(bank, MOST_TASKS))


def _kept(agent: str, settings: dict[str, Any], bank: str, runs: Path) -> dict[str, float]:
    """Figures on a bank, from a finished candidate's file if there is one."""
    name = "-".join([agent, *map(str, settings.values()), bank]).replace("/", "_")
    file = runs / f"{name}.json"
    if not file.exists():
        runs.mkdir(parents=True, exist_ok=True)
        text = json.dumps(figures(scores_of(agent, settings, bank)))
        (unfinished := file.with_suffix(".part")).write_text(text, encoding="utf-8")
        unfinished.replace(file)
    kept: dict[str, float] = json.loads(file.read_text(encoding="utf-8"))
    return kept


def main(
    agent: Annotated[str, typer.Argument(help="Agent: " + ", ".join(KINDS))],
    runs: Annotated[Path, typer.Option(help="Folder that keeps finished candidates.")] = Path(
        "runs/model-based"
    ),
) -> None:
    """Search an agent's settings and write them to baselines/tuned."""
    if agent not in KINDS:
        raise InvalidConfig(f"agent {agent!r}: give one of {', '.join(KINDS)}.")
    found = {"command": f"python -m baselines.model_based.tuning {agent}", **search(agent, runs)}
    file = Path(__file__).parent.parent / TUNED
    old = json.loads(file.read_text(encoding="utf-8"))["agents"] if file.exists() else {}
    agents = {name: found if name == agent else old[name] for name in KINDS if name in old or name == agent}
    file.write_text(to_text({"agents": agents}) + "\n", encoding="utf-8")
    typer.echo(json.dumps(found["settings"]))


if __name__ == "__main__":
    typer.run(main)
