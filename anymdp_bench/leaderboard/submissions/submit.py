"""From a finished run to a submission's folder."""

from __future__ import annotations

import datetime
import json
import math
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anymdp_bench.agents.registry import agent_table
from anymdp_bench.evaluation.result import load_result
from anymdp_bench.evaluation.run_folder import Manifest
from anymdp_bench.evaluation.sequence.boards import BLOCK, SEQUENCE_BOARDS
from anymdp_bench.evaluation.sequence.result import FACTS, LOSSES, load_sequence_result
from anymdp_bench.evaluation.sequence.score import KINDS as LOSS_KINDS
from anymdp_bench.foundation.digests import sha256
from anymdp_bench.foundation.errors import RecordsError
from anymdp_bench.leaderboard.submissions import curves
from anymdp_bench.leaderboard.submissions.acting import FactsOf
from anymdp_bench.leaderboard.submissions.bounded_json import parse_json
from anymdp_bench.leaderboard.submissions.claims import check_key, sign_entry
from anymdp_bench.leaderboard.submissions.facts import board_facts
from anymdp_bench.leaderboard.submissions.files import SUBMISSIONS, read_bounded
from anymdp_bench.leaderboard.submissions.kinds import AnySubmission, kind_of
from anymdp_bench.leaderboard.submissions.metadata import (
    FILE,
    LARGEST,
    SCHEMA,
    Machine,
    declared,
    parse_metadata,
)
from anymdp_bench.leaderboard.submissions.parquet import Columns, write_columns
from anymdp_bench.leaderboard.submissions.plain import looks_like
from anymdp_bench.leaderboard.submissions.problems import problem, refuse, shown
from anymdp_bench.leaderboard.submissions.reading import loss_columns, sequence_facts
from anymdp_bench.leaderboard.submissions.submission import read_entry

