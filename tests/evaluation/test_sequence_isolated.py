"""Sequence models in processes of their own: the same bits, nothing told ahead, and clear errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from anymdp_bench import AgentError, Answers, Segment, SequenceBoard, UnknownName, evaluate_sequence
from anymdp_bench.evaluation.isolation.models import IsolatedModel
from anymdp_bench.evaluation.sequence.reading import read_segments, read_step_by_step
from anymdp_bench.evaluation.sequence.record import Sequences, record_sequences
from anymdp_bench.leaderboard.verification.reading import renamed
from tests.leaderboard.zoo.readers import Counts

BOARD = SequenceBoard(name="small", bank="anymdp-16x5-v0", n_tasks=2, steps=512)
HERE, ZOO = __name__, "tests.leaderboard.zoo.readers"


@pytest.fixture(scope="module")
def recorded() -> Sequences:
    return record_sequences(BOARD)


@pytest.fixture(scope="module")
def model() -> Iterator[IsolatedModel]:
    found = IsolatedModel(f"{ZOO}:Counts")
    yield found
    found.close()


class Spy(Counts):
    """Keeps everything that it is told, in this process."""

    def __init__(self) -> None:
        self.told: list[Segment] = []

    def answer(self, segment: Segment, state: Any) -> tuple[Answers, Any]:
        self.told.append(segment)
        self.state = state
        return super().answer(segment, state)

    def foresee(self, segment: Segment) -> Answers:
        self.told.append(segment)
        return super().answer(segment, type(self.state)(*(x.copy() for x in self.state)))[0]


class Raises(Counts):
    """Breaks down at its first answer."""

    def answer(self, segment: Segment, state: Any) -> tuple[Answers, Any]:
        raise ValueError("no idea")


def answers_nothing() -> Any:
    class Nothing(Counts):
        def answer(self, segment: Segment, state: Any) -> Any:
            return None

    return Nothing()


def test_an_own_process_gives_the_same_bits(model: IsolatedModel) -> None:
    here = evaluate_sequence(f"{ZOO}:Counts", BOARD)
    there = evaluate_sequence(model, BOARD)
    for kind, values in here.losses.items():
        np.testing.assert_array_equal(there.losses[kind], values)
    assert here.state_bytes == there.state_bytes == 8 * (16 * 5 + 16 * 5 * 16)
    assert np.isnan(there.losses["reward"]).all() and there.seconds > 0
    for name in ("entry_point", "segment", "code"):
        assert here.made[name] == there.made[name], name


def test_step_by_step_an_honest_model_loses_as_much(model: IsolatedModel, recorded: Sequences) -> None:
    whole = read_segments(model, recorded, 512).losses
    steps = read_step_by_step(model, recorded, [6, 0, 7], 100, seed=1)
    for kind in ("policy", "next_observation"):
        np.testing.assert_allclose(steps[kind], whole[kind][:, [0, 6, 7]], rtol=1e-9)


def test_before_a_step_nothing_of_it_is_told(recorded: Sequences) -> None:
    spy = Spy()
    spy.state = spy.begin(2, 16, 5)
    read_step_by_step(spy, recorded, [2], 64, seed=1)
    first, acted, truth = (
        Segment._make(np.concatenate(parts, axis=1) for parts in zip(*spy.told[2 + k :: 3], strict=True))
        for k in range(3)
    )
    known = recorded.segment(128, 192)
    for name in Segment._fields:
        np.testing.assert_array_equal(getattr(truth, name), getattr(known, name))
    np.testing.assert_array_equal(first.observations, known.observations)
    np.testing.assert_array_equal(acted.actions, known.actions)
    np.testing.assert_array_equal(acted.tags, known.tags)
    for told, names in ((first, ("actions", "tags")), (acted, ())):
        for name in (*names, "next_observations", "rewards"):
            same = getattr(told, name) == getattr(known, name)
            assert same.mean() < 0.4, name


def test_what_goes_wrong_there_is_told_here() -> None:
    with pytest.raises(AgentError, match="ValueError: no idea"):
        evaluate_sequence(IsolatedModel(f"{HERE}:Raises"), BOARD, steps=64)
    with pytest.raises(AgentError, match="something else than Answers"):
        evaluate_sequence(IsolatedModel(f"{HERE}:answers_nothing"), BOARD, steps=64)
    with pytest.raises(UnknownName, match="Nobody"):
        evaluate_sequence(f"{ZOO}:Nobody", BOARD)
    with pytest.raises(AgentError, match="Nobody"):
        IsolatedModel(f"{ZOO}:Nobody")


def test_other_names_leave_the_play_as_it_is(recorded: Sequences) -> None:
    other = renamed(recorded, 3)
    for row in range(2):
        names: dict[Any, Any] = {}
        moves: dict[Any, Any] = {}
        for field, to in (("observations", names), ("next_observations", names), ("actions", moves)):
            to |= dict(zip(getattr(recorded, field)[row], getattr(other, field)[row], strict=True))
        assert sorted(moves.values()) == list(range(5)) and len(set(names.values())) == len(names)
        for field, to in (("observations", names), ("next_observations", names), ("labels", moves)):
            told = [to[x] for x in getattr(recorded, field)[row]]
            assert told == getattr(other, field)[row].tolist()
    assert (other.observations != recorded.observations).any()
