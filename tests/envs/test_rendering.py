"""Texts and pictures: what they show, that they change nothing, and that Gymnasium's tools take them."""

import importlib.util
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.wrappers.vector import HumanRendering

from anymdp_bench.envs import batch_env
from anymdp_bench.envs.rendering.tiles import tile
from anymdp_bench.envs.switch2 import parallel_env
from anymdp_bench.envs.tabular import TabularEnv
from anymdp_bench.foundation.errors import (
    EpisodeOver,
    InvalidConfig,
    MissingExtra,
    NotTabular,
    UnsupportedSetting,
)
from anymdp_bench.tasks.build import build_task
from anymdp_bench.worlds import cliffwalking, darkroom
from anymdp_bench.worlds.pendulum.task import PendulumTask
from tests.support.golden_pictures import golden, picture_of
from tests.support.vectors import IDS, MODES, make_vec

pytest.importorskip("PIL")
HUMAN = "ignore:.*You are trying to use 'human' rendering"
LARGEST_DIFFERENCE, LARGEST_SHARE = 24, 0.03
"""A pixel differs from the golden one by more than the first in at most the second's share of pixels."""


def played(env: Any, steps: int = 6) -> list[tuple[Any, ...]]:
    """What an episode and the beginning of the next one show."""
    seen: list[tuple[Any, ...]] = [(env.reset(seed=4)[0],)]
    env.action_space.seed(4)
    for _ in range(steps):
        observation, *rest, _ = env.step(env.action_space.sample())
        seen.append((observation, *rest))
        if rest[1] or rest[2]:
            seen.append((env.reset()[0],))
    return seen


@pytest.mark.parametrize("env_id", IDS)
def test_gymnasiums_checker_renders_every_mode(env_id: str) -> None:
    check_env(gymnasium.make(env_id).unwrapped)
    env = gymnasium.make(env_id)
    assert env.metadata["render_modes"] == ["ansi", "rgb_array"] and env.metadata["render_fps"] > 0
    env.reset(seed=0)
    with pytest.warns(UserWarning, match="Nothing is shown"):
        assert env.render() is None


@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.parametrize("mode", ["ansi", "rgb_array"])
def test_watching_changes_nothing(env_id: str, mode: str) -> None:
    plain, watched = gymnasium.make(env_id), gymnasium.make(env_id, render_mode=mode)
    np.testing.assert_equal(played(watched), played(plain))


@pytest.mark.parametrize("env_id", IDS)
def test_pictures_are_those_that_were_looked_at(env_id: str) -> None:
    picture, expected = picture_of(env_id), golden(env_id)
    assert picture.dtype == np.uint8 and picture.shape == expected.shape
    assert picture.shape[0] % 2 == picture.shape[1] % 2 == 0, "video codecs take even sizes only"
    difference = np.abs(picture.astype(int) - expected).max(axis=2)
    assert (difference > LARGEST_DIFFERENCE).mean() < LARGEST_SHARE


@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.parametrize("autoreset_mode", MODES)
def test_a_batch_shows_what_single_environments_show(env_id: str, autoreset_mode: str) -> None:
    n, steps = 3, 3
    batch = make_vec(env_id, n, render_mode="ansi", autoreset_mode=autoreset_mode, tasks="shared")
    batch.reset(seed=5)
    batch.action_space.seed(5)
    singles = [gymnasium.make(env_id, render_mode="ansi") for _ in range(n)]
    over = [False] * n
    for row, env in enumerate(singles):
        env.reset(seed=5 + row)
    for _ in range(steps):
        actions = batch.action_space.sample()
        batch.step(actions)
        for row, env in enumerate(singles):
            if over[row] and autoreset_mode == "NextStep":
                env.reset()
                over[row] = False
                continue
            *_, terminated, truncated, _ = env.step(actions[row])
            over[row] = bool(terminated or truncated)
            if over[row] and autoreset_mode == "SameStep":
                env.reset()
        if any(over) and autoreset_mode == "Disabled":
            break
    assert batch.render() == tuple(env.render() for env in singles)


def test_a_batch_becomes_one_picture() -> None:
    envs = make_vec("AnyMDP-v0", 5, render_mode="rgb_array")
    envs.reset(seed=0)
    frames = envs.render()
    assert len(frames) == 5 and not np.array_equal(frames[0], frames[1])
    assert tile(frames, width=640, columns=3).shape == (8 + 2 * (202 + 8), 8 + 3 * (202 + 8), 3)
    assert tile(frames[:1]).shape == (512 + 16, 512 + 16, 3)
    with pytest.raises(InvalidConfig, match="frames is empty"):
        tile([])


def test_batches_of_tasks_render() -> None:
    room = batch_env([darkroom(), darkroom(goal="0,0")], render_mode="ansi")
    room.reset(seed=1)
    first, second = room.render()
    assert first.splitlines()[-1].endswith("G") and second.splitlines()[1].startswith(("G", "@"))
    pendulums = batch_env([PendulumTask(), PendulumTask(g=5.0)], render_mode="rgb_array")
    pendulums.reset(seed=1)
    assert [frame.shape for frame in pendulums.render()] == [(480, 480, 3)] * 2
    assert make_vec("AnyMDP-v0", 2).render() is None


