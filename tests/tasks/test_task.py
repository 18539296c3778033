import copy
import dataclasses
import io
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from anymdp_bench.foundation.errors import BenchError, InvalidTask, NotTabular, TaskFileError
from anymdp_bench.foundation.seeding import WEIGHT_TOTAL
from anymdp_bench.tasks.build import build_task, weights_of
from anymdp_bench.tasks.checks import ARRAY_DTYPES
from anymdp_bench.tasks.file import load_task
from anymdp_bench.tasks.protocol import Task
from anymdp_bench.tasks.task import TabularTask, require_tabular
from tests.support.tasks import random_task, two_state_task


def test_dense_views_return_what_was_given() -> None:
    task = random_task(0)
    assert isinstance(task, Task)
    n, a = task.n_states, task.n_actions
    assert task.transition.shape == task.reward_mean.shape == task.reward_std.shape == (n, a, n)
    rng = np.random.default_rng(0)
    transition = rng.dirichlet(np.full(n, 0.5), size=(n, a))
    np.testing.assert_allclose(task.transition[:-1], transition[:-1], atol=2**-28)
    assert not task.transition[-1].any()
    possible = task.transition > 0
    expected = task.reward_sa[:, :, None] + task.reward_next
    inner = np.zeros((n, a, n))
    assert task.reward_outcome is not None
    inner[possible] = task.reward_outcome
    np.testing.assert_allclose(task.reward_mean[possible], (expected + inner)[possible])
    np.testing.assert_array_equal(task.score_reward, task.reward_mean)


@settings(max_examples=100, deadline=None)
@given(arrays(np.float64, st.integers(1, 40), elements=st.floats(0, 1)).filter(lambda p: p.sum() > 1e-3))
def test_rounded_probabilities_sum_to_one_and_stay_close(p: np.ndarray) -> None:
    weight = weights_of("p", p / p.sum())
    assert weight.sum() == WEIGHT_TOTAL
    assert (weight >= 0).all()
    np.testing.assert_allclose(weight / WEIGHT_TOTAL, p / p.sum(), atol=len(p) * 2.0**-30)


COPIES = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda task: pickle.loads(pickle.dumps(task)),
    "replace": lambda task: dataclasses.replace(task, horizon=task.horizon),
}


@pytest.mark.parametrize("way", COPIES)
def test_copies_are_equal_and_read_only(way: str) -> None:
    task = random_task(1)
    other = COPIES[way](task)
    assert other.fingerprint() == task.fingerprint()
    for name in ARRAY_DTYPES:
        value = getattr(other, name)
        assert value is None or not value.flags.writeable
    with pytest.raises(dataclasses.FrozenInstanceError):
        other.horizon = 3  # type: ignore[misc]
    with pytest.raises(TypeError):
        other.config["x"] = 1  # type: ignore[index]


def test_arrays_of_the_caller_are_copied() -> None:
    reward = np.zeros((2, 2))
    task = two_state_task(reward_sa=reward)
    reward[:] = 5.0
    assert not task.reward_sa.any()


@pytest.mark.parametrize(
    "change",
    [{"horizon": 11}, {"reward_sa": np.full((2, 2), 1e-5)}, {"state_ids": np.array([1, 0])}],
)
def test_fingerprint_sees_what_an_agent_can_experience(change: dict[str, Any]) -> None:
    task = two_state_task()
    assert dataclasses.replace(task, **change).fingerprint() != task.fingerprint()


def test_fingerprint_ignores_name_and_rounding_noise() -> None:
    task = two_state_task()
    same = dataclasses.replace(task, family="other", seed=5, reward_sa=task.reward_sa + 1e-12)
    assert same.fingerprint() == task.fingerprint()


