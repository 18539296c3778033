"""Where checkpoints are: inside the package, in the user's store, or in a folder of the user's own.

The small ones are part of the package. The others lie beside it in a checkout, and are fetched by name into
the store where only the wheel is installed.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from anymdp_bench import BenchError, UnknownName
from anymdp_bench.foundation.digests import sha256
from anymdp_bench.foundation.files import replacing

NOTES = "notes.json"
CHECKPOINTS = Path(__file__).parents[1] / "checkpoints"
ELSEWHERE = Path(__file__).with_name("elsewhere.json")
"""SHA-256 of every file of the checkpoints that the wheel does not hold, by name."""
STORE = "ANYMDP_BENCH_CHECKPOINTS"
"""Environment variable that names the store."""
DEFAULT = "omnirl-any"
"""Checkpoint of an agent that names none."""
TIMEOUT = 60.0
"""Seconds without an answer."""
MOST_BYTES = 64 << 20


def checkpoint_names() -> list[str]:
    """Names of all checkpoints of the suite, here or to be fetched."""
    return sorted({path.parent.name for path in CHECKPOINTS.glob(f"*/{NOTES}")} | set(elsewhere()))


def elsewhere() -> Mapping[str, Mapping[str, str]]:
    """SHA-256 by file of each checkpoint that the wheel does not hold."""
    found: dict[str, dict[str, str]] = json.loads(ELSEWHERE.read_text(encoding="utf-8"))
    return found


def store() -> Path:
    """Folder of fetched checkpoints."""
    given = os.environ.get(STORE)
    if given:
        return Path(given)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "anymdp-bench" / "checkpoints"


def checkpoint_folder(name: str) -> Path:
    """Folder of a checkpoint of the suite, or of a user's own.

    Raises:
        UnknownName: there is none, or it has to be fetched first.
        BenchError: a file of a fetched one is missing or damaged.
    """
    if name in checkpoint_names() and (CHECKPOINTS / name / NOTES).is_file():
        return CHECKPOINTS / name
    if name in elsewhere():
        fetched = store() / name
        if (fetched / NOTES).is_file():
            for file in elsewhere()[name]:
                _read_checked(name, file, str(store()))
            return fetched
        raise UnknownName(
            f"checkpoint {name!r} is not part of the installed package: `omnirl fetch {name} --source PLACE` "
            "takes it from omnirl_reference/checkpoints of a checkout, or from a release's address; or let "
            f"{STORE} name a folder that holds it; or give the path of its folder in place of the name."
        )
    if not (Path(name) / NOTES).is_file():
        known = ", ".join(checkpoint_names())
        raise UnknownName(f"checkpoint {name!r}: give a folder that holds {NOTES}, or one of {known}.")
    return Path(name)


def installation() -> Iterator[tuple[str, str, str]]:
    """Which checkpoints are here and which are not: a title, what was found, what to do."""
    here = [path.parent.name for path in sorted(CHECKPOINTS.glob(f"*/{NOTES}"))]
    yield "checkpoints in the package", ", ".join(here) or "none", ""
    others = [name for name in elsewhere() if name not in here]
    fetched = [name for name in others if (store() / name / NOTES).is_file()]
    missing = [name for name in others if name not in fetched]
    found = f"in {store()}: {', '.join(fetched) or 'none'}"
    found += f"; not fetched: {', '.join(missing)}" if missing else ""
    advice = "omnirl fetch NAME --source PLACE: a release's address, or a checkout's folder"
    yield "checkpoints beside it", found, advice if missing else ""


def fetch(name: str, source: str) -> Path:
    """Copy a checkpoint of the suite into the store, and check it against the package's digests.

    Args:
        name: One of `elsewhere`.
        source: Folder, or ``https://`` or ``file://`` address, below which ``<name>/<file>`` lies.

    Returns:
        Its folder in the store.

    Raises:
        UnknownName: no such checkpoint is fetched.
        BenchError: a file is missing, too large or not what it should be; nothing is kept.
    """
    if name not in elsewhere():
        raise UnknownName(f"checkpoint {name!r}: give one of {', '.join(elsewhere())}.")
    contents = {file: _read_checked(name, file, source) for file in elsewhere()[name]}
    folder = store() / name
    folder.mkdir(parents=True, exist_ok=True)
    for file in sorted(contents, key=lambda file: file == NOTES):
        with replacing(folder / file) as out:
            out.write(contents[file])
    return folder


def _read_checked(name: str, file: str, source: str) -> bytes:
    """Content of a checkpoint's file below a folder or an address, if it is what it should be."""
    place, digest = f"{source.rstrip('/')}/{name}/{file}", elsewhere()[name][file]
    content = _read(place)
    if sha256(content) != digest:
        raise BenchError(
            f"{place} is not the file of this version: its SHA-256 should begin with {digest[:12]}. "
            f"Fetch it again: omnirl fetch {name} --source PLACE."
        )
    return content


def _read(place: str) -> bytes:
    scheme, separator, _ = place.partition("://")
    if separator and scheme not in ("https", "file"):
        raise BenchError(f"{place} cannot be read: give a folder, or an address of https:// or file://.")
    try:
        if not separator:
            return Path(place).read_bytes()
        with urllib.request.urlopen(place, timeout=TIMEOUT) as answer:
            content: bytes = answer.read(MOST_BYTES + 1)
    except (OSError, urllib.error.URLError) as error:
        raise BenchError(
            f"{place} cannot be read: {error}. Give a folder or an address that holds it."
        ) from error
    if len(content) > MOST_BYTES:
        raise BenchError(f"{place} is larger than {MOST_BYTES >> 20} MiB: no checkpoint is.")
    return content
