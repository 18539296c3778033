"""Training beyond the plain case: several processes, half precision, lost gradients."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from safetensors.torch import load_file  # noqa: E402

from anymdp_bench import InvalidConfig, UnknownName  # noqa: E402
from omnirl_reference.config.file import config_names, load_config, train_config  # noqa: E402
from omnirl_reference.config.model import ModelConfig  # noqa: E402
from omnirl_reference.config.stream import StreamConfig  # noqa: E402
from omnirl_reference.config.training import TrainConfig  # noqa: E402
from omnirl_reference.model.checkpoint import load_model  # noqa: E402
from omnirl_reference.model.growth import begin_with  # noqa: E402
from omnirl_reference.model.mixers import MIXERS  # noqa: E402
from omnirl_reference.model.mixers.gated_delta_cuda import delta_kernel, kernel_is_installed  # noqa: E402
from omnirl_reference.model.model import OmniRL, count_parameters  # noqa: E402
from omnirl_reference.model.shipped import checkpoint_folder  # noqa: E402
from omnirl_reference.model.tokens import first_steps, shift  # noqa: E402
from omnirl_reference.stream.simulate import Sequences  # noqa: E402
from omnirl_reference.stream.stream import Stream  # noqa: E402
from omnirl_reference.training.batches import Batches  # noqa: E402
from omnirl_reference.training.held_out import HeldOut, loss_by_range  # noqa: E402
from omnirl_reference.training.loss import policy_errors  # noqa: E402
from omnirl_reference.training.processes import Processes  # noqa: E402
from omnirl_reference.training.segments import segments_of  # noqa: E402
from omnirl_reference.training.trainer import Trainer  # noqa: E402

SMALL = ModelConfig(width=32, layers=1, head_width=16)
CONFIG = {
    "name": "test",
    "model": dataclasses.asdict(SMALL),
    "stream": {"steps": 64},
    "stages": [{"updates": 3}, {"updates": 3, "on_policy_share": 0.5}],
    "batch": 4,
    "segment": 48,
    "own_play": {"refresh": 3, "pool": 4},
    "warm_up": 2,
}
CONFIGS = [*config_names()]


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> None:
    torch.set_num_threads(1)


def config_of(**changes: object) -> TrainConfig:
    return train_config(CONFIG | changes)


@pytest.mark.parametrize("layout", ["packed", "interleaved"])
def test_a_grown_model_says_the_same_of_the_states_that_both_know(layout: str) -> None:
    torch.manual_seed(0)
    known = OmniRL(dataclasses.replace(SMALL, n_states=6, layout=layout))
    grown = OmniRL(dataclasses.replace(SMALL, n_states=11, layout=layout))
    begin_with(grown, known)
    states, actions = torch.randint(6, (2, 3, 21)), torch.randint(5, (3, 21))
    rewards, tags = torch.randn(3, 21), torch.randint(8, (3, 21))
    said = []
    for model in (known, grown):
        steps = shift(states[0], tags, actions, rewards, first_steps(states[0][:, :1], model.config))
        predictions, _ = model(steps, actions, model.initial_state(3))
        said.append(predictions)
    torch.testing.assert_close(said[0].policy, said[1].policy)
    torch.testing.assert_close(said[0].next_state, said[1].next_state[..., :6])
    torch.testing.assert_close(said[0].reward, said[1].reward)


def test_a_further_state_is_one_mixture_in_every_table() -> None:
    torch.manual_seed(0)
    known, grown = (OmniRL(dataclasses.replace(SMALL, n_states=n)) for n in (8, 20))
    with torch.no_grad():
        known.tokens.previous_state.weight[:-1] = known.tokens.state.weight @ torch.randn(
            SMALL.width, SMALL.width
        )
    begin_with(grown, known)
    state, before = grown.tokens.state.weight, grown.tokens.previous_state.weight
    relation = torch.linalg.lstsq(known.tokens.state.weight, known.tokens.previous_state.weight[:-1]).solution
    torch.testing.assert_close(state @ relation, before[:-1], rtol=1e-3, atol=1e-3)
    torch.testing.assert_close(before[-1], known.tokens.previous_state.weight[-1])
    assert torch.pdist(state).min() > 0.1


def test_a_model_grows_in_states_alone() -> None:
    small, large = (OmniRL(dataclasses.replace(SMALL, n_states=n)) for n in (6, 11))
    for model, known in ((small, large), (large, OmniRL(dataclasses.replace(SMALL, n_states=6, layers=2)))):
        with pytest.raises(InvalidConfig, match="nothing but fewer states"):
            begin_with(model, known)


def losses_of(trainer: Trainer) -> list[float]:
    values: list[float] = []
    trainer.run(lambda row: values.append(row["policy"]))
    return values


def test_two_processes_equal_one(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG))
    words = ["-m", "omnirl_reference.cli", "train", str(path), "--device", "cpu", "--out"]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    subprocess.run([*launcher, *words, str(tmp_path / "two")], check=True, capture_output=True, timeout=240)
    Trainer(config_of(), tmp_path / "one", "cpu").run()
    one, two = (load_file(tmp_path / name / "weights.safetensors") for name in ("one", "two"))
    begun = OmniRL(SMALL).state_dict()
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-3, atol=2e-5)
    assert any(not torch.allclose(one[name], begun[name], atol=1e-3) for name in one)


def test_rows_of_all_processes_make_up_the_batch() -> None:
    torch.manual_seed(0)
    model, config = OmniRL(SMALL), config_of()
    for update, n_parts in ((0, 1), (4, 2)):
        whole = Batches(config, model, Processes()).get(update)
        halves = [Batches(config, model, Processes(rank, 2)).get(update) for rank in (0, 1)]
        cut = [half.states.reshape(n_parts, -1, 65) for half in halves]
        assert np.array_equal(np.concatenate(cut, axis=1).reshape(4, 65), whole.states)
    with pytest.raises(InvalidConfig, match="cannot be shared equally by 3 processes"):
        Batches(config, model, Processes(0, 3))


@pytest.mark.parametrize("mixer", MIXERS)
def test_half_precision_learns_as_full_precision_does(tmp_path: Path, mixer: str) -> None:
    model = dataclasses.asdict(SMALL) | {"mixer": mixer}
    stages = [{"updates": 2}]
    full, half = (
        losses_of(Trainer(config_of(model=model, stages=stages, precision=p), tmp_path / p, "cpu"))
        for p in ("float32", "bfloat16")
    )
    assert half == pytest.approx(full, rel=0.02)
    assert half != full


def test_updates_without_a_finite_gradient_are_skipped_and_counted(tmp_path: Path) -> None:
    trainer = Trainer(config_of(stages=[{"updates": 6}]), tmp_path, "cpu")
    trainer.run(until=2)
    before = {name: x.clone() for name, x in trainer.model.state_dict().items()}
    broken = trainer.model.policy.weight.register_hook(lambda gradient: gradient * torch.nan)
    rows: list[dict[str, float]] = []
    trainer.run(rows.append, until=4)
    assert [row["skipped"] for row in rows] == [1.0, 2.0]
    assert all(torch.equal(x, before[name]) for name, x in trainer.model.state_dict().items())
    broken.remove()
    again = Trainer(config_of(stages=[{"updates": 6}]), tmp_path, "cpu")
    again.run(until=5)
    assert again.skipped == 2
    assert json.loads((tmp_path / "notes.json").read_text())["skipped"] == 2
    assert not torch.equal(again.model.policy.weight, before["policy.weight"])


@pytest.mark.skipif(not (kernel_is_installed() and torch.cuda.is_available()), reason="needs fla and CUDA")
def test_the_cuda_kernel_equals_the_chunks() -> None:
    from omnirl_reference.model.mixers.gated_delta import delta_chunks

    torch.manual_seed(0)
    q, k, v = (torch.randn(2, 200, 3, 32, device="cuda") for _ in range(3))
    q, k = (torch.nn.functional.normalize(x, dim=-1) for x in (q, k))
    decay, write = -torch.rand(2, 200, 3, device="cuda"), torch.rand(2, 200, 3, device="cuda")
    state = torch.randn(2, 3, 32, 32, device="cuda")
    for fast, slow in zip(
        delta_kernel(q, k, v, decay, write, state), delta_chunks(q, k, v, decay, write, state), strict=True
    ):
        torch.testing.assert_close(fast, slow, rtol=0.03, atol=0.03)


def test_losses_are_reported_by_context(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = OmniRL(SMALL)
    batch = Stream(StreamConfig(steps=300, label="hard"), 4).make(0)
    found = loss_by_range(model, batch, 128)
    assert list(found) == ["0-16", "16-64", "64-256", "256+"]
    whole = loss_by_range(model, batch, 300)
    assert found == pytest.approx(whole, rel=1e-4)
    acted = batch.actions < 5
    counts = [acted[:, low:high].sum() for low, high in ((0, 16), (16, 64), (64, 256), (256, None))]
    (part,) = segments_of(batch, 300, 1, model)
    errors = policy_errors(model.decide(part.steps, model.initial_state(4))[0], part.targets).detach()
    mean = float(errors.sum() / acted.sum())
    assert np.average(list(whole.values()), weights=counts) == pytest.approx(mean, rel=1e-4)


def label_rows(batch: Sequences) -> set[tuple[float, ...]]:
    """Labels of a batch, each with its actions in order of weight: what relabelling leaves as it is."""
    rows = np.sort(batch.targets[batch.actions < 5].reshape(-1, 5), axis=1)
    return set(map(tuple, rows.round(5).tolist()))


def test_seen_tasks_are_those_of_training_played_anew() -> None:
    held_out = HeldOut(config_of(stream={"steps": 64, "n_tasks": 1}, stages=[{"updates": 1}]))._sequences
    trained = Stream(StreamConfig(steps=64, n_tasks=1), 32).make(0)
    assert not np.array_equal(held_out["seen"].states, trained.states)
    assert label_rows(held_out["seen"]) <= label_rows(trained)
    assert len(label_rows(held_out["unseen"])) > 20 > len(label_rows(trained))


@pytest.mark.parametrize("name", CONFIGS)
def test_shipped_configurations_train(tmp_path: Path, name: str) -> None:
    whole = load_config(name)
    assert whole.name == name
    tiny = dataclasses.replace(
        whole,
        model=dataclasses.replace(whole.model, width=32, layers=1, head_width=16),
        stages=tuple(
            dataclasses.replace(stage, updates=1, stream={**stage.stream, "steps": 48})
            for stage in (whole.stages[0], whole.stages[-1])
        ),
        own_play=dataclasses.replace(whole.own_play, pool=4),
        batch=4,
        validate_every=0,
        start="",
    )
    assert np.isfinite(losses_of(Trainer(tiny, tmp_path, "cpu"))).all()


def test_a_configuration_may_begin_with_a_checkpoint_that_ships(tmp_path: Path) -> None:
    config = load_config("omnirl-128")
    assert config.start == "omnirl-16"
    trainer, known = Trainer(config, tmp_path, "cpu"), load_model(checkpoint_folder("omnirl-16"))[0]
    assert torch.equal(trainer.model.policy.weight, known.policy.weight)
    assert torch.equal(trainer.model.tokens.state.weight[:16], known.tokens.state.weight)


def test_a_configuration_may_be_told_by_what_differs_from_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(**values: object) -> TrainConfig:
        path = tmp_path / "mine.json"
        path.write_text(json.dumps(values))
        return load_config(str(path))

    dpd = load_config("dpd")
    mine = told(base="dpd", name="mine", stream={"label": "hard"}, batch=3)
    stream = dataclasses.replace(dpd.stream, label="hard")
    assert mine == dataclasses.replace(dpd, name="mine", stream=stream, batch=3)
    assert told(base="ad-eps").stream.behaviours == {"noisy-0.994": 1.0}
    assert told(base="ad-eps").stream.label_behaviour
    for base in ("nobody", ["dpd"], 3):
        with pytest.raises(UnknownName, match=r"base=.*: give one of ad, "):
            told(base=base)
    with pytest.raises(InvalidConfig, match="training configuration"):
        told(base="dpd", stream=3)
    monkeypatch.setattr("omnirl_reference.config.file.CONFIGS", tmp_path)
    (tmp_path / "a.json").write_text('{"base": "b"}')
    (tmp_path / "b.json").write_text('{"base": "a"}')
    with pytest.raises(InvalidConfig, match="a -> b -> a"):
        load_config("a")


def test_rivals_differ_in_behaviours_labels_and_tags_alone() -> None:
    free = {
        "behaviours": {"uniform": 1.0},
        "label_behaviour": False,
        "resample_share": 0.0,
        "masked_sequences": 0.0,
    }
    found = set()
    for name in ("dpd", "omnirl-16-no-prior", "dpt", "ad", "ad-eps"):
        config = load_config(name)
        assert config.updates == 1600
        stream = dataclasses.replace(config.stream, **free)
        rest = dataclasses.replace(config, name="", stream=stream, stages=load_config("dpd").stages)
        found.add(repr(rest))
        assert all(set(stage.stream) <= {"oracle_free_share"} for stage in config.stages)
    assert len(found) == 1


def test_large_models_fit_into_a_checkpoint_that_ships() -> None:
    sizes = [4 * count_parameters(OmniRL(load_config(name).model)) for name in CONFIGS]
    assert max(sizes) < 16 * 2**20 - 2**16


def test_the_rate_cools_down_at_the_end_of_a_longer_cosine(tmp_path: Path) -> None:
    shape = {"learning_rate": 1.0, "final_learning_rate": 0.1, "warm_up": 10}
    plain = Trainer(config_of(stages=[{"updates": 110}], **shape), tmp_path, "cpu")
    cut = config_of(stages=[{"updates": 80}], cosine_updates=110, cool_down=20, **shape)
    cooled = Trainer(cut, tmp_path, "cpu")
    assert plain.learning_rate(4) == pytest.approx(0.5)
    assert plain.learning_rate(60) == pytest.approx(0.55)
    assert plain.learning_rate(110) == pytest.approx(0.1)
    assert [cooled.learning_rate(t) for t in range(61)] == [plain.learning_rate(t) for t in range(61)]
    falls = np.diff([cooled.learning_rate(t) for t in range(60, 81)])
    assert falls == pytest.approx(np.full(20, falls[0]))
    assert cooled.learning_rate(80) == pytest.approx(0.1)