def test_texts_of_rooms() -> None:
    env = gymnasium.make("ShapedCliffWalking-v0", render_mode="ansi")
    env.reset(seed=0)
    env.step(0)
    assert env.render() == (
        "step 1 of 100, return -0.03\nup: reward -0.03\n"
        ". . . . . . . . . . . .\n. . . . . . . . . . . .\n"
        "@ . . . . . . . . . . .\nS C C C C C C C C C C G\n"
    )
    mirrored = TabularEnv(cliffwalking(rows=2, columns=3, mirrored=True), render_mode="ansi")
    mirrored.reset(seed=0)
    assert mirrored.render() == "step 0 of 100, return 0\n. . .\nG C @\n"
    switch = gymnasium.make("Switch2-v0", render_mode="ansi")
    switch.reset(seed=0)
    switch.step([0, 4])
    assert switch.render() == (
        "step 1 of 50, return -0.2\ndown, stay: reward -0.2\n. . # # # 1 .\n. 0 . . . . .\n. . # # # . .\n"
    )


def test_renamed_moves_are_named_by_what_they_do() -> None:
    env = TabularEnv(darkroom(moves="rrud"), render_mode="ansi")
    env.reset(seed=0)
    env.step(1)
    assert env.render().splitlines()[1].startswith("right:")
    assert env.get_keys_to_action() == {"d": 1, "w": 2, "s": 3}


def test_text_of_a_graph_names_the_seen_ids_and_the_law() -> None:
    task = build_task(
        [[[0.25, 0.75, 0.0]], [[0.0, 0.0, 1.0]], [[0.0, 0.0, 0.0]]],
        initial=[1.0, 0.0, 0.0],
        horizon=5,
        reward_next=[0.0, 1.0, 5.0],
        state_ids=[7, 8, 9],
    )
    env = TabularEnv(task, render_mode="ansi")
    env.reset(seed=0)
    begun = env.render()
    assert begun.startswith("step 0 of 5, return 0\nnow state 7 (rank 2 of 3, value 5.92)")
    while env.step(0)[0] != 8:
        pass
    text = env.render()
    assert "0.250  state 7 (rank 2 of 3" in text and "0.750  state 8 (rank 3 of 3" in text
    assert text.splitlines()[-2].endswith("<-") or text.splitlines()[-1].endswith("<-")
    env.step(0)
    assert "now state 9 (rank 1 of 3, value 5), the end" in env.render()


@pytest.mark.parametrize(("n_states", "more"), [(12, 0), (30, 18)])
def test_text_of_a_graph_says_how_many_successors_it_leaves_out(n_states: int, more: int) -> None:
    transition = np.full((n_states, 2, n_states), 1.0 / n_states)
    env = TabularEnv(build_task(transition, initial=np.eye(n_states)[0], horizon=3), render_mode="ansi")
    env.reset(seed=0)
    env.step(0)
    assert (f"and {more} more" in env.render()) == (more > 0)
    assert "and 0 more" not in env.render()


@pytest.mark.parametrize("n_states", [1, 300])
def test_graphs_of_any_size(n_states: int) -> None:
    transition = np.full((n_states, 2, n_states), 1.0 / n_states)
    env = TabularEnv(build_task(transition, initial=np.eye(n_states)[0], horizon=3), render_mode="rgb_array")
    env.reset(seed=0)
    before = env.render()
    env.step(1)
    assert before.shape == (512, 512, 3) and not np.array_equal(env.render(), before)


def test_a_family_name_alone_makes_no_room() -> None:
    task = build_task(np.ones((1, 1, 1)), initial=[1.0], horizon=3, family="darkroom")
    env = TabularEnv(task, render_mode="ansi")
    env.reset(seed=0)
    assert "rank 1 of 1" in env.render()


def test_rendering_follows_a_switch_of_the_task_and_a_copy() -> None:
    env = TabularEnv(darkroom(), render_mode="ansi")
    env.reset(seed=0, options={"task": darkroom(goal="0,0")})
    assert env.render().splitlines()[1].startswith("G")
    env.step(0)
    copy = pickle.loads(pickle.dumps(env))
    assert copy.render() == env.render()
    assert copy.step(1)[0] == env.step(1)[0] and copy.render() == env.render()


def test_what_cannot_be_rendered_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnsupportedSetting, match="render_mode='human' is not legal: give None, 'ansi'"):
        TabularEnv(darkroom(), render_mode="human")
    env = TabularEnv(darkroom(), render_mode="ansi")
    with pytest.raises(EpisodeOver, match="call reset"):
        env.render()

    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "PIL" else found(name))
    with pytest.raises(MissingExtra, match=r"render_mode='rgb_array': PIL .*anymdp-bench\[render\]"):
        TabularEnv(darkroom(), render_mode="rgb_array")
    TabularEnv(darkroom(), render_mode="ansi")


