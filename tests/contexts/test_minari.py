"""Contexts as Minari data sets: what is read equals what was written, to the last bit."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete

from anymdp_bench import Context, record_episodes, record_run
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
