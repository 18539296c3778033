"""The sequence protocol: recorded play that means what it says, and losses that are closed forms."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from anymdp_bench import (
    SEQUENCE_BOARDS,
    AgentError,
    Answers,
    FingerprintMismatch,
    InvalidConfig,
    RecordsError,
    Segment,
    SequenceBoard,
    UnknownName,
    evaluate_sequence,
    load_bank,
    load_sequence_result,
)
from anymdp_bench.contexts.teachers import RANDOM, UNKNOWN
from anymdp_bench.evaluation.sequence import freeze, record
from anymdp_bench.evaluation.sequence.boards import MIXTURE, get_sequence_board
from anymdp_bench.evaluation.sequence.model import state_bytes
from anymdp_bench.evaluation.sequence.record import Sequences, load_sequences, record_sequences
from anymdp_bench.evaluation.sequence.score import loss_at, saturation
from anymdp_bench.planning import greedy, plan
from anymdp_bench.tasks.task import TabularTask

BOARD = SequenceBoard(name="small", bank="anymdp-16x5-v0", n_tasks=3, steps=1024)
N, A = 16, 5


@pytest.fixture(scope="module")
def recorded() -> Sequences:
    return record_sequences(BOARD)


@pytest.fixture(scope="module")
def tasks() -> list[TabularTask]:
    return [task for task in load_bank(BOARD.bank).test[:3] if isinstance(task, TabularTask)]


class Fixed:
    """Always gives the same answers."""

    def __init__(self, policy: float = 0.0) -> None:
        self.policy = policy

    def begin(self, n: int, n_observations: int, n_actions: int) -> Any:
        self.sizes = n_observations, n_actions
        return np.zeros((n, 3))

    def answer(self, segment: Segment, state: Any) -> tuple[Answers, Any]:
        shape = segment.actions.shape
        return Answers(np.zeros((*shape, self.sizes[1])), np.zeros((*shape, self.sizes[0]))), state


class Counting:
    """Counts transitions and averages rewards; its state is all that it has seen."""

    def begin(self, n: int, n_observations: int, n_actions: int) -> Any:
        counts = np.full((n, n_observations, n_actions, n_observations), 0.01)
        return {"counts": counts, "rewards": np.zeros((n, n_observations, n_actions, 2))}

    def answer(self, segment: Segment, state: Any) -> tuple[Answers, Any]:
        counts, rewards = state["counts"], state["rewards"]
        rows = np.arange(len(counts))
        logits, expected = [], []
        for t in range(segment.actions.shape[1]):
            at = rows, segment.observations[:, t], segment.actions[:, t]
            logits.append(np.log(counts[at]))
            expected.append(rewards[at][:, 0] / np.maximum(rewards[at][:, 1], 1))
            counts[(*at, segment.next_observations[:, t])] += 1
            rewards[at] += np.stack([segment.rewards[:, t], np.ones(len(rows))], axis=1)
        policy = np.zeros((*segment.actions.shape, counts.shape[2]))
        return Answers(policy, np.stack(logits, axis=1), np.stack(expected, axis=1)), state


# --- what is recorded ------------------------------------------------------------------------------


def test_names() -> None:
    assert list(SEQUENCE_BOARDS) == [f"anymdp-{n}x5-sequence-v0" for n in (16, 64, 128)]
    for name, board in SEQUENCE_BOARDS.items():
        assert (board.name, board.n_tasks, board.steps) == (name, 64, 32_768)
    assert sum(MIXTURE.values()) == pytest.approx(1.0)
    with pytest.raises(UnknownName, match="Did you mean 'anymdp-16x5-sequence-v0'"):
        get_sequence_board("anymdp-16x5-sequence")


@pytest.mark.parametrize("name", SEQUENCE_BOARDS)
def test_beginnings_are_the_frozen_ones(name: str) -> None:
    table = json.loads(freeze.PATH.read_text())[name]
    assert [len(chunks) for chunks in table] == [8] * 64
    found = load_sequences(SEQUENCE_BOARDS[name], n_tasks=2, steps=record.CHUNK)
    assert found.fingerprints() == [chunks[:1] for chunks in table[:2]]


def test_other_sequences_under_a_released_name_are_noticed() -> None:
    other = dataclasses.replace(SEQUENCE_BOARDS["anymdp-16x5-sequence-v0"], seed=1)
    with pytest.raises(FingerprintMismatch, match="anymdp-16x5-sequence-v0, task 0"):
        load_sequences(other, n_tasks=1, steps=record.CHUNK)


def test_a_sequence_depends_on_its_task_alone(recorded: Sequences) -> None:
    part = record_sequences(BOARD, n_tasks=2, steps=320)
    for field in ("observations", "next_observations", "actions", "tags", "rewards", "ended", "labels"):
        assert np.array_equal(getattr(part, field), getattr(recorded, field)[:2, :320]), field


def test_sequences_are_play_on_the_tasks(recorded: Sequences, tasks: list[TabularTask]) -> None:
    for row, task in enumerate(tasks):
        inner = np.argsort(task.state_ids)
        before, after = inner[recorded.observations[row]], inner[recorded.next_observations[row]]
        actions, ended = recorded.actions[row], recorded.ended[row]
        assert (task.transition[before, actions, after] > 0).all()
        assert np.array_equal(before[1:][~ended[:-1]], after[:-1][~ended[:-1]])
        assert (task.initial[before[1:][ended[:-1]]] > 0).all()
        starts = np.concatenate([[0], np.flatnonzero(ended) + 1])
        lengths = np.diff(starts)
        assert (task.terminal[after[ended]] | (lengths == task.horizon)).all()
        assert not task.terminal[after[~ended]].any() and lengths.max() <= task.horizon
        noise = task.reward_std[before, actions, after]
        gap = np.abs(recorded.rewards[row] - task.reward_mean[before, actions, after])
        assert (gap <= 7 * noise + 1e-5).all()


def test_labels_and_tags_say_who_acted(recorded: Sequences, tasks: list[TabularTask]) -> None:
    for row, task in enumerate(tasks):
        inner = np.argsort(task.state_ids)[recorded.observations[row]]
        assert np.array_equal(recorded.labels[row], greedy(plan(task, 0.994))[inner])
        for tag, discount in enumerate((0.0, 0.5, 0.93, 0.994)):
            mine = recorded.tags[row] == tag
            assert np.array_equal(recorded.actions[row][mine], greedy(plan(task, discount))[inner[mine]])
    shares = [(recorded.tags == tag).mean() for tag in (3, RANDOM, UNKNOWN)]
    assert min(shares) > 0.03 and shares[2] < 0.4
    open_ = record_sequences(dataclasses.replace(BOARD, masked=0.0), steps=512)
    assert not (open_.tags == UNKNOWN).any()
    assert np.array_equal(open_.actions, recorded.actions[:, :512])


def test_what_cannot_be_recorded() -> None:
    with pytest.raises(InvalidConfig, match="fully observed"):
        record_sequences(SequenceBoard(name="x", bank="anypomdp-64x5-v0", n_tasks=1, steps=64))
    with pytest.raises(InvalidConfig, match="steps=100 is not legal: give a multiple of 64"):
        SequenceBoard(name="x", bank="anymdp-16x5-v0", steps=100)
    with pytest.raises(InvalidConfig, match="masked=2"):
        SequenceBoard(name="x", bank="anymdp-16x5-v0", masked=2)


# --- losses ----------------------------------------------------------------------------------------


def test_equal_chances_cost_the_logarithm_of_their_number() -> None:
    result = evaluate_sequence(Fixed(), BOARD, name="fixed", steps=128)
    assert result.losses["policy"].shape == (3, 2)
    np.testing.assert_allclose(result.losses["policy"], math.log(A))
    np.testing.assert_allclose(result.losses["next_observation"], math.log(N))
    assert np.isnan(result.losses["reward"]).all()
    row = result.table().iloc[0]
    assert (row["model"], row["tasks"], row["steps"], row["state_bytes"]) == ("fixed", 3, 128, 24)
    assert row["policy@100"] == pytest.approx(math.log(A)) and math.isnan(row["policy@1000"])


def test_one_who_knows_the_task_pays_its_entropy(recorded: Sequences, tasks: list[TabularTask]) -> None:
    class Knowing(Fixed):
        def answer(self, segment: Segment, state: Any) -> tuple[Answers, Any]:
            at = segment.observations, segment.actions
            laws, rewards, labels = [], [], []
            for row, task in enumerate(tasks[: len(segment.actions)]):
                inner = np.argsort(task.state_ids)
                s, a = inner[at[0][row]], at[1][row]
                law = task.transition[s, a][:, inner]
                laws.append(np.log(np.maximum(law, 1e-30)))
                rewards.append((task.transition[s, a] * task.reward_mean[s, a]).sum(axis=-1))
                labels.append(50.0 * np.eye(A)[greedy(plan(task, 0.994))[s]])
            return Answers(np.stack(labels), np.stack(laws), np.stack(rewards)), state

    result = evaluate_sequence(Knowing(), BOARD)
    assert result.losses["policy"].max() < 1e-9
    for row, task in enumerate(tasks):
        inner = np.argsort(task.state_ids)[recorded.observations[row]]
        law = task.transition[inner, recorded.actions[row]]
        entropy = -(law * np.log(np.maximum(law, 1e-300))).sum(axis=-1).mean()
        assert result.losses["next_observation"][row].mean() == pytest.approx(entropy, abs=0.1)
    assert 0.0 < result.losses["reward"].mean() < 1.0


def test_losses_do_not_depend_on_how_sequences_are_cut() -> None:
    whole = evaluate_sequence(Counting(), BOARD, segment=1024)
    parts = evaluate_sequence(Counting(), BOARD, segment=100)
    for kind, values in whole.losses.items():
        np.testing.assert_allclose(parts.losses[kind], values)
    assert whole.state_bytes == parts.state_bytes == 8 * (N * A * N + N * A * 2)
    curve = whole.curve()
    assert curve["steps"].tolist() == list(range(64, 1025, 64))
    assert curve["next_observation"].iloc[-4:].mean() < curve["next_observation"].iloc[0] - 0.3


class Cheating(Counting):
    """Looks at later steps for one of its answers."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def answer(self, segment: Segment, state: Any) -> tuple[Answers, Any]:
        answers, state = super().answer(segment, state)
        peeked = {
            "policy": np.eye(A)[segment.actions],
            "next_observation": np.eye(N)[segment.next_observations],
            "reward": segment.rewards.astype(float),
        }
        return answers._replace(**{self.kind: peeked[self.kind]}), state


