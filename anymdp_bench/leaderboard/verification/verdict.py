"""What a verification found, in a file of its own beside the submission's folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, ValidationError

from anymdp_bench.foundation.digests import check_seal, sealed
from anymdp_bench.foundation.files import write_text
from anymdp_bench.leaderboard.submissions.bounded_json import parse_json
from anymdp_bench.leaderboard.submissions.files import read_bounded
from anymdp_bench.leaderboard.submissions.metadata import Hash, Machine, Short, Strict, Version
from anymdp_bench.leaderboard.submissions.problems import problem, refuse

SUFFIX = ".verdict.json"
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
        return self.reproduction is not None and self.reproduction.outcome in ("equal", "consistent")


def verdict_path(folder: Path) -> Path:
    """Where the verdict on a submission's folder lies."""
    return folder.parent / f"{folder.name}{SUFFIX}"


def read_verdict(folder: Path, digest: str) -> Verdict | None:
    """Verdict on a submission with this digest; None if there is none.

    Raises:
        SubmissionRefused: the file is damaged.
    """
    path = verdict_path(folder)
    if not path.exists() and not path.is_symlink():
        return None
    values = parse_json(read_bounded(path, LARGEST), path.name)
    try:
        values = check_seal(values)
    except ValueError as error:
        refuse([problem("verdict", f"{path.name} is damaged: {error}")])
    try:
        verdict = Verdict.model_validate(values)
    except ValidationError as error:
        refuse([problem("verdict", f"{path.name} is damaged: {error.error_count()} fields are illegal")])
        raise
    return verdict if verdict.submission == digest else None


def write_verdict(folder: Path, verdict: Verdict) -> Path:
    """Write the verdict beside the folder; return its path."""
    path = verdict_path(folder)
    write_text(path, json.dumps(sealed(verdict.model_dump(by_alias=True)), indent=1, allow_nan=False) + "\n")
    return path
