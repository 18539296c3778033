"""Darkroom, FrozenLake and CliffWalking against closed forms, Gymnasium's tables and the paper's figures."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anymdp_bench import worlds
from anymdp_bench.foundation.errors import InvalidConfig, InvalidSeed
from anymdp_bench.foundation.seeding import WEIGHT_TOTAL
from anymdp_bench.tasks.task import TabularTask

ROUNDING = 4 / WEIGHT_TOTAL
GOLDEN_LAKES = ["SFFH/FFFH/FFFF/FFHG", "SFFF/FHFH/FFFF/FHFG", "SFHF/FFFH/FFFF/FFFG"]


def optimal_return(task: TabularTask, start_values: bool = False) -> float | np.ndarray:
    """Best expected scored return over the horizon, by backward induction."""
    expected = (task.transition * task.score_reward).sum(axis=2)
    value = np.zeros(task.n_states)
    for _ in range(task.horizon):
        value = np.where(task.terminal, 0.0, (expected + task.transition @ value).max(axis=1))
    return value if start_values else float(task.initial @ value)


def uniform_return(task: TabularTask) -> float:
    expected = (task.transition * task.score_reward).sum(axis=2).mean(axis=1)
    step = task.transition.mean(axis=1)
    value = np.zeros(task.n_states)
    for _ in range(task.horizon):
        value = np.where(task.terminal, 0.0, expected + step @ value)
    return float(task.initial @ value)


def gymnasium_tables(name: str, **kwargs: object) -> tuple[np.ndarray, np.ndarray]:
    """Transition `[S, A, S]` and expected reward `[S, A]` of a toy-text environment."""
    table = gymnasium.make(name, **kwargs).unwrapped.P
    transition = np.zeros((len(table), 4, len(table)))
    expected = np.zeros((len(table), 4))
    for state, moves in table.items():
        for action, outcomes in moves.items():
            for probability, target, reward, _ in outcomes:
                transition[state, action, target] += probability
                expected[state, action] += probability * reward
    return transition, expected


@settings(max_examples=25, deadline=None)
@given(size=st.integers(2, 9), row=st.integers(0, 8), column=st.integers(0, 8))
def test_darkroom_optimum_is_the_manhattan_distance(size: int, row: int, column: int) -> None:
    row, column = row % size, column % size
    task = worlds.darkroom(size, f"{row},{column}")
    rows, columns = np.divmod(np.arange(size * size), size)
    distance = np.abs(rows - row) + np.abs(columns - column)
    expected = np.where(distance > 0, 1.0 - 0.01 * (distance - 1), 0.0)
    np.testing.assert_allclose(optimal_return(task, start_values=True), expected, atol=1e-12)
    assert task.terminal.sum() == 1
    assert task.terminal[row * size + column]
    np.testing.assert_allclose(task.initial[~task.terminal], 1 / (size * size - 1), atol=1e-6)


def test_darkroom_moves_and_walls() -> None:
    task = worlds.darkroom(3, "2,2")
    successors = task.transition.argmax(axis=2)
    assert successors[4].tolist() == [7, 1, 5, 3]
    assert successors[0].tolist() == [3, 0, 1, 0]
    assert (task.horizon, task.n_observations, task.n_actions) == (100, 9, 4)
    assert task.state_ids.tolist() == list(range(9))


def test_darkroom_corner_is_the_far_corner() -> None:
    assert worlds.darkroom(6).fingerprint() == worlds.darkroom(6, "5,5").fingerprint()
    assert worlds.darkroom(6).fingerprint() != worlds.darkroom(6, "0,0").fingerprint()


@pytest.mark.parametrize("goal", ["3,0", "0,3", "1", "1,2,3", "a,b", "-1,0", "", 5, None])
def test_darkroom_refuses_goals_outside(goal: object) -> None:
    with pytest.raises(InvalidConfig, match=r"goal=.*'row,column' with both in 0..2"):
        worlds.darkroom(3, goal)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [1, 0, -3, 33, 2.0, "4", True])
def test_darkroom_refuses_sizes(size: object) -> None:
    with pytest.raises(InvalidConfig, match=r"size=.*integer in 2\.\.32"):
        worlds.darkroom(size)  # type: ignore[arg-type]


def test_darkroom_actions_can_be_renamed_and_repeated() -> None:
    plain, other = worlds.darkroom(3, "2,2"), worlds.darkroom(3, "2,2", "lldr")
    np.testing.assert_array_equal(other.transition, plain.transition[:, [3, 3, 0, 2]])
    assert dict(other.config) == {"size": 3, "goal": "2,2", "moves": "lldr"}
    assert worlds.darkroom(3, moves="durl").fingerprint() == worlds.darkroom(3).fingerprint()
    env = gymnasium.make("Darkroom-v0", size=3, moves="rrrrrrrr", render_mode="ansi")
    env.reset(seed=0)
    env.step(7)
    assert "right: reward" in str(env.render())


@pytest.mark.parametrize("moves", ["", "durx", "d" * 65, 4, None])
def test_darkroom_refuses_moves(moves: object) -> None:
    with pytest.raises(InvalidConfig, match=r"moves=.* is not legal: give 1 to 64 of the letters d, u, r, l"):
        worlds.darkroom(3, moves=moves)  # type: ignore[arg-type]


@pytest.mark.parametrize("is_slippery", [True, False])
def test_frozenlake_has_gymnasiums_tables(is_slippery: bool) -> None:
    task = worlds.frozenlake(is_slippery, reward="raw")
    transition, expected = gymnasium_tables("FrozenLake-v1", is_slippery=is_slippery)
    walking = ~task.terminal
    np.testing.assert_allclose(task.transition[walking], transition[walking], atol=ROUNDING)
    received = (task.transition * task.reward_mean).sum(axis=2)
    np.testing.assert_allclose(received[walking], expected[walking], atol=ROUNDING)
    assert np.flatnonzero(task.terminal).tolist() == [5, 7, 11, 12, 15]
    assert task.initial[0] == 1
    assert task.horizon == 100


@pytest.mark.parametrize(("is_slippery", "step"), [(True, 0.0), (False, -0.05)])
def test_frozenlake_receives_shaped_and_scores_raw(is_slippery: bool, step: float) -> None:
    shaped, raw = (worlds.frozenlake(is_slippery, reward=r) for r in ("shaped", "raw"))
    possible = shaped.transition > 0
    expected = np.full(16, step)
    expected[[5, 7, 11, 12]], expected[15] = -1.0, 1.0
    np.testing.assert_array_equal(
        shaped.reward_mean, np.where(possible, np.broadcast_to(expected, possible.shape), 0.0)
    )
    np.testing.assert_array_equal(shaped.score_reward, raw.reward_mean)
    assert raw.score_outcome is None


def test_frozenlake_optima() -> None:
    """0.7442 is the best success rate in 100 steps known for the slippery 4x4 lake."""
    assert optimal_return(worlds.frozenlake(False)) == 1.0
    assert optimal_return(worlds.frozenlake(True)) == pytest.approx(0.7442, abs=5e-4)
    assert uniform_return(worlds.frozenlake(True)) == pytest.approx(0.0139, abs=5e-4)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**64 - 1), size=st.integers(3, 6))
def test_random_lakes_can_be_solved_and_are_not_the_board_task(seed: int, size: int) -> None:
    layout = worlds.random_lake_map(seed, size)
    assert layout == worlds.random_lake_map(seed, size)
    assert layout != worlds.FROZEN_LAKE_4X4
    assert optimal_return(worlds.frozenlake(False, layout=layout)) == 1.0


def test_random_lakes_are_frozen_in_time() -> None:
    assert [worlds.random_lake_map(seed) for seed in range(3)] == GOLDEN_LAKES
    assert len({worlds.random_lake_map(seed) for seed in range(30)}) > 20


def test_random_lake_refuses_seeds() -> None:
    with pytest.raises(InvalidSeed, match="seed=-1"):
        worlds.random_lake_map(-1)


@pytest.mark.parametrize(
    "layout", ["", "SG", "SF/FGF", "SS/FG", "FF/FG", "SX/FG", "S\nF/FG", 7, None, "SF/" + "F" * 40]
)
def test_frozenlake_refuses_malformed_layouts(layout: object) -> None:
    with pytest.raises(InvalidConfig, match=r"layout=.*rows of equal length by slashes"):
        worlds.frozenlake(layout=layout)  # type: ignore[arg-type]


@pytest.mark.parametrize("layout", ["SHF/HFG/FFF", "SF/FF"])
def test_frozenlake_refuses_unsolvable_layouts(layout: str) -> None:
    with pytest.raises(InvalidConfig, match="no way from S to a G"):
        worlds.frozenlake(layout=layout)


@pytest.mark.parametrize("is_slippery", [True, False])
def test_cliffwalking_has_gymnasiums_tables_but_for_the_fall(is_slippery: bool) -> None:
    task = worlds.cliffwalking(is_slippery, reward="raw")
    transition, expected = gymnasium_tables("CliffWalking-v1", is_slippery=is_slippery)
    start, cliff, walking = 36, slice(37, 47), ~task.terminal
    sent_back = task.transition.copy()
    sent_back[:, :, start] += sent_back[:, :, cliff].sum(axis=2)
    sent_back[:, :, cliff] = 0.0
    received = (task.transition * task.reward_mean).sum(axis=2)
    np.testing.assert_allclose(sent_back[walking], transition[walking], atol=ROUNDING)
    np.testing.assert_allclose(received[walking], expected[walking], atol=100 * ROUNDING)
    assert (task.reward_mean[:, :, cliff][task.transition[:, :, cliff] > 0] == -100).all()


def test_cliffwalking_fall_shows_the_start_and_ends() -> None:
    task = worlds.cliffwalking()
    assert task.state_ids[37:47].tolist() == [36] * 10
    assert task.terminal[37:48].all()
    assert task.terminal.sum() == 11
    assert task.n_observations == 48
    possible = task.transition > 0
    expected = np.full(48, -0.03)
    expected[37:47], expected[47] = -1.0, 1.0
    np.testing.assert_array_equal(
        task.reward_mean, np.where(possible, np.broadcast_to(expected, possible.shape), 0.0)
    )
    np.testing.assert_array_equal(task.score_reward, worlds.cliffwalking(reward="raw").reward_mean)


@pytest.mark.parametrize("mirrored", [True, False])
@pytest.mark.parametrize(("rows", "columns"), [(4, 12), (2, 3), (5, 9)])
def test_cliffwalking_optimum_walks_around_the_cliff(rows: int, columns: int, mirrored: bool) -> None:
    task = worlds.cliffwalking(rows=rows, columns=columns, mirrored=mirrored)
    assert optimal_return(task) == -(columns + 1)


def test_cliffwalking_uniform_return_is_the_papers() -> None:
    """Ending at the first fall gives about -110; being sent back to the start would give thousands."""
    assert uniform_return(worlds.cliffwalking()) == pytest.approx(-109.8, abs=1.0)


def test_mirrored_cliff_is_the_mirror_image() -> None:
    plain, mirrored = (worlds.cliffwalking(True, mirrored=m) for m in (False, True))
    flip = np.arange(48).reshape(4, 12)[:, ::-1].ravel()
    swap = [0, 3, 2, 1]
    np.testing.assert_allclose(
        plain.transition, mirrored.transition[flip][:, swap][:, :, flip], atol=ROUNDING
    )
    assert plain.fingerprint() != mirrored.fingerprint()


@pytest.mark.parametrize(
    ("make", "arguments", "message"),
    [
        (worlds.frozenlake, {"reward": "dense"}, "reward='dense' is not legal: give one of 'shaped', 'raw'"),
        (worlds.frozenlake, {"is_slippery": 1}, "is_slippery=1 is not legal: give True or False"),
        (worlds.cliffwalking, {"reward": 3}, "reward=3 is not legal"),
        (worlds.cliffwalking, {"is_slippery": "no"}, "is_slippery='no' is not legal"),
        (worlds.cliffwalking, {"mirrored": None}, "mirrored=None is not legal"),
        (worlds.cliffwalking, {"rows": 1}, r"rows=1 is not legal: give an integer in 2\.\.32"),
        (worlds.cliffwalking, {"columns": 2}, r"columns=2 is not legal: give an integer in 3\.\.32"),
    ],
)
def test_gridworlds_refuse_other_settings(make, arguments, message) -> None:
    with pytest.raises(InvalidConfig, match=message):
        make(**arguments)


def test_config_rebuilds_the_task() -> None:
    for make, task in [
        (worlds.darkroom, worlds.darkroom(4, "1,2")),
        (worlds.frozenlake, worlds.frozenlake(False, layout=worlds.random_lake_map(5))),
        (worlds.cliffwalking, worlds.cliffwalking(True, columns=7, mirrored=True)),
        (worlds.switch2, worlds.switch2(0.0, "shaped", "own", "mirrored")),
    ]:
        assert make(**task.config).fingerprint() == task.fingerprint()
        assert task.seed is None
