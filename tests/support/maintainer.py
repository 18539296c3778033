"""A maintainer with a key: writes down findings that somebody could have made, and signs them."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from anymdp_bench.leaderboard.submissions.acting import Submission
from anymdp_bench.leaderboard.submissions.signing import SIGNERS
from anymdp_bench.leaderboard.verification.findings import Again, Replay, Rules, findings_path
from anymdp_bench.leaderboard.verification.findings_file import FindingsFile
from anymdp_bench.leaderboard.verification.replay import heading_of, machine_now
from anymdp_bench.leaderboard.verification.signature import NAMESPACE, sign
from anymdp_bench.leaderboard.verification.verify import needs_of


def new_key(folder: Path, name: str = "key") -> Path:
    """Make a key pair; return the secret half."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


def allow(root: Path, key: Path, who: str = "maintainer@example.org") -> None:
    """Make a key count."""
    public = key.with_suffix(".pub").read_text().strip()
    with (root / SIGNERS).open("a") as file:
        file.write(f'{who} namespaces="{NAMESPACE}" {public}\n')


def again(submission: Submission, kind: str, drop: float = 0.0) -> Again:
    """Play with new seeds that fell by so much, give or take .1."""
    return Again(
        **heading_of(submission),
        kind=kind,  # type: ignore[arg-type]
        renamed=kind == "renamed",
        seed=1,
        tasks=64,
        submitted=0.9,
        found=0.9 - drop,
        drop=drop,
        low=drop - 0.1,
        high=drop + 0.1,
    )


def replayed(submission: Submission, shard: int, outcome: str = "equal") -> Replay:
    """A shard that was played again."""
    return Replay(
        **heading_of(submission),
        kind="replay",
        shard=shard,
        outcome=outcome,  # type: ignore[arg-type]
        difference=0.0 if outcome == "equal" else 0.25,
        cells=1,
        differing=["numpy"] if outcome == "undecided" else [],
    )


def everything(submission: Submission) -> list[Any]:
    """All that must be found."""
    needs = needs_of(submission)
    lines: list[Any] = [Rules(**heading_of(submission), kind="rules")]
    lines += [replayed(submission, shard) for shard in range(needs.shards)]
    lines += [again(submission, "renamed")] * needs.renamed
    return lines + [again(submission, "fresh")] * needs.fresh


def verify_as_found(folder: Path, submission: Submission, key: Path, *more: Any) -> Path:
    """Write down that everything was found, and `more`, and sign it."""
    FindingsFile(folder).append(*everything(submission), *more)
    sign(findings_path(folder), key)
    return findings_path(folder)


def older_verdict(digest: str, outcome: str = "equal") -> dict[str, Any]:
    """Content of a verdict as it was written under the older rules."""
    return {
        "schema": 1,
        "submission": digest,
        "reproduction": {
            "test": "equal to the bit",
            "outcome": outcome,
            "p_value": None,
            "difference": 0.0,
            "cells": 1,
            "shards": [0],
            "seed": 1,
            "differing": [],
        },
        "fresh": None,
        "machine": machine_now().model_dump(),
    }
