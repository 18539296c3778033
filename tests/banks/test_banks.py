import dataclasses
from configparser import ConfigParser
from pathlib import Path

import numpy as np
import pytest

from anymdp_bench.banks import BANKS, BOARD_TASKS, Bank, TaskSequence, is_scorable, load_bank
from anymdp_bench.banks.compact import load_tasks, save_tasks
from anymdp_bench.banks.sampled import SampledSource
from anymdp_bench.foundation.errors import FingerprintMismatch, InvalidConfig, TaskFileError, UnknownName
from anymdp_bench.planning import References, references
from anymdp_bench.samplers import sample_tasks
from anymdp_bench.tasks.build import build_task
from anymdp_bench.tasks.task import TabularTask
from tests.support.tasks import two_state_task

SAMPLED = [name for name, source in BANKS.items() if isinstance(source, SampledSource)]
REQUIRED = {
    *(f"anymdp-{n}x5-v0" for n in (1, 16, 32, 64, 128)),
    *("anymdp-1x20-v0", "anymdp-1x50-v0", "anymdp-16x20-v0"),
    *("darkroom-10-renamed-v0", "darkroom-10-repeated-v0"),
    *("garnet-16x5b2-v0", "garnet-64x5b2-v0", "anypomdp-64x5-v0"),
    *(f"darkroom-{size}{goals}-v0" for size in (6, 8, 10) for goals in ("", "-goals")),
    *("frozenlake-v0", "frozenlake-slippery-v0", "cliffwalking-v0", "switch2-v0"),
    *(f"pendulum-g{g}{start}-v0" for g in ("1", "5", "9.8") for start in ("", "-fixed")),
}


def without_files() -> set[str]:
    """Files of the package that its wheel leaves out."""
    setup = ConfigParser()
    setup.read(Path(__file__).parents[2] / "setup.cfg", encoding="utf-8")
    return set(setup["options.exclude_package_data"]["anymdp_bench"].split())


def test_names() -> None:
    assert set(BANKS) == REQUIRED
    with pytest.raises(UnknownName, match="Did you mean 'anymdp-16x5-v0'"):
        load_bank("anymdp-16x5")


@pytest.mark.parametrize("name", BANKS)
def test_every_bank_is_frozen(name: str) -> None:
    bank = load_bank(name)
    for split in ("test", "validation"):
        tasks: TaskSequence = getattr(bank, split)
        assert len(tasks) == len(tasks._fingerprints) > 0
        assert tasks[0].fingerprint().startswith(tasks._fingerprints[0])
        assert tasks[-1].fingerprint().startswith(tasks._fingerprints[-1])


@pytest.mark.parametrize("name", SAMPLED)
def test_committed_board_tasks_equal_regeneration(name: str) -> None:
    source = BANKS[name]
    assert isinstance(source, SampledSource)
    assert len(source.board) == BOARD_TASKS
    for index in (0, 1, 31, 63):
        assert source.draw("test", index)[0].fingerprint() == source.board[index].fingerprint()


LEFT_OUT = [name for name in SAMPLED if f"banks/data/{name}.npz" in without_files()]
"""Banks whose files the wheel leaves out."""


def test_the_wheel_leaves_out_files_that_there_are() -> None:
    assert {f"banks/data/{name}.npz" for name in LEFT_OUT} == without_files() != set()


@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_bank_without_its_file_draws_the_same_board(name: str) -> None:
    source = BANKS[name]
    assert isinstance(source, SampledSource)
    installed = dataclasses.replace(source)
    vars(installed)["board"] = []
    for drawn, committed in zip(installed.bank().board_tasks(), source.board, strict=True):
        assert drawn.fingerprint() == committed.fingerprint()


@pytest.mark.parametrize("name", SAMPLED)
def test_splits_are_disjoint_and_scorable(name: str) -> None:
    bank = load_bank(name)
    assert (len(bank.test), len(bank.validation)) == (256, 64)
    tasks = [*bank.test[:5], *bank.validation[:5], *bank.train[:5], bank.train[10**9]]
    assert len({task.fingerprint() for task in tasks}) == len(tasks)
    assert all(is_scorable(reference) for reference in bank.references("train", 5))
    assert set(bank.rejected) == {"test", "validation"}


def test_user_tasks_are_no_bank_tasks() -> None:
    frozen = set(load_bank("anymdp-16x5-v0").test._fingerprints)
    assert not any(task.fingerprint()[:16] in frozen for task in sample_tasks("anymdp", 300, seed=0))


