"""What verifications found: lines of a file beside a submission's folder, appended and never replaced."""

from __future__ import annotations

import datetime
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import BeforeValidator, Field, TypeAdapter, ValidationError, model_validator

from anymdp_bench.leaderboard.submissions.bounded_json import parse_json
from anymdp_bench.leaderboard.submissions.files import read_bounded
from anymdp_bench.leaderboard.submissions.metadata import Date, Hash, Machine, Short, Strict, check_integer
from anymdp_bench.leaderboard.submissions.problems import problem, refuse

SUFFIX = ".findings.jsonl"
SCHEMA = 2
LARGEST = 1 << 22
MOST_SHARDS = 5000
FALLS = ("renamed", "fresh", "remembered")
"""Kinds of tasks on which a score may fall."""
LEAST_CHANCE = 0.0005
"""Of an honest play to stand out from plays under other names: that of a fall by the other tests."""


class Line(Strict):
    """What every finding says.

    Attributes:
        schema_version: Version of this format.
        submission: Digest of the files that it is about; a changed submission loses its findings.
        date: Day on which it was found.
        machine: Where.
    """

    schema_version: Annotated[Literal[2], BeforeValidator(check_integer), Field(alias="schema")]
    submission: Hash
    date: Date
    machine: Machine


class Rules(Line):
    """The agent kept every rule of `check_agent` on tasks of the board."""

    kind: Literal["rules"]


class Replay(Line):
    """A shard was played again with the declared seeds.

    Attributes:
        shard: Its number.
        outcome: ``"equal"`` to the bit; ``"different"`` though code, versions and processor are the
            record's; ``"undecided"`` where bits differ and so do these.
        difference: Mean late score of the second run minus the first's.
        cells: Runs on tasks in the shard.
        differing: In which respects code, versions or processor were not those of the record.
    """

    kind: Literal["replay"]
    shard: Annotated[int, Field(ge=0, lt=MOST_SHARDS)]
    outcome: Literal["equal", "different", "undecided"]
    difference: float
    cells: Annotated[int, Field(ge=1)]
    differing: Annotated[list[Short], Field(max_length=60)]

    @model_validator(mode="after")
    def _equal_means_equal(self) -> Replay:
        if self.outcome == "equal" and self.difference != 0:
            raise ValueError(f"is equal and differs by {self.difference}")
        if self.outcome == "undecided" and not self.differing:
            raise ValueError("is undecided for no reason")
        return self


class Again(Line):
    """The agent played with seeds that nobody knew before.

    Attributes:
        kind: ``"renamed"``: the board's own tasks; ``"fresh"``: new tasks of the board's family.
        renamed: Whether ids of observations and actions were permuted.
        seed: What everything was drawn with.
        tasks: How many.
        submitted, found: Mean late score that was submitted, and that was found now.
        drop: Their difference, with its 99.9 % interval `low` to `high`.
        chance: Probability that the figures that rank an honest play (`ranked`) stand out as much; None in
            findings from before it was asked for.
    """

    kind: Literal["renamed", "fresh"]
    renamed: bool
    seed: Annotated[int, Field(ge=0)]
    tasks: Annotated[int, Field(ge=1)]
    submitted: float
    found: float
    drop: float
    low: float
    high: float
    chance: Annotated[float, Field(gt=0, le=1)] | None = None

    @property
    def fell(self) -> bool:
        """Whether the whole interval of the drop is above 0, or what ranks would hardly ever stand out so."""
        return self.low > 0 or (self.chance is not None and self.chance <= LEAST_CHANCE)


class Remembered(Line):
    """On some tasks the submitted play was tested against plays under other names.

    Attributes:
        seed: What the further plays and the test were drawn with.
        tasks: How many.
        plays: Renamed plays that it was compared with.
        chance: Probability that the play of an honest agent stands out as much.
    """

    kind: Literal["remembered"]
    seed: Annotated[int, Field(ge=0)]
    tasks: Annotated[int, Field(ge=1)]
    plays: Annotated[int, Field(ge=1)]
    chance: Annotated[float, Field(gt=0, le=1)]

    @property
    def fell(self) -> bool:
        """Whether an honest agent's play would hardly ever stand out so."""
        return self.chance <= LEAST_CHANCE


