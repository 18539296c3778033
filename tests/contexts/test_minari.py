"""Contexts as Minari data sets: what is read equals what was written, to the last bit."""

from __future__ import annotations

import sys
from pathlib import Path

import gymnasium
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete
from gymnasium.wrappers import TimeLimit

from anymdp_bench import Context, load_bank, record_context, record_episodes, record_run, task_spec
from anymdp_bench.contexts.minari import from_minari, to_minari
from anymdp_bench.foundation.errors import InvalidContext, MissingExtra
from anymdp_bench.samplers import sample_task
from anymdp_bench.worlds import frozenlake, random_lake_map
from tests.support.scripted import Scripted, corridor

minari = pytest.importorskip("minari")
LAKES = [frozenlake(True, layout=random_lake_map(seed)) for seed in range(3)]


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINARI_DATASETS_PATH", str(tmp_path))


def taught() -> Context:
    return record_episodes(LAKES, "noisy-oracle-0.5", range(3), 4)


def tokens() -> Context:
    task = sample_task("multi-token-anypomdp", seed=0, n_states=16, n_actions=3, n_observations=8)
    return record_episodes([task], "uniform", [0], 3)


def lived() -> Context:
    return record_run(
        Scripted(), "anymdp-16x5-v0", tasks=[corridor(noise=1.0)] * 2, context_episodes=6, block=2
    )


@pytest.mark.parametrize("make", [taught, tokens, lived])
def test_round_trip(make: object) -> None:
    context = make()
    data_set = to_minari(context, "anymdp/test-v0", author="somebody", author_email="s@example.org")
    assert data_set.total_episodes == len(context.teachers) and data_set.total_steps == context.n_steps
    again = from_minari("anymdp/test-v0")
    assert again.fingerprint() == context.fingerprint()
    assert again.teachers == context.teachers and (again.tags == context.tags).all()


def test_minari_users_see_ordinary_episodes() -> None:
    context = taught()
    to_minari(context, "lakes-v0")
    data_set = minari.load_dataset("lakes-v0")
    assert data_set.observation_space == Discrete(16) and data_set.action_space == Discrete(4)
    first = data_set[0]
    length = context.lengths[0, 0]
    assert first.observations.shape == (length + 1,)
    assert first.rewards.tolist() == context.rewards[:length].tolist()
    assert first.terminations[-1] or first.truncations[-1]


def test_a_data_set_is_not_overwritten() -> None:
    to_minari(taught(), "lakes-v0")
    with pytest.raises(InvalidContext, match=r"'lakes-v0' exists\. Delete it"):
        to_minari(taught(), "lakes-v0")


@pytest.mark.filterwarnings("ignore::UserWarning:minari.utils")
def test_missing_and_foreign_data_sets() -> None:
    with pytest.raises(InvalidContext, match="no local data set 'lakes-v7'"):
        from_minari("lakes-v7")
    episode = minari.data_collector.EpisodeBuffer(
        observations=np.array([0, 1, 2]),
        actions=np.array([0, 1]),
        rewards=np.array([0.0, 1.0]),
        terminations=np.array([False, True]),
        truncations=np.array([False, False]),
        infos={},
    )
    spaces = {"observation_space": Discrete(3), "action_space": Discrete(2)}
    minari.create_dataset_from_buffers("foreign-v0", [episode, episode], data_format="hdf5", **spaces)
    context = from_minari("foreign-v0")
    assert (context.n_rows, context.teachers, set(context.tags)) == (1, ("unknown", "unknown"), {7})
    spaces["action_space"] = Box(0, 1)
    minari.create_dataset_from_buffers("boxes-v0", [episode], data_format="hdf5", **spaces)
    with pytest.raises(InvalidContext, match=r"action space Box.* is not Discrete"):
        from_minari("boxes-v0")


def test_without_minari(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "minari", None)
    with pytest.raises(MissingExtra, match=r"pip install 'anymdp-bench\[minari\]'"):
        from_minari("lakes-v0")


