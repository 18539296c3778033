"""Signatures of findings by maintainers' SSH keys."""

from __future__ import annotations

from pathlib import Path

from anymdp_bench.foundation.files import write_bytes
from anymdp_bench.leaderboard.submissions.files import read_bounded
from anymdp_bench.leaderboard.submissions.signing import is_signed, signature_of, who_signed
from anymdp_bench.leaderboard.verification.findings import LARGEST
from anymdp_bench.leaderboard.verification.findings_file import check_left

NAMESPACE = "anymdp-bench-findings"
"""A line of the allowed signers is ``<who> namespaces="anymdp-bench-findings" <key>``."""
SIGNATURE = ".sig"


def sign(path: Path, key: Path, expected: str | None = None) -> Path:
    """Sign a file of findings; return the signature's path. An earlier signature is replaced.

    Args:
        path: The file.
        key: Who signs.
        expected: SHA-256 (hex) of the file as the verification left it; None: whatever stands there.

    Raises:
        InvalidConfig: OpenSSH is missing, or the key cannot sign.
        RecordsError: the file has another digest.
        SubmissionRefused: the file cannot be read.
    """
    content = read_bounded(path, LARGEST)
    check_left(content, expected, path.name)
    signature = path.with_name(path.name + SIGNATURE)
    write_bytes(signature, signature_of(content, key, NAMESPACE))
    return signature


def signer_of(path: Path, signers: Path) -> str | None:
    """Who of the allowed signers has signed a file as it is; None if nobody has.

    Raises:
        InvalidConfig: OpenSSH is missing.
        SubmissionRefused: the file cannot be read.
    """
    signature = path.with_name(path.name + SIGNATURE)
    if not (path.is_file() and signature.is_file() and signers.is_file()):
        return None
    who = who_signed(signature, signers)
    if who is None:
        return None
    return who if is_signed(read_bounded(path, LARGEST), signature, signers, who, NAMESPACE) else None
