"""Signatures of findings by maintainers' SSH keys."""

from __future__ import annotations

from pathlib import Path

from anymdp_bench.foundation.files import write_bytes
from anymdp_bench.leaderboard.submissions.files import read_bounded
from anymdp_bench.leaderboard.submissions.signing import is_signed, signature_of, who_signed
from anymdp_bench.leaderboard.verification.findings import LARGEST

NAMESPACE = "anymdp-bench-findings"
"""A line of the allowed signers is ``<who> namespaces="anymdp-bench-findings" <key>``."""
SIGNATURE = ".sig"


def sign(path: Path, key: Path) -> Path:
    """Sign a file of findings; return the signature's path. An earlier signature is replaced.

    Raises:
        InvalidConfig: OpenSSH is missing, or the key cannot sign.
        SubmissionRefused: the file cannot be read.
    """
    signature = path.with_name(path.name + SIGNATURE)
    write_bytes(signature, signature_of(read_bounded(path, LARGEST), key, NAMESPACE))
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
