"""Files that rot or lie: nothing is read that was not written, and nothing raises but the package's own."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anymdp_bench import BenchError, InvalidConfig, TaskFileError, load_bank, load_task
from anymdp_bench.banks.compact import load_tasks, save_tasks
from anymdp_bench.foundation.digests import check_seal, sealed
from anymdp_bench.leaderboard.standings.load import load_standings
from anymdp_bench.samplers import sample_task
from anymdp_bench.worlds.pendulum.task import PendulumTask
from tests.support.tasks import random_task


def mutations(content: bytes, n: int, seed: int = 0) -> list[bytes]:
    """Bits flipped, bytes replaced, cut out or doubled."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(n):
        at, kind = int(rng.integers(len(content))), int(rng.integers(4))
        length = int(rng.integers(1, 40))
        piece = content[at : at + length]
        middle = {
            0: bytes([content[at] ^ (1 << int(rng.integers(8)))]) + content[at + 1 : at + length],
            1: rng.bytes(len(piece)),
            2: b"",
            3: piece + piece,
        }[kind]
        found.append(content[:at] + middle + content[at + length :])
    return found


@pytest.mark.parametrize("task", [random_task(0), PendulumTask(), sample_task("garnet", seed=0)])
def test_a_mutated_task_is_the_same_or_refused(task: Any, tmp_path: Path) -> None:
    path = tmp_path / "task.npz"
    task.save(path)
    whole = load_task(path)
    for content in mutations(path.read_bytes(), 100):
        path.write_bytes(content)
        try:
            read = load_task(path)
        except BenchError:
            continue
        assert read.fingerprint() == whole.fingerprint() and read.config == whole.config


def rewritten(path: Path, drop: str) -> None:
    """The same archive without one member, as a flipped name in its directory leaves it."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist() if name != drop}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def test_a_task_that_has_lost_a_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "task.npz"
    load_bank("frozenlake-v0").test[0].save(path)
    rewritten(path, "score_outcome.npy")
    with pytest.raises(TaskFileError, match=r"task.npz: the content does not have the SHA-256"):
        load_task(path)


def test_a_mutated_bank_is_the_same_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "bank.npz"
    tasks = [sample_task("garnet", seed=seed) for seed in range(3)]
    save_tasks(tasks, path)
    expected = [task.fingerprint() for task in load_tasks(path)]
    assert expected == [task.fingerprint() for task in tasks]
    for content in mutations(path.read_bytes(), 100):
        path.write_bytes(content)
        try:
            read = load_tasks(path)
        except TaskFileError as error:
            assert "bank.npz" in str(error)
        else:
            assert [task.fingerprint() for task in read] == expected


def test_a_seal_notices_every_change() -> None:
    values = sealed({"a": 1, "b": [1.5, None, "x"]})
    assert check_seal(values, ("a", "b")) == {"a": 1, "b": [1.5, None, "x"]}
    assert sealed(values) == values
    for other in ({**values, "a": 2}, {**values, "c": 0}, {"a": 1, "sha25v": "0"}, [], 3):
        with pytest.raises(ValueError, match=r"SHA-256|not known|not an object"):
            check_seal(other, ("a", "b"))


def test_a_stray_temporary_file_does_not_stop_the_board(tmp_path: Path) -> None:
    board = tmp_path / "submissions" / "darkroom-6-online-v0"
    board.mkdir(parents=True)
    (board / ".uniform.verdict.json.x3k").write_text("{")
    (board / ".uniform.abc").mkdir()
    (tmp_path / "submissions" / ".points.parquet.y").write_bytes(b"")
    assert load_standings(tmp_path).boards["darkroom-6-online-v0"].entries == ()


# --- checkpoints ---


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    pytest.importorskip("torch")
    from omnirl_reference.config.model import ModelConfig
    from omnirl_reference.model.checkpoint import save_model
    from omnirl_reference.model.model import OmniRL

    config = {"n_states": 8, "n_actions": 2, "width": 8, "layers": 1, "head_width": 4}
    save_model(OmniRL(ModelConfig(**config)), tmp_path / "model", {"model": config, "name": "small"})
    return tmp_path / "model"


def test_a_mutated_checkpoint_is_the_same_or_refused(checkpoint: Path) -> None:
    from omnirl_reference.model.checkpoint import fingerprint, load_model

    model, notes = load_model(checkpoint)
    for name in ("weights.safetensors", "notes.json"):
        whole = (checkpoint / name).read_bytes()
        for content in mutations(whole, 25):
            (checkpoint / name).write_bytes(content)
            try:
                read, found = load_model(checkpoint)
            except InvalidConfig:
                continue
            assert fingerprint(read) == fingerprint(model) and found == notes
        (checkpoint / name).write_bytes(whole)


def test_a_mutated_exact_checkpoint_is_the_same_or_refused(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from omnirl_reference.exact.checkpoint import load_network, save_network
    from omnirl_reference.exact.network import ExactNetwork
    from omnirl_reference.model.checkpoint import fingerprint

    save_network(ExactNetwork(8, 2), tmp_path, {"name": "small", "acting": {"kappa": 0.03, "probe": 6}})
    network, notes = load_network(tmp_path)
    for name, n in (("weights.safetensors", 25), ("notes.json", 100)):
        whole = (tmp_path / name).read_bytes()
        for content in mutations(whole, n):
            (tmp_path / name).write_bytes(content)
            try:
                read, found = load_network(tmp_path)
            except InvalidConfig:
                continue
            assert fingerprint(read) == fingerprint(network) and found == notes
        (tmp_path / name).write_bytes(whole)


@pytest.mark.parametrize("name", ["omnirl-any", "omnirl-any-anymdp", "omnirl-any-garnet"])
def test_shipped_exact_checkpoints_are_sealed(name: str) -> None:
    pytest.importorskip("torch")
    from omnirl_reference.exact.checkpoint import load_network
    from omnirl_reference.model.shipped import CHECKPOINTS

    _, notes = load_network(CHECKPOINTS / name)
    assert json.loads((CHECKPOINTS / name / "notes.json").read_text()) == sealed(notes)


def without_digests(checkpoint: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Write the notes again as an older version did, changed."""
    notes = json.loads((checkpoint / "notes.json").read_text())
    del notes["sha256"]
    change(notes["model"])
    (checkpoint / "notes.json").write_text(json.dumps(notes))


def test_sizes_are_compared_before_they_are_allocated(checkpoint: Path) -> None:
    from omnirl_reference.model.checkpoint import load_model

    without_digests(checkpoint, lambda model: model.update(layers=10_000))
    with pytest.raises(InvalidConfig, match=r"the notes name 10000 layers, the weights are \d+ tensors"):
        load_model(checkpoint)
    without_digests_again = json.loads((checkpoint / "notes.json").read_text())
    without_digests_again["model"] |= {"layers": 1, "width": 1 << 20}
    (checkpoint / "notes.json").write_text(json.dumps(without_digests_again))
    with pytest.raises(InvalidConfig, match=r"has shape .*the notes describe a model in which it has"):
        load_model(checkpoint)


def test_weights_that_are_no_numbers_are_refused_by_name(checkpoint: Path) -> None:
    import torch

    from omnirl_reference.model.checkpoint import load_model, save_model

    model, notes = load_model(checkpoint)
    with torch.no_grad():
        model.policy.weight[0, 0] = float("nan")
    save_model(model, checkpoint, notes)
    with pytest.raises(InvalidConfig, match=r"weights 'policy.weight' hold NaN or infinite numbers"):
        load_model(checkpoint)
