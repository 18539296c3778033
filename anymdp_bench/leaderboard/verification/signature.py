"""Signatures of findings by maintainers' SSH keys, with OpenSSH's ``ssh-keygen -Y``."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from anymdp_bench.foundation.errors import InvalidConfig
from anymdp_bench.leaderboard.submissions.files import read_bounded
from anymdp_bench.leaderboard.verification.findings import LARGEST

NAMESPACE = "anymdp-bench-findings"
SIGNATURE = ".sig"
SIGNERS = "allowed_signers"
"""File in the leaderboards' folder; a line is ``<who> namespaces="anymdp-bench-findings" <key>``."""
SECONDS = 60


def sign(path: Path, key: Path) -> Path:
    """Sign a file of findings; return the signature's path. An earlier signature is replaced.

    Raises:
        InvalidConfig: OpenSSH is missing, or the key cannot sign.
    """
    signature = path.with_name(path.name + SIGNATURE)
    signature.unlink(missing_ok=True)
    done = _keygen("sign", "-f", str(key), "-n", NAMESPACE, str(path))
    if done.returncode:
        raise InvalidConfig(f"{key} did not sign {path.name}: {done.stderr.decode(errors='replace').strip()}")
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
    named = _keygen("find-principals", "-s", str(signature), "-f", str(signers))
    who = named.stdout.decode(errors="replace").partition("\n")[0]
    if named.returncode or not who:
        return None
    content = read_bounded(path, LARGEST)
    given = "-f", str(signers), "-I", who, "-n", NAMESPACE, "-s", str(signature)
    return None if _keygen("verify", *given, content=content).returncode else who


def _keygen(action: str, *arguments: str, content: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    program = shutil.which("ssh-keygen")
    if program is None:
        raise InvalidConfig("signatures need OpenSSH's ssh-keygen, which is not installed.")
    return subprocess.run(
        [program, "-Y", action, *arguments], input=content, capture_output=True, timeout=SECONDS, check=False
    )
