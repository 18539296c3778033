"""Boards: what their names mean never changes, and illegal specifications are refused."""

from __future__ import annotations

import dataclasses
import json

import pytest

from anymdp_bench.banks import BANKS
from anymdp_bench.evaluation.boards import BOARDS, Board, board_name, get_board
from anymdp_bench.evaluation.paper import environments, published
from anymdp_bench.foundation.errors import InvalidConfig, InvalidSeed, UnknownName


def test_every_bank_has_an_online_board() -> None:
    assert {board.bank for board in BOARDS.values()} == set(BANKS)
    for bank in BANKS:
        assert get_board(bank) is BOARDS[board_name(bank, "online")]


def test_every_published_row_is_a_board() -> None:
    assert len(published()) == 17
    assert set(published()) <= set(BANKS)
    assert published()["anymdp-16x5-v0"]["TQL-UCB"] == (0.92, 297_000, 4700)


def test_the_papers_pendulums_are_those_with_its_fixed_start() -> None:
    rows = [bank for bank in environments() if bank.startswith("pendulum")]
    assert len(environments()) == 20 and len(rows) == 6
    assert set(rows) & set(published()) == {f"pendulum-g{g}-fixed-v0" for g in ("1", "5", "9.8")}
    assert published()["pendulum-g5-fixed-v0"]["PPO"] == (0.998, 132_000, 660)


@pytest.mark.parametrize(
    ("name", "runs", "episodes"),
    [
        ("anymdp-16x5-online-v0", 1, 200),
        ("garnet-64x5b2-online-v0", 1, 200),
        ("anymdp-1x5-online-v0", 1, 1000),
        ("darkroom-10-online-v0", 10, 1000),
        ("cliffwalking-online-v0", 10, 1000),
        ("frozenlake-slippery-online-v0", 10, 1000),
        ("pendulum-g9.8-online-v0", 10, 400),
        ("pendulum-g1-fixed-online-v0", 10, 400),
        ("switch2-online-v0", 10, 200),
    ],
)
def test_budgets_of_the_tracks(name: str, runs: int, episodes: int) -> None:
    board = BOARDS[name]
    assert (board.runs, board.context_episodes, board.block) == (runs, episodes, 10)
    assert (board.train_episodes, board.test_every, board.n_tasks) == (10_000, 100, 64)


def test_a_released_board_means_what_it_meant() -> None:
    fingerprint = BOARDS["anymdp-16x5-online-v0"].fingerprint()
    assert fingerprint == "8c8e5fbeb940d1f19bb6271891982fbd5997ff863a2013bfc64f6cdae05466e1"


@pytest.mark.parametrize(
    ("kind", "protocol", "teacher"),
    [
        ("offline", "offline", "noisy-oracle-0.5"),
        ("offline-uniform", "offline", "uniform"),
        ("imitation", "imitation", "oracle"),
    ],
)
def test_every_bank_has_boards_with_a_teacher(kind: str, protocol: str, teacher: str) -> None:
    for bank in BANKS:
        board = BOARDS[board_name(bank, kind)]
        assert (board.bank, board.protocol, board.teacher, board.teacher_episodes) == (
            *(bank, protocol, teacher),
            100,
        )
        assert (board.context_episodes, board.train_episodes, board.test_every) == (200, 200, 20)
        assert board.runs == get_board(bank).runs


@pytest.mark.parametrize("board", BOARDS.values(), ids=list(BOARDS))
def test_json_round_trip(board: Board) -> None:
    assert Board.from_json(board.to_json()) == board
    assert json.loads(board.to_json())["name"] == board.name


def test_fingerprint_changes_with_every_field() -> None:
    board = Board(name="mine", bank="anymdp-16x5-v0")
    changed = {"name": "other", "bank": "b", "n_tasks": 3, "runs": 2, "context_episodes": 20, "block": 20}
    changed |= {"train_episodes": 200, "test_every": 50, "test_episodes": 4, "shard_size": 1, "seed": 1}
    changed |= {"split": "validation"}
    prints = {dataclasses.replace(board, **{field: value}).fingerprint() for field, value in changed.items()}
    assert len(prints | {board.fingerprint()}) == len(changed) + 1


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"n_tasks": 0}, r"n_tasks=0 is not legal: give an integer of at least 1"),
        ({"runs": True}, r"runs=True"),
        ({"shard_size": 2.0}, r"shard_size=2.0"),
        ({"protocol": "online-ish"}, r"protocol='online-ish': known protocols are online"),
        ({"teacher": "oracle"}, r"teacher='oracle' with protocol='online': give None"),
        ({"protocol": "offline"}, r"teacher=None with protocol='offline': give one of 'uniform', "),
        ({"protocol": "offline", "teacher": "me"}, r"teacher='me' with protocol='offline'"),
        ({"protocol": "imitation", "teacher": "uniform"}, r"protocol='imitation': give 'oracle'"),
        ({"teacher_episodes": 0}, r"teacher_episodes=0 is not legal: give an integer"),
        ({"name": ""}, r"name='' is not legal: give a non-empty text"),
        ({"context_episodes": 15}, r"context_episodes=15 is not a multiple of block=10"),
        ({"test_every": 300}, r"train_episodes=10000 is not a multiple of test_every=300"),
        ({"block": 5}, r"block=5: give an even number"),
        ({"test_episodes": 3}, r"test_episodes=3: give an even number"),
        ({"episodes": 3}, r"'episodes'.*legal are"),
        ({"split": "train"}, r"split='train' is not legal: give one of 'test', 'validation'"),
    ],
)
def test_illegal_fields_are_refused(fields: dict, message: str) -> None:
    with pytest.raises(InvalidConfig, match=message):
        Board.from_dict({"name": "mine", "bank": "anymdp-16x5-v0"} | fields)


def test_illegal_seed_is_refused() -> None:
    with pytest.raises(InvalidSeed, match="seed=-1"):
        Board(name="mine", bank="b", seed=-1)


@pytest.mark.parametrize(
    ("text", "message"),
    [("{", "not JSON"), ("[]", "a JSON list was given"), ('{"name": "x"}', "name and bank are needed")],
)
def test_illegal_json_is_refused(text: str, message: str) -> None:
    with pytest.raises(InvalidConfig, match=message):
        Board.from_json(text)


def test_unknown_board_gets_near_names() -> None:
    with pytest.raises(UnknownName, match=r"Did you mean .*'anymdp-16x5-online-v0'"):
        get_board("anymdp-16x5-onlin-v0")