AnyFinding = Rules | Replay | Again | Remembered
Finding = Annotated[AnyFinding, Field(discriminator="kind")]
_FINDING: TypeAdapter[AnyFinding] = TypeAdapter(Finding)


class Needs(NamedTuple):
    """What must be found before a submission is verified.

    Attributes:
        shards: How many there are; each is to be replayed.
        renamed: Whether its tasks are to be played with new seeds.
        fresh: Whether new tasks are.
    """

    shards: int
    renamed: bool
    fresh: bool


class Findings(NamedTuple):
    """All findings about one submission as it is.

    Attributes:
        lines: In the order in which they were found.
        signer: Whose key has signed the file; None if nobody's that counts.
    """

    lines: tuple[AnyFinding, ...] = ()
    signer: str | None = None

    @property
    def replays(self) -> tuple[Replay, ...]:
        """Shards that were played again."""
        return tuple(line for line in self.lines if isinstance(line, Replay))

    @property
    def equal_shards(self) -> frozenset[int]:
        """Shards that were equal to the bit."""
        return frozenset(line.shard for line in self.replays if line.outcome == "equal")

    def unequal_shards(self, needs: Needs) -> list[int]:
        """Shards that have not been equal yet, ascending."""
        return sorted(set(range(needs.shards)) - self.equal_shards)

    @property
    def refuted(self) -> bool:
        """Whether any replay was different; no later finding takes it back."""
        return any(line.outcome == "different" for line in self.replays)

    def again(self, kind: str) -> tuple[Again, ...]:
        """Play with new seeds, of a kind."""
        return tuple(line for line in self.lines if isinstance(line, Again) and line.kind == kind)

    @property
    def fell(self) -> tuple[str, ...]:
        """Kinds of tasks on which the score fell; no later finding takes it back."""
        fallen = {line.kind for line in self.lines if isinstance(line, Again | Remembered) and line.fell}
        return tuple(kind for kind in FALLS if kind in fallen)

    def missing(self, needs: Needs) -> list[str]:
        """What is still to be found, in words."""
        left = len(self.unequal_shards(needs))
        found = ["the agent check"] * (not any(isinstance(line, Rules) for line in self.lines))
        found += [f"{left} of {needs.shards} shards equal to the bit"] * (left > 0)
        found += ["play on renamed tasks"] * (needs.renamed and not self.again("renamed"))
        return found + ["play on fresh tasks"] * (needs.fresh and not self.again("fresh"))

    def holds(self, needs: Needs) -> bool:
        """Whether everything was found, and nothing against it."""
        return not (self.refuted or self.fell or self.missing(needs))


def findings_path(folder: Path) -> Path:
    """Where the findings about a submission's folder lie."""
    return folder.parent / f"{folder.name}{SUFFIX}"


def read_findings(folder: Path, digest: str, signer: str | None = None) -> Findings:
    """Findings about a submission with this digest.

    Raises:
        SubmissionRefused: a line is damaged.
    """
    name = findings_path(folder).name
    lines = [_parse(text, name) for text in findings_content(folder).splitlines()]
    return Findings(tuple(line for line in lines if line.submission == digest), signer)


def findings_content(folder: Path) -> bytes:
    """All lines as they stand in the file; empty where there is none.

    Raises:
        SubmissionRefused: it cannot be read.
    """
    path = findings_path(folder)
    return read_bounded(path, LARGEST) if path.exists() or path.is_symlink() else b""


def append_findings(folder: Path, findings: Iterable[AnyFinding]) -> Path:
    """Add lines to the findings about a folder; return their path. What stands there stays."""
    path = findings_path(folder)
    text = "".join(line.model_dump_json(by_alias=True) + "\n" for line in findings)
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o644)
    with os.fdopen(handle, "ab") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(handle)
    return path


def today() -> str:
    """The day, in UTC."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def _parse(text: bytes, name: str) -> AnyFinding:
    values = parse_json(text, name)
    try:
        return _FINDING.validate_json(json.dumps(values))
    except ValidationError as error:
        refuse([problem("findings", f"{name} is damaged: {error.error_count()} fields are illegal")])
        raise
