"""What a verification found under the older rules: a part was run again, in one process with the evaluation.

Such verdicts are read and shown; new ones are not made.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from anymdp_bench.leaderboard.submissions.bounded_json import parse_json
from anymdp_bench.leaderboard.submissions.files import read_bounded
from anymdp_bench.leaderboard.submissions.metadata import Hash, Machine, Short, Strict, Version
from anymdp_bench.leaderboard.submissions.problems import problem, refuse

SUFFIX = ".verdict.json"
LISTED = "older-verdicts.sha256"
LARGEST = 1 << 16
BITS: Final = "equal to the bit"
PAIRED: Final = "paired permutation test over tasks"
OVER_RUNS: Final = "permutation test over runs"
NONE: Final = "none: too few tasks and runs for a test"
Test = Literal[
    "equal to the bit",
    "paired permutation test over tasks",
    "permutation test over runs",
    "none: too few tasks and runs for a test",
]
Outcome = Literal["equal", "consistent", "different", "undecided"]

Fraction = Annotated[float, Field(ge=0, le=1)]


class Reproduction(Strict):
    """A random part was run again.

    Attributes:
        test: How the two runs were compared.
        outcome: ``"equal"``, ``"consistent"`` (the test does not tell the runs apart), ``"different"``, or
            ``"undecided"``.
        p_value: Of the permutation test; null where bits were compared.
        difference: Mean score of the second run minus the first's, over the last tenth of the points.
        cells: How many runs on tasks were repeated.
        shards: Which shards they were.
        seed: What chose the shards.
        differing: In which respects code, versions or processor were not those of the record.
    """

    test: Test
    outcome: Outcome
    p_value: Fraction | None
    difference: float
    cells: Annotated[int, Field(ge=1)]
    shards: Annotated[list[int], Field(max_length=5000)]
    seed: Annotated[int, Field(ge=0)]
    differing: Annotated[list[Short], Field(max_length=60)]


class Fresh(Strict):
    """The agent played tasks that were drawn after it was submitted.

    Attributes:
        seed: What the tasks were drawn with.
        tasks: How many.
        submitted, fresh: Mean score over the last tenth of the points, on the board's and on the fresh tasks.
        drop: Their difference, with its 99.9 % interval `low` to `high` (Welch).
    """

    seed: Annotated[int, Field(ge=0)]
    tasks: Annotated[int, Field(ge=2)]
    submitted: float
    fresh: float
    drop: float
    low: float
    high: float

    @property
    def fell(self) -> bool:
        """Whether the whole interval of the drop is above 0."""
        return self.low > 0


class Verdict(Strict):
    """Everything that has been found about one submission.

    Attributes:
        schema_version: Version of this format.
        submission: Digest of the files that were verified; a changed submission loses its verdict.
        reproduction: Null if it has not been run again.
        fresh: Null if it has not played fresh tasks.
        machine: Where it was verified.
    """

    schema_version: Version
    submission: Hash
    reproduction: Reproduction | None
    fresh: Fresh | None
    machine: Machine

    @property
    def verified(self) -> bool:
        """Whether a second run agreed with the submitted one."""
        return self.reproduction is not None and self.reproduction.outcome == "equal"

    @property
    def refuted(self) -> bool:
        """Whether a second run differed."""
        return self.reproduction is not None and self.reproduction.outcome == "different"


def read_older_verdict(folder: Path, digest: str, listed: frozenset[str]) -> Verdict | None:
    """Verdict of the older rules on a submission with this digest; None if there is none that counts.

    Args:
        folder: Of the submission.
        digest: Of its files.
        listed: SHA-256 (hex) of the verdicts that were given while those rules were in force.

    Raises:
        SubmissionRefused: the file is damaged.
    """
    path = folder.parent / f"{folder.name}{SUFFIX}"
    if not path.exists() and not path.is_symlink():
        return None
    content = read_bounded(path, LARGEST)
    values = parse_json(content, path.name)
    try:
        verdict = Verdict.model_validate(values)
    except ValidationError as error:
        refuse([problem("verdict", f"{path.name} is damaged: {error.error_count()} fields are illegal")])
        raise
    counts = verdict.submission == digest and hashlib.sha256(content).hexdigest() in listed
    return verdict if counts else None


def listed_verdicts(root: Path) -> frozenset[str]:
    """Hashes of the verdicts that count, from a file as ``sha256sum`` writes it; no new ones are added."""
    path = root / LISTED
    return (
        frozenset(line.partition(" ")[0] for line in path.read_text().splitlines())
        if path.is_file()
        else frozenset()
    )
