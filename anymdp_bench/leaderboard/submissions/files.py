"""Files of strangers: regular ones only, read once, never more than was allowed."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from anymdp_bench.leaderboard.submissions.problems import problem, refuse, shown

SUBMISSIONS = "submissions"
MOST_ENTRIES = 100
"""Entries of a folder that are looked at."""


def list_folder(folder: Path, allowed: frozenset[str]) -> set[str]:
    """Names of the files in a submission's folder.

    Raises:
        SubmissionRefused: it is a link or no folder, or holds anything but regular files of `allowed` names.
    """
    if folder.is_symlink() or not folder.is_dir():
        refuse([problem("folder", f"{shown(str(folder))} is not a folder (links are not followed)")])
    problems: list[str] = []
    names: set[str] = set()
    with os.scandir(folder) as entries:
        for count, entry in enumerate(entries):
            if count == MOST_ENTRIES:
                problems.append(problem("folder", f"holds more than {MOST_ENTRIES} entries"))
                break
            names.add(entry.name)
            if entry.name not in allowed:
                legal = ", ".join(sorted(allowed))
                problems.append(problem("folder", f"holds {shown(entry.name)}: only {legal} belong there"))
            elif not entry.is_file(follow_symlinks=False):
                problems.append(problem("folder", f"{entry.name} is a link or no regular file"))
    refuse(problems)
    return names


def read_bounded(path: Path, most: int) -> bytes:
    """Read a regular file of at most `most` bytes.

    Raises:
        SubmissionRefused: it is missing, a link, no regular file, or larger.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        refuse([problem("file", f"{path.name} cannot be read: {error.strerror}")])
        raise
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            refuse([problem("file", f"{path.name} is no regular file")])
        if status.st_nlink > 1:
            refuse([problem("file", f"{path.name} has another name elsewhere (a hard link): copy it")])
        content = file.read(most + 1) if status.st_size <= most else b""
    if status.st_size > most or len(content) > most:
        refuse([problem("size", f"{path.name} has {status.st_size} bytes; at most {most} are read")])
    return content