BAD_DENSE: dict[str, tuple[dict[str, Any], str]] = {
    "rows": ({"transition": np.full((2, 2, 2), 0.4)}, r"transition\[0, 0\] sums to 0.8"),
    "negative": ({"transition": np.array([[[1.5, -0.5]] * 2] * 2)}, "probabilities are at least 0"),
    "nan": ({"transition": np.full((2, 2, 2), np.nan)}, "holds nan"),
    "text": ({"transition": [["a"]]}, "give real probabilities"),
    "shape": ({"transition": np.full((2, 2), 0.5)}, r"it must be \[S, A, S\]"),
    "initial": ({"initial": [0.5, 0.2]}, "initial.* sums to 0.7"),
    "infinite": ({"reward_sa": [[np.inf, 0], [0, 0]]}, r"reward_sa\[\(0, 0\)\]=inf.*finite"),
    "reward shape": ({"reward_sa": np.zeros((2, 3))}, r"reward_sa.shape=\(2, 3\)"),
    "noise": ({"noise_next": [-1.0, 0.0]}, "standard deviation is at least 0"),
    "horizon": ({"horizon": 0}, "horizon=0 is not legal: give an integer of at least 1"),
    "float horizon": ({"horizon": 7.5}, "horizon=7.5"),
    "ids": ({"state_ids": [0, 5], "n_observations": 2}, "observation ids are 0..1"),
    "emission": ({"emissions": np.full((1, 2, 3), 0.5)}, r"emissions\[0, 0\] sums to 1.5"),
    "score shape": ({"score": np.zeros(3)}, "score has shape"),
    "config": ({"config": {"a": [1]}}, "JSON scalars"),
}


@pytest.mark.parametrize("case", BAD_DENSE)
def test_malformed_dense_input_is_refused(case: str) -> None:
    change, message = BAD_DENSE[case]
    task = two_state_task()
    arguments = {"transition": task.transition, "initial": [1, 0], "horizon": 4} | change
    with pytest.raises(InvalidTask, match=message):
        build_task(arguments.pop("transition"), **arguments)


def _weights(task: TabularTask, index: int, value: int) -> np.ndarray:
    weight = task.weight.copy()
    weight[index] = value
    return weight


BAD_FIELDS = {
    "weight": (lambda t: {"weight": _weights(t, 0, 5)}, "probability sum of state 0, action 0"),
    "zero weight": (lambda t: {"weight": _weights(t, 0, 0)}, "weights lie in 1..2"),
    "overflowing weight": (lambda t: {"weight": _weights(t, 0, 2**62)}, "weights lie in 1..2"),
    "successor": (lambda t: {"successor": t.successor + 9}, "inner states are 0..1"),
    "row_start": (lambda t: {"row_start": t.row_start + 1}, "rise from 0"),
    "row_start order": (lambda t: {"row_start": t.row_start[::-1] * 0}, "rise from 0"),
    "terminal": (lambda t: {"terminal": np.array([False, True])}, "terminal state=1: has outgoing"),
    "terminal start": (lambda t: {"terminal": np.array([True, False])}, "has outgoing"),
    "initial": (lambda t: {"initial_weight": t.initial_weight * 2}, "sum to 1"),
    "float weight": (lambda t: {"weight": t.weight * 1.0}, "weight has dtype float64"),
    "large id": (lambda t: {"state_ids": np.array([0, 2**40])}, "does not fit int32"),
    "actions": (lambda t: {"n_actions": True}, "n_actions=True"),
    "no states": (lambda t: {"terminal": np.zeros(0, bool)}, "at least one"),
    "family": (lambda t: {"family": ""}, "non-empty name"),
    "seed": (lambda t: {"seed": -3}, "seed=-3"),
}


@pytest.mark.parametrize("case", BAD_FIELDS)
def test_malformed_fields_are_refused(case: str) -> None:
    change, message = BAD_FIELDS[case]
    task = two_state_task()
    with pytest.raises(BenchError, match=message):
        dataclasses.replace(task, **change(task))


def test_start_in_a_terminal_state_is_refused() -> None:
    transition = np.zeros((2, 1, 2))
    transition[0, 0, 1] = 1.0
    with pytest.raises(InvalidTask, match="this start state is terminal"):
        build_task(transition, initial=[0.5, 0.5], horizon=3)


