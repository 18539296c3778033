"""The search for settings: what it may look at, how it chooses, what it leaves behind."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anymdp_bench import BANKS, InvalidConfig, load_bank
from baselines import tuning
from baselines.families import FAMILIES
from baselines.tuning import Curves, Figures, Search, choose, judge

FILES = sorted(tuning.TUNED.glob("*.json"))
ENTRIES = [
    pytest.param(entry, id=f"{name}-{family}")
    for name, search in tuning.SEARCHES.items()
    for family, entry in json.loads((tuning.TUNED / search.file).read_text(encoding="utf-8"))[
        "families"
    ].items()
]
SMALL = Search(
    make="baselines.q_ucb.agent:with_settings",
    grids=f"{__name__}:GRIDS",
    file="small.json",
    n_tasks=2,
    n_cells=2,
    train_episodes=100,
)
GRIDS = {"cliffwalking": [{"bonus": 0.1}, {"bonus": 1.0}], "pendulum": [{"replays": 0}]}


@pytest.fixture(scope="module")
def board_fingerprints() -> set[str]:
    return {task.fingerprint() for bank in BANKS for task in load_bank(bank).board_tasks()}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_file_names_a_board_task(path: Path, board_fingerprints: set[str]) -> None:
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"\btest\b", text)
    assert not board_fingerprints & set(re.findall(r"\b[0-9a-f]{64}\b", text))


@pytest.mark.parametrize("entry", ENTRIES)
def test_nothing_was_chosen_on_board_tasks(entry: dict[str, Any], board_fingerprints: set[str]) -> None:
    assert entry["split"] == "validation"
    assert entry["command"].startswith("python -m baselines.tuning ")
    for bank, fingerprints in entry["tasks"].items():
        assert fingerprints == [t.fingerprint() for t in tuning.validation_tasks(bank, len(fingerprints))]
        assert set(fingerprints) <= {task.fingerprint() for task in load_bank(bank).validation}
        assert not board_fingerprints & set(fingerprints)


@pytest.mark.parametrize("entry", ENTRIES)
def test_what_was_chosen_is_the_best_by_the_rule(entry: dict[str, Any]) -> None:
    tried = entry["tried"]
    figures = [
        [Figures(one["performance"][bank], one["steps_to_99"][bank]) for bank in entry["tasks"]]
        for one in tried
    ]
    assert 0 < len(tried) <= 32
    assert tried[choose(figures)]["settings"] == entry["settings"]


def curves(returns: list[list[float]], steps: list[list[int]], task: tuple[int, ...] = (0, 1)) -> Curves:
    n = len(returns)
    exact = np.zeros(n), np.full(n, 10.0)
    return Curves(np.array(task), np.array(returns, float), np.array(steps), *exact)


def test_figures_by_hand() -> None:
    (found,) = judge([curves([[0, 8, 9], [2, 8, 7]], [[1, 2, 3], [3, 4, 5]])])
    assert found == Figures(pytest.approx(0.8), 3.0)
    (never,) = judge([curves([[-1, -2], [-1, 0]], [[1, 2], [3, 4]])])
    assert never == Figures(pytest.approx(-0.1), 3.0)


def test_tasks_without_references_count_from_uniform_play_to_the_best_candidate() -> None:
    one = curves([[-10, -6], [-10, -4]], [[5, 6], [5, 6]], task=(0, 0))
    other = curves([[-10, -3], [-10, -1]], [[5, 6], [5, 8]], task=(0, 0))
    assert judge([one, other], np.array([-12.0, -12.0])) == [
        Figures(pytest.approx(0.7), 6.0),
        Figures(pytest.approx(1.0), 7.0),
    ]


def test_of_nearly_equal_performances_the_fewest_steps_win() -> None:
    figures = [[Figures(0.9, 10.0)], [Figures(0.9, 900.0)], [Figures(0.9015, 500.0)], [Figures(0.8, 1.0)]]
    assert choose(figures) == 0
    assert choose([[Figures(0.9, 10.0)], [Figures(0.91, 900.0)]]) == 1
    two_banks = [[Figures(0.9, 10.0), Figures(0.9, 1000.0)], [Figures(0.9, 200.0), Figures(0.9, 100.0)]]
    assert choose(two_banks) == 0


def test_a_search_ends_in_a_file_and_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tuning, "TUNED", tmp_path)
    monkeypatch.setitem(tuning.SEARCHES, "small", SMALL)
    (tmp_path / "small.json").write_text('{"families": {"garnet": {"settings": {}}}}')
    tuning.main("small", "cliffwalking", jobs=1, runs=tmp_path / "runs")
    families = json.loads((tmp_path / "small.json").read_text())["families"]
    entry = families["cliffwalking"]
    assert families["garnet"] == {"settings": {}}
    assert [one["settings"] for one in entry["tried"]] == GRIDS["cliffwalking"]
    assert entry["settings"] in GRIDS["cliffwalking"]
    assert 0 < entry["performance"]["cliffwalking-v0"] <= 1
    assert entry["command"] == "python -m baselines.tuning small --family cliffwalking"
    assert json.dumps(entry["settings"]) in capsys.readouterr().out
    kept = sorted((tmp_path / "runs").iterdir())
    assert [path.suffix for path in kept] == [".npz", ".npz"]
    monkeypatch.setattr(tuning, "evaluate", None)
    tuning.main("small", "cliffwalking", jobs=1, runs=tmp_path / "runs")
    assert json.loads((tmp_path / "small.json").read_text())["families"] == families


def test_uniform_play_is_what_pendulums_count_from() -> None:
    returns = tuning.uniform_returns("pendulum-g1-v0", SMALL)
    assert returns is not None and returns.shape == (2,)
    assert np.all((returns > -1400) & (returns < -100))
    assert tuning.uniform_returns("cliffwalking-v0", SMALL) is None


@pytest.mark.parametrize(("agent", "family"), [("nobody", "anymdp"), ("q-ucb", "nothing")])
def test_unknown_names_are_refused(agent: str, family: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match=r"(agent 'nobody'|family 'nothing'): give one of"):
        tuning.main(agent, family, runs=tmp_path)


def test_families_cover_the_banks_that_are_tuned_on() -> None:
    banks = [bank for names in FAMILIES.values() for bank in names]
    assert len(banks) == len(set(banks))
    assert set(tuning.UNTUNED_BANKS) <= set(banks)