ILLEGAL = [
    "noisy-oracle-0.5-v0",
    "../evil-v0",
    "/abs-v0",
    "a/../b-v0",
    "",
    "lake",
    "lake-v",
    "é-v0",
    ".hid-v0",
    3,
]


@pytest.mark.parametrize("dataset_id", ILLEGAL)
def test_ids_are_checked_before_anything_is_written(dataset_id: object, tmp_path: Path) -> None:
    with pytest.raises(InvalidContext, match=r"dataset_id=.* is not legal: give 'name-v0'"):
        to_minari(taught(), dataset_id)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
    assert minari.list_local_datasets() == {}


def test_nothing_is_left_of_what_cannot_be_written() -> None:
    with pytest.raises(TypeError):
        to_minari(taught(), "lakes-v0", no_such_argument=1)
    with pytest.raises(InvalidContext, match=r"env='Darkroom-v0' has spaces"):
        to_minari(taught(), "lakes-v0", env="Darkroom-v0")
    assert minari.list_local_datasets() == {}
    to_minari(taught(), "lakes-v0")


def test_the_environment_is_recovered() -> None:
    context = record_context("frozenlake-v0", "oracle", n_episodes=2)
    to_minari(context, "lake-v0", env=task_spec("frozenlake-v0"))
    data_set = minari.load_dataset("lake-v0")
    env = data_set.recover_environment()
    assert env.unwrapped.task.fingerprint() == load_bank("frozenlake-v0").test[0].fingerprint()
    assert env.observation_space == data_set.observation_space
    assert not isinstance(env, TimeLimit)
    made = gymnasium.make("Darkroom-v0", size=6)
    to_minari(record_episodes([made.unwrapped.task], "uniform", [0], 2), "room-v0", env=made)
    assert minari.load_dataset("room-v0").env_spec.kwargs["size"] == 6


def test_one_hot_observations_and_their_environment() -> None:
    context = record_context("frozenlake-v0", "oracle", n_episodes=2)
    to_minari(context, "vectors-v0", env=task_spec("frozenlake-v0"), one_hot=True)
    data_set = minari.load_dataset("vectors-v0")
    first = data_set[0].observations
    assert first.dtype == np.float32 and first.shape == (context.lengths[0, 0] + 1, 16)
    assert first[:-1].argmax(1).tolist() == context.observations[: len(first) - 1].tolist()
    env = data_set.recover_environment()
    assert env.observation_space == data_set.observation_space == Box(0, 1, (16,), np.float32)
    assert not isinstance(env, TimeLimit) and env.reset(seed=0)[0].sum() == 1
    with pytest.raises(InvalidContext, match="is not Discrete"):
        from_minari("vectors-v0")


@pytest.mark.parametrize("bank", ["pendulum-g5-v0", "switch2-v0", "anymdp-16x5-v0"])
def test_every_bank_has_specifications(bank: str) -> None:
    env = gymnasium.make(task_spec(bank, 0, split="validation"))
    assert env.unwrapped.task.fingerprint() == load_bank(bank).validation[0].fingerprint()
    with pytest.raises(IndexError):
        task_spec(bank, 10**6)


def test_damaged_data_sets_are_the_packages_own_error(tmp_path: Path) -> None:
    to_minari(taught(), "lakes-v0")
    rng = np.random.default_rng(0)
    expected = from_minari("lakes-v0").fingerprint()
    for path in sorted(path for path in (tmp_path / "lakes-v0").rglob("*") if path.is_file()):
        whole = path.read_bytes()
        for _ in range(40):
            content = bytearray(whole)
            content[int(rng.integers(len(content)))] ^= 1 << int(rng.integers(8))
            path.write_bytes(content)
            try:
                assert from_minari("lakes-v0").fingerprint() == expected
            except InvalidContext:
                pass
        path.write_bytes(whole)