@pytest.mark.parametrize("size", [6, 8, 10])
def test_darkroom_goals_are_split_60_20_20(size: int) -> None:
    bank = load_bank(f"darkroom-{size}-goals-v0")
    goals = [
        {task.config["goal"] for task in getattr(bank, split)} for split in ("train", "validation", "test")
    ]
    assert sum(map(len, goals)) == len(set.union(*goals)) == size * size
    assert len(goals[0]) == round(0.6 * size * size)


def test_single_task_banks_have_siblings_that_are_other_tasks() -> None:
    for name in REQUIRED - set(SAMPLED):
        bank = load_bank(name)
        test = {task.fingerprint() for task in bank.test}
        assert not test & {task.fingerprint() for task in bank.validation}
        assert "darkroom" in name or len(test) == 1


@pytest.mark.parametrize(("name", "repeats"), [("renamed", 1), ("repeated", 5)])
def test_darkroom_moves_rename_the_actions_of_the_same_goals(name: str, repeats: int) -> None:
    bank, plain = load_bank(f"darkroom-10-{name}-v0"), load_bank("darkroom-10-goals-v0")
    orders = set()
    for split in ("train", "validation", "test"):
        for ours, theirs in zip(bank.split(split), plain.split(split), strict=True):
            moves = str(ours.config.get("moves", "durl"))
            orders.add(moves)
            assert sorted(moves) == sorted("durl" * repeats) and ours.config["goal"] == theirs.config["goal"]
            assert isinstance(ours, TabularTask) and isinstance(theirs, TabularTask)
            numbers = ["durl".index(move) for move in moves]
            np.testing.assert_array_equal(ours.transition, theirs.transition[:, numbers])
            assert references(ours).oracle == pytest.approx(references(theirs).oracle)
            assert references(ours).random == pytest.approx(references(theirs).random)
    assert len(orders) > 15


def test_a_changed_task_is_noticed_and_named() -> None:
    tasks = TaskSequence("bank-v0/test", 1, lambda i: two_state_task(), ["0" * 16])
    with pytest.raises(FingerprintMismatch, match=r"bank-v0/test\[0\]"):
        tasks[0]


def test_sequences() -> None:
    made: list[int] = []

    def make(index: int) -> TabularTask:
        made.append(index)
        return two_state_task(horizon=index + 1)

    tasks = TaskSequence("demo", 3, make)
    assert [task.horizon for task in tasks] == [1, 2, 3]
    assert [task.horizon for task in tasks[1:]] == [2, 3]
    assert tasks[-1] is tasks[2]
    assert made == [0, 1, 2]
    with pytest.raises(IndexError, match=r"demo has tasks 0..2; 3 was asked for"):
        tasks[3]
    endless = TaskSequence("endless", None, make)
    assert endless[10**6].horizon == 10**6 + 1
    for use in (lambda: len(endless), lambda: endless[5:], lambda: endless[-1]):
        with pytest.raises(InvalidConfig, match="has no end"):
            use()
    with pytest.raises(InvalidConfig, match="split='tests'"):
        Bank("demo", tasks, tasks, tasks).references("tests")


def test_scorable_rule() -> None:
    assert is_scorable(References(0.0, 1.0, 1.0, 1.0, 2.0))
    assert not is_scorable(References(0.0, 0.99, 1.0, 1.0, 2.0))
    assert not is_scorable(References(0.0, 0.005, 1.0, 0.0, 0.0))


def test_compact_file_round_trip(tmp_path: Path) -> None:
    for family in ("anymdp", "garnet", "anypomdp"):
        tasks = sample_tasks(family, 3, seed=0)
        save_tasks(tasks, tmp_path / "bank.npz")
        for before, after in zip(tasks, load_tasks(tmp_path / "bank.npz"), strict=True):
            assert after.fingerprint() == before.fingerprint()
            assert (dict(after.config), after.seed) == (dict(before.config), before.seed)
            np.testing.assert_array_equal(after.outcome_reward, before.outcome_reward)


def test_compact_file_refuses_what_it_would_change(tmp_path: Path) -> None:
    task = dataclasses.replace(two_state_task(), reward_next=np.array([0.1, 0.0]))
    with pytest.raises(TaskFileError, match="not on the grid"):
        save_tasks([task], tmp_path / "bank.npz")
    assert list(tmp_path.iterdir()) == []
    assert build_task(task.transition, initial=[1, 0], horizon=2).n_states == 2
