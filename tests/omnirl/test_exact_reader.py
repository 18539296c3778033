"""The exact memory as a reader of recorded play."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from anymdp_bench import Segment, SequenceBoard, evaluate_sequence  # noqa: E402
from omnirl_reference.exact.checkpoint import load_network  # noqa: E402
from omnirl_reference.exact.reader import ExactReader  # noqa: E402
from omnirl_reference.model.shipped import checkpoint_folder  # noqa: E402

BOARD = SequenceBoard(name="small", bank="anymdp-16x5-v0", n_tasks=4, steps=512)


def reader() -> ExactReader:
    return ExactReader(load_network(checkpoint_folder("omnirl-any"))[0])


def steps_of(observations: list[int], actions: list[int], ended: list[int]) -> Segment:
    states = np.array([observations])
    rewards = states.astype(np.float32)
    ends = np.array([ended], bool)
    return Segment(states, np.full_like(states, 7), np.array([actions]), rewards, (states + 1) % 4, ends)


def test_it_learns_from_what_it_reads() -> None:
    result = evaluate_sequence(reader(), BOARD)
    for kind in ("policy", "next_observation"):
        curve = result.mean(kind)
        assert curve[-2:].mean() < curve[0] - 0.2
    assert result.mean("policy")[-1] < 0.8


def test_segments_change_nothing() -> None:
    whole, parts = (
        evaluate_sequence(reader(), BOARD, n_tasks=2, steps=128, segment=length) for length in (128, 7)
    )
    for kind in whole.losses:
        np.testing.assert_array_equal(whole.losses[kind], parts.losses[kind])


def test_next_ids_and_rewards_are_those_of_the_counts() -> None:
    read = reader()
    segment = steps_of([0, 1, 2, 3] * 20, [0, 1] * 40, [0] * 80)
    answers, state = read.answer(segment, read.begin(1, 4, 2))
    assert answers.next_observation is not None and answers.reward is not None
    first = answers.next_observation[0, 0]
    np.testing.assert_allclose(np.exp(first), 0.25)
    chance = np.exp(answers.next_observation[0])
    np.testing.assert_allclose(chance.sum(axis=1), 1.0)
    assert (chance[-4:].argmax(axis=1) == segment.next_observations[0, -4:]).all()
    # 19 visits and one imagined one, of a state with as many and two imagined ones.
    assert chance[-1, 0] == pytest.approx((19 + (19 + 2 * (19 + 1) / (79 + 4)) / 21) / 20)
    assert answers.reward[0, -1] == pytest.approx((19 * 3.0 + (20 * 6 - 3) / 79) / 20)
    assert state.led.sum() == 80


def test_an_end_at_a_known_id_is_no_termination() -> None:
    read = reader()
    _, known = read.answer(steps_of([0, 1, 2, 3], [0] * 4, [0, 0, 0, 1]), read.begin(1, 4, 2))
    assert known.statistic.terminations.sum() == 0
    _, new = read.answer(steps_of([0, 1, 2], [0] * 3, [0, 0, 1]), read.begin(1, 4, 2))
    assert new.statistic.terminations[0, 2, 0] == 1 and new.begins[0]
