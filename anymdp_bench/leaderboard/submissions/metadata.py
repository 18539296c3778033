"""``submission.json``: who submits what, strictly typed and plain."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from anymdp_bench.agents.protocol import AgentInfo
from anymdp_bench.foundation.types import JsonScalar
from anymdp_bench.leaderboard.submissions.plain import (
    check_link,
    check_own_words,
    check_slug,
    check_text,
    check_title,
)
from anymdp_bench.leaderboard.submissions.problems import problem, refuse, shown

FILE = "submission.json"
SCHEMA = 1
LARGEST = 1 << 18
"""Bytes of the file."""
MOST_TASKS = 256
MOST_SETTINGS = 60
LARGEST_INTEGER = 1 << 63
EARLIEST = datetime.date(2025, 2, 5)
"""Day on which the paper appeared."""

Slug = Annotated[str, AfterValidator(check_slug)]
Link = Annotated[str, AfterValidator(check_link)]
Short = Annotated[str, AfterValidator(lambda value: check_text(value, 60))]
Title = Annotated[str, AfterValidator(lambda value: check_title(value, 60))]
Long = Annotated[str, AfterValidator(lambda value: check_own_words(value, 400))]
Path = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.]{0,150}:[A-Za-z_][A-Za-z0-9_.]{0,60}$")]


def _check_hash(value: str) -> str:
    if not value.strip("0"):
        raise ValueError("is all zeros, which is the hash of nothing")
    return value


Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$"), AfterValidator(_check_hash)]
Commit = Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
Count = Annotated[int, Field(ge=1, le=1 << 20)]


def check_integer(value: Any) -> int:
    """Refuse true, which equals 1 and would pass for it."""
    if type(value) is not int:
        raise ValueError(f"{shown(value)} is no integer")
    return value


Version = Annotated[Literal[1], BeforeValidator(check_integer), Field(alias="schema")]
"""Version of a file's format."""


def _check_scalar(value: Any) -> JsonScalar:
    if isinstance(value, str):
        return check_text(value, 200) if value else value
    if isinstance(value, int | float) and abs(value) >= LARGEST_INTEGER:
        raise ValueError(f"{shown(value)} is too large")
    if value is not None and not isinstance(value, int | float):
        raise ValueError(f"holds a {type(value).__name__}: give a text, a number, true, false or null")
    return value


def _check_date(value: str) -> str:
    if len(value) != len("2026-01-31"):
        raise ValueError(f"{shown(value)}: give a date as 2026-01-31")
    tomorrow = datetime.datetime.now(datetime.UTC).date() + datetime.timedelta(days=1)
    if not EARLIEST <= datetime.date.fromisoformat(value) <= tomorrow:
        raise ValueError(f"{shown(value)}: give the day of submission, {EARLIEST} to today")
    return value


Settings = Annotated[
    dict[Short, Annotated[Any, AfterValidator(_check_scalar)]], Field(max_length=MOST_SETTINGS)
]
Date = Annotated[str, AfterValidator(_check_date)]
Returns = Annotated[list[float | None], Field(max_length=MOST_TASKS)]


class Strict(BaseModel):
    """Nothing is converted, nothing may be added."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, populate_by_name=True)


class DeclaredAgent(Strict):
    """What the agent declared in its run; see `AgentInfo`."""

    name: Short
    privileged: bool
    learner: bool
    joint: bool
    config: Settings
    shard_size: Count | None


def declared(info: AgentInfo) -> dict[str, Any]:
    """What an agent declares, in the fields of `DeclaredAgent`."""
    return {name: getattr(info, name) for name in DeclaredAgent.model_fields} | {"config": dict(info.config)}


class Code(Strict):
    """Hashes of the source that ran."""

    anymdp_bench: Hash
    agent: Hash | Literal["unknown"]


class Machine(Strict):
    """Versions and processor; equal ones promise equal bits."""

    python: Short
    packages: Annotated[dict[Short, Short], Field(max_length=MOST_SETTINGS)]
    machine: Short
    system: Short
    processor: Annotated[str, AfterValidator(lambda value: check_text(value, 120) if value else value)]
    git_commit: Commit | None


class ReferenceReturns(Strict):
    """Returns of each task's reference policies; null where there are none."""

    random: Returns
    oracle: Returns
    optimal: Returns


class Heading(Strict):
    """What every entry says, whatever it is.

    Attributes:
        schema_version: Version of this format.
        name: Folder, address and key in every table; the same for one agent on all boards.
        title: Name for people.
        authors, description, url, paper: Shown as given; links are https.
        date: Day of submission.
        entry_point: Registered name or ``"package.module:factory"`` with which `verify` makes the agent.
        board: Fields of the board's specification, with the number of tasks that were played.
        code: Hashes of the source that ran.
        fingerprints: Fingerprint of each task.
        machine: Versions and processor.
        files: SHA-256 of each table by its name; null where an older version wrote it.
    """

    schema_version: Version
    name: Slug
    title: Title
    authors: Long | None
    description: Long | None
    url: Link | None
    paper: Link | None
    date: Date
    entry_point: Slug | Path | None
    board: Settings
    code: Code
    fingerprints: Annotated[list[Hash], Field(min_length=1, max_length=MOST_TASKS)]
    machine: Machine
    files: Annotated[dict[Short, Hash], Field(max_length=2)] | None = None


class Metadata(Heading):
    """Everything in a submission of an agent that acts, but for the numbers of its curves.

    Attributes:
        gradient_free: No gradient step is taken while the agent is evaluated.
        uses_geometry: It makes use of what neighbouring ids of observations mean; so it is not verified
            under permuted ids, and shown as such.
        agent: What the agent declared.
        references: Reference returns of each task.
    """

    gradient_free: bool
    uses_geometry: bool = False
    agent: DeclaredAgent
    references: ReferenceReturns

    @property
    def track(self) -> str:
        """``"learner"`` or ``"in-context"``."""
        return "learner" if self.agent.learner else "in-context"


class ReadingMetadata(Heading):
    """Everything in a submission of a sequence model, but for its losses.

    Attributes:
        entry_point: ``"package.module:factory"`` with which `verify` makes the model.
        segment: Steps that it was shown at once.
        state_bytes: Memory of one sequence.
    """

    entry_point: Path | None
    segment: Count
    state_bytes: Annotated[int, Field(ge=0, lt=LARGEST_INTEGER)]
    files: Annotated[dict[Short, Hash], Field(max_length=1)]


AnyMetadata = TypeVar("AnyMetadata", bound=Heading)


def parse_metadata(values: dict[str, Any], kind: type[AnyMetadata]) -> AnyMetadata:
    """Check every field.

    Args:
        values: Content of the file.
        kind: `Metadata` or `ReadingMetadata`.

    Raises:
        SubmissionRefused: naming every field at fault.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        refuse(_problem(item) for item in error.errors(include_url=False, include_input=False))
        raise


def _problem(item: Any) -> str:
    where = ".".join(str(part) for part in item["loc"])
    message = str(item["msg"]).removeprefix("Value error, ")
    return problem("metadata", f"{shown(where)[1:-1]}: {message}")