@pytest.mark.parametrize("kind", ["policy", "next_observation", "reward"])
def test_looking_ahead_is_refused(kind: str) -> None:
    with pytest.raises(AgentError, match=f"{kind} depends on later steps"):
        evaluate_sequence(Cheating(kind), BOARD, steps=64)


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        (lambda b, t: Answers(np.zeros((b, t, 4))), r"policy has shape \(2, 48, 4\)"),
        (lambda b, t: Answers(np.zeros((b, t, 5), int)), "dtype int64"),
        (lambda b, t: Answers(np.zeros((b, t, 5)), np.zeros((b, t))), "next_observation has shape"),
        (lambda b, t: Answers(np.full((b, t, 5), np.inf)), "policy is not finite"),
        (lambda b, t: Answers(np.zeros((b, t, 5)), None, np.zeros(b)), r"reward has shape \(2,\)"),
    ],
)
def test_wrong_answers_are_refused(answers: Any, words: str) -> None:
    class Wrong(Fixed):
        def answer(self, segment: Segment, state: Any) -> tuple[Answers, Any]:
            return answers(*segment.actions.shape), state

    with pytest.raises(AgentError, match=words):
        evaluate_sequence(Wrong(), BOARD, steps=64, segment=64)


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"steps": 100}, "multiple of 64"), ({"n_tasks": 4}, r"in 1\.\.3"), ({"segment": 0}, "segment=0")],
)
def test_illegal_settings(settings: dict[str, int], words: str) -> None:
    with pytest.raises(InvalidConfig, match=words):
        evaluate_sequence(Fixed(), BOARD, **settings)  # type: ignore[arg-type]


