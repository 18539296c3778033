"""Findings that somebody else changes, between two calls or within one."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from anymdp_bench.cli.app import app
from anymdp_bench.foundation.errors import RecordsError
from anymdp_bench.leaderboard.submissions.acting import Submission
from anymdp_bench.leaderboard.verification.findings import findings_path
from anymdp_bench.leaderboard.verification.findings_file import FindingsFile
from anymdp_bench.leaderboard.verification.signature import sign
from anymdp_bench.leaderboard.verification.verify import submitted_agent, verify_submission
from tests.support.maintainer import again, everything
from tests.support.submitted import CORNER, submitted


def test_findings_that_were_changed_between_calls_are_neither_added_to_nor_signed(
    bandits: tuple[Submission, Path], key: Path
) -> None:
    submission, folder = bandits
    path = findings_path(folder)
    file = FindingsFile(folder)
    file.append(*everything(submission))
    as_left = file.digest
    sign(path, key, as_left.upper())
    signature = path.with_name(path.name + ".sig")
    signed = signature.read_bytes()
    FindingsFile(folder, as_left).append(again(submission, "fresh"))
    with pytest.raises(RecordsError, match=f"not {as_left}: it is not as it was left"):
        sign(path, key, as_left)
    assert signature.read_bytes() == signed
    before = path.read_bytes()
    for command in (["verify", str(folder)], ["board", "sign", str(folder), "--key", str(key)]):
        refused = CliRunner().invoke(app, [*command, "--expect", as_left])
        assert isinstance(refused.exception, RecordsError)
    assert path.read_bytes() == before
    path.unlink()
    with pytest.raises(RecordsError, match="not as it was left"):
        FindingsFile(folder, as_left)


def test_findings_that_are_changed_after_the_last_was_added_are_noticed(tmp_path: Path) -> None:
    submission, folder = submitted(CORNER, tmp_path)
    lines = verify_submission(submission, FindingsFile(folder), submitted_agent(submission), fraction=1)
    with pytest.raises(RecordsError, match="was changed while the agent ran"):
        for line in lines:
            if line.kind == "renamed":
                FindingsFile(folder).append(again(submission, "fresh"))
