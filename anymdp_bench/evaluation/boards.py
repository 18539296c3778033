"""Boards: frozen specifications of evaluations, by name.

A board says which tasks an agent meets, for how long, how often, and with which random numbers. What a
name means never changes; a change is a new version.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from anymdp_bench.contexts import TEACHERS
from anymdp_bench.evaluation.sequence.boards import SEQUENCE_BOARDS
from anymdp_bench.foundation.checks import check, check_choice, check_integer
from anymdp_bench.foundation.errors import InvalidConfig, UnknownName
from anymdp_bench.foundation.registry import unknown_name
from anymdp_bench.foundation.seeding import check_seed

PROTOCOLS = ("online", "offline", "imitation")
"""What an agent is given before it acts: nothing, episodes of imperfect teachers, episodes of the oracle."""
PLAYED_SPLITS = ("test", "validation")
"""Splits of a bank that can be played; registered boards play the first."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """Specification of an evaluation. `dataclasses.replace` makes variants.

    Attributes:
        name: Name in tables and records.
        bank: Name of the bank whose tasks are used; other tasks may be given to `evaluate`.
        protocol: ``"online"``, ``"offline"`` or ``"imitation"``.
        teacher: Who recorded the episodes that the agent is given, see `TEACHERS`; None online, ``"oracle"``
            for imitation.
        teacher_episodes: How many episodes of each task are given, where there is a teacher.
        n_tasks: The first so many tasks of the split (all of them, if it has fewer).
        runs: Independent runs on each task.
        context_episodes: In-context track: episodes that an agent lives in one task.
        block: In-context track: episodes of one evaluation point.
        train_episodes: Learner track: training episodes.
        test_every: Learner track: training episodes between two tests.
        test_episodes: Learner track, where no exact score exists: test episodes of each run, at least;
            more where there are so few runs that a point would hold fewer than 100.
        shard_size: Cells (runs on tasks) that one copy of an agent plays at once.
        seed: Root of all random numbers.
        split: Which of the bank's tasks are played, ``"test"`` or, to choose settings on, ``"validation"``.

    Raises:
        InvalidConfig: a field is outside its legal range.

    Examples:
        >>> board = get_board("anymdp-16x5-offline-v0")
        >>> isinstance(board, Board), board.protocol
        (True, 'offline')
    """

    name: str
    bank: str
    protocol: str = "online"
    teacher: str | None = None
    teacher_episodes: int = 100
    n_tasks: int = 64
    runs: int = 1
    context_episodes: int = 200
    block: int = 10
    train_episodes: int = 10_000
    test_every: int = 100
    test_episodes: int = 10
    shard_size: int = 8
    seed: int = 0
    split: str = "test"

    def __post_init__(self) -> None:
        """Check every field."""
        object.__setattr__(self, "seed", check_seed(self.seed))
        if self.protocol not in PROTOCOLS:
            raise InvalidConfig(f"protocol={self.protocol!r}: known protocols are {', '.join(PROTOCOLS)}.")
        self._check_teacher()
        check_choice("split", self.split, PLAYED_SPLITS)
        for field in ("name", "bank"):
            value = getattr(self, field)
            check(isinstance(value, str) and value != "", field, value, "a non-empty text")
        for field in _COUNTS:
            object.__setattr__(self, field, check_integer(field, getattr(self, field), 1))
        self._check_points("context_episodes", "block")
        self._check_points("train_episodes", "test_every")
        for field in ("block", "test_episodes"):
            if getattr(self, field) % 2:
                raise InvalidConfig(
                    f"{field}={getattr(self, field)}: give an even number; even episodes choose the best "
                    "point, odd ones report it."
                )

    def _check_teacher(self) -> None:
        taught: dict[str, list[str | None]] = {"online": [None], "imitation": ["oracle"]}
        legal = taught.get(self.protocol, [*TEACHERS])
        if self.teacher not in legal:
            raise InvalidConfig(
                f"teacher={self.teacher!r} with protocol={self.protocol!r}: give "
                f"{'one of ' if len(legal) > 1 else ''}{', '.join(map(repr, legal))}."
            )

    def _check_points(self, total: str, part: str) -> None:
        if getattr(self, total) % getattr(self, part):
            raise InvalidConfig(
                f"{total}={getattr(self, total)} is not a multiple of {part}={getattr(self, part)}."
            )

    def as_dict(self) -> dict[str, Any]:
        """Fields by name; JSON scalars only."""
        return dataclasses.asdict(self)

    def to_json(self) -> str:
        """Return the specification as JSON."""
        return json.dumps(self.as_dict(), indent=1)

    def fingerprint(self) -> str:
        """SHA-256 (hex) of all fields that are not at their default.

        So a later version's new field leaves the fingerprints of boards that do not use it as they are.
        """
        default = {field.name: field.default for field in dataclasses.fields(self)}
        given = {name: value for name, value in self.as_dict().items() if value != default[name]}
        return hashlib.sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Board:
        """Build a board from fields by name.

        Raises:
            InvalidConfig: a field is unknown, missing or outside its legal range.
        """
        known = {field.name for field in dataclasses.fields(cls)}
        if not {"name", "bank"} <= fields.keys() <= known:
            raise InvalidConfig(
                f"board fields {sorted(fields)}: name and bank are needed, legal are {sorted(known)}."
            )
        return cls(**fields)

    @classmethod
    def from_json(cls, text: str) -> Board:
        """Inverse of `to_json`.

        Raises:
            InvalidConfig: not a JSON object of a board's fields.
        """
        try:
            fields = json.loads(text)
        except json.JSONDecodeError as error:
            raise InvalidConfig(f"board: not JSON ({error}). Give what Board.to_json wrote.") from error
        if not isinstance(fields, dict):
            raise InvalidConfig(f"board: a JSON {type(fields).__name__} was given; give an object.")
        return cls.from_dict(fields)


_COUNTS = (
    "teacher_episodes",
    "n_tasks",
    "runs",
    "context_episodes",
    "block",
    "train_episodes",
    "test_every",
    "test_episodes",
    "shard_size",
)


class _Row(NamedTuple):
    bank: str
    runs: int
    context_episodes: int


_ROWS = (
    _Row("anymdp-1x5-v0", 1, 1000),
    _Row("anymdp-16x5-v0", 1, 200),
    _Row("anymdp-32x5-v0", 1, 200),
    _Row("anymdp-64x5-v0", 1, 200),
    _Row("anymdp-128x5-v0", 1, 200),
    _Row("anymdp-1x20-v0", 1, 1000),
    _Row("anymdp-1x50-v0", 1, 1000),
    _Row("anymdp-16x20-v0", 1, 200),
    _Row("garnet-16x5b2-v0", 1, 200),
    _Row("garnet-64x5b2-v0", 1, 200),
    _Row("anypomdp-64x5-v0", 1, 200),
    _Row("darkroom-6-v0", 10, 1000),
    _Row("darkroom-8-v0", 10, 1000),
    _Row("darkroom-10-v0", 10, 1000),
    _Row("darkroom-6-goals-v0", 1, 1000),
    _Row("darkroom-8-goals-v0", 1, 1000),
    _Row("darkroom-10-goals-v0", 1, 1000),
    _Row("darkroom-10-renamed-v0", 1, 1000),
    _Row("darkroom-10-repeated-v0", 1, 1000),
    _Row("frozenlake-v0", 10, 1000),
    _Row("frozenlake-slippery-v0", 10, 1000),
    _Row("cliffwalking-v0", 10, 1000),
    _Row("pendulum-g1-v0", 10, 400),
    _Row("pendulum-g5-v0", 10, 400),
    _Row("pendulum-g9.8-v0", 10, 400),
    _Row("pendulum-g1-fixed-v0", 10, 400),
    _Row("pendulum-g5-fixed-v0", 10, 400),
    _Row("pendulum-g9.8-fixed-v0", 10, 400),
    _Row("switch2-v0", 10, 200),
)
_BANK_NAME = re.compile(r"(?P<stem>.+)-v(?P<version>\d+)")


OWN_EPISODES = 200
"""Episodes that an agent lives after a teacher's."""
_TAUGHT = {
    "offline": ("offline", "noisy-oracle-0.5"),
    "offline-uniform": ("offline", "uniform"),
    "imitation": ("imitation", "oracle"),
}
"""Middle of a board's name: protocol and teacher."""


