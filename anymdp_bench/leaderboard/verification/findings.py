"""What verifications found: lines of a file beside a submission's folder, appended and never replaced."""

from __future__ import annotations

import datetime
import json
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
MOST_AHEAD = 0.01
"""Difference of a mean loss that rounding may make where a model reads step by step."""
SEED_BITS = 63
"""Of seeds that are drawn while an entry is verified."""
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
        outcome: ``"equal"`` to the bit; ``"consistent"``, of losses alone, where they differ by rounding and
            so do versions or processor; ``"different"`` though code, versions and processor are the
            record's; ``"undecided"`` where bits differ and so do these.
        difference: Mean late score of the second run minus the first's; of losses the largest difference.
        cells: Runs on tasks in the shard, or tasks that were read.
        differing: In which respects code, versions or processor were not those of the record.
    """

    kind: Literal["replay"]
    shard: Annotated[int, Field(ge=0, lt=MOST_SHARDS)]
    outcome: Literal["equal", "consistent", "different", "undecided"]
    difference: float
    cells: Annotated[int, Field(ge=1)]
    differing: Annotated[list[Short], Field(max_length=60)]

    @model_validator(mode="after")
    def _equal_means_equal(self) -> Replay:
        if self.outcome == "equal" and self.difference != 0:
            raise ValueError(f"is equal and differs by {self.difference}")
        if self.outcome in ("consistent", "undecided") and not self.differing:
            raise ValueError(f"is {self.outcome} for no reason")
        return self


class Steps(Line):
    """Blocks of recorded play were read step by step, with nothing told ahead; see `read_step_by_step`.

    Attributes:
        seed: What they were drawn with, and what was told in place of the truth.
        blocks: Their numbers.
        difference: Largest difference from the submitted losses, of a block's mean over tasks or of a task's
            mean over these blocks.
    """

    kind: Literal["steps"]
    seed: Annotated[int, Field(ge=0)]
    blocks: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=MOST_SHARDS)]
    difference: Annotated[float, Field(ge=0)]

    @property
    def agrees(self) -> bool:
        """Whether rounding explains the difference."""
        return self.difference <= MOST_AHEAD


class Again(Line):
    """The agent played, or the model read, with seeds that nobody knew before.

    Attributes:
        kind: ``"renamed"``: the board's own tasks; ``"fresh"``: new tasks of the board's family.
        renamed: Whether ids of observations and actions were permuted.
        seed: What everything was drawn with.
        tasks: How many.
        submitted, found: Mean late score that was submitted, and that was found now; of a sequence model the
            mean loss of the oracle's action over the first steps, of which lower is better.
        drop: By how much worse it is now, with its 99.9 % interval `low` to `high`.
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


AnyFinding = Rules | Replay | Steps | Again | Remembered
Finding = Annotated[AnyFinding, Field(discriminator="kind")]
_FINDING: TypeAdapter[AnyFinding] = TypeAdapter(Finding)


class Needs(NamedTuple):
    """What must be found before a submission is verified.

    Attributes:
        shards: How many there are; each is to be replayed.
        renamed: Whether its tasks are to be played with new seeds.
        fresh: Whether new tasks are.
        steps: Whether a part is to be read step by step.
    """

    shards: int
    renamed: bool
    fresh: bool
    steps: bool = False


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

    @property
    def consistent_shards(self) -> frozenset[int]:
        """Shards that were equal but for rounding elsewhere, and never to the bit."""
        found = frozenset(line.shard for line in self.replays if line.outcome == "consistent")
        return found - self.equal_shards

    def unequal_shards(self, needs: Needs) -> list[int]:
        """Shards that have been neither equal nor consistent yet, ascending."""
        return sorted(set(range(needs.shards)) - self.equal_shards - self.consistent_shards)

    @property
    def steps(self) -> tuple[Steps, ...]:
        """What was read step by step."""
        return tuple(line for line in self.lines if isinstance(line, Steps))

    @property
    def refuted(self) -> bool:
        """Whether any replay was different, or looked ahead; no later finding takes it back."""
        ahead = any(not line.agrees for line in self.steps)
        return ahead or any(line.outcome == "different" for line in self.replays)

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
        found += ["reading step by step"] * (needs.steps and not self.steps)
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
    return parse_findings(findings_content(folder), findings_path(folder).name, digest, signer)


def parse_findings(content: bytes, name: str, digest: str, signer: str | None = None) -> Findings:
    """The same of what stands in the file of this name."""
    lines = [_parse(text, name) for text in content.splitlines()]
    return Findings(tuple(line for line in lines if line.submission == digest), signer)


def findings_content(folder: Path) -> bytes:
    """All lines as they stand in the file; empty where there is none.

    Raises:
        SubmissionRefused: it cannot be read.
    """
    path = findings_path(folder)
    return read_bounded(path, LARGEST) if path.exists() or path.is_symlink() else b""


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
