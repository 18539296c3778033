"""Entries of sequence models: what is refused, how they are ranked, and what tables and pages show."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anymdp_bench import SEQUENCE_BOARDS, RecordsError, SequenceResult
from anymdp_bench.evaluation.sequence.score import stretch
from anymdp_bench.foundation.digests import sha256
from anymdp_bench.foundation.errors import SubmissionRefused
from anymdp_bench.leaderboard.site.build import build_site
from anymdp_bench.leaderboard.standings.load import Standings, load_standings
from anymdp_bench.leaderboard.standings.readings import rank_readings
from anymdp_bench.leaderboard.standings.tables import tables
from anymdp_bench.leaderboard.submissions.kinds import kind_of
from anymdp_bench.leaderboard.submissions.parquet import read_columns, write_columns
from anymdp_bench.leaderboard.submissions.reading import LOSS_KINDS, SequenceSubmission
from anymdp_bench.leaderboard.submissions.submission import read_entry, read_submission
from anymdp_bench.leaderboard.submissions.submit import Entry, submit
from anymdp_bench.leaderboard.verification import reading
from anymdp_bench.leaderboard.verification.findings import Findings, Line, Needs, Replay, Rules, Steps
from anymdp_bench.leaderboard.verification.replay import heading_of, machine_now
from anymdp_bench.leaderboard.verification.verify import needs_of
from anymdp_bench.records.provenance import provenance
from tests.support.maintainer import again

BOARD = SEQUENCE_BOARDS["anymdp-16x5-sequence-v0"]
N_BLOCKS = BOARD.steps // 64
Edit = Callable[[dict[str, Any], dict[str, Any]], None]


def result(level: float = 0.5, n_tasks: int = 64, n_blocks: int = N_BLOCKS) -> SequenceResult:
    """Losses that fall from 1.6 to `level`, of a model that says nothing of rewards."""
    fall = np.exp(-np.arange(n_blocks) / 20)
    policy = np.tile(level + (1.6 - level) * fall, (n_tasks, 1))
    made = {
        "entry_point": "somebody:model",
        "segment": 512,
        "code": {"anymdp_bench": "1" * 64, "agent": "2" * 64},
        "provenance": provenance(),
    }
    losses = {"policy": policy, "next_observation": 2 * policy, "reward": np.full_like(policy, np.nan)}
    return SequenceResult("mine", BOARD, losses, 1024, 0.1, made)


def entered(
    root: Path, name: str = "mine", level: float = 0.5, **said: Any
) -> tuple[SequenceSubmission, Path]:
    kept = root / "kept" / name
    result(level).save(kept)
    submission, folder = submit(kept, Entry(name=name, **said), root / "boards")
    assert isinstance(submission, SequenceSubmission)
    return submission, folder


def edit_entry(folder: Path, edit: Edit) -> None:
    """Change the metadata and the table, digests included."""
    values = json.loads((folder / "submission.json").read_text())
    path = folder / "losses.parquet"
    columns = {
        k: v.copy() for k, v in read_columns(path.read_bytes(), LOSS_KINDS, 64 * N_BLOCKS, "x").items()
    }
    edit(values, columns)
    path.write_bytes(write_columns(columns))
    values["files"] = {path.name: sha256(path.read_bytes())}
    (folder / "submission.json").write_text(json.dumps(values))


def put(column: str, row: int, value: float) -> Edit:
    def edit(values: dict[str, Any], columns: dict[str, Any]) -> None:
        columns[column][row] = value

    return edit


def setting(name: str, value: Any) -> Edit:
    return lambda values, columns: values.__setitem__(name, value)


def shorten(values: dict[str, Any], columns: dict[str, Any]) -> None:
    columns |= {name: column[:-1] for name, column in columns.items()}


def fewer_tasks(values: dict[str, Any], columns: dict[str, Any]) -> None:
    values["fingerprints"] = values["fingerprints"][:16]


def other_seed(values: dict[str, Any], columns: dict[str, Any]) -> None:
    values["board"]["seed"] = 1


def test_an_entry_says_what_was_read(tmp_path: Path) -> None:
    submission, folder = entered(tmp_path)
    assert submission.losses["policy"].shape == (64, N_BLOCKS)
    assert np.isnan(submission.losses["reward"]).all()
    assert sorted(path.name for path in folder.iterdir()) == ["losses.parquet", "submission.json"]
    assert needs_of(submission) == Needs(shards=1, renamed=True, fresh=True, steps=True)
    with pytest.raises(SubmissionRefused, match="is read, not played"):
        read_submission(folder)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (put("policy", 7, np.nan), r"losses: policy is nan in row 7; losses are finite, 0 at least"),
        (put("policy", 7, -0.001), r"losses: policy is -0.001 in row 7"),
        (put("next_observation", 7, np.inf), r"losses: next_observation is inf in row 7"),
        (put("reward", 7, 0.5), r"losses: reward is nan in row 0"),
        (
            put("task", 600, 0),
            r"rows: losses: row 600 holds \(task, block\) \[0, 88\]; expected are \[1, 88\]",
        ),
        (shorten, "parquet: losses.parquet: .*number of rows is 32767, not 32768"),
        (fewer_tasks, "tasks: 16 tasks; this board is played on 64"),
        (other_seed, "board: seed is 1; the board's is 0"),
        (setting("fingerprints", ["1" * 64] * 64), "tasks: task 0 has fingerprint"),
        (setting("entry_point", "omnirl-16"), "metadata: entry_point: String should match"),
        (setting("segment", 0), "metadata: segment"),
        (setting("gradient_free", True), "metadata: gradient_free: Extra inputs"),
        (setting("title", "<b>me</b>"), "title: holds '<': markup is not shown"),
    ],
)
def test_what_cannot_be_true_is_refused(edit: Edit, message: str, tmp_path: Path) -> None:
    _, folder = entered(tmp_path)
    edit_entry(folder, edit)
    with pytest.raises(SubmissionRefused, match=message):
        read_entry(folder)


def test_files_of_other_kinds_are_refused(tmp_path: Path) -> None:
    _, folder = entered(tmp_path)
    path = folder / "losses.parquet"
    content = path.read_bytes()
    os.link(path, tmp_path / "elsewhere")
    with pytest.raises(SubmissionRefused, match="a hard link"):
        read_entry(folder)
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SubmissionRefused, match=r"losses\.parquet is a link"):
        read_entry(folder)
    path.unlink()
    path.write_bytes(content + bytes(1 << 24))
    with pytest.raises(SubmissionRefused, match="at most 16777216 are read"):
        read_entry(folder)
    path.write_bytes(content)
    (folder / "points.parquet").write_bytes(b"")
    with pytest.raises(SubmissionRefused, match=r"only losses\.parquet, submission\.json belong there"):
        read_entry(folder)


@pytest.mark.parametrize(
    ("kept", "message"),
    [
        (result(n_tasks=2), "holds 2 x 32768 steps. Let the model read all 64 x 32768 steps"),
        (result(n_blocks=4), "holds 64 x 256 steps"),
        (dataclasses.replace(result(), made={}), "holds losses, and not where they come from"),
    ],
)
def test_a_part_is_not_submitted(kept: SequenceResult, message: str, tmp_path: Path) -> None:
    kept.save(tmp_path / "kept")
    with pytest.raises(RecordsError, match=message):
        submit(tmp_path / "kept", Entry(name="mine"), tmp_path / "boards")
    assert not (tmp_path / "boards").exists()


def test_a_name_has_one_title_and_entry_point(tmp_path: Path) -> None:
    entered(tmp_path, title="My model")
    other = dataclasses.replace(result(), board=SEQUENCE_BOARDS["anymdp-64x5-sequence-v0"])
    other.save(tmp_path / "other")
    with pytest.raises(SubmissionRefused, match="with title 'My model', not 'Another'"):
        submit(tmp_path / "other", Entry(name="mine", title="Another"), tmp_path / "boards")
    with pytest.raises(SubmissionRefused, match="with entry_point 'somebody:model', not 'a:b'"):
        entry = Entry(name="mine", title="My model", entry_point="a:b")
        submit(tmp_path / "other", entry, tmp_path / "boards")
    with pytest.raises(SubmissionRefused, match="looks like that of 'mine'"):
        submit(tmp_path / "other", Entry(name="yours", title="My m0del"), tmp_path / "boards")


def all_found(submission: SequenceSubmission, outcome: str = "equal", ahead: float = 0.0) -> Findings:
    heading = heading_of(submission)
    apart = {"difference": 0.0, "differing": []} if outcome == "equal" else {"differing": ["numpy"]}
    replay = {"difference": 1e-5} | apart
    lines: list[Line] = [
        Rules(**heading, kind="rules"),
        Replay(**heading, kind="replay", shard=0, outcome=outcome, cells=64, **replay),  # type: ignore[arg-type]
        Steps(**heading, kind="steps", seed=1, blocks=[3, 5], difference=ahead),
        *(again(submission, kind) for kind in ("renamed", "fresh")),  # type: ignore[arg-type]
    ]
    return Findings(tuple(lines), "somebody")  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def standings(tmp_path_factory: pytest.TempPathFactory) -> Standings:
    """Four models: equal, equal but for rounding, one that looked ahead, and one that nobody has verified."""
    root = tmp_path_factory.mktemp("readings")
    levels = {"equal": 0.5, "near": 0.3, "ahead": 0.1, "new": 0.2}
    made = {name: entered(root, name, level)[0] for name, level in levels.items()}
    found = load_standings(root / "boards")
    known = {
        "equal": all_found(made["equal"]),
        "near": all_found(made["near"], "consistent"),
        "ahead": all_found(made["ahead"], ahead=0.02),
        "new": Findings(),
    }
    standing = found.readings[BOARD.name]
    entries = (dataclasses.replace(row.entry, findings=known[row.entry.name]) for row in standing.rows)
    found.readings[BOARD.name] = dataclasses.replace(standing, rows=rank_readings(entries))
    return found


def test_verified_ones_come_first_and_others_have_no_rank(standings: Standings) -> None:
    rows = standings.readings[BOARD.name].rows
    assert [(row.entry.name, row.rank, row.entry.group) for row in rows] == [
        ("equal", 1, "verified"),
        ("near", 2, "consistent"),
        ("new", None, "unverified"),
        ("ahead", None, "refuted"),
    ]
    assert all(not totals for totals in standings.overall.values())


def test_tables_show_the_losses(standings: Standings) -> None:
    found = tables(standings)
    lines = found[f"{BOARD.name}.md"].splitlines()
    (equal,) = [line for line in lines if "| equal |" in line]
    assert equal.startswith("| 1 | equal | 1.")
    assert "| 0.500 | 1.000 | - | " in equal and equal.endswith("| 1,024 | verified, unclaimed name |")
    assert "**refuted**" in found[f"{BOARD.name}.md"]
    head, first, *_ = found[f"{BOARD.name}.csv"].splitlines()
    assert head.startswith("rank,agent,group,policy@100,") and first.startswith("1,equal,verified,1.")
    assert "anymdp-64x5-sequence-v0.md" not in found


def test_pages_show_the_curves_and_what_was_found(standings: Standings, tmp_path: Path) -> None:
    build_site(standings, tmp_path / "site")
    page = (tmp_path / "site" / "board" / f"{BOARD.name}.html").read_text()
    assert page.count('<path class="curve k') == 2 * 4 and "Consistent: equal but for rounding" in page
    model = (tmp_path / "site" / "model" / "near.html").read_text()
    assert "All 64 sequences were read again: consistent, losses differ by up to 1e-05." in model
    assert "2 blocks were read step by step" in model and "anymdp-bench read somebody:model" in model
    assert "No entry yet" in (tmp_path / "site" / "board" / "anymdp-64x5-sequence-v0.html").read_text()


def test_rounding_is_no_excuse_on_the_same_machine(tmp_path: Path) -> None:
    submission, _ = entered(tmp_path)
    with pytest.raises(ValueError, match="is consistent for no reason"):
        Replay(
            **heading_of(submission),
            kind="replay",
            shard=0,
            outcome="consistent",
            difference=1e-9,
            cells=64,
            differing=[],
        )
    assert submission.metadata.machine == machine_now()


def test_boards_of_agents_keep_their_kind() -> None:
    assert kind_of("anymdp-16x5-online-v0").main == "points.parquet"
    assert kind_of(BOARD.name).main == "losses.parquet"


def test_blocks_are_drawn_from_every_stretch_that_is_shown() -> None:
    blocks = reading.drawn_blocks(N_BLOCKS, seed=1)
    assert len(set(blocks)) == 32 and blocks == sorted(blocks) and blocks[-1] < N_BLOCKS
    assert 1 in blocks, "tables show one block at 100 steps"
    assert all(sum(block in stretch(point) for block in blocks) >= 4 for point in (1000, 10_000, 30_000))
    assert reading.drawn_blocks(3, seed=1) == [0, 1, 2] and reading.drawn_blocks(N_BLOCKS, seed=2) != blocks


def test_to_say_nothing_step_by_step_is_a_difference() -> None:
    submitted = result().losses
    blocks = [3, 5]
    same = {kind: values[:, blocks] for kind, values in submitted.items()}
    assert reading._ahead(submitted, same, blocks) == 0
    silent = same | {"next_observation": np.full((64, 2), np.nan)}
    assert reading._ahead(submitted, silent, blocks) > 1
    in_one_task = same | {"policy": same["policy"] - 0.02 * (np.arange(64) == 7)[:, None]}
    assert reading._ahead(submitted, in_one_task, blocks) == pytest.approx(0.02)
