"""The model as a reader of recorded play."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from typer.testing import CliRunner  # noqa: E402

from anymdp_bench import AgentError, Segment, SequenceBoard, evaluate_sequence, load_sequence_result  # noqa: E402
from omnirl_reference.cli.app import app  # noqa: E402
from omnirl_reference.config import ModelConfig  # noqa: E402
from omnirl_reference.model.mixers import MIXERS  # noqa: E402
from omnirl_reference.model.model import OmniRL  # noqa: E402
from omnirl_reference.model.tokens import Steps, first_steps, shift  # noqa: E402
from omnirl_reference.playing.reader import OmniRLReader, expand  # noqa: E402

BOARD = SequenceBoard(name="small", bank="anymdp-16x5-v0", n_tasks=3, steps=256)


def model_of(**changes: Any) -> OmniRL:
    torch.manual_seed(0)
    config = {"n_states": 16, "n_actions": 5, "width": 16, "layers": 2, "head_width": 8, **changes}
    return OmniRL(ModelConfig(**config)).eval()


def segment_of(ended: list[list[int]]) -> Segment:
    """Distinct ids, actions and rewards; the given ends."""
    ends = np.array(ended, bool)
    states = np.arange(ends.size).reshape(ends.shape) % 13
    rewards = np.linspace(-1, 1, ends.size, dtype=np.float32).reshape(ends.shape)
    return Segment(states, states % 8, states % 5, rewards, (states + 1) % 13, ends)


def test_ends_are_positions_of_their_own() -> None:
    segment = segment_of([[0, 1, 0, 0], [0, 1, 1, 1]])
    found = expand(segment, 5, torch.device("cpu"))
    assert found.lengths.tolist() == [5, 7]
    assert found.places.tolist() == [[0, 1, 3, 4], [0, 1, 3, 5]]
    assert found.states.tolist() == [[0, 1, 2, 2, 3, 0, 0], [4, 5, 6, 6, 7, 7, 8]]
    assert found.actions.tolist() == [[0, 1, 5, 2, 3, 5, 5], [4, 0, 5, 1, 5, 2, 5]]
    assert found.tags.tolist() == [[0, 1, 7, 2, 3, 7, 7], [4, 5, 7, 6, 7, 7, 7]]
    assert (found.rewards[found.actions == 5] == 0).all()


@pytest.mark.parametrize("layout", ["packed", "interleaved"])
def test_answers_are_those_of_each_sequence_alone(layout: str) -> None:
    model = model_of(layout=layout)
    segment = segment_of([[0, 1, 0, 0, 0, 0], [0, 1, 1, 1, 0, 1], [0, 0, 0, 0, 0, 1]])
    reader = OmniRLReader(model)
    answers, _ = reader.answer(segment, reader.begin(3, 13, 5))
    for row in range(3):
        given = expand(Segment(*(x[row : row + 1] for x in segment)), 5, torch.device("cpu"))
        before = first_steps(given.states[:, :1], model.config)
        steps: Steps = shift(given.states, given.tags, given.actions, given.rewards, before)
        with torch.inference_mode():
            found, _ = model(steps, given.actions, model.initial_state(1))
        places = given.places[0]
        torch.testing.assert_close(torch.from_numpy(answers.policy[row]), found.policy[0, places])
        assert answers.next_observation is not None and answers.reward is not None
        torch.testing.assert_close(
            torch.from_numpy(answers.next_observation[row]), found.next_state[0, places, :13]
        )
        symlog = np.sign(answers.reward[row]) * np.log1p(np.abs(answers.reward[row]))
        torch.testing.assert_close(torch.from_numpy(symlog), found.reward[0, places])


@pytest.mark.parametrize("mixer", MIXERS)
def test_losses_do_not_depend_on_the_segments(mixer: str) -> None:
    reader = OmniRLReader(model_of(mixer=mixer))
    whole, parts = (evaluate_sequence(reader, BOARD, steps=192, segment=k) for k in (192, 50))
    for kind, values in whole.losses.items():
        np.testing.assert_allclose(parts.losses[kind], values, rtol=1e-3, atol=1e-4)
        assert np.isfinite(values).all()
    held = [x for block in reader.model.initial_state(1) for x in block]
    assert whole.state_bytes >= sum(x.nbytes for x in held)


def test_too_many_states_are_refused() -> None:
    reader = OmniRLReader(model_of())
    with pytest.raises(AgentError, match=r"64 states and 5 actions: the model knows 16 and 5"):
        reader.begin(1, 64, 5)


def test_a_shipped_checkpoint_learns_while_it_reads(tmp_path: Path) -> None:
    command = ["sequence", "omnirl-16", "--tasks", "4", "--steps", "768", "--out", str(tmp_path)]
    answer = CliRunner().invoke(app, [*command, "--json"])
    assert answer.exit_code == 0, answer.output
    (row,) = json.loads(answer.stdout)
    assert row["model"] == "omnirl-16" and row["policy@100"] > 0
    policy = load_sequence_result(tmp_path / "omnirl-16").mean("policy")
    assert policy[-3:].mean() < policy[0] - 0.2
    assert (tmp_path / "table.csv").read_text().startswith("model,board,tasks,steps,policy@100")
