"""Who owns which name: the first key that signs an entry under a name claims it.

The file ``owners`` in the leaderboards' folder holds a line
``<name> namespaces="anymdp-bench-entry" <key>`` for each claimed name, in OpenSSH's format of allowed
signers. The signature of an entry lies beside its folder. It is for the board, the name and the digest of
the files: it fits no other board and no edited entry.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from anymdp_bench.foundation.errors import InvalidConfig
from anymdp_bench.foundation.files import write_bytes, write_text
from anymdp_bench.leaderboard.submissions.files import SUBMISSIONS, read_bounded
from anymdp_bench.leaderboard.submissions.plain import LONGEST_SLUG, check_slug
from anymdp_bench.leaderboard.submissions.problems import problem, refuse, shown
from anymdp_bench.leaderboard.submissions.signing import SIGNERS, is_signed, public_half, signature_of
from anymdp_bench.leaderboard.submissions.submission import digest_of

OWNERS = "owners"
SIGNATURE = ".owner.sig"
NAMESPACE = "anymdp-bench-entry"
LARGEST = 1 << 22
LARGEST_SIGNATURE = 1 << 14
_KIND, _BODY = r"(?:ssh|ecdsa|sk)-[a-z0-9@.-]+", r"[A-Za-z0-9+/]+={0,2}"
_LINE = re.compile(
    rf'(?P<name>[a-z0-9-]{{1,{LONGEST_SLUG}}}) namespaces="{NAMESPACE}" (?P<key>{_KIND} {_BODY})'
)
_FIELD = r'(?:[^\s"]|"[^"]*")+'
_SIGNER = re.compile(rf"(?!#){_FIELD}\s+(?:{_FIELD}\s+)?(?P<kind>{_KIND})\s+(?P<body>{_BODY})(?:\s.*)?")
"""A line of the allowed signers: who, options if any, a key, and a comment if any."""
Ownership = Literal["owner", "unclaimed", "foreign"]
"""An entry is signed by the key that owns its name; nobody owns the name; its owner has not signed it."""


def read_owners(root: Path) -> dict[str, str]:
    """Public key of each claimed name.

    Raises:
        SubmissionRefused: a line is no claim, or a name is claimed twice.
    """
    path = root / OWNERS
    if not path.exists() and not path.is_symlink():
        return {}
    owners: dict[str, str] = {}
    for number, line in enumerate(read_bounded(path, LARGEST).decode("utf-8", "replace").splitlines(), 1):
        found = _LINE.fullmatch(line)
        if found is None or found["name"] in owners:
            fault = "is no claim" if found is None else f"claims {found['name']} again"
            refuse([problem("owner", f"line {number} of {OWNERS} {fault}: {shown(line)}")])
        else:
            owners[found["name"]] = found["key"]
    return owners


def ownership(root: Path, owners: dict[str, str], folder: Path, digest: str) -> Ownership:
    """Whether an entry is its owner's.

    Args:
        root: The leaderboards' folder.
        owners: From `read_owners`.
        folder: Of the entry.
        digest: Of its files.

    Raises:
        InvalidConfig: OpenSSH is missing.
        SubmissionRefused: the signature's file cannot be read.
    """
    name, signature = folder.name, _signature_path(folder)
    if name not in owners:
        return "unclaimed"
    if not signature.exists() and not signature.is_symlink():
        return "foreign"
    read_bounded(signature, LARGEST_SIGNATURE)
    good = is_signed(_statement(folder, digest), signature, root / OWNERS, name, NAMESPACE)
    return "owner" if good else "foreign"


def foreign_problem(folder: Path) -> str:
    """What is wrong with an entry that is not its owner's."""
    where = f"{folder.parent.name}/{folder.name}"
    return problem("owner", f"{where} has no good signature by the key that claimed the name {folder.name}")


def check_foreign(root: Path, folder: Path, digest: str) -> Iterator[str]:
    """The problem with an entry that stands under a claimed name without its key's signature."""
    if ownership(root, read_owners(root), folder, digest) == "foreign":
        yield foreign_problem(folder)


def check_key(root: Path, name: str, key: Path | None) -> Iterator[str]:
    """Problems with a name for a new entry: another key's, or with older entries that nobody has claimed."""
    owner = read_owners(root).get(name)
    if owner is not None and (key is None or public_half(key) != owner):
        how = "sign with it: --key" if key is None else "this is another key"
        yield problem("owner", f"the name {name} is claimed by a key; {how}, or choose another name")
    if owner is None and key is not None:
        for folder in _folders(root, name):
            where = folder.parent.name
            yield problem("owner", f"{name} stands on {where} unclaimed; first `board claim {name}`")
            return


def sign_entry(root: Path, folder: Path, digest: str, key: Path) -> Path:
    """Sign an entry, and claim its name unless that is done; return the signature's path.

    Raises:
        InvalidConfig: the key cannot sign, or OpenSSH is missing.
        SubmissionRefused: the name is another key's.
    """
    owners, mine = read_owners(root), public_half(key)
    if owners.setdefault(folder.name, mine) != mine:
        refuse([problem("owner", f"the name {folder.name} is claimed by another key")])
    signature = _signature_path(folder)
    write_bytes(signature, signature_of(_statement(folder, digest), key, NAMESPACE))
    lines = sorted(f'{name} namespaces="{NAMESPACE}" {owner}\n' for name, owner in owners.items())
    write_text(root / OWNERS, "".join(lines))
    return signature


def claim(root: Path, name: str, key: Path) -> list[Path]:
    """Claim a name by signing every entry that stands under it; return the signatures' paths.

    Raises:
        InvalidConfig: there is no entry, the key cannot sign, or OpenSSH is missing.
        SubmissionRefused: the name is another key's.
    """
    try:
        folders = _folders(root, check_slug(name))
    except ValueError as error:
        raise InvalidConfig(str(error)) from error
    if not folders:
        raise InvalidConfig(f"name={name!r}: no entry under {root / SUBMISSIONS} has this name.")
    return [sign_entry(root, folder, digest_of(folder), key) for folder in folders]


def check_claims(before: Path, now: Path) -> Iterator[str]:
    """Problems with what a change of the leaderboards' folder does to claims.

    A claim stays; names of entries that were there before it are for maintainers to claim.
    """
    was, owners = read_owners(before), read_owners(now)
    for name in sorted(name for name in was if owners.get(name) != was[name]):
        yield problem("owner", f"the claim of {name} was {'changed' if name in owners else 'taken away'}")
    maintainers = _keys_of(before / SIGNERS)
    for name in sorted(owners.keys() - was.keys()):
        if _folders(before, name) and owners[name] not in maintainers:
            yield problem("owner", f"{name} had entries before: a maintainer claims it")


def _keys_of(signers: Path) -> set[str]:
    """Whole keys of a file of allowed signers: kind and content, as in `read_owners`."""
    lines = signers.read_text(encoding="utf-8").splitlines() if signers.is_file() else []
    found = (_SIGNER.fullmatch(line.strip()) for line in lines)
    return {f"{line['kind']} {line['body']}" for line in found if line}


def _folders(root: Path, name: str) -> list[Path]:
    return sorted(path for path in (root / SUBMISSIONS).glob(f"*/{name}") if path.is_dir())


def _signature_path(folder: Path) -> Path:
    return folder.with_name(folder.name + SIGNATURE)


def _statement(folder: Path, digest: str) -> bytes:
    return f"{NAMESPACE} {folder.parent.name}/{folder.name} {digest}\n".encode()