OWNER = ("title", "authors", "url")
"""Fields that must be the same wherever a name stands; and so must `ENTRY_POINT` on boards of one kind."""
ENTRY_POINT = "entry_point"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a submitter says about an agent or a sequence model; see `Heading` and `Metadata`.

    `gradient_free` None means: yes for an in-context agent, no for a learner; of a sequence model it says
    nothing, nor does `uses_geometry`. `entry_point` None means the agent's registered name, if it has one, or
    the model's that was kept with its losses. `date` None means today.
    """

    name: str
    title: str | None = None
    authors: str | None = None
    description: str | None = None
    url: str | None = None
    paper: str | None = None
    date: str | None = None
    entry_point: str | None = None
    gradient_free: bool | None = None
    uses_geometry: bool = False


def submit(
    run: Path, entry: Entry, root: Path, facts_of: FactsOf = board_facts, key: Path | None = None
) -> tuple[AnySubmission, Path]:
    """Turn a run or a reading into ``<root>/submissions/<board>/<name>/`` and check it as a stranger's.

    With a key it is signed, which claims its name. Nothing else is written, and nothing at all if a check
    fails.

    Args:
        run: Records folder of a finished run, or folder of a `SequenceResult`.
        entry: What to say about the agent.
        root: The leaderboards' folder.
        facts_of: Facts of a board that agents act on, by name.
        key: SSH key of whoever owns the name, or will.

    Returns:
        The submission as read back, and its folder.

    Raises:
        RecordsError: the run is unfinished, or the submission's folder exists.
        InvalidConfig: the key cannot sign.
        SubmissionRefused: with every problem that was found.
    """
    values, tables = _read_losses(run, entry) if (run / FACTS).is_file() else _played(run, entry)
    contents = {name: write_columns(columns) for name, columns in tables.items()}
    values["files"] = {name: sha256(content) for name, content in contents.items()}
    board = values["board"]["name"]
    kind = kind_of(board, facts_of)
    metadata = parse_metadata(values, kind.metadata)
    kind.facts_of(board)
    target = root / SUBMISSIONS / board / metadata.name
    if target.exists() or target.is_symlink():
        raise RecordsError(f"{target} exists. Choose another --name, or delete it first to replace it.")
    refuse([*check_owner(root, values), *check_key(root, metadata.name, key)])
    with tempfile.TemporaryDirectory(prefix="anymdp-bench-") as scratch:
        folder = Path(scratch) / board / metadata.name
        folder.mkdir(parents=True)
        _write(folder, values, contents)
        submission = read_entry(folder, facts_of)
        target.parent.mkdir(parents=True, exist_ok=True)
        if key is not None:
            sign_entry(root, target, submission.digest, key)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as beside:
            shutil.copytree(folder, Path(beside) / target.name).rename(target)
    return submission, target


def _played(run: Path, entry: Entry) -> tuple[dict[str, Any], dict[str, Columns]]:
    """Content of ``submission.json`` for a run, and its tables."""
    result = load_result(run)
    tables = {curves.POINTS: curves.points_columns(result.record)}
    if result.manifest.agent.learner:
        tables[curves.LIVED] = curves.lived_columns(result.record)
    return metadata_of(result.manifest, entry), tables


def metadata_of(manifest: Manifest, entry: Entry) -> dict[str, Any]:
    """Content of ``submission.json`` for a run."""
    agent = manifest.agent
    known = agent.name if agent.name in agent_table() else None
    free = not agent.learner if entry.gradient_free is None else entry.gradient_free
    return _said(entry, known) | {
        "gradient_free": free,
        "uses_geometry": entry.uses_geometry,
        "agent": declared(agent),
        "board": manifest.board.as_dict(),
        "code": manifest.code,
        "fingerprints": manifest.fingerprints,
        "references": {
            name: [None if math.isnan(value) else value for value in values]
            for name, values in manifest.references.items()
        },
        "machine": _machine(manifest.provenance),
    }


def _read_losses(run: Path, entry: Entry) -> tuple[dict[str, Any], dict[str, Columns]]:
    """The same for losses of a sequence model."""
    result = load_sequence_result(run)
    losses, board, made = result.losses, result.board, result.made
    n_tasks, n_blocks = losses[LOSS_KINDS[0]].shape
    if not made or (n_tasks, n_blocks * BLOCK) != (board.n_tasks, board.steps):
        held = f"{n_tasks} x {n_blocks * BLOCK} steps" if made else "losses, and not where they come from"
        whole = f"all {board.n_tasks} x {board.steps} steps of {board.name}"
        raise RecordsError(f"{run} holds {held}. Let the model read {whole} again, then submit.")
    values = _said(entry, made["entry_point"]) | {
        "segment": made["segment"],
        "state_bytes": result.state_bytes,
        "board": board.as_dict(),
        "code": made["code"],
        "fingerprints": list(sequence_facts(board.name).fingerprints),
        "machine": _machine(made["provenance"]),
    }
    return values, {LOSSES: loss_columns(losses)}


def _said(entry: Entry, known: str | None) -> dict[str, Any]:
    """What the submitter says; `known` is the entry point that need not be said."""
    return {
        "schema": SCHEMA,
        "name": entry.name,
        "title": entry.title or entry.name,
        "authors": entry.authors,
        "description": entry.description,
        "url": entry.url,
        "paper": entry.paper,
        "date": entry.date or datetime.datetime.now(datetime.UTC).date().isoformat(),
        ENTRY_POINT: entry.entry_point or known,
    }


def _machine(made: Mapping[str, Any]) -> dict[str, Any]:
    return {name: made.get(name, "") for name in Machine.model_fields}


def _write(folder: Path, values: dict[str, Any], contents: Mapping[str, bytes]) -> None:
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    text = json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / FILE).write_text(f"{text}\n", encoding="utf-8")


def check_owner(root: Path, values: dict[str, Any]) -> Iterator[str]:
    """Problems with a name that stands for somebody else's agent, or a title that looks like another's."""
    for path in sorted((root / SUBMISSIONS).glob(f"*/{values['name']}/{FILE}")):
        other = parse_json(read_bounded(path, LARGEST), FILE)
        for field in owner_fields(path.parent.parent.name, values["board"]["name"]):
            if other.get(field) != values[field]:
                yield problem(
                    "owner",
                    f"{values['name']} stands on {path.parent.parent.name} with {field} "
                    f"{shown(other.get(field))}, not {shown(values[field])}: choose another name",
                )
    for path in sorted((root / SUBMISSIONS).glob(f"*/*/{FILE}")):
        other = parse_json(read_bounded(path, LARGEST), FILE)
        alike = looks_like(str(other.get("title"))) == looks_like(values["title"])
        if alike and other.get("name") != values["name"]:
            yield problem("title", f"{shown(values['title'])} looks like that of {shown(other.get('name'))}")
            return


def owner_fields(board: str, other: str) -> tuple[str, ...]:
    """Fields that must be the same where a name stands on two boards.

    What acts and what reads are made by factories of their own.
    """
    alike = (board in SEQUENCE_BOARDS) == (other in SEQUENCE_BOARDS)
    return (*OWNER, ENTRY_POINT) if alike else OWNER
