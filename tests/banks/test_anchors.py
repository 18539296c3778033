"""Uniform play scores 0 and the oracle 1 on every tabular bank, as its exact references say."""

from __future__ import annotations

import numpy as np
import pytest

from anymdp_bench import evaluate
from anymdp_bench.banks import BANKS, load_bank
from anymdp_bench.planning import references
from anymdp_bench.tasks.task import TabularTask
from baselines.oracle import Oracle
from baselines.uniform import Uniform

N_TASKS = 8
N_EPISODES = 20
TABULAR = [name for name in BANKS if not name.startswith("pendulum")]


@pytest.mark.parametrize("bank", TABULAR)
@pytest.mark.parametrize("agent", [Uniform(), Oracle()], ids=lambda agent: agent.info.name)
def test_anchors_score_0_and_1_within_four_standard_errors(bank: str, agent: Uniform | Oracle) -> None:
    exact = [references(task) for task in load_bank(bank).board_tasks(N_TASKS)]
    result = evaluate(agent, bank, n_tasks=N_TASKS, context_episodes=N_EPISODES)
    gaps = np.array([reference.oracle - reference.random for reference in exact])
    stds = np.array([getattr(reference, f"{_reference(agent)}_std") for reference in exact]) / gaps
    runs = result.manifest.board.runs
    standard_error = np.sqrt((stds**2).sum() / (runs * N_EPISODES)) / len(exact)
    mean = result.curve()["score"].mean()
    expected = 0.0 if agent.info.name == "uniform" else 1.0
    assert abs(mean - expected) <= 4 * standard_error + 1e-9


def _reference(agent: Uniform | Oracle) -> str:
    return "random" if agent.info.name == "uniform" else "oracle"


def test_every_other_bank_has_no_tables() -> None:
    for name in set(BANKS) - set(TABULAR):
        assert not isinstance(load_bank(name).test[0], TabularTask)
