"""The committed tables: written, or compared with what they should be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from anymdp_bench.foundation.files import replacing

TABLES = "tables"
SUFFIXES = (".md", ".csv")


def write_tables(root: Path, wanted: Mapping[str, str]) -> None:
    """Write every table, and remove tables of boards that have lost their entries."""
    folder = root / TABLES
    folder.mkdir(parents=True, exist_ok=True)
    for name in _present(folder) - wanted.keys():
        (folder / name).unlink()
    for name, text in wanted.items():
        with replacing(folder / name) as file:
            file.write(text.encode())


def stale_tables(root: Path, wanted: Mapping[str, str]) -> list[str]:
    """Names of tables that are missing, different, or should not be there."""
    folder = root / TABLES
    present = _present(folder)
    different = {
        name for name in present & wanted.keys() if (folder / name).read_bytes() != wanted[name].encode()
    }
    return sorted(different | (present ^ wanted.keys()))


def _present(folder: Path) -> set[str]:
    return {path.name for path in folder.glob("*") if path.suffix in SUFFIXES}
