import dataclasses
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from anymdp_bench import InvalidConfig, UnknownName  # noqa: E402
from omnirl_reference.config.file import train_config  # noqa: E402
from omnirl_reference.config.model import ModelConfig  # noqa: E402
from omnirl_reference.config.stream import BEHAVIOURS, TAG_UNKNOWN, StreamConfig  # noqa: E402
from omnirl_reference.config.training import OwnPlay, TrainConfig  # noqa: E402
from omnirl_reference.model.model import OmniRL  # noqa: E402
from omnirl_reference.playing.agent import make  # noqa: E402
from omnirl_reference.stream.own_play import fresh_tasks, play_sequences  # noqa: E402
from omnirl_reference.stream.stream import Stream  # noqa: E402
from omnirl_reference.training.segments import segments_of  # noqa: E402
from omnirl_reference.training.trainer import Trainer  # noqa: E402

SMALL = ModelConfig(width=32, layers=1, head_width=16)


@pytest.fixture(autouse=True, scope="module")
def one_thread() -> None:
    torch.set_num_threads(1)


def equal(a: tuple[np.ndarray, ...], b: tuple[np.ndarray, ...]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("family", ["anymdp", "garnet"])
def test_stream_is_a_function_of_its_arguments(family: str) -> None:
    config = StreamConfig(family=family, steps=96)
    first, second = Stream(config, 3), Stream(config, 3)
    batches = [first.get(i) for i in range(3)]
    assert equal(second.make(2), batches[2])
    assert not equal(batches[0], batches[1])
    assert not equal(Stream(config, 3, "unseen").make(0), batches[0])
    assert equal(first.get(1), batches[1])


def test_sequences_are_well_formed() -> None:
    batch = Stream(StreamConfig(steps=400, oracle_free_share=0.5), 8).make(0)
    ends = batch.actions == 5
    assert ends.any()
    assert (batch.tags[ends] == TAG_UNKNOWN).all()
    assert not batch.rewards[ends].any()
    np.testing.assert_allclose(batch.targets.sum(-1), np.where(ends, 0.0, 1.0), atol=1e-5)
    assert ((batch.states >= 0) & (batch.states < 16)).all()
    assert not (ends[:, 1:] & ends[:, :-1]).any()
    assert 0.1 < (batch.tags == TAG_UNKNOWN).mean() < 0.6


@pytest.mark.parametrize("family", ["anymdp", "garnet"])
def test_tasks_may_be_drawn_smaller_than_the_ids(family: str) -> None:
    sizes = (8, 24)
    config = StreamConfig(family=family, n_states=64, task_states=sizes, steps=2000)
    batch = Stream(config, 12).make(0)
    seen = [len(np.unique(row)) for row in batch.states]
    assert max(seen) <= 24
    assert any(count <= 8 for count in seen)
    assert any(count > 8 for count in seen)
    assert batch.states.max() > 48
    if family == "anymdp":
        longest = [int(np.diff(np.flatnonzero(row == 5), prepend=-1).max()) for row in batch.actions]
        assert all(length <= (501 if count > 8 else 129) for length, count in zip(longest, seen, strict=True))
    for index, size in enumerate(sizes):
        tasks = fresh_tasks(config, 2, seed=0, index=index)
        assert {len(task.state_ids) for task in tasks} == {size}
    own = play_sequences(OmniRL(dataclasses.replace(SMALL, n_states=64)), config, OwnPlay(pool=2), 1)
    assert own.states.max() < 64
    for sizes, min_states in (((), None), ((7,), None), ((65,), None), ((16,), 16)):
        with pytest.raises(InvalidConfig, match=r"task_states|min_states"):
            StreamConfig(n_states=64, task_states=sizes, min_states=min_states)


def test_pure_oracle_sequences_follow_their_labels() -> None:
    config = StreamConfig(
        steps=200, behaviours={"pure-0.994": 1.0}, label="hard", masked_sequences=0.0, masked_episodes=0.0
    )
    batch = Stream(config, 4).make(0)
    acted = batch.actions < 5
    assert (batch.targets.argmax(-1)[acted] == batch.actions[acted]).all()
    assert (batch.tags[acted] == 3).all()


def test_oracle_free_sequences_hold_no_oracle_tag() -> None:
    config = StreamConfig(steps=200, oracle_free_share=1.0, masked_sequences=0.0, masked_episodes=0.0)
    assert Stream(config, 8).make(0).behaviour.min() >= 4


def test_behaviour_labels_are_what_was_done() -> None:
    batch = Stream(StreamConfig(steps=100, label_behaviour=True), 4).make(0)
    acted = batch.actions < 5
    assert (batch.targets.argmax(-1)[acted] == batch.actions[acted]).all()


def test_every_behaviour_acts() -> None:
    for name in BEHAVIOURS:
        batch = Stream(StreamConfig(steps=64, behaviours={name: 1.0}), 2).make(0)
        assert (batch.actions < 5).any()


@pytest.mark.parametrize("layout", ["packed", "interleaved"])
@pytest.mark.parametrize("prompt", [False, True])
def test_segments_equal_one_pass(layout: str, prompt: bool) -> None:
    model = OmniRL(dataclasses.replace(SMALL, layout=layout, prompt=prompt))
    batch = Stream(StreamConfig(steps=70), 2).make(0)
    (whole,) = segments_of(batch, 70, 64, model)
    expected, _ = model(whole.steps, whole.actions, model.initial_state(2))
    memory = model.initial_state(2)
    policies = []
    for part in segments_of(batch, 32, 64, model):
        predictions, memory = model(part.steps, part.actions, memory)
        policies.append(predictions.policy)
    torch.testing.assert_close(torch.cat(policies, dim=1), expected.policy, rtol=1e-3, atol=1e-4)


def test_own_sequences_are_reproducible_and_labelled() -> None:
    torch.manual_seed(0)
    model, config = OmniRL(SMALL), StreamConfig(steps=80)
    how = OwnPlay(pool=4, temperatures=(0.5, 1.0))
    first = play_sequences(model, config, how, 0)
    assert equal(first, play_sequences(model, config, how, 0))
    assert not equal(first, play_sequences(model, config, how, 1))
    ends = first.actions == 5
    np.testing.assert_allclose(first.targets.sum(-1), np.where(ends, 0.0, 1.0), atol=1e-5)
    assert (first.tags == TAG_UNKNOWN).all()


def test_a_teacher_begins_and_the_model_goes_on() -> None:
    torch.manual_seed(0)
    how = OwnPlay(pool=16, taught_share=1.0, taught_steps=0.5)
    played = play_sequences(OmniRL(SMALL), StreamConfig(steps=200, label="hard"), how, 0)
    assert (played.tags[:, 100:] == TAG_UNKNOWN).all()
    oracle = played.tags == 3
    assert oracle[:, :100].any()
    taught = played.targets.argmax(-1) == played.actions
    assert taught[oracle].all()
    assert not taught[(played.tags == TAG_UNKNOWN) & (played.actions < 5)].all()


def test_sequences_may_be_played_at_a_falling_temperature() -> None:
    torch.manual_seed(0)
    config, same = StreamConfig(steps=60), {"pool": 8, "temperatures": (1e-3, 1e-3)}
    model = OmniRL(SMALL)
    greedy = play_sequences(model, config, OwnPlay(**same), 0)
    falling = OwnPlay(**same, falling_share=1.0, falling=(1e-3, 1e-3))
    assert equal(greedy, play_sequences(model, config, falling, 0))
    hot = OwnPlay(**same, falling_share=1.0, falling=(100.0, 1e-3))
    assert not equal(greedy, play_sequences(model, config, hot, 0))


def config_of(**changes: object) -> TrainConfig:
    values = {
        "name": "test",
        "model": dataclasses.asdict(SMALL),
        "stream": {"steps": 64},
        "stages": [{"updates": 6}, {"updates": 4, "on_policy_share": 0.5}],
        "batch": 4,
        "segment": 48,
        "own_play": {"refresh": 3, "pool": 4},
        "warm_up": 2,
    }
    return train_config(values | changes)


def test_a_cut_run_equals_an_uncut_one_bit_for_bit(tmp_path: Path) -> None:
    logs: list[dict[str, float]] = []
    Trainer(config_of(), tmp_path / "whole").run(logs.append)
    parts: list[dict[str, float]] = []
    for until in (3, 7, 8, 10):
        Trainer(config_of(), tmp_path / "cut").run(parts.append, until=until)
    assert parts == logs
    one, two = (tmp_path / name / "weights.safetensors" for name in ("whole", "cut"))
    assert one.read_bytes() == two.read_bytes()


def test_training_lowers_the_loss(tmp_path: Path) -> None:
    logs: list[dict[str, float]] = []
    config = config_of(
        stages=[{"updates": 60}],
        stream={"steps": 48, "behaviours": {"pure-0.994": 1.0}, "label": "hard", "n_tasks": 1},
        learning_rate=3e-3,
    )
    Trainer(config, tmp_path).run(logs.append)
    assert logs[-1]["next_state"] < logs[0]["next_state"]
    assert np.mean([log["policy"] for log in logs[-10:]]) < 0.95 * np.mean(
        [log["policy"] for log in logs[:5]]
    )


def test_illegal_configurations_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="label='warm'"):
        StreamConfig(label="warm")
    with pytest.raises(InvalidConfig, match="Give the fields of TrainConfig"):
        train_config({"name": "x", "epochs": 3})
    with pytest.raises(InvalidConfig, match="those of the stream"):
        config_of(stream={"n_states": 32})
    with pytest.raises(UnknownName, match=r"give a folder that holds notes.json, or one of .*omnirl-16,"):
        make(str(tmp_path / "none"))


def test_runs_of_several_lengths_begin_alike_and_end_at_the_final_rate(tmp_path: Path) -> None:
    rates = []
    for updates in (60, 80):
        stages = [{"updates": updates}]
        config = config_of(stages=stages, cosine_updates=100, cool_down=20, learning_rate=1.0, warm_up=10)
        trainer = Trainer(config, tmp_path / str(updates))
        rates.append([trainer.learning_rate(update) for update in range(updates + 1)])
    short, long = rates
    assert short[:41] == long[:41] and short[41] < long[41]
    assert short[-1] == long[-1] == pytest.approx(config.final_learning_rate)
    falls = np.diff(short[40:])
    np.testing.assert_allclose(falls, falls[0])
    assert short[10] == 1.0 and short[4] == 0.5
