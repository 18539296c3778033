"""Sequence models are submitted and verified; each cheat is refused or exposed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from anymdp_bench import SequenceBoard, evaluate_sequence
from anymdp_bench.evaluation.sequence.boards import SEQUENCE_BOARDS
from anymdp_bench.foundation.errors import AgentError
from anymdp_bench.leaderboard.submissions.reading import SequenceSubmission
from anymdp_bench.leaderboard.submissions.submit import Entry, submit
from anymdp_bench.leaderboard.verification import reading
from anymdp_bench.leaderboard.verification.findings import Findings, read_findings
from anymdp_bench.leaderboard.verification.findings_file import FindingsFile
from anymdp_bench.leaderboard.verification.verify import needs_of, submitted_agent, verify_submission
from tests.leaderboard.zoo import readers

BOARD = SequenceBoard(name="small-sequence-v0", bank=readers.BANK, n_tasks=12, steps=4096)
SEGMENT = 512
DOCS = Path(__file__).parents[3] / "docs" / "sequences.md"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SEQUENCE_BOARDS, BOARD.name, BOARD)
    monkeypatch.setattr(reading, "N_BLOCKS", 3)
    monkeypatch.setattr(reading, "N_TASKS", 16)


def submitted(name: str, tmp_path: Path) -> tuple[SequenceSubmission, Path]:
    """The model's own reading, in its own process, with everything that it can do there."""
    path = f"{readers.__name__}:{name}"
    evaluate_sequence(path, BOARD.name, segment=SEGMENT).save(tmp_path / "read")
    submission, folder = submit(tmp_path / "read", Entry(name="mine"), tmp_path / "boards")
    assert isinstance(submission, SequenceSubmission) and submission.metadata.entry_point == path
    return submission, folder


def verified(submission: SequenceSubmission, folder: Path) -> Findings:
    model = submitted_agent(submission)
    list(verify_submission(submission, FindingsFile(folder), model, fraction=1))
    model.close()
    return read_findings(folder, submission.digest)


def test_an_honest_model_is_verified(tmp_path: Path) -> None:
    submission, folder = submitted("Counts", tmp_path)
    found = verified(submission, folder)
    assert found.holds(needs_of(submission))
    assert [line.kind for line in found.lines] == ["rules", "replay", "steps", "renamed", "fresh"]
    assert found.steps[0].difference < 1e-12 and len(found.steps[0].blocks) == 3
    assert found.again("renamed")[0].renamed and found.again("fresh")[0].tasks == 16


def test_looking_ahead_is_exposed_step_by_step(tmp_path: Path) -> None:
    """It passes the probe for causality, and its losses are read again to the bit."""
    submission, folder = submitted("LooksAhead", tmp_path)
    found = verified(submission, folder)
    assert found.replays[0].outcome == "equal"
    assert found.refuted and found.steps[0].difference > 0.5


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("KnowsLabels", {"renamed", "fresh"}),
        ("KnowsByPlay", {"renamed", "fresh"}),
        ("KnowsSomeLabels", set()),
    ],
)
def test_tasks_that_are_known_by_heart_are_exposed(name: str, kinds: set[str], tmp_path: Path) -> None:
    submission, folder = submitted(name, tmp_path)
    found = verified(submission, folder)
    assert found.fell and kinds <= set(found.fell)


def test_a_model_that_breaks_down_is_an_error_and_no_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission, folder = submitted("Counts", tmp_path)
    other = submission.metadata.model_copy(update={"entry_point": "os:getcwd"})
    with pytest.raises(AgentError, match="without begin and answer"):
        submitted_agent(SequenceSubmission(other, submission.facts, submission.losses, submission.digest))
    assert read_findings(folder, submission.digest) == Findings()


def test_the_table_names_every_cheat() -> None:
    named = set(re.findall(r"^\| `(\w+)` \| ", DOCS.read_text(encoding="utf-8"), re.MULTILINE))
    cheats = {
        name for name, thing in vars(readers).items() if getattr(thing, "__module__", "") == readers.__name__
    }
    assert cheats - {"Counts", "State"} == {name for name in named if name[0].isupper()}