def test_descending_successors_are_refused() -> None:
    task = random_task(0)
    successor = task.successor.copy()
    successor[[0, 1]] = successor[[1, 0]]
    with pytest.raises(InvalidTask, match="ascend strictly"):
        dataclasses.replace(task, successor=successor)


def test_tables_of_a_task_without_tables() -> None:
    class Continuous:
        family = "pendulum"

    with pytest.raises(NotTabular, match="has no tables"):
        require_tabular(Continuous())  # type: ignore[arg-type]


def test_file_round_trip(tmp_path: Path) -> None:
    task = dataclasses.replace(random_task(2), config={"a": 1, "b": None}, seed=7)
    task.save(tmp_path / "task.npz")
    again = load_task(tmp_path / "task.npz")
    assert isinstance(again, TabularTask)
    assert again.fingerprint() == task.fingerprint()
    assert (again.family, dict(again.config), again.seed) == (task.family, dict(task.config), 7)
    assert [path.name for path in tmp_path.iterdir()] == ["task.npz"]


def _write(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def _npy(array: np.ndarray, allow_pickle: bool = False) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=allow_pickle)
    return buffer.getvalue()


def _meta(**changes: Any) -> bytes:
    text = json.dumps({"format": 1, "kind": "tabular"} | changes).encode()
    return _npy(np.frombuffer(text, np.uint8))


def _claims(shape: tuple[int, ...]) -> bytes:
    head = b"{'descr': '<f8', 'fortran_order': False, 'shape': " + repr(shape).encode() + b", }"
    head += b" " * (-(len(head) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + b"\0" * 64


HOSTILE: dict[str, dict[str, bytes]] = {
    "empty": {},
    "no meta": {"weight.npy": _npy(np.zeros(3))},
    "object array": {"meta.npy": _meta(), "weight.npy": _npy(np.array([{}], object), allow_pickle=True)},
    "strange member": {"meta.npy": _meta(), "../../evil.npy": _npy(np.zeros(3))},
    "huge claim": {"meta.npy": _meta(), "weight.npy": _claims((10**12,))},
    "negative claim": {"meta.npy": _meta(), "weight.npy": _claims((-1,))},
    "wrong format": {"meta.npy": _meta(format=99)},
    "wrong kind": {"meta.npy": _meta(kind="os:system")},
    "missing fields": {"meta.npy": _meta()},
    "extra fields": {"meta.npy": _meta(shell="rm")},
    "not json": {"meta.npy": _npy(np.frombuffer(b"{{", np.uint8))},
    "deep json": {"meta.npy": _npy(np.frombuffer(b"[" * 100_000, np.uint8))},
    "not npy": {"meta.npy": b"hello"},
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_refused(case: str, tmp_path: Path) -> None:
    _write(tmp_path / "task.npz", HOSTILE[case])
    with pytest.raises(TaskFileError):
        load_task(tmp_path / "task.npz")


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    _write(tmp_path / "task.npz", {"meta.npy": _meta(), "weight.npy": b"\0" * (1 << 28)})
    assert (tmp_path / "task.npz").stat().st_size < 1 << 20
    with pytest.raises(TaskFileError, match="claims more than"):
        load_task(tmp_path / "task.npz")


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_truncated_or_flipped_files_never_load_another_task(
    data: st.DataObject, tmp_path_factory: Any
) -> None:
    folder = tmp_path_factory.mktemp("files")
    task = two_state_task()
    task.save(folder / "task.npz")
    content = bytearray((folder / "task.npz").read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content = content[:position]
    else:
        content[position] ^= data.draw(st.integers(1, 255))
    (folder / "bad.npz").write_bytes(content)
    try:
        loaded = load_task(folder / "bad.npz")
    except BenchError:
        return
    assert loaded.fingerprint() == task.fingerprint()


def test_missing_file_is_the_packages_own_error(tmp_path: Path) -> None:
    with pytest.raises(TaskFileError, match=r"Give a file that Task\.save wrote"):
        load_task(tmp_path / "nothing.npz")