def test_losses_at_a_length_of_context() -> None:
    curve = np.arange(64.0)
    assert loss_at(curve, 100) == 1.0
    assert loss_at(curve, 1000) == curve[12:19].mean()
    assert math.isnan(loss_at(curve, 10_000))


def test_where_a_loss_is_flat() -> None:
    steps = np.arange(511)
    assert saturation(np.where(steps < 63, 1.0 - steps / 100, 0.1)) == 64 * 63
    assert math.isnan(saturation(1.0 - steps / 1000))
    assert saturation(np.ones(511)) == 0.0


def test_results_are_kept(tmp_path: Path) -> None:
    result = evaluate_sequence(Counting(), BOARD, name="counting", steps=256)
    result.save(tmp_path / "kept")
    again = load_sequence_result(tmp_path / "kept")
    assert (again.model, again.board, again.state_bytes) == ("counting", BOARD, result.state_bytes)
    for kind, values in result.losses.items():
        np.testing.assert_array_equal(again.losses[kind], values)
    assert again.table().equals(result.table())
    with pytest.raises(RecordsError, match="no result of a sequence board"):
        load_sequence_result(tmp_path)


def test_a_result_that_was_changed_is_refused(tmp_path: Path) -> None:
    evaluate_sequence(Counting(), BOARD, name="counting", steps=256).save(tmp_path)
    text, losses = (tmp_path / "result.json").read_text(), (tmp_path / "losses.parquet").read_bytes()
    (tmp_path / "result.json").write_text(text.replace("counting", "recounted"))
    with pytest.raises(RecordsError, match="its content does not have the SHA-256"):
        load_sequence_result(tmp_path)
    (tmp_path / "result.json").write_text(text)
    pd.DataFrame(pd.read_parquet(tmp_path / "losses.parquet") * 0.5).to_parquet(tmp_path / "losses.parquet")
    with pytest.raises(RecordsError, match=r"losses\.parquet does not have the SHA-256"):
        load_sequence_result(tmp_path)
    (tmp_path / "losses.parquet").write_bytes(losses)
    load_sequence_result(tmp_path)


def test_bytes_of_nested_states() -> None:
    @dataclasses.dataclass
    class Nested:
        inner: Any

    assert state_bytes([np.zeros(3), {"x": (np.zeros(2, np.float32), Nested(np.zeros(1)))}, 5]) == 24 + 8 + 8