def test_a_foreign_task_without_tables_is_refused() -> None:
    from anymdp_bench.envs.rendering.painters import painter_of

    with pytest.raises(NotTabular):
        painter_of(object())  # type: ignore[arg-type]


def test_nothing_is_imported_before_a_picture_is_asked_for() -> None:
    code = (
        "import sys, gymnasium, anymdp_bench\n"
        "env = gymnasium.make('Darkroom-v0', render_mode='ansi'); env.reset(seed=0); env.render()\n"
        "print('PIL' in sys.modules, 'pygame' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["False", "False"]


@pytest.mark.parametrize("env_id", IDS)
@pytest.mark.filterwarnings(HUMAN)
def test_gymnasium_opens_a_window(env_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pygame")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    env = gymnasium.make(env_id, render_mode="human")
    env.metadata["render_fps"] = 1000
    env.reset(seed=0)
    env.step(env.action_space.sample())
    assert env.render_mode == "human"
    env.close()


def test_gymnasium_tiles_a_batch_in_a_window(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pygame")
    pytest.importorskip("cv2")
    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    envs = HumanRendering(make_vec("Garnet-v0", 4, render_mode="rgb_array"))
    envs.reset(seed=0)
    envs.step(envs.action_space.sample())
    envs.close()


def test_frames_are_collected() -> None:
    env = gymnasium.make("Darkroom-v0", render_mode="rgb_array_list")
    env.reset(seed=0)
    env.step(0)
    assert len(env.render()) == 2  # type: ignore[arg-type]


@pytest.mark.parametrize("env_id", ["AnyMDP-v0", "ShapedFrozenLake-v0", "Switch2-v0", "DiscretePendulum-v0"])
def test_videos_are_recorded(env_id: str, tmp_path: Path) -> None:
    pytest.importorskip("moviepy")
    env = gymnasium.make(env_id, render_mode="rgb_array")
    recorded = gymnasium.wrappers.RecordVideo(env, str(tmp_path / "videos"), video_length=3)
    recorded.reset(seed=0)
    for _ in range(4):
        if any(recorded.step(recorded.action_space.sample())[2:4]):
            break
    recorded.close()
    assert [path.suffix for path in (tmp_path / "videos").iterdir()] == [".mp4"]


@pytest.mark.parametrize("env_id", IDS)
def test_keys_reach_every_action(env_id: str) -> None:
    env = gymnasium.make(env_id)
    actions = list(env.unwrapped.get_keys_to_action().values())
    assert all(env.action_space.contains(action) for action in actions)
    if isinstance(env.action_space, gymnasium.spaces.Discrete):
        assert sorted(actions) == list(range(env.action_space.n))


def test_keys_move_where_they_point() -> None:
    room = gymnasium.make("Darkroom-v0").unwrapped.get_keys_to_action()
    assert room == {"s": 0, "w": 1, "d": 2, "a": 3}
    pair = gymnasium.make("Switch2-v0").unwrapped.get_keys_to_action()
    assert pair["sj"].tolist() == [0, 1] and pair["w"].tolist() == [2, 4] and pair["l"].tolist() == [4, 3]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_person_can_play(monkeypatch: pytest.MonkeyPatch) -> None:
    pygame, matplotlib = pytest.importorskip("pygame"), pytest.importorskip("matplotlib")
    monkeypatch.setattr(matplotlib, "use", lambda backend: None)  # to import `play` is to ask for windows
    from gymnasium.utils.play import play

    monkeypatch.setenv("SDL_VIDEODRIVER", "dummy")
    taken: list[Any] = []

    def callback(before: Any, after: Any, action: Any, *rest: Any) -> None:
        taken.append(action)
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=ord("d")))
        if len(taken) == 3:
            pygame.event.post(pygame.event.Event(pygame.QUIT))

    play(gymnasium.make("Darkroom-v0", render_mode="rgb_array"), fps=1000, callback=callback, seed=0)
    assert taken[0] == 0 and taken[-1] == 2


def test_both_players_are_shown_by_pettingzoos_environment() -> None:
    pytest.importorskip("pettingzoo")
    env = parallel_env(render_mode="ansi")
    env.reset(seed=0)
    assert env.render_mode == "ansi" and ". 0 # # # 1 ." in env.render()


def test_stable_baselines3_tiles_a_batch() -> None:
    pytest.importorskip("stable_baselines3")
    from anymdp_bench.envs.sb3 import Sb3VecEnv

    env = Sb3VecEnv(make_vec("Darkroom-v0", 4, render_mode="rgb_array"))
    env.reset()
    env.step(np.zeros(4, dtype=int))
    assert env.render_mode == "rgb_array" and env.render().shape == (2 * 704, 2 * 632, 3)  # type: ignore[union-attr]
    assert Sb3VecEnv(make_vec("Darkroom-v0", 2)).get_images() == [None, None]
