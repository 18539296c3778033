"""Attacks on the folder: stray and missing files, links, another name."""

from __future__ import annotations

import os
from pathlib import Path

from tests.support.hostile.parts import (
    Parts,
    Random,
)


def stray_file(parts: Parts, rng: Random) -> None:
    parts.raw[
        str(rng.choice(["x.pkl", "agent.py", "records.npz", ".hidden", "POINTS.parquet", "submission.json~"]))
    ] = b"x"


def missing_file(parts: Parts, rng: Random) -> None:
    name = str(rng.choice(list(parts.files())))
    parts.place = lambda folder: (folder / name).unlink()


def link(parts: Parts, rng: Random) -> None:
    """A link, a folder or a pipe in place of a file, or a link in place of the folder."""
    name = str(rng.choice(list(parts.files())))
    choice = int(rng.integers(4))

    def place(folder: Path) -> None:
        path = folder / name
        content = path.read_bytes()
        if choice == 0:
            outside = folder.parent.parent / "outside"
            outside.write_bytes(content)
            path.unlink()
            path.symlink_to(outside)
        elif choice == 1:
            path.unlink()
            path.mkdir()
        elif choice == 2:
            path.unlink()
            os.mkfifo(path)
        else:
            elsewhere = folder.parent.parent / "elsewhere"
            folder.rename(elsewhere)
            folder.symlink_to(elsewhere)

    parts.place = place


def another_folder(parts: Parts, rng: Random) -> None:
    parts.folder_name = str(rng.choice(["other", "mine-2", "Mine"]))
