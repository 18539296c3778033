"""Signatures by SSH keys, with OpenSSH's ``ssh-keygen -Y``."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from anymdp_bench.foundation.errors import InvalidConfig

SECONDS = 60
PUBLIC = ".pub"
SIGNERS = "allowed_signers"
"""File in the leaderboards' folder that names the maintainers' keys and what each may sign."""


def signature_of(content: bytes, key: Path, namespace: str) -> bytes:
    """Sign bytes; return what goes into the file of the signature.

    Args:
        content: What is signed.
        key: A secret key, or the public half of one that an agent of SSH holds.
        namespace: What the signature is for; it counts for nothing else.

    Raises:
        InvalidConfig: OpenSSH is missing, or the key cannot sign.
    """
    done = _keygen("sign", "-f", str(key), "-n", namespace, content=content)
    if done.returncode:
        raise InvalidConfig(f"{key} did not sign: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def is_signed(content: bytes, signature: Path, signers: Path, who: str, namespace: str) -> bool:
    """Whether a signature is that of bytes by one of the keys that a file of signers gives to `who`.

    Raises:
        InvalidConfig: OpenSSH is missing.
    """
    given = "-f", str(signers), "-I", who, "-n", namespace, "-s", str(signature)
    return not _keygen("verify", *given, content=content).returncode


def who_signed(signature: Path, signers: Path) -> str | None:
    """First one to whom a file of signers gives the key that made a signature, of whatever content.

    Raises:
        InvalidConfig: OpenSSH is missing.
    """
    named = _keygen("find-principals", "-s", str(signature), "-f", str(signers))
    who = named.stdout.decode(errors="replace").partition("\n")[0]
    return who if who and not named.returncode else None


def public_half(key: Path) -> str:
    """Kind and content of a key's public half, without its comment.

    Raises:
        InvalidConfig: there is no such file beside the key.
    """
    path = key if key.suffix == PUBLIC else key.with_name(key.name + PUBLIC)
    try:
        kind, content, *_ = path.read_text(encoding="utf-8").split()
    except (OSError, ValueError) as error:
        raise InvalidConfig(f"{path} is no public key: write it with `ssh-keygen -y -f {key}`.") from error
    return f"{kind} {content}"


def _keygen(action: str, *arguments: str, content: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    program = shutil.which("ssh-keygen")
    if program is None:
        raise InvalidConfig("signatures need OpenSSH's ssh-keygen, which is not installed.")
    return subprocess.run(
        [program, "-Y", action, *arguments], input=content, capture_output=True, timeout=SECONDS, check=False
    )
