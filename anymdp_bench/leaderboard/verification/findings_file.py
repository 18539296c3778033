"""The file of findings beside a submission's folder, while somebody adds to it or signs it."""

from __future__ import annotations

import os
from pathlib import Path

from anymdp_bench.foundation.digests import sha256
from anymdp_bench.foundation.errors import RecordsError
from anymdp_bench.leaderboard.verification.findings import (
    AnyFinding,
    Findings,
    findings_content,
    findings_path,
    parse_findings,
)


class FindingsFile:
    """Findings about a folder as they are known here; while this adds to them nobody else may.

    Args:
        folder: The submission's.
        expected: SHA-256 (hex) of the file as an earlier call has left it; None: whatever stands there.

    Raises:
        RecordsError: the file has another digest.
        SubmissionRefused: it cannot be read.
    """

    def __init__(self, folder: Path, expected: str | None = None) -> None:
        """Read what stands there."""
        self._folder, self._path = folder, findings_path(folder)
        self._content = findings_content(folder)
        check_left(self._content, expected, self._path.name)

    @property
    def digest(self) -> str:
        """SHA-256 (hex) of what this knows: what it read and what it added."""
        return sha256(self._content)

    def about(self, submission: str) -> Findings:
        """Findings about a submission with this digest.

        Raises:
            SubmissionRefused: a line is damaged.
        """
        return parse_findings(self._content, self._path.name, submission)

    def append(self, *findings: AnyFinding) -> None:
        """Add lines; what stands there stays.

        Raises:
            RecordsError: somebody else has written into the file.
        """
        self.check()
        content = "".join(line.model_dump_json(by_alias=True) + "\n" for line in findings).encode()
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        with os.fdopen(handle, "ab") as file:
            file.write(content)
            file.flush()
            os.fsync(handle)
        self._content += content

    def check(self) -> None:
        """Raise RecordsError if somebody else has written into the file."""
        if findings_content(self._folder) != self._content:
            raise RecordsError(
                f"{self._path.name} was changed while the agent ran. Delete it, and see who did."
            )


def check_left(content: bytes, expected: str | None, name: str) -> None:
    """Raise RecordsError unless the content of the file of this name has the expected digest."""
    found = sha256(content)
    if expected is not None and found != expected.lower():
        raise RecordsError(
            f"{name} has the SHA-256 {found}, not {expected}: it is not as it was left. "
            "Delete it, see who changed it, and verify anew."
        )
