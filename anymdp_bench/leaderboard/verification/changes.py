"""What one change of the leaderboards' folder may bring: entries or keys, and findings of maintainers.

Who counts as a maintainer is read from the folder before the change, so that no change vouches for itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from anymdp_bench.leaderboard.submissions.claims import check_claims
from anymdp_bench.leaderboard.submissions.files import SUBMISSIONS
from anymdp_bench.leaderboard.submissions.problems import problem, shown
from anymdp_bench.leaderboard.submissions.signing import SIGNERS
from anymdp_bench.leaderboard.verification.findings import SUFFIX
from anymdp_bench.leaderboard.verification.signature import SIGNATURE, signer_of
from anymdp_bench.leaderboard.verification.verdict import LISTED

_MAINTAINER = f"a key that was in {SIGNERS} before"
State = bytes | str | None
"""Content of a file, target of a link, or neither."""


def check_change(before: Path, now: Path) -> Iterator[str]:
    """Problems with claims, keys that come with entries, and findings that no maintainer has signed.

    Findings without a signature may come with their entry, where they count for nothing yet, but not
    beside an entry that stood there before: whoever looks at somebody else's sends them to a maintainer.

    Args:
        before: The leaderboards' folder before the change.
        now: The same folder after it.

    Raises:
        InvalidConfig: OpenSSH is missing.
        SubmissionRefused: findings or their signature cannot be read.
    """
    yield from check_claims(before, now)
    yield from _keys_with_entries(before, now)
    for where in _findings(before, now):
        was, new = _states(before, where), _states(now, where)
        if was == new or signer_of(now / where, before / SIGNERS) is not None:
            continue
        name = shown(where)[1:-1]
        if any(state is not None for state in was):
            what = "taken away" if new[0] is None else "changed, or its signature was"
            yield problem("findings", f"{name} was {what}: put it back, or let {_MAINTAINER} sign it")
        elif new[1] is not None:
            yield problem("findings", f"{name} has no good signature by {_MAINTAINER}: leave {SIGNATURE} out")
        elif (before / where.removesuffix(SUFFIX)).exists():
            yield problem("findings", f"{name} is new beside an older entry: let {_MAINTAINER} sign it")


def _keys_with_entries(before: Path, now: Path) -> Iterator[str]:
    keys = [name for name in (SIGNERS, LISTED) if _state(before / name) != _state(now / name)]
    entry = next(_brought(before, now), None) if keys else None
    if entry is not None:
        for name in keys:
            text = f"{name} changes together with {shown(entry)[1:-1]}"
            yield problem("change", f"{text}: bring entries or keys, not both; make two pull requests")


def _brought(before: Path, now: Path) -> Iterator[str]:
    """Files of submissions that were added or changed."""
    for path in sorted((now / SUBMISSIONS).rglob("*")):
        where = path.relative_to(now)
        if _state(path) != _state(before / where):
            yield where.as_posix()


def _findings(*roots: Path) -> list[str]:
    """Files of findings in any of the folders, also where only their signature is left."""
    found = {
        path.relative_to(root).as_posix().removesuffix(SIGNATURE)
        for root in roots
        for ending in (SUFFIX, SUFFIX + SIGNATURE)
        for path in (root / SUBMISSIONS).glob(f"*/*{ending}")
    }
    return sorted(found)


def _states(root: Path, where: str) -> tuple[State, State]:
    """Findings and their signature."""
    return _state(root / where), _state(root / (where + SIGNATURE))


def _state(path: Path) -> State:
    if path.is_symlink():
        return str(path.readlink())
    return path.read_bytes() if path.is_file() else None