def board_name(bank: str, kind: str) -> str:
    """Name of a bank's board: ``anymdp-16x5-v0`` and ``online`` give ``anymdp-16x5-online-v0``."""
    return _BANK_NAME.sub(rf"\g<stem>-{kind}-v\g<version>", bank)


def _boards_of(row: _Row) -> list[Board]:
    """All boards of a bank."""
    online = Board(
        name=board_name(row.bank, "online"),
        bank=row.bank,
        runs=row.runs,
        context_episodes=row.context_episodes,
    )
    taught = [
        dataclasses.replace(
            online,
            name=board_name(row.bank, kind),
            protocol=protocol,
            teacher=teacher,
            context_episodes=OWN_EPISODES,
            train_episodes=OWN_EPISODES,
            test_every=20,
        )
        for kind, (protocol, teacher) in _TAUGHT.items()
    ]
    return [online, *taught]


BOARDS: dict[str, Board] = {board.name: board for row in _ROWS for board in _boards_of(row)}
"""Every released board by its name; what a name means never changes.

Examples:
    >>> BOARDS["anymdp-16x5-online-v0"].n_tasks
    64
"""


def get_board(name: str) -> Board:
    """Return a board by its name; a bank's name means its online board.

    Args:
        name: Such as ``"anymdp-16x5-offline-v0"``, or ``"anymdp-16x5-v0"`` for ``"anymdp-16x5-online-v0"``.

    Raises:
        UnknownName: with the nearest names, or all.

    Examples:
        >>> get_board("anymdp-16x5-v0").name
        'anymdp-16x5-online-v0'
    """
    full = name if name in BOARDS else board_name(name, "online")
    if name in SEQUENCE_BOARDS:
        raise UnknownName(
            f"{name!r} holds recorded sequences, and nobody acts: models read it with evaluate_sequence, on "
            "the command line with `anymdp-bench read` or `omnirl sequence`."
        )
    if full not in BOARDS:
        banks = {board.bank for board in BOARDS.values()}
        raise unknown_name("board", name, [*BOARDS, *banks])
    return BOARDS[full]
