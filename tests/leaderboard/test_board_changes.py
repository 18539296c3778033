"""What a change of the leaderboards' folder may bring, and every way to write findings of one's own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from anymdp_bench.cli.app import app
from anymdp_bench.leaderboard.submissions.files import SUBMISSIONS
from anymdp_bench.leaderboard.submissions.signing import SIGNERS
from anymdp_bench.leaderboard.submissions.submission import read_submission
from anymdp_bench.leaderboard.verification import findings, signature, verdict
from anymdp_bench.leaderboard.verification.changes import check_change
from anymdp_bench.leaderboard.verification.findings_file import FindingsFile
from tests.support.claimed import SMALL, groups, written
from tests.support.maintainer import allow, replayed, verify_as_found


@pytest.mark.parametrize("name", [SIGNERS, verdict.LISTED])
def test_keys_do_not_come_with_entries(name: str, root: Path, before: Path) -> None:
    for folder in (before, root):
        with (folder / name).open("a") as file:
            file.write(f"# {folder.name}\n")
    assert list(check_change(before, root)) == []
    path = root / SUBMISSIONS / SMALL / "mine" / "submission.json"
    path.write_text(path.read_text() + "\n")
    apart = "bring entries or keys, not both; make two pull requests"
    (text,) = check_change(before, root)
    assert text == f"change: {name} changes together with submissions/{SMALL}/mine/submission.json: {apart}"
    shutil.copytree(before / SUBMISSIONS, root / SUBMISSIONS, dirs_exist_ok=True)
    written(root, "a-new-one")
    (root / name).unlink()
    (text,) = [text for text in check_change(before, root) if text.startswith("change: ")]
    assert text == (
        f"change: {name} changes together with submissions/{SMALL}/a-new-one/points.parquet: {apart}"
    )


MAINTAINER = "a key that was in allowed_signers before"
CHANGED = f"was changed, or its signature was: put it back, or let {MAINTAINER} sign it"
TAKEN = f"was taken away: put it back, or let {MAINTAINER} sign it"


def forge(root: Path, other: Path) -> None:
    """A replay that never was."""
    folder = root / SUBMISSIONS / SMALL / "mine"
    FindingsFile(folder).append(replayed(read_submission(folder), 0, "different"))


def forge_and_sign(root: Path, other: Path) -> None:
    forge(root, other)
    signature.sign(findings.findings_path(root / SUBMISSIONS / SMALL / "mine"), other)


def take_the_signature(root: Path, other: Path) -> None:
    findings.findings_path(root / SUBMISSIONS / SMALL / "mine").with_suffix(".jsonl.sig").unlink()


def sign_with_another_key(root: Path, other: Path) -> None:
    signature.sign(findings.findings_path(root / SUBMISSIONS / SMALL / "mine"), other)


def take_everything(root: Path, other: Path) -> None:
    take_the_signature(root, other)
    take_the_findings(root, other)


def take_the_findings(root: Path, other: Path) -> None:
    findings.findings_path(root / SUBMISSIONS / SMALL / "mine").unlink()


@pytest.mark.parametrize(
    ("attack", "refusal"),
    [
        (forge, CHANGED),
        (forge_and_sign, CHANGED),
        (take_the_signature, CHANGED),
        (sign_with_another_key, CHANGED),
        (take_the_findings, TAKEN),
        (take_everything, TAKEN),
    ],
)
def test_nobody_else_changes_what_was_found(
    attack: object, refusal: str, root: Path, before: Path, other: Path
) -> None:
    assert list(check_change(before, root)) == []
    attack(root, other)  # type: ignore[operator]
    where = f"submissions/{SMALL}/mine.findings.jsonl"
    assert list(check_change(before, root)) == [f"findings: {where} {refusal}"]


def test_a_maintainer_changes_what_was_found(root: Path, before: Path, other: Path) -> None:
    forge(root, other)
    signature.sign(findings.findings_path(root / SUBMISSIONS / SMALL / "mine"), other.with_name("maintainer"))
    assert list(check_change(before, root)) == [] and groups(root) == {f"{SMALL}/mine": "refuted"}


def test_new_findings_are_unsigned_or_a_maintainers(
    root: Path, before: Path, other: Path, tmp_path: Path
) -> None:
    folder = written(root, "new")
    path = verify_as_found(folder, read_submission(folder), tmp_path / "keys" / "maintainer")
    assert list(check_change(before, root)) == []
    signature.sign(path, other)
    where = f"submissions/{SMALL}/new.findings.jsonl"
    refusal = f"findings: {where} has no good signature by {MAINTAINER}: leave .sig out"
    assert list(check_change(before, root)) == [refusal]
    allow(root, other)  # a change does not vouch for itself
    assert groups(root)[f"{SMALL}/new"] == "verified"
    apart, found = check_change(before, root)
    assert apart.startswith(f"change: {SIGNERS} changes together with ") and found == refusal
    shutil.copy(before / SIGNERS, root)
    path.with_name(path.name + signature.SIGNATURE).unlink()
    assert list(check_change(before, root)) == []


def test_the_command_refuses_forged_findings(root: Path, before: Path, other: Path) -> None:
    forge(root, other)
    words = ["board", "build", "--check", "--before", str(before), "--leaderboards", str(root)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert done.output == f"refused: findings: submissions/{SMALL}/mine.findings.jsonl {CHANGED}\n"


@pytest.mark.parametrize("outcome", ["equal", "different"])
def test_nobody_else_brings_findings_to_an_older_entry(outcome: str, root: Path, tmp_path: Path) -> None:
    folder = written(root, "old")
    before = shutil.copytree(root, tmp_path / "before")
    FindingsFile(folder).append(replayed(read_submission(folder), 0, outcome))
    where = f"submissions/{SMALL}/old.findings.jsonl"
    refusal = f"findings: {where} is new beside an older entry: let {MAINTAINER} sign it"
    assert list(check_change(before, root)) == [refusal]
    signature.sign(findings.findings_path(folder), tmp_path / "keys" / "maintainer")
    assert list(check_change(before, root)) == []
