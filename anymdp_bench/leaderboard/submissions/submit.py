"""From a finished run to a submission's folder."""

from __future__ import annotations

import datetime
import json
import math
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anymdp_bench.agents.registry import agent_table
from anymdp_bench.evaluation.result import load_result
from anymdp_bench.evaluation.run_folder import Manifest
from anymdp_bench.foundation.digests import sha256
from anymdp_bench.foundation.errors import RecordsError
from anymdp_bench.leaderboard.submissions import curves
from anymdp_bench.leaderboard.submissions.bounded_json import parse_json
from anymdp_bench.leaderboard.submissions.claims import check_key, sign_entry
from anymdp_bench.leaderboard.submissions.facts import board_facts
from anymdp_bench.leaderboard.submissions.files import SUBMISSIONS, read_bounded
from anymdp_bench.leaderboard.submissions.metadata import (
    FILE,
    LARGEST,
    SCHEMA,
    Machine,
    declared,
    parse_metadata,
)
from anymdp_bench.leaderboard.submissions.parquet import write_columns
from anymdp_bench.leaderboard.submissions.plain import looks_like
from anymdp_bench.leaderboard.submissions.problems import problem, refuse, shown
from anymdp_bench.leaderboard.submissions.submission import FactsOf, Submission, read_submission
from anymdp_bench.records.record import Record

OWNER = ("title", "authors", "url", "entry_point")
"""Fields that must be the same wherever an agent's name stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a submitter says about an agent; see `Metadata`.

    `gradient_free` None means: yes for an in-context agent, no for a learner. `entry_point` None means the
    agent's registered name, if it has one. `date` None means today.
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
) -> tuple[Submission, Path]:
    """Turn a run folder into ``<root>/submissions/<board>/<name>/`` and check it as a stranger's.

    With a key it is signed, which claims its name. Nothing else is written, and nothing at all if a check
    fails.

    Args:
        run: Records folder of a finished run.
        entry: What to say about the agent.
        root: The leaderboards' folder.
        facts_of: Facts of a board by name.
        key: SSH key of whoever owns the name, or will.

    Returns:
        The submission as read back, and its folder.

    Raises:
        RecordsError: the run is unfinished, or the submission's folder exists.
        InvalidConfig: the key cannot sign.
        SubmissionRefused: with every problem that was found.
    """
    result = load_result(run)
    values = metadata_of(result.manifest, entry)
    metadata = parse_metadata(values)
    board = result.manifest.board.name
    facts_of(board)
    target = root / SUBMISSIONS / board / metadata.name
    if target.exists() or target.is_symlink():
        raise RecordsError(f"{target} exists. Choose another --name, or delete it first to replace it.")
    refuse([*check_owner(root, values), *check_key(root, metadata.name, key)])
    with tempfile.TemporaryDirectory(prefix="anymdp-bench-") as scratch:
        folder = Path(scratch) / board / metadata.name
        folder.mkdir(parents=True)
        _write(folder, values, result.record)
        submission = read_submission(folder, facts_of)
        target.parent.mkdir(parents=True, exist_ok=True)
        if key is not None:
            sign_entry(root, target, submission.digest, key)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as beside:
            shutil.copytree(folder, Path(beside) / target.name).rename(target)
    return submission, target


def metadata_of(manifest: Manifest, entry: Entry) -> dict[str, Any]:
    """Content of ``submission.json`` for a run."""
    agent, made = manifest.agent, manifest.provenance
    known = agent.name if agent.name in agent_table() else None
    free = not agent.learner if entry.gradient_free is None else entry.gradient_free
    return {
        "schema": SCHEMA,
        "name": entry.name,
        "title": entry.title or entry.name,
        "authors": entry.authors,
        "description": entry.description,
        "url": entry.url,
        "paper": entry.paper,
        "date": entry.date or datetime.datetime.now(datetime.UTC).date().isoformat(),
        "entry_point": entry.entry_point or known,
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
        "machine": {name: made.get(name, "") for name in Machine.model_fields},
    }


def _write(folder: Path, values: dict[str, Any], record: Record) -> None:
    tables = {curves.POINTS: write_columns(curves.points_columns(record))}
    if values["agent"]["learner"]:
        tables[curves.LIVED] = write_columns(curves.lived_columns(record))
    for name, content in tables.items():
        (folder / name).write_bytes(content)
    named = values | {"files": {name: sha256(content) for name, content in tables.items()}}
    text = json.dumps(named, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / FILE).write_text(f"{text}\n", encoding="utf-8")


def check_owner(root: Path, values: dict[str, Any]) -> Iterator[str]:
    """Problems with a name that stands for somebody else's agent, or a title that looks like another's."""
    for path in sorted((root / SUBMISSIONS).glob(f"*/{values['name']}/{FILE}")):
        other = parse_json(read_bounded(path, LARGEST), FILE)
        for field in OWNER:
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
